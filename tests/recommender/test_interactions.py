"""Ratings as rows of either side: sorted once, and the same however they are read."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sksn._recommender._interactions import Interactions

N_USERS, N_ITEMS = 5, 4


@st.composite
def some_interactions(draw):
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)),
            min_size=1,
            max_size=20,
            unique=True,
        )
    )
    users, items = np.array(pairs).T
    values = np.arange(1.0, len(pairs) + 1)
    weights = draw(st.sampled_from([None, values / 2]))
    return Interactions(users, items, values, weights, (N_USERS, N_ITEMS))


@given(some_interactions(), st.data())
def test_both_sides_hold_the_chosen_ratings_in_order(ratings, data):
    chosen = data.draw(st.sets(st.integers(0, len(ratings) - 1)))
    chosen = np.array(sorted(chosen), dtype=np.intp)
    expected = np.full((N_USERS, N_ITEMS), np.nan)
    expected[ratings.users[chosen], ratings.items[chosen]] = ratings.values[chosen]
    for side, table in (("user", expected), ("item", expected.T)):
        X, weights = ratings.rows(side, chosen)
        assert X.shape == table.shape
        row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        assert_array_equal(np.column_stack([row, X.indices]), np.argwhere(~np.isnan(table)))
        assert_array_equal(X.data, table[~np.isnan(table)])
        if ratings.weights is not None:
            assert_array_equal(weights, X.data / 2)
    assert ratings.first_duplicate() is None


@given(some_interactions())
def test_all_ratings_are_chosen_by_default(ratings):
    for side in ("user", "item"):
        every = ratings.rows(side, np.arange(len(ratings))).X
        assert (every != ratings.rows(side).X).nnz == 0


def test_a_pair_that_occurs_again_is_found():
    users, items = np.array([2, 0, 2, 2]), np.array([1, 1, 3, 1])
    ratings = Interactions(users, items, np.ones(4), None, (3, 4))
    place, n_surplus = ratings.first_duplicate()
    assert (users[place], items[place], n_surplus) == (2, 1, 1)
