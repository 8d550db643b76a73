"""Offsets of rows and columns that explain entries before a network does."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks

_ROUNDS = 10


def column_offsets(X: Any, prior: float | None, weights: np.ndarray | None = None) -> np.ndarray:
    """The offsets of columns beside those of rows, by alternating shrunken means.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    prior : float, optional
        How many entries at the overall mean are counted in beside those of a row or column. None:
        rows have no offsets, and columns their plain mean.
    weights : ndarray of shape (n_entries,), optional
        What each entry of a CSR matrix counts.

    Returns
    -------
    ndarray of shape (n_features,)
        The overall mean plus the offset of each column; the mean alone where nothing is observed.
    """
    sums = _sums(X, weights)
    n_rows, n_columns = sums.counts()
    none = np.zeros(X.shape[0])
    mean = sums.left(none, np.zeros(X.shape[1]))[1].sum() / max(n_columns.sum(), 1e-300)
    columns = np.zeros(X.shape[1])
    if prior is None:
        total = sums.left(none, columns + mean)[1]
        return mean + total / np.where(n_columns > 0, n_columns, 1)
    rows = none
    for _ in range(_ROUNDS):
        total = sums.left(none, mean + columns)[0]
        rows = total / np.maximum(n_rows + prior, 1e-300)
        total = sums.left(rows, np.full(X.shape[1], mean))[1]
        columns = total / np.maximum(n_columns + prior, 1e-300)
    return mean + columns


def row_offsets(
    X: Any, columns: np.ndarray, prior: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """Shrunken means of what the offsets of columns leave of the entries of each row.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    columns : ndarray of shape (n_features,)
        The offsets of columns, the overall mean included.
    prior : float
        How many entries with nothing left are counted in.
    weights : ndarray of shape (n_entries,), optional
        What each entry of a CSR matrix counts.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    sums = _sums(X, weights)
    total = sums.left(np.zeros(X.shape[0]), columns)[0]
    return total / np.maximum(sums.counts()[0] + prior, 1e-300)


def mean_square_left(X: Any, rows: np.ndarray, columns: np.ndarray) -> float:
    """Mean square of what offsets leave of the observed entries."""
    if sparse.issparse(X):
        row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        return float(np.mean((X.data - rows[row] - columns[X.indices]) ** 2))
    return float(np.nanmean((X - rows[:, None] - columns) ** 2))


def _sums(X: Any, weights: np.ndarray | None = None) -> _SparseSums | _DenseSums:
    return _SparseSums(X, weights) if sparse.issparse(X) else _DenseSums(X)


class _SparseSums:
    """Sums over the entries of a CSR matrix."""

    def __init__(self, X: Any, weights: np.ndarray | None) -> None:
        self.X, self.weights = X, weights
        self.row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Total weight of each row and of each column."""
        return self._by_side(self.weights)

    def left(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What offsets leave of the entries, summed over each row and over each column."""
        left = self.X.data - rows[self.row] - columns[self.X.indices]
        return self._by_side(left if self.weights is None else left * self.weights)

    def _by_side(self, entries: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        n_rows, n_columns = self.X.shape
        return (
            np.bincount(self.row, entries, n_rows).astype(np.float64),
            np.bincount(self.X.indices, entries, n_columns).astype(np.float64),
        )


class _DenseSums:
    """Sums over the entries of an array that are not NaN."""

    def __init__(self, X: np.ndarray) -> None:
        self.X = X

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        observed = ~np.isnan(self.X)
        return observed.sum(axis=1).astype(np.float64), observed.sum(axis=0).astype(np.float64)

    def left(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_row, by_column = np.zeros(self.X.shape[0]), np.zeros(self.X.shape[1])
        for part in blocks(len(self.X), self.X.shape[1]):
            left = self.X[part].astype(np.float64) - rows[part, None] - columns
            by_row[part] = np.nansum(left, axis=1)
            by_column += np.nansum(left, axis=0)
        return by_row, by_column
