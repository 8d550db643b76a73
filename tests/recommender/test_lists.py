"""Recommended and similar items."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksn import SNRecommender
from sksn._recommender._ids import Ids
from sksn._recommender._lists import best, most_similar

from .common import QUICK, ratings

# Recommending -----------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_recommendations_are_the_highest_predictions_of_what_is_not_seen(orientation):
    X, y = ratings()
    model = SNRecommender(orientation, objective="rating", **QUICK).fit(X, y)
    users = np.unique(X[:, 0])
    found, scores = model.recommend(users, n=4)
    everything, _ = model.recommend(users, n=10**6, exclude_seen=False)
    assert everything.shape == (len(users), len(model.items_))
    for user, items, score in zip(users, found, scores, strict=True):
        seen = set(X[X[:, 0] == user, 1])
        assert not seen & set(items.compressed())
        unseen = np.array([i for i in model.items_ if i not in seen])
        at = model._people[0].ids.find(np.full(len(unseen), user)), model._items.find(unseen)
        expected = np.sort(model._people[0].ratings.model.predict_pairs(*at))[::-1][:4]
        np.testing.assert_allclose(score.compressed(), expected)


def test_a_new_user_gets_the_items_with_the_highest_means():
    model = SNRecommender(objective="rating", **QUICK).fit(*ratings())
    items, _ = model.recommend([-1], n=3)
    means = model.predict([[-1, item] for item in model.items_])
    np.testing.assert_array_equal(items[0], model.items_[np.argsort(-means, kind="stable")[:3]])
    assert model.recommend(-1, n=3)[0].shape == (1, 3)


@pytest.mark.parametrize(
    ("kind", "padding"),
    [
        (lambda i: i, -1),
        (lambda i: i - 1, None),  # -1 is an item
        (np.uint64, None),
        (lambda i: i + 0.5, np.nan),
        (lambda i: f"film {i}", ""),
        (lambda i: f"film {i}" if i else "", None),
        (lambda i: f"film {i}" if i % 2 else i, None),
        (lambda i: ("film", i), None),
        (lambda i: np.datetime64("2020-01-01") + i, np.datetime64("NaT")),
    ],
    ids=["int", "-1", "unsigned", "float", "str", "empty str", "mixed", "tuple", "date"],
)
def test_no_item_is_under_the_mask_of_a_short_list(kind, padding):
    X, y = ratings(20, 10, share=0.8)
    column = [kind(i // 3) for i in X[:, 1].tolist()]
    items = np.fromiter(column, object, len(column))
    if isinstance(column[0], np.generic):
        items = np.array(column)
    frame = pd.DataFrame({"user": X[:, 0], "item": pd.Series(items)})
    model = SNRecommender("item", **QUICK).fit(frame, y)
    found, scores = model.recommend(model.users_, n=10)
    assert found.mask.any()
    assert not found.mask.all()
    np.testing.assert_array_equal(found.mask, scores.mask)
    for under in (found.data[found.mask], found.filled()[found.mask]):
        assert not {repr(id_) for id_ in under.tolist()} & {repr(id_) for id_ in column}
        for id_ in under:
            assert id_ is padding or id_ == padding or (id_ != id_ and padding != padding)
    assert not np.isin(scores.filled()[found.mask], scores.compressed()).any()
    for user, row in zip(model.users_, found, strict=True):
        mine = set(row.compressed().tolist())
        assert len(mine) == row.count() == 10 - (X[:, 0] == user).sum()


@given(st.integers(1, 7), st.integers(1, 5), st.randoms(use_true_random=False))
def test_best_is_a_stable_sort(n_columns, n, random):
    scores = np.array([[random.choice([0.0, 1.0, 2.0, -np.inf]) for _ in range(n_columns)]] * 2)
    n = min(n, n_columns)
    columns, found = best(scores, n)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    np.testing.assert_array_equal(columns, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(scores, expected, axis=1))


def test_similar_items():
    rng = np.random.RandomState(0)
    taste = rng.choice([-1, 1], size=200)
    X, y = [], []
    for user in range(200):  # even items please one half of the users, odd ones the other
        for item in range(10):
            if rng.uniform() < 0.7:
                X.append([user, item])
                y.append(3 + taste[user] * (1 if item % 2 else -1))
    model = SNRecommender("both", hidden_layer_sizes=16, random_state=0).fit(X, y)
    items, cosines = model.similar_items([0, 1], n=4)
    assert set(items[0]) == {2, 4, 6, 8}
    assert set(items[1]) == {3, 5, 7, 9}
    assert np.all(np.diff(cosines, axis=1) <= 0)
    assert np.all(cosines > 0.4)


def test_similarities_are_shrunken_by_counts_and_clipped():
    ids = Ids(np.arange(4))
    vectors = np.array([[1.0, 0], [1, 0], [1, 0], [-3, 0]])
    counts = np.array([30, 1, 90, 5])
    found, similarities = most_similar(ids, vectors, counts, [0], "items", 3, 1)
    assert found.tolist() == [[2, 1, 3]]
    sizes = np.sqrt(counts / (counts + 10))
    expected = sizes[0] * np.array([sizes[2], sizes[1], -sizes[3]])
    np.testing.assert_allclose(similarities, [expected])
    assert most_similar(ids, vectors, counts, [0, 1], "items", 3, 6)[0].tolist() == [[2], [2]]
    rng = np.random.RandomState(0)
    alike = np.repeat(rng.normal(size=(50, 7)), 2, axis=0).astype(np.float32)
    _, similarities = most_similar(
        Ids(np.arange(100)), alike, np.full(100, 1e12), range(100), "items", 99, 1
    )
    assert np.abs(similarities).max() <= 1


def test_similar_users_have_the_same_taste():
    rng = np.random.RandomState(0)
    fits = np.arange(20)[None] % 2 == np.arange(60)[:, None] % 2
    X = np.column_stack(np.nonzero(rng.uniform(size=fits.shape) < np.where(fits, 0.7, 0.05)))
    model = SNRecommender(objective="ranking", random_state=0).fit(X)
    users, similarities = model.similar_users([0, 1], n=10)
    assert (users % 2 == [[0], [1]]).mean() > 0.9
    assert np.all(np.diff(similarities, axis=1) <= 0)
    with pytest.raises(ValueError, match="users holds -1, which was not in training"):
        model.similar_users(-1)
    folded = model.fold_in([[100, item] for item in range(0, 20, 2)])
    assert (folded.similar_users([100], n=5)[0] % 2 == 0).all()


@pytest.mark.slow
def test_recommending_takes_bounded_memory():
    """200,000 users by 2,000 items: all scores at once would be 3.2 GB."""
    n_users, n_items = 200_000, 2_000
    rng = np.random.RandomState(0)
    X = np.column_stack([np.arange(n_users), rng.randint(n_items, size=n_users)])
    model = SNRecommender("item", hidden_layer_sizes=4, max_epochs=1, random_state=0)
    model.fit(X, rng.randint(1, 6, size=n_users))
    tracemalloc.start()
    try:
        items, _ = model.recommend(X[:, 0], n=5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert items.shape == (n_users, 5)
    assert not (items == X[:, 1:]).any()
    assert peak < 250 * 2**20
