"""Ids of users and items, and ratings that are refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sksn import SNRecommender
from sksn._recommender._ids import UNKNOWN, Ids, id_column, id_columns
from sksn._text import text_array

from .common import QUICK, ratings

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
    assert model._ids[0].find(id_column(users, "users")).min() >= 0
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


def test_a_rejected_fit_changes_nothing_and_a_failed_one_leaves_no_model():
    X, y = ratings()
    model = SNRecommender("item", **QUICK).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(len(y), np.nan))
    with pytest.raises(ValueError, match="more than once"):
        model.fit(X[[0, 0, 1]], y[:3])
    np.testing.assert_array_equal(model.predict(X), before)
    with pytest.raises(ValueError, match="loss became"):
        model.set_params(lr=1e30).fit(X, y)
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X)


@pytest.mark.parametrize("kind", ["int", "str", "mixed"])
def test_one_id_may_be_a_scalar_of_numpy(kind):
    X, y = ratings(20, 15)
    pairs = [[KINDS[kind](u), KINDS[kind](i)] for u, i in X.tolist()]
    model = SNRecommender("item", **QUICK).fit(pairs, y)
    for user in (model.users_[0], np.asarray(model.users_[0])):
        found, _ = model.recommend(user, n=3)
        expected, _ = model.recommend([pairs[0][0]], n=3)
        assert found.tolist() == expected.tolist()
    assert model.similar_items(model.items_[0], n=2)[0].shape == (1, 2)


def test_ids_that_differ_by_a_nul_character_are_two():
    model = SNRecommender("item", **QUICK).fit([["a", 1], ["a\0", 2], ["b", 1]], [1, 2, 3])
    assert model.users_.tolist() == ["a", "a\0", "b"]
    assert (model._ids[0].find(id_column(["a\0", "a"], "users")) == [1, 0]).all()


def test_one_long_id_does_not_widen_the_others():
    X, y = ratings()
    pairs = [[f"user {u}", i] for u, i in X.tolist()]
    pairs[0][0] = "x" * 40_000
    model = SNRecommender("item", **QUICK).fit(pairs, y)
    assert model.users_.nbytes < 100_000
    assert sorted(model.users_) == list(model.users_), "in ascending order, as other strings"
    assert np.isfinite(model.predict(pairs)).all()
    assert id_columns(pairs)[0].nbytes < 100_000


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8), st.sampled_from([0, 70, 300]))
def test_text_arrays_hold_the_text(texts, longest):
    texts[0] += "y" * longest
    assert text_array(texts).tolist() == texts


def test_one_id_may_be_a_date():
    X, y = ratings(20, 15)
    frame = pd.DataFrame({"user": pd.to_datetime(X[:, 0], unit="D"), "item": X[:, 1]})
    model = SNRecommender("item", **QUICK).fit(frame, y)
    found = [model.recommend(user, 3)[0].tolist() for user in (model.users_[0], model.users_[:1])]
    assert found[0] == found[1]
