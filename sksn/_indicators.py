"""Normalized rows and indicators in one matrix, without a temporary of its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._blocks import blocks, blocks_of_rows
from ._checks import is_torch
from ._observed import Markers, missing_mask, row_counts, row_of_entry
from ._row_scaling import finite_scale, rescale, scale_stored


def normalized_with_indicators(
    X: Any,
    target: float,
    power: float,
    markers: Markers,
    features: np.ndarray,
    *,
    marks_observed: bool,
    saw_zero: np.ndarray,
) -> Any:
    """Scale rows by ``(target / n_observed) ** power``, and append indicators of some features.

    Parameters
    ----------
    X : ndarray, torch.Tensor, or CSR or CSC that stores exactly the observed entries
        The rows, which stay as they are.
    target, power : float
        See :func:`sparsity_scale`.
    markers : tuple of float
        Further values that mean missing, in arrays and tensors.
    features : ndarray of int of shape (n_indicators,)
        The features with an indicator, in ascending order.
    marks_observed : bool
        Whether an indicator is 1 where the entry is observed, instead of where it is missing.
    saw_zero : ndarray of bool of shape (n_features,)
        Whether a zero without a sign is an observed entry, in features without an indicator.

    Returns
    -------
    ndarray, torch.Tensor, CSR or CSC of shape (n_rows, n_features + n_indicators)
        In an array or a tensor, a feature without an indicator is -0.0 where it is missing if
        `saw_zero`, and else where it is an observed zero.
    """
    if sparse.issparse(X):
        scale = finite_scale(row_counts(X), target, power, X.dtype)
        if not marks_observed:
            scaled = scale_stored(X, scale, copy=True)
            observed = X[:, features]
            observed.data = np.ones_like(observed.data)
            return sparse.hstack([scaled, type(X)(1 - observed.toarray())], format=X.format)
        return _csr(X, scale, features) if X.format == "csr" else _csc(X, scale, features)
    unmarked = np.setdiff1d(np.arange(X.shape[1]), features)
    if is_torch(X):
        return _tensor(
            X,
            rescale(X, target, power, markers, copy=True),
            unmarked,
            features,
            markers,
            marks_observed,
            saw_zero,
        )
    out = np.empty((len(X), X.shape[1] + len(features)), X.dtype)
    rescale(X, target, power, markers, copy=True, out=out[:, : X.shape[1]])
    for rows in blocks(len(X), X.shape[1]):
        missing = missing_mask(X[rows], markers)
        out[rows, X.shape[1] :] = missing[:, features] != marks_observed
        if len(unmarked):
            out[rows, unmarked] = _signed(
                out[rows, unmarked], missing[:, unmarked], saw_zero[unmarked]
            )
    return out


def _signed(entries: Any, missing: Any, saw_zero: Any) -> Any:
    """Return entries whose zeros tell by their sign whether they are missing."""
    is_zero = (entries == 0) & ((missing & saw_zero) | ~(missing | saw_zero))
    return (entries + 0.0) * (1.0 - 2.0 * is_zero)


def _tensor(
    X: Any,
    scaled: Any,
    unmarked: np.ndarray,
    features: np.ndarray,
    markers: Markers,
    marks_observed: bool,
    saw_zero: np.ndarray,
) -> Any:
    import torch

    missing = missing_mask(X, markers)
    if len(unmarked):
        saw = torch.as_tensor(saw_zero[unmarked], device=X.device)
        signed = _signed(scaled[:, unmarked], missing[:, unmarked], saw)
        scaled[:, unmarked] = signed.to(X.dtype)
    indicators = missing[:, features] != marks_observed
    return torch.cat([scaled, indicators.to(X.dtype)], dim=1)


def _csr(X: Any, scale: np.ndarray, features: np.ndarray) -> Any:
    """Append indicators of observed entries to the scaled rows of a CSR matrix."""
    column_of, is_marked = _new_columns(X.shape[1], features)
    n_marked = np.zeros(X.shape[0], dtype=np.int64)
    for rows in blocks_of_rows(X.indptr):
        part = X[rows]
        n_marked[rows] = np.bincount(
            row_of_entry(part)[is_marked[part.indices]], minlength=part.shape[0]
        )
    indptr = X.indptr + np.concatenate([[0], np.cumsum(n_marked)])
    data, indices = np.empty(indptr[-1], X.dtype), np.empty(indptr[-1], X.indices.dtype)
    for rows in blocks_of_rows(X.indptr):
        part = scale_stored(X[rows], scale[rows], copy=False)
        row, marked = row_of_entry(part), is_marked[part.indices]
        to = indptr[rows][row] + np.arange(part.nnz) - part.indptr[row]
        data[to], indices[to] = part.data, part.indices
        row = row[marked]  # its indicators follow the entries of a row
        before = np.concatenate([[0], np.cumsum(n_marked[rows])])
        to = (indptr[rows] + np.diff(part.indptr))[row] + np.arange(len(row)) - before[row]
        data[to], indices[to] = 1, column_of[part.indices[marked]]
    return _assembled(X, data, indices, indptr, len(features))


def _csc(X: Any, scale: np.ndarray, features: np.ndarray) -> Any:
    """Append indicators of observed entries to the scaled columns of a CSC matrix."""
    counts = np.diff(X.indptr)[features]
    n_entries = X.nnz + int(counts.sum())
    data, indices = np.ones(n_entries, X.dtype), np.empty(n_entries, X.indices.dtype)
    for part in blocks(X.nnz):
        data[part] = X.data[part]
    scaled = type(X)((data[: X.nnz], X.indices, X.indptr), shape=X.shape)
    scale_stored(scaled, scale, copy=False)
    indices[: X.nnz] = X.indices
    start = X.nnz
    for feature, count in zip(features, counts, strict=True):
        at = X.indptr[feature]
        indices[start : start + count] = X.indices[at : at + count]
        start += count
    indptr = np.concatenate([X.indptr, X.nnz + np.cumsum(counts)])
    return _assembled(X, data, indices, indptr, len(features))


def _new_columns(n_features: int, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the column of the indicator of each feature, and whether it has one."""
    column_of, is_marked = np.zeros(n_features, np.int64), np.zeros(n_features, bool)
    column_of[features] = n_features + np.arange(len(features))
    is_marked[features] = True
    return column_of, is_marked


def _assembled(
    X: Any, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_indicators: int
) -> Any:
    indptr = indptr.astype(np.int64 if len(data) > np.iinfo(np.int32).max else X.indptr.dtype)
    shape = (X.shape[0], X.shape[1] + n_indicators)
    result = type(X)((data, indices, indptr), shape=shape)
    result.has_canonical_format = True
    return result
