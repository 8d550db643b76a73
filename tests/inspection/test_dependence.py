"""Partial dependence with missing entries."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.inspection import partial_dependence as of_sklearn
from sklearn.linear_model import LinearRegression

from sksn import SNClassifier
from sksn.inspection import PartialDependenceDisplay, partial_dependence


@pytest.fixture
def table():
    random = np.random.RandomState(0)
    X = random.normal(size=(200, 3))
    y = X[:, 0] + X[:, 1] ** 2
    X[random.uniform(size=X.shape) < 0.2] = np.nan
    return X, y


class Known:
    """A model whose response is known: x0 + 10, or 99 where x0 is missing."""

    def predict(self, X):
        x = np.asarray(X)[:, 0].astype(float)
        return np.where(np.isnan(x), 99.0, x + 10)


def test_a_case_by_hand():
    X = np.array([[1.0, 5.0], [3.0, 6.0], [np.nan, 7.0], [3.0, np.nan]])
    found = partial_dependence(Known(), X, 0)
    assert_array_equal(found.values, [1, 3])
    assert_array_equal(found.average, [11, 13])
    assert found.missing == 99
    assert found.share_missing == 0.25
    assert repr(found) == ("PartialDependence(feature=0, 2 values, average 11 to 13, missing=99)")
    assert_array_equal(X[:, 0], [1, 3, np.nan, 3])


def test_equal_to_scikit_learn_where_nothing_is_missing():
    random = np.random.RandomState(0)
    X = random.normal(size=(200, 3))
    model = LinearRegression().fit(X, X @ [1, 2, 3])
    peer = of_sklearn(model, X, [1], grid_resolution=20, kind="average")

    class Filled:
        def predict(self, X):
            return model.predict(np.nan_to_num(X))

    found = partial_dependence(Filled(), X, 1, grid_resolution=20)
    low, high = np.quantile(X[:, 1], [0.05, 0.95])
    assert_allclose(found.values, np.linspace(low, high, 20))
    slope = np.diff(found.average) / np.diff(found.values)
    of_peer = np.diff(peer["average"][0]) / np.diff(peer["grid_values"][0])
    assert_allclose(slope, 2, rtol=1e-6)
    assert_allclose(of_peer, slope, rtol=1e-6)


def test_models_of_other_libraries(table):
    X, y = table
    model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
    found = partial_dependence(model, X, 1, grid_resolution=5)
    changed = X.copy()
    changed[:, 1] = np.nan
    assert_allclose(found.missing, model.predict(changed).mean())
    changed[:, 1] = found.values[2]
    assert_allclose(found.average[2], model.predict(changed).mean())


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("feature", ["town", "n", "a", 0])
def test_frames(table, container, feature):
    X, y = table
    town = np.where(np.arange(200) % 5 == 0, None, np.array(["b", "a"])[np.arange(200) % 2])
    columns = {"town": town.tolist(), "n": np.arange(200) % 4, "a": X[:, 0]}
    frame = container(columns)
    model = SNClassifier(max_epochs=2, random_state=0).fit(frame, y > 1)
    found = partial_dependence(model, frame, feature)
    if feature in ("town", 0):
        assert found.values.tolist() == ["a", "b"]
        assert found.share_missing == pytest.approx(0.2)
    if feature == "n":
        assert found.values.tolist() == [0, 1, 2, 3]
        every = container(columns | {"n": np.full(200, 2.0)})
        assert_allclose(found.average[2], model.predict_proba(every)[:, 1].mean())
    assert 0 <= found.missing <= 1


def test_the_display(table):
    X, _ = table
    display = PartialDependenceDisplay.from_estimator(Known(), X, 0, name="known")
    assert_array_equal(display.line_.get_ydata(), display.dependence.average)
    assert_array_equal(display.missing_.get_ydata(), [99, 99])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    share = np.isnan(X[:, 0]).mean()
    assert labels == ["known", f"missing (in {share:.0%} of the rows)"]
    frame = pd.DataFrame({"town": ["a", "b"] * 20, "x": np.arange(40.0)})
    model = SNClassifier(max_epochs=1).fit(frame, frame.x > 20)
    display = PartialDependenceDisplay.from_estimator(model, frame, "town", ax=display.ax_)
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["a", "b"]
    assert display.ax_.get_xlabel() == "town"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature": 3}, "feature must be a position from 0 to 2, got 3"),
        ({"feature": "a"}, "feature must be a position from 0 to 2, got 'a'"),
        ({"feature": True}, "feature must be a position from 0 to 2, got True"),
        ({"feature": 2}, "feature=2 of X has no observed entry"),
        ({"grid_resolution": 0}, "grid_resolution must be a positive integer"),
        ({"percentiles": (0.9, 0.1)}, "percentiles must be a pair of ascending numbers"),
    ],
)
def test_bad_input(table, options, message):
    X, _ = table
    X[:, 2] = np.nan
    with pytest.raises(ValueError, match=message):
        partial_dependence(Known(), X, **{"feature": 0} | options)


def test_other_containers_and_dates(table):
    X, _ = table
    with pytest.raises(TypeError, match="got a sparse matrix"):
        partial_dependence(Known(), sparse.eye_array(3), 0)
    with pytest.raises(ValueError, match="X must have two dimensions"):
        partial_dependence(Known(), X[0], 0)
    dates = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=5)})
    with pytest.raises(ValueError, match="feature='when' of X holds dates"):
        partial_dependence(Known(), dates, "when")
