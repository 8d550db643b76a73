"""Dates of ratings: what the user's ratings near in time say about a rating."""

import datetime
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, LeaveOneOut, cross_val_predict, cross_validate

from sksn import SNRecommender
from sksn._dates import Dates, read_dates
from sksn._recommender._date_effect import N_FOLDS, DateCorrection, DateEffect, _ridge
from sksn._recommender._interactions import Interactions
from sksn._recommender._residuals import DatedResiduals
from sksn.metrics import make_ranking_scorer
from sksn.model_selection import LeaveLastOut, TimeSplit

from .common import QUICK, ratings

RATING = {"objective": "rating", **QUICK}


def dated_ratings(mood=1.0, seed=0):
    """Ratings in sittings: what a user rates within minutes shares a mood."""
    X, y = ratings(n_users=80, n_items=60, share=0.5, seed=seed)
    rng = np.random.RandomState(seed)
    sitting = rng.randint(5, size=len(y))
    moods = rng.normal(size=(X[:, 0].max() + 1, 5))
    dates = sitting * 100_000 + rng.randint(600, size=len(y))
    y = np.clip(np.round(2 * (y + mood * moods[X[:, 0], sitting])) / 2, 0, 6)
    return np.column_stack([X, dates]), y


def rmse(predicted, y):
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


@pytest.fixture(scope="module")
def data():
    X, y = dated_ratings()
    is_test = np.random.RandomState(1).uniform(size=len(y)) < 0.2
    return X[~is_test], y[~is_test], X[is_test], y[is_test]


@pytest.fixture(scope="module")
def models(data):
    return {d: SNRecommender(dates=d, **RATING).fit(*data[:2]) for d in ("all", "earlier")}


# Sums near a date ---------------------------------------------------------------------------

LOGS = st.lists(
    st.tuples(
        st.integers(0, 3),  # user
        st.one_of(st.integers(-5, 5), st.just(np.nan)),  # date
        st.one_of(st.integers(-3, 3), st.just(np.nan)),  # residual
        st.integers(1, 3),  # weight
    ),
    min_size=1,
    max_size=25,
)


def as_interactions(log):
    users, dates, values, weights = np.array(log, dtype=float).T
    n = len(users)
    found = Interactions(
        users.astype(int), np.arange(n), values, weights, (4, n), Dates(dates, False)
    )
    return found, values


@given(LOGS, st.booleans(), st.lists(st.tuples(st.integers(0, 3), st.integers(-6, 6)), min_size=1))
def test_sums_are_those_of_the_formula(log, earlier_only, asked):
    known = DatedResiduals.of(*as_interactions(log))
    users, dates = np.array(asked).T
    decays = np.array([0.5, 3.0])
    found = known.near(users, dates * 1.0, decays, earlier_only=earlier_only)
    u, t, r, w = np.array(log, dtype=float).T
    counts = ~np.isnan(t) & ~np.isnan(r)
    for row, (user, date) in enumerate(asked):
        mine = counts & (u == user) & ((t < date) | (not earlier_only))
        near = w[mine] * np.exp(-np.abs(t[mine] - date) / decays[:, None])
        assert_allclose(found[0][row], near @ r[mine], atol=1e-6)
        assert_allclose(found[1][row], near.sum(axis=1), atol=1e-9)


@given(LOGS, st.floats(-4, 4))
def test_no_later_rating_counts_where_only_earlier_ones_may(log, date):
    interactions, residuals = as_interactions(log)
    effect = DateEffect(np.array([2.0]), np.array([[0.3, 0.4]]), True, False)
    asked = np.arange(4), Dates(np.full(4, date), False)
    later = ~(interactions.dates.values < date)
    changed = np.where(later, residuals + 7.0, residuals)
    corrections = [
        DateCorrection(effect, DatedResiduals.of(interactions, values)).correct(*asked)
        for values in (residuals, changed)
    ]
    assert_array_equal(*corrections)


@pytest.mark.parametrize("coefficient", [100.0, -100.0])
def test_no_correction_exceeds_the_means(coefficient):
    known = DatedResiduals.of(*as_interactions([(0, 0, 1, 1), (0, 1, 0, 3), (1, 5, -2, 1)]))
    effect = DateEffect(np.array([2.0, 4.0]), np.full((2, 2), coefficient), False, False)
    found = DateCorrection(effect, known).correct(
        np.array([0, 1, 2]), Dates(np.array([0, 5, 5]), False)
    )
    at_first = [1 / (1 + 3 * np.exp(-1 / d)) for d in (2, 4)]  # which is larger for the first
    assert_allclose(found, np.sign(coefficient) * np.array([at_first[0], -2, 0]), rtol=1e-6)


def test_the_penalty_is_chosen_by_leaving_out_single_ratings():
    rng = np.random.RandomState(0)
    X, weights = rng.normal(size=(60, 3)) * [1, 10, 0.1], rng.uniform(0.5, 2, size=60)
    y = X @ [0.5, 0.02, 1.0] + rng.normal(size=60)
    found, (before, after) = _ridge(X, y, weights)
    assert before == pytest.approx(np.sqrt(np.average(y**2, weights=weights)))
    scale, root = np.sqrt(np.mean(X**2, axis=0)), np.sqrt(weights)
    tried = []
    for penalty in 60 * np.logspace(-4, 1, 11):
        ridge = Ridge(penalty, fit_intercept=False)
        rows = root[:, None] * X / scale
        left_out = cross_val_predict(ridge, rows, root * y, cv=LeaveOneOut()) - root * y
        coefficients = ridge.fit(rows, root * y).coef_ / scale
        tried.append((np.sqrt(left_out @ left_out / weights.sum()), coefficients))
    expected = min(tried, key=lambda one: one[0])
    assert after == pytest.approx(expected[0])
    assert_allclose(found, expected[1], rtol=1e-6)


def test_a_lead_by_chance_is_no_effect():
    rng = np.random.RandomState(0)
    found = [_ridge(rng.normal(size=(50, 4)), rng.normal(size=50), np.ones(50)) for _ in range(40)]
    assert sum(bool(coefficients.any()) for coefficients, _ in found) < 10


# Learning -----------------------------------------------------------------------------------


def test_residuals_come_from_networks_that_have_not_seen_the_rating():
    X, y = dated_ratings()
    at = [np.unique(column, return_inverse=True)[1] for column in X.T[:2]]
    data = Interactions(*at, y, None, (80, 60), Dates(X[:, 2] * 1.0, False))
    position = {pair: i for i, pair in enumerate(zip(*at, strict=True))}
    trained_on, asked = [], []

    def train(chosen):
        trained_on.append(set(chosen))

        def predict(users, items):
            out = [position[pair] for pair in zip(users, items, strict=True)]
            asked.append(set(out))
            return y[out] - len(trained_on)  # so that the residual tells which network it was

        return predict

    random = np.random.RandomState(0)
    correction, _ = DateCorrection.learn(data, train, share=0.1, earlier_only=False, random=random)
    assert len(trained_on) == 1 + N_FOLDS
    held_out = asked[0]
    assert set.union(*asked) == set(range(len(y)))
    for chosen, out in zip(trained_on, asked, strict=True):
        assert not chosen & (out | held_out)  # the effect is learned from what nobody has seen
    of_entry = data.positions.data
    for k, out in enumerate(asked, start=1):
        assert (correction.known.values[np.isin(of_entry, list(out))] == k).all()


def test_dates_help_where_moods_matter(data, models):
    _, _, X, y = data
    errors = {d: rmse(model.predict(X), y) for d, model in models.items()}
    without = rmse(models["all"].predict(X[:, :2]), y)
    assert errors["all"] < errors["earlier"] < without
    assert errors["all"] < 0.9 * without
    for model in models.values():
        before, after = model.date_effect_["errors"]
        assert after < before
        assert before == pytest.approx(without, rel=0.15)
        assert model.date_effect_["coefficients"].shape == (3, 2)


def test_without_a_date_all_is_as_without_dates(data, models):
    X, y, X_test, _ = data
    plain = SNRecommender(**RATING).fit(X[:, :2], y)
    expected = plain.predict(X_test[:, :2])
    undated = np.column_stack([X_test[:, :2], np.full(len(X_test), np.nan)])
    for model in models.values():
        assert_array_equal(model.predict(X_test[:, :2]), expected)
        assert_array_equal(model.predict(undated), expected)
        assert_array_equal(model.recommend(model.users_)[1], plain.recommend(plain.users_)[1])
    ignored = SNRecommender(dates="ignore", **RATING).fit(X, y)
    assert_array_equal(ignored.predict(X_test), expected)
    assert not hasattr(ignored, "date_effect_")
    assert not hasattr(plain, "date_effect_")
    assert (plain.n_features_in_, ignored.n_features_in_) == (2, 3)
    again = pickle.loads(pickle.dumps(models["all"])).fit(X[:, :2], y)
    assert not hasattr(again, "date_effect_")
    assert_array_equal(again.predict(X_test[:, :2]), expected)


def test_moods_that_do_not_exist_change_nothing(data):
    X, y, X_test, _ = data
    X = X.copy()
    X[:, 2] = np.random.RandomState(0).permutation(X[:, 2])
    model = SNRecommender(**RATING).fit(*(X, y))
    change = model.predict(X_test) - model.predict(X_test[:, :2])
    assert np.abs(change).mean() < 0.05


@pytest.mark.parametrize("dates", ["all", "earlier"])
def test_a_single_date(data, dates):
    X, y, X_test, y_test = (part.copy() for part in data)
    X[:, 2] = X_test[:, 2] = 7
    model = SNRecommender(dates=dates, **RATING).fit(X, y)
    without = model.predict(X_test[:, :2])
    if dates == "earlier":  # and no rating is
        assert_array_equal(model.predict(X_test), without)
    assert rmse(model.predict(X_test), y_test) < 1.01 * rmse(without, y_test)


@pytest.mark.parametrize("unit", [1000, 1e-3, -1])
def test_unit_and_origin_of_dates_do_not_matter(data, models, unit):
    X, y, X_test, _ = (part.astype(float) for part in data)
    expected = models["all"].predict(X_test)
    X[:, 2], X_test[:, 2] = unit * X[:, 2] + 5, unit * X_test[:, 2] + 5
    model = SNRecommender(**RATING).fit(X, y)  # -1: the past and the future are alike
    assert_allclose(model.predict(X_test), expected, atol=1e-5)
    assert_allclose(
        model.date_effect_["decays"], np.abs(unit) * models["all"].date_effect_["decays"]
    )


def test_dates_of_the_calendar(data, models):
    X, y, X_test, _ = data
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

    def frame(X):
        columns = {"user": X[:, 0], "item": X[:, 1]}
        when = [start + datetime.timedelta(seconds=int(s)) for s in X[:, 2]]
        return pd.DataFrame(columns | {"when": pd.Series(when)})

    model = SNRecommender(**RATING).fit(frame(X), y)
    expected = models["all"].predict(X_test)
    assert_allclose(model.predict(frame(X_test)), expected, atol=1e-5)
    assert model.feature_names_in_.tolist() == ["user", "item", "when"]
    text = frame(X_test).astype({"when": str})
    assert_allclose(model.predict(text), expected, atol=1e-5)
    undated = frame(X_test)[["user", "item"]]
    assert_array_equal(model.predict(undated), models["all"].predict(X_test[:, :2]))
    some = frame(X_test)
    some.loc[::2, "when"] = pd.NaT
    both = np.where(np.arange(len(some)) % 2, expected, model.predict(undated))
    assert_allclose(model.predict(some), both, atol=1e-5)
    with pytest.raises(ValueError, match=r"must have the columns \['user', 'item', 'when'\]"):
        model.predict(frame(X_test)[["item", "user", "when"]])
    with pytest.raises(ValueError, match="pass dates of one kind"):
        model.predict(X_test)
    with pytest.raises(ValueError, match="pass dates of one kind"):
        model.fold_in(X_test, data[3])


def test_missing_dates_in_training(data):
    X, y, X_test, y_test = data
    X = X.astype(float)
    X[::4, 2] = np.nan
    model = SNRecommender(**RATING).fit(X, y)
    assert rmse(model.predict(X_test), y_test) < 0.9 * rmse(model.predict(X_test[:, :2]), y_test)
    X[:, 2] = np.nan
    model = SNRecommender(**RATING).fit(X, y)
    assert_array_equal(model.predict(X_test), model.predict(X_test[:, :2]))
    assert model.date_effect_["errors"] is None


@pytest.mark.parametrize("unit", [4e302, 1e-310])
def test_absurd_units_of_dates(data, models, unit):
    X, y, X_test, _ = (part.astype(float) for part in data)
    X[:, 2] -= 250_000
    X[:, 2] *= unit
    X_test[:, 2] = (X_test[:, 2] - 250_000) * unit
    model = SNRecommender(**RATING).fit(X, y)
    assert_allclose(model.predict(X_test), models["all"].predict(data[2]), atol=0.05)


def test_weights_of_ratings(data):
    X, y, X_test, y_test = data
    weights = np.random.RandomState(0).uniform(0.1, 3, size=len(y))
    model = SNRecommender(**RATING).fit(X, y, weights)
    assert rmse(model.predict(X_test), y_test) < 0.95 * rmse(model.predict(X_test[:, :2]), y_test)


@pytest.mark.parametrize(
    "settings",
    [
        {"orientation": "item"},
        {"orientation": "user", "n_estimators": 2},
        {"early_stopping": True},
        {"early_stopping": True, "refit": False},
    ],
)
def test_other_settings(data, settings):
    X, y, X_test, y_test = data
    model = SNRecommender(**RATING | settings).fit(X, y)
    assert rmse(model.predict(X_test), y_test) < 0.95 * rmse(model.predict(X_test[:, :2]), y_test)


def test_few_ratings():
    X = [["a", "b", 10], ["a", "c", 20], ["d", "b", 30]]
    model = SNRecommender(**RATING).fit(X, [1, 2, 3])
    assert_array_equal(model.predict(X), model.predict([row[:2] for row in X]))
    assert model.date_effect_["errors"] is None
    assert not model.date_effect_["coefficients"].any()


def test_strangers_have_no_moods(data, models):
    X = data[0]
    when = int(X[0, 2])
    pairs = [[-1, X[0, 1]], [X[0, 0], -1], [-1, -1]]
    model = models["all"]
    assert_array_equal(model.predict([[*pair, when] for pair in pairs]), model.predict(pairs))


def test_predictions_stay_within_the_range(data, models):
    _, y, X_test, _ = data
    for model in models.values():
        predicted = model.predict(X_test)
        assert y.min() <= predicted.min() <= predicted.max() <= y.max()


def test_pickles(data, models):
    again = pickle.loads(pickle.dumps(models["earlier"]))
    assert_array_equal(again.predict(data[2]), models["earlier"].predict(data[2]))


# Folding in ---------------------------------------------------------------------------------


def test_new_users_with_dates(data):
    X, y, X_test, y_test = data
    is_new = X[:, 0] % 5 == 0
    model = SNRecommender(**RATING).fit(X[~is_new], y[~is_new])
    folded = model.fold_in(X[is_new], y[is_new])
    asked = X_test[:, 0] % 5 == 0
    with_dates, without = (
        rmse(folded.predict(X_test[asked][:, :n]), y_test[asked]) for n in (3, 2)
    )
    assert with_dates < 0.85 * without
    mixed = np.random.RandomState(0).permutation(is_new.sum())
    again = model.fold_in(X[is_new][mixed], y[is_new][mixed])  # each user's ratings are divided
    assert_allclose(again.predict(X_test[asked]), folded.predict(X_test[asked]), atol=1e-5)
    undated = model.fold_in(X[is_new][:, :2], y[is_new])
    expected = undated.predict(X_test[asked][:, :2])
    assert_array_equal(undated.predict(X_test[asked]), expected)
    assert_array_equal(folded.predict(X_test[asked][:, :2]), expected)


def test_a_new_user_is_corrected_by_residuals_of_ratings_left_out(models):
    """With one other rating, at the same date, the correction follows by hand."""
    model = models["all"]
    first, second = model.items_[:2].tolist()
    folded = model.fold_in([["me", first, 0]], [5.0])
    residual = 5.0 - model.fold_in([["you", second]], [5.0]).predict([["nobody", first]])[0]
    effect = model.date_effect_["coefficients"]  # w is 1 for each decay
    expected = min((effect @ [1, 1 / 11]).sum() / 11 * residual, residual)
    pair = ["me", second]
    change = folded.predict([[*pair, 0]])[0] - folded.predict([pair])[0]
    assert change == pytest.approx(expected, rel=0.3)


def test_further_ratings_of_known_users_join_the_earlier_ones(data, models):
    X, y, X_test, y_test = data
    model = models["all"]
    half = np.arange(len(y_test)) % 2 == 0
    folded = model.fold_in(X_test[half], y_test[half])
    asked = X_test[~half]
    before, after = (rmse(m.predict(asked), y_test[~half]) for m in (model, folded))
    assert after < before
    user = X[0, 0]
    mine = X[X[:, 0] == user]
    again = model.fold_in(mine[:1], y[X[:, 0] == user][:1])  # the other dates are remembered
    far = mine[:, 2][np.abs(mine[:, 2] - mine[0, 2]) > 50_000]
    pairs = [[user, item] for item in model.items_[:5].tolist()]
    for when in far[:3].tolist():
        change = again.predict([[*pair, when] for pair in pairs]) - again.predict(pairs)
        assert np.abs(change).max() > 0.01


def test_learning_from_further_ratings_with_dates(data):
    """Residuals of all groups stay those of their users, however the groups are merged."""
    X, y, X_test, y_test = data
    first = X[:, 0] % 3 > 0
    model = SNRecommender(**RATING).fit(X[first], y[first])
    asked = X_test[:, 0] % 3 > 0
    before = model.predict(X_test[asked]) - model.predict(X_test[asked][:, :2])
    later = X[~first]
    for part in np.array_split(np.arange(len(later)), 4):  # several groups, and merged ones
        model.partial_fit(later[part], y[~first][part])
    after = model.predict(X_test[asked]) - model.predict(X_test[asked][:, :2])
    np.testing.assert_allclose(after, before, atol=0.15)
    assert np.corrcoef(after, before)[0, 1] > 0.95
    of_new = X_test[~asked]
    with_dates, without = (rmse(model.predict(of_new[:, :n]), y_test[~asked]) for n in (3, 2))
    assert with_dates < 0.97 * without
    undated = SNRecommender(**RATING).fit(X[first], y[first])
    undated.partial_fit(later[:, :2], y[~first])
    assert_array_equal(undated.predict(of_new), undated.predict(of_new[:, :2]))


def test_named_dates(data, models):
    X, y, X_test, _ = data
    names = {"user": "who", "item": "film", "timestamp": "when", "rating": "stars"}
    frame = pd.DataFrame({"when": X[:, 2], "stars": y, "film": X[:, 1], "who": X[:, 0]})
    model = SNRecommender(columns=names, **RATING).fit(frame)
    asked = pd.DataFrame({"film": X_test[:, 1], "when": X_test[:, 2], "who": X_test[:, 0]})
    assert_array_equal(model.predict(asked), models["all"].predict(X_test))
    without = model.predict(asked[["who", "film"]])
    assert_array_equal(without, models["all"].predict(X_test[:, :2]))


# In scikit-learn ----------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [LeaveLastOut(0.2), TimeSplit(0.2)], ids=["last", "time"])
def test_splits_by_date(data, cv):
    X, y, _, _ = data
    frame = pd.DataFrame(X, columns=["user", "item", "when"])
    fast = SNRecommender(max_epochs=2, random_state=0, device="cpu", ranking_settings="default")
    found = cross_validate(fast, frame, y, cv=cv)
    assert np.isfinite(found["test_score"]).all()
    ranking = SNRecommender(objective="ranking", random_state=0)
    scoring = make_ranking_scorer()
    search = GridSearchCV(ranking, {"validation_fraction": [0.1, 0.2]}, cv=cv, scoring=scoring)
    assert 0 < search.fit(frame).best_score_ <= 1


def test_rankings_do_not_use_dates(data):
    X, _, _, _ = data
    of_pairs, of_dated = (
        SNRecommender(objective="ranking", random_state=0).fit(X[:, :n]) for n in (2, 3)
    )
    assert_array_equal(
        of_dated.recommend(of_dated.users_)[0], of_pairs.recommend(of_pairs.users_)[0]
    )
    assert_array_equal(of_dated.predict(X), of_pairs.predict(X[:, :2]))


# Bad input ----------------------------------------------------------------------------------


def test_bad_dates(data, models):
    X, y, X_test, _ = data
    with pytest.raises(ValueError, match="dates must be one of 'all', 'earlier', 'ignore', got 1"):
        SNRecommender(dates=1).fit(X, y)
    with pytest.raises(ValueError, match="fitted without dates"):
        SNRecommender(**RATING).fit(X[:, :2], y).predict(X_test)
    with pytest.raises(ValueError, match="The third column of X holds ratings"):
        SNRecommender(**RATING).fit(np.column_stack([X[:, :2], y]), y)
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "Rating": [4, 5]})
    with pytest.raises(ValueError, match="The column 'Rating' of X holds ratings"):
        SNRecommender().fit(frame)
    infinite = X_test.astype(float)
    infinite[3, 2] = np.inf
    with pytest.raises(ValueError, match="date in row 3 that cannot be read: inf"):
        models["all"].predict(infinite)


@pytest.mark.slow
def test_movielens_with_dates(data_folder):
    folder = data_folder / "movielens-100k"
    (X, y), (X_test, y_test) = (
        (part[:, [0, 1, 3]], part[:, 2].astype(float))
        for part in (np.loadtxt(folder / f"u1.{of}", dtype=int) for of in ("base", "test"))
    )
    for dates, most in (("all", 0.866), ("earlier", 0.878)):
        model = SNRecommender(objective="rating", dates=dates, random_state=0, device="cpu")
        assert rmse(model.fit(X, y).predict(X_test), y_test) < most
    assert rmse(model.predict(X_test[:, :2]), y_test) == pytest.approx(0.8792, abs=0.001)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["05.04.2025", "06.01.2025"], ["2025-04-05", "2025-01-06"]),
        (["05/04/2025", "24/12/2025"], ["2025-04-05", "2025-12-24"]),
        (["05/04/2025", "12/24/2025"], ["2025-05-04", "2025-12-24"]),
        (["05/04/2025", ""], ["2025-05-04", None]),
    ],
)
def test_dates_may_begin_with_the_day(text, expected):
    known = [one is not None for one in expected]
    found = read_dates(np.array(text)).values
    wanted = np.array([one for one in expected if one], dtype="datetime64[us]").astype(np.int64)
    assert_array_equal(found[known], wanted)
    assert_array_equal(np.isnan(found), np.logical_not(known))


def test_text_that_is_no_date_says_what_is_expected():
    with pytest.raises(ValueError, match=r"row 0 .*'foo'; expected numbers, datetime64, or text"):
        read_dates(np.array(["foo", "bar"]))
    with pytest.raises(ValueError, match=r"row 1 .*'foo'; .* of '24\.12\.2025', the first one"):
        read_dates(np.array(["24.12.2025", "foo"]))
