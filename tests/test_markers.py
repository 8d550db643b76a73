"""Several numbers that mean missing: each is as good as NaN."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from sksn import (
    ObservedScaler,
    SNAutoencoder,
    SNClassifier,
    SNRegressor,
    SparsityNormalizer,
    sparsity_normalize,
)
from sksn.inspection import sparsity_bias

MARKERS = [-1, -999]
QUICK = {"max_epochs": 2, "random_state": 0}
ESTIMATORS = [
    SparsityNormalizer(),
    SparsityNormalizer(add_indicator=True),
    ObservedScaler(),
    SNClassifier(**QUICK),
    SNRegressor(**QUICK),
    SNAutoencoder(**QUICK),
]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)


def marked(kind=float):
    """Rows of both markers, the same with NaN, and y."""
    random = np.random.RandomState(0)
    X = random.randint(0, 9, (40, 4)).astype(kind)
    X[random.uniform(size=X.shape) < 0.2] = -1
    X[random.uniform(size=X.shape) < 0.2] = -999
    return X, np.where(np.isin(X, MARKERS), np.nan, X), np.arange(40) % 2


def output(estimator, X):
    return (estimator.predict if hasattr(estimator, "predict") else estimator.transform)(X)


@each_estimator
@pytest.mark.parametrize("kind", [float, np.float32, np.int64])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_markers_are_as_good_as_nan(estimator, kind, container):
    X, holes, y = marked(kind)
    holes = container(holes.astype(np.float32) if kind is np.float32 else holes)
    expected = output(clone(estimator).fit(holes, y), holes)
    several = clone(estimator).set_params(missing_values=MARKERS)
    found = output(several.fit(container(X), y), container(X))
    if sparse.issparse(expected):
        found, expected = found.toarray(), expected.toarray()
    assert_allclose(found, expected)


@pytest.mark.parametrize(
    "given", [(-1.0, -999), {-1, -999}, np.array([-1, -999]), [-999, None, -1]]
)
def test_any_collection_will_do(given):
    X, holes, _ = marked()
    assert_array_equal(
        sparsity_normalize(X, target=2, missing_values=given), sparsity_normalize(holes, target=2)
    )


def test_frames_with_categories():
    X, holes, y = marked()
    frames = [pd.DataFrame(table, columns=list("abcd")) for table in (X, holes)]
    for frame in frames:
        frame["town"] = np.array(["north", "south"])[y]
        frame["code"] = frame["a"].astype("category")
    results = [
        SNClassifier(missing_values=missing, **QUICK).fit(frame, y).predict_proba(frame)
        for frame, missing in zip(frames, (MARKERS, np.nan), strict=True)
    ]
    assert_allclose(*results)


def test_inverses_write_the_first_marker():
    X, holes, _ = marked()
    for estimator in (ObservedScaler(), SparsityNormalizer(add_indicator=True)):
        estimator.set_params(missing_values=MARKERS)
        restored = estimator.inverse_transform(estimator.fit_transform(X))
        assert_allclose(restored, np.where(np.isnan(holes), -1, X), atol=1e-12)


def test_zero_may_be_one_of_them():
    X = np.array([[0.0, 2.0, -1.0], [3.0, 4.0, 5.0]])
    for data in (X, sparse.csr_array(X)):
        assert SparsityNormalizer(missing_values=[0, -1]).fit(data).target_ == 2


def test_float32_columns_of_frames():
    frame = pd.DataFrame({"a": np.array([1.5, 9999.9], np.float32), "b": [2.0, 777.7]})
    assert SparsityNormalizer(missing_values=[777.7, 9999.9]).fit(frame).target_ == 1


def test_inspection():
    X, holes, y = marked()
    model = SNRegressor(**QUICK).fit(holes, y)
    found, expected = (
        sparsity_bias(model, rows, **options).n_observed
        for rows, options in ((X, {"missing_values": MARKERS}), (holes, {}))
    )
    assert_array_equal(found, expected)


def test_a_marker_that_is_left_is_said_beside_the_others():
    X, _, _ = marked()
    with pytest.warns(UserWarning, match=r"pass missing_values=\[-1, -999\]"):
        SparsityNormalizer(missing_values=-1).fit(X)
    X[X == -1] = -12345678
    with pytest.warns(UserWarning, match=r"pass missing_values=\[0.5, -12345678, -999\]"):
        SparsityNormalizer(missing_values=[0.5, -12345678]).fit(X)


def test_equal_sets_write_the_same():
    X = np.array([[-1.0, 2.0], [3.0, -2.0]])
    for given in ({-1, -2}, {-2, -1}):
        scaler = ObservedScaler(missing_values=given)
        restored = scaler.inverse_transform(scaler.fit_transform(X))
        assert restored[0, 0] == restored[1, 1] == -1.0


@pytest.mark.parametrize("given", [[], [-1, "?"], [-1, np.inf], np.zeros((1, 1)), [[-1]], "-1"])
def test_bad_markers(given):
    with pytest.raises(ValueError, match=r"missing_values must be NaN or a finite.* a list\."):
        SparsityNormalizer(missing_values=given).fit([[1.0]])
