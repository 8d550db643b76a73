"""The transformers against references that are written entry by entry, in every container."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from sksn import ObservedScaler, SparsityNormalizer, sparsity_normalize

from .common import Matrix, as_marked, cases, matrices, unchanged

POWERS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 30.0])
TARGETS = st.sampled_from(["mean", "median", 3.5])
AMBIGUOUS = "matrix that stores zeros"  # DIA and BSR


def counts_of(values: np.ndarray) -> list[int]:
    return [sum(v == v for v in row) for row in values.tolist()]


def constant_of(values: np.ndarray, target: str | float) -> float | None:
    """K, or None where it is refused."""
    counts = sorted(counts_of(values))
    if not isinstance(target, str):
        return target
    if target == "mean":
        return sum(counts) / len(counts) or 1.0
    half = len(counts) // 2
    median = counts[half] if len(counts) % 2 else (counts[half - 1] + counts[half]) / 2
    return None if median == 0 and any(counts) else median or 1.0


def normalized(values: np.ndarray, constant: float, power: float) -> np.ndarray:
    """Each row times (K / n) ** power; NaN stays NaN."""
    out = np.full(values.shape, np.nan)
    for i, (row, n) in enumerate(zip(values.tolist(), counts_of(values), strict=True)):
        for j, value in enumerate(row):
            if value == value:
                out[i, j] = value * (constant / n) ** power
    return out


def close(found: np.ndarray, expected: np.ndarray, dtype: np.dtype) -> None:
    rtol = 1e-4 if dtype == np.float32 else 1e-9
    assert_allclose(found, expected, rtol=rtol, atol=0 if rtol < 1e-5 else 1e-37)


def transformed(fit_transform, m: Matrix):
    """Return the result, or None if the matrix is refused with a reason."""
    before = copy.deepcopy(m.X)
    try:
        result = fit_transform(m.X)
    except ValueError as error:
        text = str(error)
        note(text)
        is_ambiguous = AMBIGUOUS in text and m.X.format in ("dia", "bsr")
        sums_overflow = m.is_sparse and (abs(m.values) > np.finfo(np.float32).max).any()
        is_infinite = "infinity" in text and sums_overflow
        assert is_ambiguous or is_infinite or "overflow" in text or "'median' is 0" in text, text
        result = None
    assert unchanged(before, m.X)
    return result


@cases(0.3)
@given(matrices(), POWERS, TARGETS)
def test_normalizing_is_the_formula(m, power, target):
    constant = constant_of(m.values, target)
    found = transformed(
        lambda X: sparsity_normalize(X, target=target, power=power, missing_values=m.marker), m
    )
    if found is None:
        return
    assert constant is not None
    assert sparse.issparse(found) == m.is_sparse
    expected = normalized(m.values, constant, power)
    if not m.is_sparse:
        expected = np.nan_to_num(expected, nan=0.0)
    close(as_marked(found), expected, found.dtype)


@cases(0.1)
@given(matrices(extreme=True), POWERS)
def test_extreme_entries_are_finite_or_refused(m, power):
    for transform in (
        lambda X: sparsity_normalize(X, power=power, missing_values=m.marker),
        ObservedScaler(missing_values=m.marker).fit_transform,
        ObservedScaler(missing_values=m.marker, with_std=False).fit_transform,
    ):
        found = transformed(transform, m)
        if found is not None:
            marked = as_marked(found)
            observed = ~np.isnan(m.values)
            assert np.isfinite(marked[observed]).all()


@cases(0.2)
@given(matrices(), matrices(), POWERS, st.booleans())
def test_round_trips(m, other, power, add_indicator):
    """Rows come back in either container, also if the container and the rows of fit differ."""
    normalizer = SparsityNormalizer(
        power=min(power, 2.0), add_indicator=add_indicator, missing_values=m.marker
    )
    width = min(m.values.shape[1], other.values.shape[1])
    rows, of_fit = m.values[:, :width], other.values[:, :width]
    of_fit = np.where(of_fit == m.marker, np.nan, of_fit)
    normalizer.fit(_csr(of_fit) if other.is_sparse else of_fit)
    if not (m.is_sparse or add_indicator) and (rows == 0).any():
        return  # zeros look like missing entries
    transformed = normalizer.transform(_csr(rows) if m.is_sparse else rows)
    if not (m.is_sparse or add_indicator) and (other.is_sparse or (of_fit == 0).any()):
        with pytest.raises(ValueError, match="cannot tell observed zeros"):
            normalizer.inverse_transform(transformed)
        return
    back = as_marked(normalizer.inverse_transform(transformed))
    is_marked = m.marker == m.marker and not m.is_sparse
    assert_allclose(back, np.where(np.isnan(rows), m.marker if is_marked else np.nan, rows))


def _csr(values: np.ndarray) -> sparse.csr_array:
    row, column = np.nonzero(~np.isnan(values))
    return sparse.csr_array((values[row, column], (row, column)), shape=values.shape)


@cases(0.2)
@given(matrices(), st.booleans(), st.booleans())
def test_scaling_is_that_of_the_observed_entries(m, with_mean, with_std):
    scaler = ObservedScaler(with_mean=with_mean, with_std=with_std, missing_values=m.marker)
    found = transformed(scaler.fit_transform, m)
    if found is None:
        return
    expected = np.full(m.values.shape, np.nan)
    for j, column in enumerate(m.values.T.tolist()):
        entries = [v for v in column if v == v]
        if not entries:
            assert (scaler.mean_[j], scaler.scale_[j], scaler.n_observed_[j]) == (0, 1, 0)
            continue
        mean = math.fsum(entries) / len(entries)
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in entries) / len(entries))
        if deviation <= 1e-6 * abs(mean):  # rounding decides whether this is a constant
            deviation = scaler.scale_[j]
        is_single = sparse.issparse(m.X) and m.X.dtype == np.float32  # sums of duplicates, too
        assert scaler.mean_[j] == pytest.approx(mean, rel=1e-6 if is_single else 1e-9, abs=1e-9)
        for i, value in enumerate(column):
            expected[i, j] = (value - mean * with_mean) / (deviation if with_std else 1)
    if m.is_sparse:  # a stored NaN stays stored, and stays NaN
        assert found.nnz >= np.count_nonzero(~np.isnan(m.values))
    atol = 1e-4 if found.dtype == np.float32 else 1e-8
    assert_allclose(as_marked(found), expected, rtol=1e-4 if atol > 1e-5 else 1e-7, atol=atol)


@cases(0.1)
@given(matrices(), st.integers(0, 9), st.sampled_from([SparsityNormalizer, ObservedScaler]))
def test_chunks_teach_what_all_rows_teach(m, cut, transformer):
    rows = _csr(m.values) if m.is_sparse else m.values
    rows = rows if m.is_sparse else np.where(rows == m.marker, np.nan, rows)
    whole, chunked = (transformer(missing_values=m.marker) for _ in range(2))
    whole.fit(rows)
    for part in (rows[:cut], rows[cut:]):
        if part.shape[0]:
            chunked.partial_fit(part)
    assert chunked.n_samples_seen_ == whole.n_samples_seen_
    for name in ("target_", "mean_", "scale_", "n_observed_"):
        if hasattr(whole, name):
            assert_allclose(getattr(chunked, name), getattr(whole, name), rtol=1e-7, atol=1e-9)


@cases(0.05)
@given(matrices(), st.sampled_from([np.inf, -np.inf, "width", "weights"]), st.data())
def test_a_rejected_call_changes_nothing(m, fault, data):
    transformer = data.draw(st.sampled_from([SparsityNormalizer, ObservedScaler]))
    fitted = transformer().fit(m.values)
    before = copy.deepcopy(vars(fitted))
    bad = m.values.copy()
    weights = None
    if fault == "width":
        bad = np.hstack([bad, bad])
    elif fault == "weights":
        weights = np.full(len(bad) + 1, 1.0)
    else:
        bad[-1, -1] = fault
    for method in ("partial_fit",) if fault == "width" else ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=r"."):
            getattr(fitted, method)(bad, sample_weight=weights)
    for name, value in before.items():
        if name.endswith("_"):
            np.testing.assert_array_equal(getattr(fitted, name), value)
