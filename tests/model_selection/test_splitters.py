"""Splitters by date: cases by hand, properties, and their use in scikit-learn."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, cross_validate

from sksn.model_selection import LeaveLastOut, TimeSplit

#       user, day
LOG = [
    ("ann", 3), ("ann", 1), ("bob", 5), ("ann", 2), ("bob", 5), ("cy", 9), ("ann", 8), ("bob", 4),
]  # fmt: skip


def rows(log, form=lambda day: day):
    return [[user, f"film {i}", form(day)] for i, (user, day) in enumerate(log)]


def splits_of(splitter, X):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(X)]


@pytest.mark.parametrize(
    ("splitter", "expected"),
    [
        # of bob's two at 5 the later row is the later one; cy has only one, which is kept
        (LeaveLastOut(), [([0, 1, 2, 3, 5, 7], [4, 6])]),
        (LeaveLastOut(2), [([1, 3, 5, 7], [0, 2, 4, 6])]),
        (LeaveLastOut(99), [([1, 5, 7], [0, 2, 3, 4, 6])]),
        (LeaveLastOut(0.25), [([0, 1, 2, 3, 5, 7], [4, 6])]),
        (LeaveLastOut(0.26), [([1, 2, 3, 5, 7], [0, 4, 6])]),
        (LeaveLastOut(n_splits=2), [([1, 3, 5, 7], [0, 2]), ([0, 1, 2, 3, 5, 7], [4, 6])]),
        (TimeSplit(0.25), [([0, 1, 2, 3, 4, 7], [5, 6])]),
        # the third latest is one of two at 5, and both are tested
        (TimeSplit(0.3), [([0, 1, 3, 7], [2, 4, 5, 6])]),
        (TimeSplit(0.25, n_splits=2), [([0, 1, 3, 7], [2, 4]), ([0, 1, 2, 3, 4, 7], [5, 6])]),
    ],
)
def test_cases_by_hand(splitter, expected):
    assert splits_of(splitter, rows(LOG)) == expected
    assert splitter.get_n_splits() == len(expected)


def test_of_many_interactions_of_one_date_the_last_rows_are_tested():
    X = rows([("ann", int(i % 3 == 0)) for i in range(600)] + [("bob", 1)] * 300)
    [(_, test)] = LeaveLastOut(3).split(X)
    assert test.tolist() == [591, 594, 597, 897, 898, 899]


def at(day):
    return datetime.datetime(2024, 5, day, 12)


FORMS = {
    "float": float,
    "int64 beyond float": lambda day: 2**62 + day,
    "datetime": at,
    "with a zone": lambda day: at(day).replace(tzinfo=datetime.UTC),
    "date": lambda day: datetime.date(2024, 5, day),
    "datetime64": lambda day: np.datetime64(f"2024-05-{day:02d}"),
    "Timestamp": lambda day: pd.Timestamp(at(day)),
    "ISO": lambda day: f"2024-05-{day:02d}T10:00:00Z",
    "ISO with zones": lambda day: f"2024-05-{day:02d} 10:00:00+0{day % 3}:00",
    "month first": lambda day: f"{day}/1/2024",
    "digits": str,  # "9" is before "10"
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("splitter", [LeaveLastOut(n_splits=2), TimeSplit(0.3)])
def test_dates_of_any_kind(splitter, form):
    log = [(user, day + 2) for user, day in LOG]  # so that there is a 10 and an 11
    X = rows(log, form)
    expected = splits_of(splitter, rows(LOG))
    objects = np.empty((len(X), 3), dtype=object)
    objects[:] = X
    for container in (X, objects, pd.DataFrame(X), pd.DataFrame(X, columns=["u", "i", "t"])):
        assert splits_of(splitter, container) == expected


def test_plain_arrays():
    numbers = np.array([[ord(user[0]), i, day] for i, (user, day) in enumerate(LOG)])
    text = np.array(rows(LOG))  # the dates are text as well
    expected = splits_of(LeaveLastOut(), rows(LOG))
    assert splits_of(LeaveLastOut(), numbers) == expected
    assert splits_of(LeaveLastOut(), numbers * 1.0) == expected
    assert splits_of(LeaveLastOut(), text) == expected


@pytest.mark.parametrize("ids", [str, int, lambda v: ("u", v), lambda v: v if v % 2 else str(v)])
def test_ids_of_any_type(ids):
    log = [(ord(user[0]), day) for user, day in LOG]
    expected = splits_of(LeaveLastOut(), rows(log))
    assert splits_of(LeaveLastOut(), rows([(ids(user), day) for user, day in log])) == expected


LOGS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 6)), min_size=1, max_size=40)
SIZES = st.one_of(st.integers(1, 5), st.floats(0.01, 0.99))


@given(LOGS, SIZES, st.integers(1, 3))
def test_of_each_user_the_last_ones_are_tested(log, size, n_splits):
    users, days = np.array(log).T
    counts = np.bincount(users)
    left = np.arange(len(log))
    splitter = LeaveLastOut(size, n_splits=n_splits)
    if (counts < 2).all():
        with pytest.raises(ValueError, match="finds nothing to test on"):
            list(splitter.split(rows(log)))
        return
    try:
        splits = list(splitter.split(rows(log)))
    except ValueError as error:
        assert n_splits > 1
        assert "finds nothing" in str(error)  # noqa: PT017
        return
    for train, test in reversed(splits):
        assert sorted([*train, *test]) == left.tolist()  # they cover, and are disjoint
        for user in set(users[left]):
            mine, out = days[train][users[train] == user], days[test][users[test] == user]
            n = len(mine) + len(out)
            asked = size if size >= 1 else int(np.ceil(np.round(size * n, 9)))
            assert len(out) == min(asked, n - 1)
            assert not len(out) or mine.max() <= out.min()
        left = train


@given(LOGS, st.floats(0.01, 0.99))
def test_training_is_before_the_test(log, share):
    _, days = np.array(log).T
    n_test = int(np.ceil(np.round(share * len(log), 9)))
    if np.sort(days)[::-1][n_test - 1] == days.min():
        with pytest.raises(ValueError, match="finds nothing to train on"):
            list(TimeSplit(share).split(rows(log)))
        return
    [(train, test)] = TimeSplit(share).split(rows(log))
    assert sorted([*train, *test]) == list(range(len(log)))
    assert days[train].max() < days[test].min()
    assert len(test) >= n_test
    assert (days[test] > days[test].min()).sum() < n_test  # no later date leaves enough


class Mean(BaseEstimator):
    """Predicts the mean of y, plus a constant."""

    def __init__(self, plus=0.0):
        self.plus = plus

    def fit(self, X, y):
        self.mean_ = np.mean(y) + self.plus
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


@pytest.mark.parametrize("frame", [True, False])
def test_cross_validate_and_grid_search(frame):
    X = pd.DataFrame(rows(LOG)) if frame else rows(LOG)
    y = np.array([1, 1, 1, 1, 7, 1, 7, 1.0])  # the last of ann and bob differ
    scoring = "neg_mean_absolute_error"
    found = cross_validate(Mean(), X, y, cv=LeaveLastOut(n_splits=2), scoring=scoring)
    assert found["test_score"].tolist() == [0, -6]
    search = GridSearchCV(Mean(), {"plus": [0, 6]}, cv=LeaveLastOut(), scoring=scoring)
    assert search.fit(X, y).best_params_ == {"plus": 6}


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 2)), "X must have three columns, user, item and date, got shape"),
        ([["a", "b"]], "X must have three columns"),
        (rows([("a", 1), ("a", None)]), "X has no date in row 1"),
        (rows([("a", 1.0), ("a", np.nan)]), "X has no date in row 1"),
        (rows([("a", "2024-01-01"), ("b", "")]), "X has no date in row 1"),
        (rows([("a", pd.NaT), ("b", pd.Timestamp(0))]), "X has no date in row 0"),
        (rows([("a", 1.0), ("b", np.inf)]), "row 1 that cannot be read: inf"),
        (rows([("a", 1), ("b", "2024-01-01")]), "row 0 that cannot be read: 1; expected a date"),
        (rows([("a", "2024-01-01"), ("b", "2024-02-31")]), "date that does not exist"),
        (rows([("a", "2024-01-01 1:00"), ("b", "soon")]), "row 1 that cannot be read: 'soon'"),
        (rows([("a", at(1)), ("b", {})]), "row 1 that cannot be read: {}"),
    ],
)
def test_bad_input(X, message):
    with pytest.raises(ValueError, match=message):
        list(LeaveLastOut().split(X))


def test_a_sparse_matrix_has_no_dates():
    with pytest.raises(TypeError, match="has no dates"):
        list(TimeSplit().split(sparse.csr_array(np.eye(3))))


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (LeaveLastOut(0), "test_size must be a positive integer or a number in"),
        (LeaveLastOut(1.5), "test_size must be a positive integer"),
        (LeaveLastOut(True), "test_size must be a positive integer"),
        (LeaveLastOut(n_splits=0), "n_splits must be a positive integer, got 0"),
        (TimeSplit(1), "test_size must be a number in"),
        (TimeSplit("a"), "test_size must be a number in"),
        (TimeSplit(n_splits=2.0), "n_splits must be a positive integer"),
    ],
)
def test_bad_parameters(splitter, message):
    with pytest.raises(ValueError, match=message):
        list(splitter.split(rows(LOG)))


def test_they_show_their_parameters():
    assert repr(LeaveLastOut(2)) == "LeaveLastOut(columns=None, n_splits=1, test_size=2)"
    assert repr(TimeSplit()) == "TimeSplit(columns=None, n_splits=1, test_size=0.2)"


def test_named_columns():
    frame = pd.DataFrame(rows(LOG), columns=["who", "film", "day"])[["day", "who", "film"]]
    names = {"user": "who", "item": "film", "timestamp": "day", "rating": "stars"}
    for kind in (LeaveLastOut, TimeSplit):
        assert splits_of(kind(columns=names), frame) == splits_of(kind(), rows(LOG))
    with pytest.raises(ValueError, match="columns must name a 'timestamp', got"):
        list(LeaveLastOut(columns={"user": "who", "item": "film"}).split(frame))
