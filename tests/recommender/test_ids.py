"""Ids of users and items, and ratings that are refused."""

import pickle
import tracemalloc
from collections import deque

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sksn import SNRecommender
from sksn._recommender._ids import UNKNOWN, Ids, id_column, pair_columns
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
    assert model._people[0].ids.find(id_column(users, "users")).min() >= 0
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
    column, _, _ = pair_columns([[v, v] for v in values])
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
        pair_columns(X)


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
        ([["a", "b", "c", 1]], [1], r"two columns, user and item, got rows of \[4\] ids"),
        ([["a", "b", "c"]], [1], r"third column .* date in row 0 that cannot be read: 'c'"),
        (np.ones((1, 3)), [1], "third column of X holds ratings, .* pass ratings as y"),
        ([["a", "b"], ["c"]], [1, 2], r"two columns, user and item, got rows of \[1, 2\] ids"),
        (np.ones((1, 4)), [1], r"two columns, user and item, .* an array of shape \(1, 4\)"),
        (["a", "b"], [1, 2], "two columns, user and item"),
        ([["a", "b"]], [1, 2], "inconsistent numbers of samples"),
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
    assert (model._people[0].ids.find(id_column(["a\0", "a"], "users")) == [1, 0]).all()


def test_one_long_id_does_not_widen_the_others():
    X, y = ratings()
    pairs = [[f"user {u}", i] for u, i in X.tolist()]
    pairs[0][0] = "x" * 40_000
    model = SNRecommender("item", **QUICK).fit(pairs, y)
    assert model.users_.nbytes < 100_000
    assert sorted(model.users_) == list(model.users_), "in ascending order, as other strings"
    assert np.isfinite(model.predict(pairs)).all()
    assert pair_columns(pairs)[0].nbytes < 100_000


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


# Ways to ask ------------------------------------------------------------------------------

MANY = {
    "generator": iter,
    "iterator": lambda ids: map(int, ids),
    "values of a dict": lambda ids: dict(enumerate(ids)).values(),
    "keys of a dict": lambda ids: dict.fromkeys(ids).keys(),
    "deque": deque,
    "range": lambda ids: range(ids[0], ids[-1] + 7, 7),
    "scalars of NumPy": lambda ids: [np.int64(id_) for id_ in ids],
    "unsigned integers": lambda ids: np.array(ids, np.uint64),
    "floats": lambda ids: np.array(ids, float),
    "masked array without a mask": np.ma.array,
    "nullable integers": lambda ids: pd.Series(ids, dtype="Int64"),
}


@pytest.mark.parametrize("kind", MANY)
def test_every_list_of_users_gets_one_row_for_each(fitted, kind):
    users = [100, 107, 114]
    model = fitted["both"]
    expected, _ = model.recommend(users, n=3)
    found, _ = model.recommend(MANY[kind](users), n=3)
    assert found.tolist() == expected.tolist()
    items = model.items_[:3].tolist()
    np.testing.assert_array_equal(
        model.similar_items(iter(items), n=2)[0], model.similar_items(items, n=2)[0]
    )


@pytest.mark.parametrize("users", [{100, 107}, frozenset([100, 107]), {100: "a", 107: "b"}])
def test_ids_without_an_order_are_refused(fitted, users):
    message = "users must be one id or a list of ids, in the order .*; pass list"
    with pytest.raises(TypeError, match=message):
        fitted["item"].recommend(users)


@pytest.mark.parametrize(
    ("users", "message"),
    [
        (None, r"users has a missing id \(None\) in row 0"),
        ([None, np.nan], r"users has a missing id \(None\) in row 0"),
        ([100, np.nan], r"users has a missing id \(nan\) in row 1"),
        (np.nan, r"users has a missing id \(nan\) in row 0"),
        (pd.array([100, None], dtype="Int64"), r"users has a missing id \((<NA>|nan)\) in row 1"),
        (np.array(["2020-01-01", "NaT"], "M8[D]"), r"users has a missing id \(None\) in row 1"),
        (np.ma.array([100, 107], mask=[0, 1]), r"users has a missing id \(None\) in row 1"),
        (np.ma.array(["a", "b"], mask=[1, 1]), r"users has a missing id \(None\) in row 0"),
        ([100, np.ma.masked], r"users has a missing id \(masked\) in row 1"),
        (np.ma.masked, r"users has a missing id \(None\) in row 0"),
    ],
)
def test_missing_ids_are_refused(fitted, users, message):
    with pytest.raises(ValueError, match=message):
        fitted["item"].recommend(users)
    with pytest.raises(ValueError, match=message.replace("users", "items")):
        fitted["item"].similar_items(users)


def test_masked_pairs_are_refused(fitted):
    X = np.ma.array([[100, 0], [107, 3]], mask=[[0, 0], [0, 1]])
    for ask in (fitted["item"].predict, lambda X: SNRecommender().fit(X, [1, 2])):
        with pytest.raises(ValueError, match=r"X has a missing item \(None\) in row 1"):
            ask(X)
    assert fitted["item"].predict(X[:1]).shape == (1,)


def test_text_of_any_dtype_of_numpy_is_text():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy has no StringDType")
    X, y = ratings(20, 15)
    pairs = np.char.add("id ", X.astype(str))
    model = SNRecommender("item", **QUICK).fit(pairs, y)
    users, text = model.users_[:2], np.dtypes.StringDType()
    expected, _ = model.recommend(users, n=3)
    assert len(set(map(tuple, expected.tolist()))) == 2, "no list of strangers"
    for asked in (users.astype(text), users.astype(object), [np.str_(user) for user in users]):
        assert model.recommend(asked, n=3)[0].tolist() == expected.tolist()
    np.testing.assert_array_equal(model.predict(pairs.astype(text)), model.predict(pairs))
    again = SNRecommender("item", **QUICK).fit(pairs.astype(text), y)
    assert again.recommend(users, n=3)[0].tolist() == expected.tolist()
    missing = np.array(["id 100", None], np.dtypes.StringDType(na_object=None))
    with pytest.raises(ValueError, match=r"users has a missing id \(None\) in row 1"):
        model.recommend(missing)


def test_dates_in_a_list_are_found():
    dates = np.array(["2020-01-01", "2020-01-02"], "M8[ns]")
    assert Ids(dates).find(id_column([dates[1], dates[0]], "users")).tolist() == [1, 0]


@pytest.mark.parametrize(
    "wanted",
    [
        [np.int64(5), np.int64(8)],
        np.array([5, 8], np.uint64),
        np.array([5, 8], np.float64),
        [5, "eight"],
    ],
    ids=["scalars", "unsigned", "floats", "mixed"],
)
def test_finding_takes_no_pass_over_all_ids(wanted):
    ids = Ids(np.arange(0, 10**6, dtype=np.int64))
    column = id_column(wanted, "users")
    assert ids.find(column)[0] == 5  # a dictionary, where one is needed, is made once
    tracemalloc.start()
    try:
        ids.find(id_column(wanted, "users"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10**5
    assert len(pickle.dumps(ids)) < 8.1 * 10**6, "the ids alone"


def test_numbers_of_any_type_are_found_exactly():
    whole = Ids(np.array([2**62, 2**62 + 1, 2**63 - 1]))
    floats = np.array([2.0**62, 2.0**63, -(2.0**63), np.nan, np.inf, 0.5])
    assert whole.find(floats).tolist() == [0] + [UNKNOWN] * 5
    assert Ids(np.array([2.0**62])).find(whole.values).tolist() == [0, UNKNOWN, UNKNOWN]
    assert Ids(np.array([2**64 - 1], np.uint64)).find(np.array([-1])).tolist() == [UNKNOWN]
    assert Ids(np.array([3, 4], np.int8)).find(np.array([259, 4])).tolist() == [UNKNOWN, 1]
    assert Ids(np.array([False, True])).find(np.array([0, 1, 2])).tolist() == [0, 1, UNKNOWN]


@pytest.mark.parametrize("column", [0, 1])
def test_infinite_ids_are_refused(column):
    X = np.array([[1.0, 2.0], [2.0, 2.0], [1.0, 3.0]])
    X[1, column] = np.inf
    with pytest.raises(ValueError, match=r"X holds infinity as the (user|item) in row 1"):
        SNRecommender(max_epochs=1).fit(X, [1, 2, 3])


def test_a_column_of_ratings_warns():
    with pytest.warns(UserWarning, match="column-vector"):
        SNRecommender(max_epochs=1, random_state=0).fit([[1, 2], [2, 2], [1, 3]], [[1], [2], [3]])


def test_columns_whose_names_contradict_their_order_are_refused():
    frame = pd.DataFrame({"item_id": [1, 2, 3], "user_id": [7, 8, 9]})
    with pytest.raises(ValueError, match=r"X=frame\[\['user_id', 'item_id'\]\], or name"):
        SNRecommender().fit(frame)
    named = {"user": "item_id", "item": "user_id"}  # as the user says
    assert SNRecommender(columns=named).fit(frame).users_.tolist() == [1, 2, 3]
    for name, argument in (("count", "sample_weight"), ("stars", "y"), ("nPlays", "sample_weight")):
        third = frame[["user_id", "item_id"]].assign(**{name: [1, 2, 2]})
        message = f"column '{name}' .* third column is for dates.*{argument}"
        with pytest.raises(ValueError, match=message):
            SNRecommender().fit(third)
    dated = {"user": "user_id", "item": "item_id", "timestamp": "count"}
    assert SNRecommender(columns=dated).fit(third.assign(count=[3, 2, 9])).n_features_in_ == 3


def test_numbers_like_stars_in_the_place_of_dates_get_a_warning():
    X, y = ratings(20, 15)
    with pytest.warns(UserWarning, match="only 5 different numbers from 1 to 5. Pass ratings") as w:
        SNRecommender(ranking_settings="default").fit(np.column_stack([X, y]))
    assert w[0].filename == __file__
    SNRecommender(ranking_settings="default").fit(np.column_stack([X, y * 86_400]))


def test_ratings_for_a_model_of_interactions_are_refused():
    X, y = ratings(20, 15)
    model = SNRecommender(ranking_settings="default").fit(X)
    for method in (model.fold_in, model.partial_fit):
        with pytest.raises(ValueError, match="y holds ratings, but the recommender was fitted w"):
            method(X, y)
    model.fold_in(X, np.ones(len(X)))


def test_warnings_point_to_the_caller(fitted):
    model = fitted["both"]
    users, items = model.users_[:2].tolist(), model.items_[:2].tolist()
    calls = [
        lambda: model.recommend(["nobody"]),
        lambda: model.recommend(users, items=[*items, 10**6]),
        lambda: model.recommend(users, exclude=["nothing"]),
        lambda: model.predict([["nobody", "nothing"]]),
        lambda: model.fold_in([[users[0], 10**6], [users[0], items[0]]], [1, 5]),
        lambda: model.fold_in([["me", items[0]]], [50]),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match="in training|of training") as warned:
            call()
        assert {one.filename for one in warned} == {__file__}
