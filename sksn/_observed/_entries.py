"""The observed entries of validated rows: which, how many, in blocks, in either container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks, blocks_of_rows
from .._moments import Entries
from ._markers import Markers

_BLOCK = 1 << 20  # entries in a block of observed entries


def missing_mask(values: Any, markers: Markers = ()) -> Any:
    """Return a bool array that is true where an array of values is missing."""
    missing = values != values
    for marker in markers:
        if _may_hold(values.dtype, marker):
            missing = missing | (values == marker)
    return missing


def with_nan(X: np.ndarray, markers: Markers) -> np.ndarray:
    """Return an array with NaN where an entry is missing: `X` if NaN alone means so."""
    return np.where(missing_mask(X, markers), np.nan, X) if markers else X


def _may_hold(dtype: Any, number: float) -> bool:
    """Whether entries of a type can equal a number; float32 holds fractions as it rounds them."""
    if not str(dtype).endswith("float32") or not number.is_integer():
        return True
    with np.errstate(over="ignore"):
        return float(np.float32(number)) == number


def row_counts(X: Any) -> np.ndarray:
    """Count the observed entries of each row of an array with NaN, or the stored ones."""
    if not sparse.issparse(X):
        counts = [np.count_nonzero(~np.isnan(X[rows]), axis=1) for rows in blocks(*X.shape)]
        return np.concatenate(counts) if counts else np.zeros(0, dtype=np.intp)
    if X.format == "csr":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[0])


def column_counts(X: Any) -> np.ndarray:
    """Count the observed entries of each column of an array with NaN, or the stored ones."""
    if not sparse.issparse(X):
        counts = [np.count_nonzero(~np.isnan(X[rows]), axis=0) for rows in blocks(*X.shape)]
        return np.sum(counts, axis=0) if counts else np.zeros(X.shape[1], dtype=np.intp)
    if X.format == "csc":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[1])


def complete_columns(X: Any) -> np.ndarray:
    """Return the columns in which each row of CSR or CSC without duplicates has an entry."""
    if X.nnz < X.shape[0]:
        return np.zeros(0, dtype=np.intp)
    if X.format == "csc" or X.shape[1] <= max(X.nnz, 1 << 20):
        return np.flatnonzero(column_counts(X) == X.shape[0])
    columns, counts = np.unique(X.indices, return_counts=True)  # most columns have no entry
    return columns[counts == X.shape[0]].astype(np.intp)


def _count(indices: np.ndarray, n: int) -> np.ndarray:
    """Count how often each integer below `n` occurs, without a copy of all indices."""
    counts = np.zeros(n, dtype=np.intp)
    for part in blocks(len(indices), most_entries=max(n, 1 << 20)):
        counts += np.bincount(indices[part], minlength=n)
    return counts


def observed_blocks(
    X: Any, weights: np.ndarray | None = None, markers: Markers = ()
) -> Iterator[Entries]:
    """Yield the observed entries of an array with NaN, or of CSR or CSC, in blocks.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        The rows.
    weights : ndarray of shape (n_samples,), optional
        Weight of each row.
    markers : tuple of float
        Further values that mean missing.

    Yields
    ------
    Entries
        The next block, in float64.
    """
    if sparse.issparse(X):
        X = X.tocsr()
        entry_weights = None if weights is None else np.repeat(weights, np.diff(X.indptr))
        for part in blocks(X.nnz, most_entries=max(_BLOCK, X.shape[1])):
            seen = ~missing_mask(X.data[part], markers)
            w = None if entry_weights is None else entry_weights[part][seen]
            yield Entries(X.data[part][seen].astype(np.float64), X.indices[part][seen], w)
        return
    for rows in blocks(X.shape[0], X.shape[1], most_entries=_BLOCK):
        part = X[rows]
        row, columns = np.nonzero(~missing_mask(part, markers))
        w = None if weights is None else weights[rows.start + row]
        yield Entries(part[row, columns].astype(np.float64), columns, w)


def row_of_entry(X: Any) -> np.ndarray:
    """Return the row of each stored entry of a CSR matrix."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))


def with_entries(X: Any, entries: np.ndarray) -> Any:
    """Return a CSR matrix with other entries; it shares its index arrays with `X`."""
    return type(X)((entries, X.indices, X.indptr), shape=X.shape)


def select_entries(X: Any, chosen: np.ndarray) -> Any:
    """Return a CSR or CSC matrix that stores only the chosen entries of `X`."""
    indptr = np.concatenate([[0], np.cumsum(chosen)])[X.indptr].astype(X.indptr.dtype)
    return type(X)((X.data[chosen], X.indices[chosen], indptr), shape=X.shape)


def to_container(X: Any, as_sparse: bool) -> Any:
    """Return rows as CSR of observed entries, or as a dense array with NaN."""
    if sparse.issparse(X) == as_sparse:
        return X
    if as_sparse:
        return _as_csr(X)
    dense = np.full(X.shape, np.nan, dtype=X.dtype)
    for rows in blocks_of_rows(X.indptr):
        part = X[rows]
        dense[rows][row_of_entry(part), part.indices] = part.data
    return dense


def _as_csr(X: np.ndarray) -> Any:
    """Return an array with NaN as CSR of the observed entries."""
    indptr = np.concatenate([[0], np.cumsum(row_counts(X))])
    kind = np.int32 if max(indptr[-1], X.shape[1]) <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(indptr[-1], X.dtype), np.empty(indptr[-1], kind)
    for rows in blocks(len(X), X.shape[1]):
        observed = ~np.isnan(X[rows])
        entries = slice(indptr[rows.start], indptr[rows.stop])
        data[entries], indices[entries] = X[rows][observed], np.nonzero(observed)[1]
    return sparse.csr_array((data, indices, indptr.astype(kind)), shape=X.shape)


def missing_shares(X: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of the rows in which each feature is missing, by weight."""
    if weights is None:
        return 1 - column_counts(X) / max(1, X.shape[0])
    observed = np.zeros(X.shape[1])
    for entries in observed_blocks(X, weights):
        observed += np.bincount(entries.columns, entries.weights, X.shape[1])
    return 1 - observed / (weights.sum() or 1.0)
