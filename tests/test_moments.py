"""Means and variances of observed entries, against NumPy, and the scaling by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sksn._moments import Moments, standardize, unstandardize
from sksn._observed import observed_blocks
from tests.helpers import holey, to_csr


@given(holey(), st.booleans(), st.integers(0, 12))
def test_moments_are_those_of_numpy_however_rows_come(X, as_sparse, cut):
    moments = Moments(X.shape[1])
    for part in (X[:cut], X[cut:]):
        if len(part):
            moments = moments.updated(observed_blocks(to_csr(part) if as_sparse else part))
    for j, column in enumerate(X.T):
        observed = column[~np.isnan(column)]
        assert moments.count[j] == len(observed)
        if len(observed):
            assert_allclose(moments.mean[j], observed.mean(), rtol=1e-9, atol=1e-9)
            assert_allclose(moments.variance[j], observed.var(), rtol=1e-6, atol=1e-6)
        else:
            assert (moments.mean[j], moments.variance[j], moments.scale[j]) == (0, 0, 1)


@given(holey(), st.integers(1, 3))
def test_integer_weights_are_repetitions(X, weight):
    weighted = Moments(X.shape[1]).updated(observed_blocks(X, np.full(len(X), float(weight))))
    repeated = Moments(X.shape[1]).updated(observed_blocks(np.repeat(X, weight, axis=0)))
    assert_allclose(weighted.count, repeated.count)
    assert_allclose(weighted.mean, repeated.mean, rtol=1e-9, atol=1e-9)
    assert_allclose(weighted.variance, repeated.variance, rtol=1e-6, atol=1e-6)


def test_a_constant_far_from_zero_has_the_scale_one():
    moments = Moments(1).updated(observed_blocks(np.full((1000, 1), 0.1 + 1e8)))
    assert moments.scale.tolist() == [1.0]


def test_standardizing_by_hand():
    values, columns = np.array([1.0, 5.0, np.nan]), np.array([0, 1, 1])
    mean, scale = np.array([3.0, 1.0]), np.array([2.0, 4.0])
    assert_array_equal(standardize(values, mean, scale, columns), [-1, 1, np.nan])
    assert_array_equal(standardize(values, None, scale, columns), [0.5, 1.25, np.nan])
    assert_array_equal(standardize(values, mean, None, columns), [-2, 4, np.nan])
    assert_array_equal(values, [1, 5, np.nan])
    standardize(values, mean, scale, columns, out=values)
    assert_array_equal(values, [-1, 1, np.nan])


@pytest.mark.parametrize("steps", [(True, True), (True, False), (False, True)])
@given(X=holey())
def test_unstandardizing_undoes_it(steps, X):
    moments = Moments(X.shape[1]).updated(observed_blocks(X))
    mean = moments.mean if steps[0] else None
    scale = moments.scale if steps[1] else None
    back = unstandardize(standardize(X, mean, scale), mean, scale)
    assert_allclose(back, X, rtol=1e-9, atol=1e-9 * np.nanmax(np.abs(X), initial=1))


@given(holey(), st.integers(-900, 900))
def test_the_unit_of_a_feature_scales_its_statistics(X, exponent):
    """A power of two changes no bit, even where squares would overflow or underflow."""
    plain = Moments(X.shape[1]).updated(observed_blocks(X))
    for part in ([X], [X[:1], X[1:]]):
        scaled = Moments(X.shape[1])
        for rows in part:
            scaled = scaled.updated(observed_blocks(np.ldexp(rows, exponent)))
        tolerance = {"rtol": 0 if len(part) == 1 else 1e-9}
        assert_allclose(scaled.mean, np.ldexp(plain.mean, exponent), atol=0, **tolerance)
        assert_allclose(np.ldexp(scaled.deviation, -exponent), plain.deviation, atol=1e-9)
        assert np.isfinite(scaled.variance).all()


def test_extreme_entries_by_hand():
    moments = Moments(2).updated(observed_blocks(np.array([[1.7e308, 1e-300], [-1.7e308, 3e-300]])))
    assert_allclose(moments.mean, [0, 2e-300])
    assert_allclose(moments.deviation, [1.7e308, 1e-300])
    assert moments.variance.tolist() == [np.finfo(float).max, 0]


def test_updating_leaves_the_object_as_it_was():
    moments = Moments(1).updated(observed_blocks(np.array([[1.0], [2.0]])))
    moments.updated(observed_blocks(np.array([[9.0]])))
    assert (moments.count[0], moments.mean[0]) == (2, 1.5)
