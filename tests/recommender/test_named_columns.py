"""Interactions as data frames whose columns have names."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate

from sksn import SNRecommender
from sksn.metrics import make_ranking_scorer

from .common import QUICK, ratings
from .test_ranking import clicks

NAMES = {"item": "movieId", "user": "userId"}
RATED = NAMES | {"rating": "stars"}


def frame_of(X, y=None, kind=pd.DataFrame):
    """A frame with its columns in another order, and one that means nothing here."""
    columns = {"note": ["?"] * len(X), "movieId": X[:, 1], "userId": X[:, 0]}
    return kind(columns if y is None else {"stars": y} | columns)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_the_order_of_columns_and_further_ones_change_nothing(kind):
    X, y = ratings(30, 20)
    plain = SNRecommender(**QUICK).fit(X[:-20], y[:-20])
    named = SNRecommender(columns=RATED, **QUICK).fit(frame_of(X[:-20], y[:-20], kind))
    assert named.feature_names_in_.tolist() == ["userId", "movieId"]
    assert named.n_features_in_ == 2
    for later in ("fold_in", "partial_fit"):
        mine = getattr(named, later)(frame_of(X[-20:], y[-20:], kind))
        theirs = getattr(plain, later)(X[-20:], y[-20:])
        assert_array_equal(mine.predict(frame_of(X, None, kind)), theirs.predict(X))
        assert_array_equal(mine.recommend(X[:3, 0])[0], theirs.recommend(X[:3, 0])[0])
        assert mine.score(frame_of(X, y, kind)) == theirs.score(X, y)


def test_counts_are_weights():
    X = clicks(80, 12)
    plays = np.random.RandomState(0).randint(1, 99, len(X))
    frame = frame_of(X).assign(plays=plays)
    options = {"objective": "ranking", "random_state": 0}
    named = SNRecommender(columns=NAMES | {"count": "plays"}, **options).fit(frame[::2])
    plain = SNRecommender(**options).fit(X[::2], sample_weight=plays[::2])
    assert_array_equal(named.predict(frame), plain.predict(X))
    assert named.score(frame[1::2]) == plain.score(X[1::2]) > 0


def test_searches_and_scorers_need_only_the_frame():
    X, y = ratings(30, 20)
    frame = frame_of(X, y)
    model = SNRecommender("item", columns=RATED, **QUICK)
    plain = clone(model).set_params(columns=None)
    assert_array_equal(
        cross_validate(model, frame, cv=3)["test_score"],
        cross_validate(plain, X, y, cv=3)["test_score"],
    )
    folds = KFold(3, shuffle=True, random_state=0)
    for scorer in (make_ranking_scorer("recall", k=3), make_ranking_scorer(k=3, threshold=4)):
        mine, theirs = (
            cross_validate(m, *data, scoring=scorer, cv=folds)["test_score"]
            for m, data in ((model, (frame,)), (plain, (X, y)))
        )
        assert_array_equal(mine, theirs)
    errors = cross_val_score(model, frame, y, cv=folds, scoring="neg_root_mean_squared_error")
    assert (errors > -2).all()  # y is the column, and may be passed as well
    search = GridSearchCV(model, {"power": [0, 0.5]}, cv=2).fit(frame)
    assert np.isfinite(search.best_score_)
    assert search.predict(frame[["userId", "movieId"]]).shape == (len(X),)


@pytest.mark.parametrize(
    ("columns", "data", "error", "message"),
    [
        ("user", {}, ValueError, "columns must be None or a dict that names .* got 'user'"),
        ({"user": "userId"}, {}, ValueError, "columns must be None or a dict .*'item'"),
        (NAMES | {"stars": "stars"}, {}, ValueError, "columns must be None or a dict"),
        (NAMES | {"rating": "rank"}, {}, ValueError, r"no column 'rank', .* the rating; it has \["),
        (NAMES | {"user": "id"}, {}, ValueError, "no column 'id', which columns names as the user"),
        (NAMES | {"item": "userId"}, {}, ValueError, "columns names 'userId' more than once"),
        (RATED, {"y": [1, 2]}, ValueError, "y was passed, and columns names 'stars' as the rating"),
        (
            NAMES | {"count": "stars"},
            {"sample_weight": [1, 2]},
            ValueError,
            "sample_weight was passed, and columns names 'stars' as the count",
        ),
        (
            NAMES | {"timestamp": "when"},
            {},
            ValueError,
            "X has no column 'when', which columns names as the timestamp",
        ),
        (NAMES, {"X": np.ones((2, 2))}, TypeError, "X must be a data frame, .* got ndarray"),
        (NAMES, {"X": [["a", "b"]]}, TypeError, "X must be a data frame, .* got list"),
        (NAMES, {"X": sparse.csr_array(np.eye(2))}, TypeError, "X must be a data frame"),
    ],
)
def test_names_that_do_not_fit_are_said(columns, data, error, message):
    X, y = np.array([[1, 2], [2, 1]]), [5, 1]
    model = SNRecommender(columns=columns, **QUICK)
    with pytest.raises(error, match=message):
        model.fit(**({"X": frame_of(X, y)} | data))
    assert not hasattr(model, "items_")
    model.set_params(columns=None).fit(X, y)
    known = model.predict(X)
    model.set_params(columns=columns)
    for call in (model.partial_fit, model.fold_in):
        with pytest.raises(error, match=message):
            call(**({"X": frame_of(X, y)} | data))
    assert_array_equal(model.set_params(columns=None).predict(X), known)


def test_a_frame_with_a_column_twice():
    frame = pd.DataFrame([[1, 2, 3], [2, 1, 3]], columns=["userId", "movieId", "movieId"])
    with pytest.raises(ValueError, match="X has 2 columns 'movieId', the item; keep one"):
        SNRecommender(columns=NAMES).fit(frame)
    model = SNRecommender(columns=NAMES | {"rating": "stars"}, **QUICK)
    model.fit(frame_of(np.array([[1, 2], [2, 1]]), [5, 1]))
    with pytest.raises(ValueError, match="X has no column 'userId'"):
        model.predict(frame[["movieId"]].iloc[:, :1])
