"""Occlusion importance: against loops, and for models, containers and losses of all kinds."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.svm import LinearSVC

from sksn import SNClassifier, SNRegressor
from sksn.inspection import occlusion_importance
from tests.helpers import poke

QUICK = {"max_epochs": 5, "random_state": 0}


class Sum:
    """Predicts the weighted sum of the observed entries."""

    weights = np.array([3.0, -1.0, 0.0, 0.5])

    def predict(self, X):
        X = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)
        return np.nan_to_num(X) @ self.weights


def rows(n=50):
    return poke(np.random.RandomState(0).normal(size=(n, 4)), 0.3)


def by_loops(model, X, y):
    """The definition, entry by entry."""
    total = np.zeros(X.shape[1])
    for i, j in zip(*np.nonzero(~np.isnan(X)), strict=True):
        hidden = X[[i]].copy()
        hidden[0, j] = np.nan
        total[j] += (model.predict(hidden)[0] - y[i]) ** 2 - (model.predict(X[[i]])[0] - y[i]) ** 2
    return total / len(X)


def test_with_all_entries_it_is_the_definition():
    X = rows()
    y = Sum().predict(X) + np.random.RandomState(1).normal(size=50)
    for n_repeats in (4, 9):
        found = occlusion_importance(Sum(), X, y, n_repeats=n_repeats)
        assert_allclose(found.importance, by_loops(Sum(), X, y), atol=1e-12)
    assert found.importance[2] == 0
    assert_array_equal(found.features, np.arange(4))


def test_with_some_entries_it_is_right_on_average_and_knows_its_error():
    X = rows(200)
    y = Sum().predict(X)
    exact = occlusion_importance(Sum(), X, y, n_repeats=4).importance
    found = [occlusion_importance(Sum(), X, y, n_repeats=1, random_state=i) for i in range(200)]
    means = np.array([f.importance for f in found])
    assert_allclose(means.mean(axis=0), exact, atol=4 * means.std(axis=0).max() / np.sqrt(200))
    # The error is also over rows, which are the same in all of these.
    said = np.mean([f.standard_error for f in found], axis=0)
    assert np.all(means.std(axis=0) <= 1.05 * said)
    assert np.all(said[[0, 1, 3]] <= 3 * means.std(axis=0)[[0, 1, 3]])


def test_without_y_it_is_the_change_of_predictions():
    X = rows()
    found = occlusion_importance(Sum(), X, n_repeats=4)
    assert_allclose(found.importance, np.nansum(np.abs(X * Sum.weights), axis=0) / 50)


def test_sparse_rows_are_their_observed_entries():
    X = rows()
    row, column = np.nonzero(~np.isnan(X))
    stored = sparse.csc_array((X[row, column], (row, column)), shape=X.shape)
    y = X[:, 1] > 0
    dense = occlusion_importance(Sum(), X, y, n_repeats=4)
    found = occlusion_importance(Sum(), stored, y, n_repeats=4)
    assert_allclose(found.importance, dense.importance, rtol=1e-12)
    model = SNRegressor(random_state=0).fit(stored, y)
    assert occlusion_importance(model, stored, y, random_state=0).importance.argmax() == 1


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_of_mixed_columns(container):
    random = np.random.RandomState(0)
    town = np.array(["north", "south", None], dtype=object)[random.randint(3, size=120)]
    y = np.where(town == "north", "yes", "no")
    frame = pd.DataFrame(
        {"town": town, "size": random.normal(size=120), "year": random.randint(9, size=120)}
    )
    if container == "polars":
        frame = pytest.importorskip("polars").from_pandas(frame)
    before = frame.clone() if container == "polars" else frame.copy()
    model = SNClassifier(random_state=0).fit(frame, y)
    found = occlusion_importance(model, frame, y, random_state=0)
    assert found.features.tolist() == ["town", "size", "year"]
    assert found.importance[0] > 10 * np.abs(found.importance[1:]).max()
    assert "most important: town" in repr(found)
    assert before.equals(frame)


def test_losses():
    X = rows(80)
    y = np.where(np.nan_to_num(X[:, 0]) > 0, "b", "a")
    model = SNClassifier(**QUICK).fit(X, y)
    found = occlusion_importance(model, X, y, n_repeats=4)
    proba = model.predict_proba(X)[np.arange(80), (y == "b").astype(int)]
    hidden = X.copy()
    hidden[:, 0] = np.nan
    later = model.predict_proba(hidden)[np.arange(80), (y == "b").astype(int)]
    assert found.importance[0] == pytest.approx(np.mean(np.log(proba) - np.log(later)))

    class Answers(LinearSVC):
        def predict(self, X):
            return super().predict(np.nan_to_num(X))

    wrong = Answers().fit(np.nan_to_num(X), y)
    found = occlusion_importance(wrong, X, y, n_repeats=4)
    assert found.importance[0] == pytest.approx(
        np.mean(wrong.predict(hidden) != y) - np.mean(wrong.predict(X) != y)
    )
    labels = np.c_[y == "a", y == "b"].astype(int)
    several = SNClassifier(**QUICK).fit(X, labels)
    assert occlusion_importance(several, X, labels).importance.shape == (4,)


def test_other_libraries_and_no_entry():
    X = rows(300)
    y = X[:, 1].copy()
    y[np.isnan(y)] = 5
    model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
    assert occlusion_importance(model, X, y, random_state=0).importance.argmax() == 1
    X[0] = np.nan
    assert np.isfinite(occlusion_importance(model, X, y).importance).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones(3)}, r"X must have two dimensions, got an array of shape \(3,\)"),
        ({"X": np.full((2, 4), np.nan), "y": [1, 2]}, "X must have an observed entry, got none"),
        ({"y": [1.0]}, "inconsistent numbers of samples"),
        ({"n_repeats": 0}, "n_repeats must be a positive integer, got 0"),
        ({"random_state": "x"}, "random_state must be"),
    ],
)
def test_bad_input(change, message):
    arguments = {"X": rows(), "y": np.zeros(50), **change}
    with pytest.raises(ValueError, match=message):
        occlusion_importance(Sum(), **arguments)


def test_a_label_that_is_no_class():
    X = rows(30)
    model = SNClassifier(**QUICK).fit(X, np.arange(30) % 2)
    with pytest.raises(ValueError, match="y holds 2, which is no class"):
        occlusion_importance(model, X, np.full(30, 2))
