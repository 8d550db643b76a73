"""SNRecommender: ratings in long form, ids of any type, and all that can be odd about them."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.utils.estimator_checks import estimator_checks_generator

from sksn import SNRecommender
from sksn._recommender._ids import UNKNOWN, Ids, id_column, id_columns
from sksn._recommender._lists import best
from sksn._recommender._rating_model import ridge_vectors
from sksn._training._vectors import Vectors

QUICK = {"hidden_layer_sizes": 8, "max_epochs": 20, "random_state": 0, "device": "cpu"}


def ratings(n_users=60, n_items=40, share=0.4, seed=0):
    """Ratings of 1 to 5 with two tastes behind them, by ids that are no positions."""
    rng = np.random.RandomState(seed)
    tastes, kinds = rng.normal(size=(n_users, 2)), rng.normal(size=(n_items, 2))
    full = 3 + tastes @ kinds.T + 0.5 * rng.normal(size=(n_users, 1))
    users, items = np.nonzero(rng.uniform(size=full.shape) < share)
    y = np.clip(np.round(full[users, items]), 1, 5)
    return np.column_stack([users * 7 + 100, items * 3]), y


@pytest.fixture(scope="module")
def fitted():
    X, y = ratings()
    return {o: SNRecommender(o, **QUICK).fit(X, y) for o in ("item", "user", "both")}


# How well ---------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_it_predicts_better_than_means(orientation):
    X, y = ratings(n_users=150, n_items=100)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = SNRecommender(orientation, hidden_layer_sizes=64, random_state=0).fit(train, y_train)
    error = np.sqrt(np.mean((model.predict(test) - y_test) ** 2))
    means = pd.Series(y_train).groupby(train[:, 1]).mean().reindex(test[:, 1]).to_numpy()
    assert error < 0.8 * np.sqrt(np.nanmean((means - y_test) ** 2))
    assert model.score(test, y_test) > 0.3


def test_both_is_the_blend_that_suits_held_out_ratings(fitted):
    model = fitted["both"]
    assert 0 <= model.blend_ <= 1
    assert model.validation_score_ > 0
    assert len(model.estimators_) == 2
    assert [e.center for e in model.estimators_] == [False, True]
    assert (fitted["item"].blend_, fitted["user"].blend_) == (1.0, 0.0)
    assert fitted["item"].validation_score_ is None


def test_scikit_learn_takes_it_as_it_is():
    X, y = ratings()
    scores = cross_val_score(
        SNRecommender(**QUICK), X, y, scoring="neg_root_mean_squared_error", cv=KFold(3)
    )
    assert scores.shape == (3,)
    search = GridSearchCV(
        SNRecommender("item", **QUICK), {"power": [0, 0.5]}, cv=2, scoring="neg_mean_absolute_error"
    ).fit(pd.DataFrame(X, columns=["user", "item"]), y)
    assert search.best_score_ > -3
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_networks_are_averaged_and_epochs_chosen():
    X, y = ratings()
    model = SNRecommender("item", 3, early_stopping=True, n_iter_no_change=3, **QUICK).fit(X, y)
    assert len(model.estimators_) == len(model.n_epochs_) == 3
    found = np.mean([_alone(e, model, X) for e in model.estimators_], axis=0)
    np.testing.assert_allclose(model._vectors.predict_pairs(*_positions(model, X)), found)
    assert max(model.n_epochs_) <= 20
    held = SNRecommender("item", early_stopping=True, refit=False, **QUICK).fit(X, y)
    n_seen = sum(e._learner.scaling.n_entries for e in held.estimators_)
    assert n_seen == len(y) - np.ceil(0.1 * len(y))


def _positions(model, X):
    return model._user_ids.find(X[:, 0]), model._item_ids.find(X[:, 1])


def _alone(net, model, X):
    users, items = _positions(model, X)
    rows = sparse.csr_array((model._seen.tocoo().data, model._seen.tocoo().coords))
    return net.predict_entries(rows.T.tocsr(), items, users)


def test_weights_count():
    X, y = ratings(share=0.15)
    rng = np.random.RandomState(0)
    absent = rng.uniform(size=len(y)) < 0.3
    options = {**QUICK, "dtype": "float64"}
    without = SNRecommender("item", **options).fit(X[~absent], y[~absent])
    zero = SNRecommender("item", **options).fit(X, y, sample_weight=np.where(absent, 0.0, 2.0))
    np.testing.assert_allclose(zero.predict(X), without.predict(X))
    # ratings that weigh much are reproduced better
    heavy = SNRecommender("item", **{**options, "max_epochs": 100}).fit(
        X, y, sample_weight=np.where(absent, 20.0, 1.0)
    )
    even = SNRecommender("item", **{**options, "max_epochs": 100}).fit(X, y)
    errors = [np.mean((m.predict(X) - y)[absent] ** 2) for m in (heavy, even)]
    assert errors[0] < errors[1]


# Ids --------------------------------------------------------------------------------------

KINDS = {
    "int": lambda v: int(v),
    "float": lambda v: v + 0.5,
    "str": lambda v: f"nº {v:04}",
    "bytes": lambda v: f"{v:04}".encode(),
    "tuple": lambda v: ("id", int(v)),
    "big int": lambda v: 2**70 + int(v),
    "mixed": lambda v: int(v) if v % 2 else str(v),
}


@pytest.mark.parametrize("user_kind", KINDS)
@pytest.mark.parametrize("item_kind", ["int", "str", "mixed"])
def test_ids_of_any_type_survive(user_kind, item_kind):
    X, y = ratings(20, 15)
    pairs = [[KINDS[user_kind](u), KINDS[item_kind](i)] for u, i in X.tolist()]
    users, items = map(list, zip(*pairs, strict=True))
    model = SNRecommender("item", **QUICK).fit(pairs, y)
    plain = SNRecommender("item", **QUICK).fit(X, y)
    assert set(model.users_.tolist()) == set(users)
    assert set(model.items_.tolist()) == set(items)
    assert np.isfinite(model.predict(pairs)).all()
    if {user_kind, item_kind} <= {"int", "float", "str", "bytes"}:  # which stand in the same order
        np.testing.assert_allclose(model.predict(pairs), plain.predict(X), rtol=1e-4)
    assert model._user_ids.find(id_column(users, "users")).min() >= 0
    found, _ = model.recommend(users[:3], n=2)
    assert set(found.compressed().tolist()) <= set(items)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_a_frame_have_types_of_their_own(frame):
    X, y = ratings(20, 15)
    columns = {"who": X[:, 0], "what": [f"film {i}" for i in X[:, 1]]}
    model = SNRecommender("item", **QUICK).fit(frame(columns), y)
    assert model.users_.dtype.kind == "i"
    assert model.items_[0].startswith("film")
    found = model.predict(frame(columns))
    assert np.std(found) > 0
    as_lists = [list(pair) for pair in zip(*columns.values(), strict=True)]
    np.testing.assert_array_equal(found, model.predict(as_lists))


@settings(max_examples=100)
@given(
    st.one_of(
        st.lists(st.integers(-(2**80), 2**80), min_size=1),
        st.lists(st.text(max_size=3), min_size=1),
        st.lists(st.floats(allow_nan=False), min_size=1),
        st.lists(st.one_of(st.text(max_size=2), st.integers(-2, 2)), min_size=1),
    )
)
def test_every_id_finds_itself_and_no_other(values):
    column, _ = id_columns([[v, v] for v in values])
    ids = Ids(column)
    assert [ids.values[i] for i in ids.find(column)] == values
    assert len(ids) == len(set(values))
    assert ids.find(id_column([("unheard", "of")], "users")).tolist() == [UNKNOWN]


@pytest.mark.parametrize("kinds", [(np.uint64, np.int64), (np.int64, np.uint64)])
def test_long_ids_do_not_go_by_way_of_floats(kinds):
    long = np.array([2**62 + 1, 2**62 + 2, 2**62 + 3])
    found = Ids(long.astype(kinds[0])).find(np.append(long, 2**62).astype(kinds[1]))
    assert found.tolist() == [0, 1, 2, UNKNOWN]


def test_missing_times_are_missing():
    X = pd.DataFrame({"user": pd.to_datetime(["2020-01-01", None]), "item": [1, 2]})
    with pytest.raises(ValueError, match=r"missing user .* in row 1"):
        id_columns(X)


def test_columns_keep_their_names_and_order():
    X, y = ratings(20, 10)
    frame = pd.DataFrame(X, columns=["user", "item"])
    model = SNRecommender("item", **QUICK).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["user", "item"]
    np.testing.assert_array_equal(model.predict(frame), model.predict(X))
    swapped = frame[["item", "user"]]
    for ask in (model.predict, lambda X: model.fold_in(X, y)):
        with pytest.raises(ValueError, match=r"must have the columns \['user', 'item'\], in this"):
            ask(swapped)
    assert not hasattr(model.fit(X, y), "feature_names_in_")
    alike = pd.DataFrame(X, columns=["id", "id"])
    np.testing.assert_array_equal(model.fit(alike, y).predict(alike), model.predict(X))


def test_strings_are_no_numbers():
    ids = Ids(np.array([1, 2, 3]))
    with pytest.warns(UserWarning, match="Ids of type int64 were in training, and these are of"):
        assert ids.find(np.array(["1", "2"])).tolist() == [UNKNOWN, UNKNOWN]
    with pytest.warns(UserWarning, match="none of them is known"):
        assert Ids(np.array(["a"])).find(np.array([b"a"])).tolist() == [UNKNOWN]
    assert ids.find(np.array([2.0, 2.5])).tolist() == [1, UNKNOWN]


# What is odd ------------------------------------------------------------------------------


def test_unknown_users_and_items_fall_back_on_what_is_known(fitted):
    X, y = ratings()
    for model in fitted.values():
        item, user = X[0, 1], X[0, 0]
        n, total = np.sum(X[:, 1] == item), y[X[:, 1] == item].sum()
        alone = model.predict([[-1, item]])[0]
        assert abs(alone - total / n) < 0.5  # its mean, shrunk and freed of who rated it
        of_user = model.predict([[user, -1]])[0]
        assert abs(of_user - y[X[:, 0] == user].mean()) < 0.6
        assert model.predict([[-1, -1]])[0] == pytest.approx(y.mean())
        assert model.predict(np.empty((0, 2), dtype=int)).shape == (0,)


def test_predictions_keep_to_the_range_of_the_ratings(fitted):
    X, _ = ratings()
    pairs = np.array([(u, i) for u in np.unique(X[:, 0]) for i in np.unique(X[:, 1])])
    for model in fitted.values():
        assert model.rating_range_ == (1.0, 5.0)
        found = model.predict(pairs)
        assert found.min() >= 1
        assert found.max() <= 5


def test_an_item_nobody_rated_and_a_user_who_rated_everything():
    X, y = ratings(30, 20)
    X = np.vstack([X, [[9999, i] for i in np.unique(X[:, 1])]])
    y = np.append(y, np.full(len(X) - len(y), 4.0))
    model = SNRecommender("both", **QUICK).fit(X, y)
    items, scores = model.recommend([9999], n=5)
    assert items.mask.all()
    assert scores.mask.all()
    items, _ = model.recommend([9999], n=5, exclude_seen=False)
    assert not items.mask.any()
    folded = model.fold_in([[1, 123456]], [4.0])  # of whom nothing is known that helps
    assert np.isfinite(folded.predict([[1, X[0, 1]]])).all()


def test_one_rating_in_all():
    model = SNRecommender("item", **QUICK).fit([["a", "b"]], [3.5])
    np.testing.assert_allclose(model.predict([["a", "b"], ["c", "d"]]), 3.5)
    assert model.recommend(["a"])[0].mask.all()
    assert model.similar_items(["b"])[0].shape == (1, 0)
    both = SNRecommender("both", **QUICK).fit([["a", "b"]], [3.5])
    assert (both.blend_, both.validation_score_) == (0.5, None)
    np.testing.assert_allclose(both.predict([["a", "b"]]), 3.5)
    with pytest.raises(ValueError, match="takes all of the n_samples=1 ratings"):
        SNRecommender("both", early_stopping=True, **QUICK).fit([["a", "b"]], [3.5])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([["a", "b"]] * 2, [1, 2], "pair of user .*'a'.* and item .*'b'.* more than once"),
        ([["a", "b"]], [np.nan], "y contains NaN"),
        ([["a", "b"]], [np.inf], "y contains infinity"),
        ([["a", None]], [1], r"missing item \(None\) in row 0"),
        ([[1.0, 2.0], [np.nan, 2.0]], [1, 2], r"missing user \(nan\) in row 1"),
        ([["a", "b", "c"]], [1], r"two columns, user and item, got rows of \[3\] ids"),
        ([["a", "b"], ["c"]], [1, 2], r"two columns, user and item, got rows of \[1, 2\] ids"),
        (np.ones((1, 3)), [1], r"two columns, user and item, got an array of shape \(1, 3\)"),
        (["a", "b"], [1, 2], "two columns, user and item"),
        ([["a", "b"]], [1, 2], "inconsistent numbers of samples"),
        ([["a", "b"]], None, "requires y to be passed"),
        ([["a", "b"]], [[1, 2]], r"one rating for each row of X, got shape \(1, 2\)"),
        (np.empty((0, 2)), [], "0 sample"),
    ],
)  # fmt: skip
def test_bad_ratings_are_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        SNRecommender("item", **QUICK).fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"orientation": "users"},
            "orientation must be one of 'item', 'user', 'both', got 'users'",
        ),
        ({"n_estimators": 0}, "n_estimators must be a positive integer, got 0"),
        ({"refit": 1}, "refit must be True or False, got 1"),
        ({"alpha": -1}, "alpha must be a number"),
        ({"validation_fraction": 1}, "validation_fraction must be a number"),
    ],
)
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SNRecommender(**options).fit([["a", "b"]], [1])


def test_bad_questions_are_named(fitted):
    model = fitted["item"]
    with pytest.raises(ValueError, match="n must be a positive integer, got 0"):
        model.recommend([100], n=0)
    with pytest.raises(ValueError, match=r"n must be a positive integer, got 2\.5"):
        model.similar_items([0], n=2.5)
    with pytest.raises(ValueError, match="items holds -5, which was not in training"):
        model.similar_items([-5])
    with pytest.raises(ValueError, match="users must be one id or a list of ids"):
        model.recommend(np.ones((2, 2)))
    with pytest.raises(ValueError, match="more than once"):
        model.fold_in([[1, 0], [1, 0]], [1, 2])


def test_a_failed_fit_leaves_no_model():
    X, y = ratings()
    model = SNRecommender("item", **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(len(y), np.nan))
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X)


# Recommending -----------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_recommendations_are_the_highest_predictions_of_what_is_not_seen(fitted, orientation):
    X, _ = ratings()
    model = fitted[orientation]
    users = np.unique(X[:, 0])
    found, scores = model.recommend(users, n=4)
    everything, _ = model.recommend(users, n=10**6, exclude_seen=False)
    assert everything.shape == (len(users), len(model.items_))
    for user, items, score in zip(users, found, scores, strict=True):
        seen = set(X[X[:, 0] == user, 1])
        assert not seen & set(items.compressed())
        unseen = np.array([i for i in model.items_ if i not in seen])
        at = model._user_ids.find(np.full(len(unseen), user)), model._item_ids.find(unseen)
        expected = np.sort(model._vectors.predict_pairs(*at))[::-1][:4]
        np.testing.assert_allclose(score.compressed(), expected)


def test_a_new_user_gets_the_items_with_the_highest_means(fitted):
    model = fitted["both"]
    items, _ = model.recommend([-1], n=3)
    means = model.predict([[-1, item] for item in model.items_])
    np.testing.assert_array_equal(items[0], model.items_[np.argsort(-means, kind="stable")[:3]])
    assert model.recommend(-1, n=3)[0].shape == (1, 3)


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
    assert np.all(cosines > 0.5)


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


def test_history_is_worth_something_and_can_be_left_out():
    """Who rates what says what they like, where the ratings themselves say little."""
    rng = np.random.RandomState(0)
    taste = rng.choice([-1, 1], size=300)
    odd = rng.uniform(size=(300, 60)) < np.where(taste[:, None] > 0, 0.25, 0.05)
    even = rng.uniform(size=(300, 60)) < np.where(taste[:, None] < 0, 0.25, 0.05)
    users, items = np.nonzero(np.concatenate([odd, even], axis=1))
    y = 3 + 0.7 * taste[users] * np.where(items % 3, 1, -1) + rng.normal(size=len(users))
    X = np.column_stack([users, items])
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    scores = [
        SNRecommender("item", history=h, hidden_layer_sizes=64, random_state=0)
        .fit(train, y_train)
        .score(test, y_test)
        for h in (True, False)
    ]
    assert scores[0] > scores[1] + 0.02


# Folding in -------------------------------------------------------------------------------


def test_folding_in_a_training_user_changes_nothing_for_user_rows(fitted):
    X, y = ratings()
    model = fitted["user"]
    some = np.isin(X[:, 0], np.unique(X[:, 0])[::7])
    folded = model.fold_in(X[some], y[some])
    np.testing.assert_allclose(folded.predict(X[some]), model.predict(X[some]), rtol=1e-5)
    for mine, theirs in zip(
        folded.recommend(folded.users_, n=3), model.recommend(folded.users_, n=3), strict=True
    ):
        np.testing.assert_allclose(mine.filled(0), theirs.filled(0), rtol=1e-5)
    assert len(model.users_) == 60  # which stays as it was


@pytest.mark.parametrize(
    ("orientation", "history"), [("item", True), ("item", False), ("both", True)]
)
def test_people_who_were_not_in_training(orientation, history):
    X, y = ratings(n_users=150, n_items=80)
    new = X[:, 0] % 5 == 0
    given_ = new & (np.random.RandomState(0).uniform(size=len(y)) < 0.6)
    model = SNRecommender(orientation, history=history, hidden_layer_sizes=64, random_state=0)
    model.fit(X[~new], y[~new])
    folded = model.fold_in(X[given_], y[given_])
    asked = new & ~given_
    error, of_strangers = (
        np.sqrt(np.mean((m.predict(X[asked]) - y[asked]) ** 2)) for m in (folded, model)
    )
    assert error < 0.85 * of_strangers
    assert not folded._user_ids.find(X[asked, 0]).min() < 0
    items, _ = folded.recommend(folded.users_, n=3)
    for user, found in zip(folded.users_, items, strict=True):
        assert not set(found) & set(X[given_ & (X[:, 0] == user), 1])


@pytest.mark.parametrize("history", [True, False])
def test_folding_in_a_training_user_changes_little_for_item_rows(history):
    """The ridge regression is what training aims at, so that both say much the same."""
    X, y = ratings(n_users=150, n_items=80)
    model = SNRecommender("item", history=history, hidden_layer_sizes=64, random_state=0).fit(X, y)
    folded = model.fold_in(X, y)
    pairs = np.array([(u, i) for u in model.users_[::5] for i in model.items_])
    mine, theirs = folded.predict(pairs), model.predict(pairs)
    assert abs(np.mean(mine - theirs)) < 0.03
    assert np.std(mine - theirs) < 0.35 * np.std(theirs)
    single = model.fold_in([["new", X[0, 1]]], [3.0])
    given_one = np.array([["new", item] for item in model.items_.tolist()], dtype=object)
    assert abs(single.predict(given_one).mean() - y.mean()) < 0.3


def test_folding_in_goes_by_what_was_learned():
    X, y = ratings(20, 10)
    model = SNRecommender("both", **QUICK).fit(X, y)
    new, given = [["me", 0], ["me", 3]], [5, 1]
    expected = model.fold_in(new, given).recommend(["me"])[1]
    model.set_params(orientation="item", n_estimators=3, row_offset=None, alpha=9.0)
    np.testing.assert_array_equal(model.fold_in(new, given).recommend(["me"])[1], expected)


def test_held_out_ratings_count_what_they_weigh():
    """Ratings of no weight to speak of, of which there are most, do not choose the epoch."""
    X, y = ratings(60, 40)
    light = np.random.RandomState(0).uniform(size=len(y)) < 0.7
    weights = np.where(light, 1e-6, 1.0)
    noise = np.where(light, np.random.RandomState(1).permutation(y), y)
    options = {**QUICK, "max_epochs": 60, "early_stopping": True, "refit": False}
    scores = [
        SNRecommender("item", **options).fit(X, target, weights).estimators_[0].validation_scores_
        for target in (y, noise)
    ]
    np.testing.assert_allclose(*scores, rtol=0.01)


def test_vectors_of_new_users_are_ridge_regressions():
    rng = np.random.RandomState(0)
    items, item_offset = rng.normal(size=(6, 3)), rng.normal(size=6)
    X = sparse.csr_array(np.array([[5.0, 0, 3, 1, 0, 2], [0] * 6]))
    vectors, prior = rng.normal(size=(2, 3)), np.array([3.0, 2.0])
    users, offsets = ridge_vectors(X, items, item_offset, (vectors, prior), (0.7, 2.5))
    at = X[[0]].indices
    A = np.column_stack([items[at], np.ones(4)])
    penalty = np.diag([0.7] * 3 + [2.5])
    left = X[[0]].data - item_offset[at] - items[at] @ vectors[0] - 3.0
    solution = np.linalg.solve(A.T @ A + penalty, A.T @ left)
    np.testing.assert_allclose(users[0], vectors[0] + solution[:3])
    assert offsets[0] == pytest.approx(3 + solution[3])
    assert np.array_equal(users[1], vectors[1])
    assert offsets[1] == 2.0


def test_factors_blend_like_their_ratings():
    rng = np.random.RandomState(0)
    parts = [Vectors(*(rng.normal(size=s) for s in ((5, k), (4, k), 5, 4))) for k in (2, 3)]
    users, items = np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5)
    blended = Vectors.blend(parts, [0.3, 0.7])
    expected = 0.3 * parts[0].predict_pairs(users, items) + 0.7 * parts[1].predict_pairs(
        users, items
    )
    np.testing.assert_allclose(blended.predict_pairs(users, items), expected)
    (_, scores) = next(blended.predict_rows(np.arange(5)))
    np.testing.assert_allclose(scores.ravel(), expected)


def test_it_can_be_pickled_and_repeated(fitted):
    X, y = ratings()
    expected = fitted["both"].predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted["both"])).predict(X), expected)
    np.testing.assert_array_equal(clone(fitted["both"]).fit(X, y).predict(X), expected)


def test_a_progress_bar_for_each_network(capsys):
    X, y = ratings(20, 10)
    SNRecommender("item", 2, **QUICK, verbose=True).fit(X, y)
    shown = capsys.readouterr().err
    assert "item rows 1/2" in shown
    assert "item rows 2/2" in shown
    assert "20/20" in shown


# scikit-learn's own checks ----------------------------------------------------------------

# What cannot apply passes tables of random numbers as X, where this has two columns of ids, no
# pair of which may occur twice and none of which may be missing.
OTHER_WIDTH = {
    "check_dict_unchanged", "check_dont_overwrite_parameters", "check_dtype_object",
    "check_estimators_dtypes", "check_estimators_pickle", "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d", "check_fit_score_takes_y", "check_methods_sample_order_invariance",
    "check_methods_subset_invariance", "check_n_features_in_after_fitting",
    "check_pipeline_consistency", "check_regressor_data_not_an_array", "check_regressors_int",
    "check_regressors_no_decision_function", "check_regressors_train",
    "check_sample_weight_equivalence_on_dense_data", "check_sample_weights_list",
    "check_supervised_y_2d", "check_all_zero_sample_weights_error", "check_complex_data",
    "check_estimators_empty_data_messages", "check_estimators_nan_inf", "check_fit2d_1feature",
    "check_fit2d_1sample", "check_positive_only_tag_during_fit", "check_readonly_memmap_input",
}  # fmt: skip
PAIRS_TWICE = {
    "check_estimators_fit_returns_self", "check_estimators_overwrite_params",
    "check_fit_check_is_fitted", "check_fit_idempotent", "check_n_features_in",
    "check_sample_weights_not_overwritten", "check_sample_weights_shape",
}  # fmt: skip


def checks():
    for estimator, check in estimator_checks_generator(SNRecommender(**QUICK), mark=None):
        name = getattr(check, "func", check).__name__
        if name not in OTHER_WIDTH | PAIRS_TWICE:
            yield pytest.param(estimator, check, id=name)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_checks_of_scikit_learn_that_can_apply(estimator, check):
    check(estimator)
