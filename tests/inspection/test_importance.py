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
    found = occlusion_importance(several, X, labels, n_repeats=4)
    assert found.importance[0] == pytest.approx(
        np.mean(several.predict(hidden) != labels) - np.mean(several.predict(X) != labels)
    )


@pytest.mark.parametrize(
    "as_y", [np.asarray, lambda y: y[:, None], lambda y: pd.DataFrame({"y": y})]
)
def test_one_column_is_one_output(as_y):
    X = rows()
    y = Sum().predict(X) + 1.0
    expected = occlusion_importance(Sum(), X, y, n_repeats=4).importance
    assert_allclose(occlusion_importance(Sum(), X, as_y(y), n_repeats=4).importance, expected)
    labels = np.where(y > 1, "b", "a")
    model = SNClassifier(**QUICK).fit(X, labels)
    expected = occlusion_importance(model, X, labels, n_repeats=4).importance
    assert_allclose(occlusion_importance(model, X, as_y(labels), n_repeats=4).importance, expected)
    column = SNRegressor(**QUICK).fit(X, y[:, None])
    expected = occlusion_importance(column, X, y, n_repeats=4).importance
    assert_allclose(occlusion_importance(column, X, as_y(y), n_repeats=4).importance, expected)


def test_without_y_a_change_of_class_is_seen():
    class Three:
        classes_ = np.arange(3)

        def predict_proba(self, X):
            return np.where(np.isnan(X[:, :1]), [0.05, 0.9, 0.05], [0.9, 0.05, 0.05])

    found = occlusion_importance(Three(), np.ones((5, 2)), n_repeats=2)
    assert_allclose(found.importance, [2 * 0.85 / 3, 0])
    labels = np.random.RandomState(0).randint(2, size=(50, 2))
    several = SNClassifier(**QUICK).fit(rows(), labels)
    assert occlusion_importance(several, rows()).importance.shape == (4,)


def test_markers_are_not_hidden():
    X = rows()
    marked = np.nan_to_num(X, nan=-999.0)

    class Marked(Sum):
        def predict(self, X):
            return super().predict(np.where(X == -999, np.nan, X))

    expected = occlusion_importance(Sum(), X, n_repeats=2, random_state=0)
    options = {"n_repeats": 2, "random_state": 0, "missing_values": -999}
    for container in (np.asarray, pd.DataFrame):
        found = occlusion_importance(Marked(), container(marked), **options)
        assert_allclose(found.importance, expected.importance, atol=1e-12)


def test_sparse_duplicates_are_one_entry_and_padding_is_refused():
    once = sparse.csr_array([[2.0, 0.0, 3.0, 0.0], [0.0, 1.0, 4.0, 5.0]])
    at = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 2, 1, 2, 3])
    twice = sparse.coo_array((np.array([1.0, 1.0, 3.0, 1.0, 4.0, 5.0]), at), shape=(2, 4))
    expected = occlusion_importance(Sum(), once, n_repeats=4).importance
    assert_allclose(occlusion_importance(Sum(), twice, n_repeats=4).importance, expected)
    with pytest.raises(ValueError, match="BSR matrix that stores zeros"):
        occlusion_importance(Sum(), sparse.bsr_array(np.eye(4), blocksize=(2, 2)))


def test_one_row_has_no_error_and_names_may_be_tuples():
    found = occlusion_importance(Sum(), np.ones((1, 4)), n_repeats=4)
    assert np.isnan(found.standard_error).all()
    frame = pd.DataFrame(rows(), columns=pd.MultiIndex.from_product([["a", "b"], [1, 2]]))
    assert occlusion_importance(Sum(), frame).features.tolist() == list(frame.columns)


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
        ({"missing_values": "x"}, "missing_values must be"),
        ({"y": np.zeros((50, 2))}, r"shape of predictions, \(50, 1\), got \(50, 2\)"),
        ({"y": np.full(50, np.nan)}, "y must not hold NaN"),
        ({"y": np.full(50, "a")}, "y must hold numbers"),
        ({"y": sparse.csr_array((50, 1))}, "y must be a dense array"),
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
