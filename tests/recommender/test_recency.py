"""Dates in lists: recent interactions count more."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from sksn import SNRecommender
from sksn._recommender._choice import _are_latest
from sksn._recommender._recency import n_later
from sksn.metrics import ndcg_at_k
from sksn.model_selection import LeaveLastOut

from .test_ranking import clicks

SETTINGS = {
    "power": 0.5,
    "ridge": 5.0,
    "count_power": 0.1,
    "n_factors": 8,
    "factor_weight": 0.3,
    "recency_power": 0.5,
}


def drifting(n_users=300, n_items=60, drift=1.0, seed=0):
    """Interactions with two kinds of items; with drift, users go from one kind to the other."""
    rng = np.random.RandomState(seed)
    found = []
    for user in range(n_users):
        first = rng.randint(2)
        time = np.sort(rng.uniform(size=20))
        goes_on = rng.uniform(size=20) < np.where(drift, np.clip(2 * time - 0.5, 0, 1), 0.5)
        item = np.unique(2 * rng.randint(n_items // 2, size=20) + (first ^ goes_on), return_index=1)
        found += [(user, i, time[place]) for i, place in zip(*item, strict=True)]
    return np.array(found)


def ranker(**options):
    return SNRecommender(objective="ranking", **{"random_state": 0, **options})


def lists_of(model, n=5):
    return model.recommend(model.users_, n=n)


def assert_same_lists(first, second):
    for mine, others in zip(lists_of(first), lists_of(second), strict=True):
        assert_allclose(np.ma.filled(mine, -1), np.ma.filled(others, -1), rtol=1e-5)


# How many came later --------------------------------------------------------------------------


def test_later_interactions_by_hand():
    dates = [[5, 3, 5, 9], [np.nan, 2, 1, np.nan], [np.nan, np.nan, np.nan, np.nan], [4, 4, 4, 4]]
    X = sparse.csr_array(np.ones((4, 4)))
    X.data = np.ravel(dates)
    assert_array_equal(n_later(X), [1, 3, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])


@given(
    st.lists(
        st.lists(st.one_of(st.integers(-3, 3), st.just(np.nan)), max_size=6), min_size=1, max_size=4
    ),
    st.booleans(),
)
def test_later_interactions_by_counting(rows, are_whole):
    values = np.array([date for row in rows for date in row], dtype=float)
    if are_whole and not np.isnan(values).any():
        values = values.astype(np.int64)
    lengths = [len(row) for row in rows]
    indices = np.concatenate([np.arange(n) for n in lengths])
    X = sparse.csr_array((values, indices, np.cumsum([0, *lengths])), shape=(len(rows), 6))
    expected = [
        sum(other > date for other in row) if date == date else sum(o == o for o in row) / 2
        for row in rows
        for date in row
    ]
    assert_array_equal(n_later(X), expected)


def test_the_latest_interactions_of_each_user_are_held_out_to_choose_by():
    nan = np.nan
    dates = {
        "all of one date": [3.0] * 20,
        "one after the other": list(range(20)),
        "two sittings": [1] * 10 + [2] * 10,
        "some missing": [nan] * 17 + [1, 2, 3],
        "all missing": [nan] * 20,
        "one": [7],
    }
    expected = [[2, 0, 20], [2, 18, 20], [2, 10, 20], [1, 19, 20], [0, 0, 0], [0, 0, 0]]
    for values, (n_out, first, end) in zip(dates.values(), expected, strict=True):
        n = len(values)
        X = sparse.csr_array((np.array(values), np.arange(n), [0, n]), shape=(1, 20))
        out = np.flatnonzero(_are_latest(X, 0.1, np.random.RandomState(0)))
        assert len(out) == n_out
        assert ((first <= out) & (out < end)).all()


# Lists ----------------------------------------------------------------------------------------


def test_the_strength_of_an_interaction_falls_with_the_later_ones():
    X = drifting(n_users=40)
    model = ranker(ranking_settings=SETTINGS).fit(X)
    plain = ranker(ranking_settings={**SETTINGS, "recency_power": 0.0}).fit(X)
    user, item = model.users_[3], model.recommend([3.0], n=1)[0][0, 0]
    mine, others = model.explain(user, item), plain.explain(user, item)
    date = {i: t for u, i, t in X if u == user}
    later = {i: sum(t < other for other in date.values()) for i, t in date.items()}
    without = dict(zip(*others, strict=True))
    expected = [without[i] * (1 + later[i]) ** -0.5 for i in mine[0]]
    assert_allclose(mine[1], expected, rtol=1e-4)
    assert_allclose(sum(mine[1]), model.predict([[user, item]])[0], rtol=1e-4)


@pytest.mark.parametrize("given", ["auto", "default", SETTINGS])
def test_neither_the_unit_nor_the_origin_nor_the_kind_of_dates_matters(given):
    X = drifting(n_users=60)
    seconds = np.argsort(np.argsort(X[:, 2]))
    model = ranker(ranking_settings=given).fit(X)
    assert_same_lists(model, clone(model).fit(np.column_stack([X[:, :2], 7 * seconds - 3000])))
    calendar = (np.datetime64("2020-02-01T00:00:00") + seconds).astype(object)
    assert_same_lists(model, clone(model).fit(np.column_stack([X[:, :2].astype(object), calendar])))


def test_without_dates_or_with_dates_that_are_ignored_all_count_alike():
    X = drifting(n_users=60)
    plain = ranker().fit(X[:, :2])
    ignored = ranker(dates="ignore").fit(X)
    missing = ranker().fit(np.column_stack([X[:, :2], np.full(len(X), np.nan)]))
    for model in (ignored, missing):
        assert model.ranking_settings_ == plain.ranking_settings_
        assert model.ranking_settings_["recency_power"] == 0
        assert_same_lists(model, plain)


def test_where_users_drift_recent_interactions_count_and_lists_are_better():
    X = drifting()
    ((train, test),) = LeaveLastOut(0.2).split(X)
    dated, plain = (ranker(dates=dates).fit(X[train]) for dates in ("all", "ignore"))
    assert dated.ranking_settings_["recency_power"] > 0.3

    def score(model):
        users = np.unique(X[test][:, 0])
        return ndcg_at_k(X[test][:, :2], users, model.recommend(users, n=10)[0])

    assert score(dated) > score(plain) + 0.05


def test_where_users_do_not_drift_earlier_interactions_count_as_well():
    """Users like ten of forty kinds of items, so a few interactions say too little."""
    chosen = []
    for seed in range(3):
        rng = np.random.RandomState(seed)
        kinds = np.argsort(rng.uniform(size=(1000, 40)), axis=1)[:, :10]
        users = np.repeat(np.arange(1000), 20)
        kind = kinds[users, rng.randint(10, size=len(users))]
        X = np.column_stack([users, 40 * rng.randint(5, size=len(users)) + kind])
        X = np.unique(X, axis=0)
        dated = np.column_stack([X, rng.uniform(size=len(X))])
        chosen.append(ranker().fit(dated).ranking_settings_["recency_power"])
    assert max(chosen) <= 0.3  # the default
    assert 0 in chosen


def test_lists_from_ratings_use_dates_and_predicted_ratings_stay_as_they_are():
    X = drifting(n_users=40)
    y = np.random.RandomState(0).randint(1, 6, size=len(X)).astype(float)
    options = {"random_state": 0, "max_epochs": 2, "hidden_layer_sizes": 8}
    dated = SNRecommender(ranking_settings=SETTINGS, **options).fit(X, y)
    plain = SNRecommender(ranking_settings={"recency_power": 0.0}, **options).fit(X, y)
    assert_array_equal(dated.predict(X), plain.predict(X))
    assert dated.ranking_settings_["recency_power"] == 0.5


# Further interactions -------------------------------------------------------------------------


def test_folding_in_the_own_interactions_of_users_gives_their_lists():
    X = drifting(n_users=60)
    model = ranker(ranking_settings=SETTINGS).fit(X)
    again = X.copy()
    again[:, 0] += 1000
    mine = model.recommend(model.users_, n=5)
    others = model.fold_in(again).recommend(model.users_ + 1000, n=5)
    for first, second in zip(mine, others, strict=True):
        assert_allclose(first.filled(-1), second.filled(-1), rtol=1e-5)


def test_later_interactions_of_known_users_count_most():
    X = drifting(n_users=60)
    model = ranker(ranking_settings={**SETTINGS, "recency_power": 3.0}).fit(X)
    new = next(i for i in model.items_ if i not in X[X[:, 0] == 0, 1])
    for date, is_latest in ((X[:, 2].max() + 1, True), (-1.0, False)):
        for later in (
            model.fold_in([[0, new, date]]),
            clone_of(model).partial_fit([[0, new, date]]),
        ):
            item = later.recommend([0], n=1)[0][0, 0]
            assert (later.explain(0, item)[0][0] == new) == is_latest


def clone_of(model):
    return pickle.loads(pickle.dumps(model))


def test_learning_in_parts_is_a_fit_to_all():
    X = drifting(n_users=60)
    late = np.random.RandomState(0).uniform(size=len(X)) < 0.3
    whole = ranker(ranking_settings=SETTINGS).fit(X)
    part = clone(whole).fit(X[~late])
    for rows in np.array_split(np.flatnonzero(late), 3):
        part.partial_fit(X[rows])
    pairs = np.column_stack([np.repeat(whole.users_, 60), np.tile(np.arange(60.0), 60)])
    assert_allclose(part.predict(pairs), whole.predict(pairs), rtol=1e-4, atol=1e-5)


def test_learning_without_dates_keeps_the_dates_that_are_known():
    X = drifting(n_users=60)
    model = ranker(ranking_settings=SETTINGS).fit(X)
    new = np.array([[1000.0, 3.0, 0.5], [1001.0, 4.0, 0.5]])
    dated = clone_of(model).partial_fit(new)
    assert_same_lists(model.partial_fit(new[:, :2]), dated)


def test_a_repeated_interaction_has_its_latest_date():
    X = drifting(n_users=60)
    earlier, unknown = X.copy(), X.copy()
    earlier[:, 2] -= 5
    unknown[:, 2] = np.nan
    model = ranker(ranking_settings=SETTINGS).fit(X)
    for more in (earlier, unknown):
        assert_same_lists(model, clone(model).fit(np.vstack([more, X])))


def test_numbers_and_calendar_dates_do_not_mix():
    X = drifting(n_users=60)
    model = ranker(ranking_settings=SETTINGS).fit(X)
    with pytest.raises(ValueError, match="dates of one kind"):
        model.fold_in([[0, 1, "2020-01-01"]])
    with pytest.raises(ValueError, match="dates of one kind"):
        model.fold_in([[1000, 1, "2020-01-01"]])


def test_clicks_without_dates_are_as_before():
    assert ranker().fit(clicks()).ranking_settings_["recency_power"] == 0
