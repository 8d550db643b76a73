"""Offsets of rows and columns: shrunken means that explain entries before a network does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks, blocks_of_rows
from .._formula import shrunken_mean
from .._observed import column_counts, row_counts

_ROUNDS = 10


def column_offsets(X: Any, prior: float | None, weights: np.ndarray | None = None) -> np.ndarray:
    r"""Compute offsets of columns together with those of rows, by alternating shrunken means.

    Entries are modelled as :math:`m + r_i + c_j`, where :math:`m` is the overall mean. The row
    offsets :math:`r` and the column offsets :math:`c` are each the shrunken mean of
    the residuals after subtracting the other terms.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    prior : float or None
        Shrinkage: number of zero residuals that are added to each mean. None: rows have no
        offsets, and columns have their plain means.
    weights : ndarray of shape (n_entries,), optional
        Weight of each entry of a CSR matrix.

    Returns
    -------
    ndarray of shape (n_features,)
        :math:`m + c`; the mean :math:`m` if nothing of a column is observed.
    """
    residuals = _residuals(X, weights)
    row_totals, column_totals = residuals.counts()
    no_rows = np.zeros(X.shape[0])
    all_sums = residuals.sums(no_rows, np.zeros(X.shape[1]))[1].sum()
    mean = all_sums / max(column_totals.sum(), 1e-300)
    columns = np.zeros(X.shape[1])
    if prior is None:
        sums = residuals.sums(no_rows, columns + mean)[1]
        return mean + shrunken_mean(sums, column_totals, 0)
    for _ in range(_ROUNDS):
        sums = residuals.sums(no_rows, mean + columns)[0]
        rows = shrunken_mean(sums, row_totals, prior)
        sums = residuals.sums(rows, np.full(X.shape[1], mean))[1]
        columns = shrunken_mean(sums, column_totals, prior)
    return mean + columns


def row_offsets(
    X: Any, columns: np.ndarray, prior: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """Compute the shrunken mean residual of each row.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    columns : ndarray of shape (n_features,)
        The offsets of columns, including the overall mean.
    prior : float
        Shrinkage: number of zero residuals that are added to each mean.
    weights : ndarray of shape (n_entries,), optional
        Weight of each entry of a CSR matrix.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    residuals = _residuals(X, weights)
    sums = residuals.sums(np.zeros(X.shape[0]), columns)[0]
    return shrunken_mean(sums, residuals.counts()[0], prior)


def mean_squared_residual(X: Any, rows: np.ndarray, columns: np.ndarray) -> float:
    """Compute the mean square of the observed entries after subtracting offsets."""
    residuals = _residuals(X)
    n_entries = residuals.counts()[0].sum()
    return residuals.sum_of_squares(rows, columns) / n_entries if n_entries else float("nan")


def _residuals(X: Any, weights: np.ndarray | None = None) -> _SparseResiduals | _DenseResiduals:
    return _SparseResiduals(X, weights) if sparse.issparse(X) else _DenseResiduals(X)


class _SparseResiduals:
    """Sums of residuals of the entries of a CSR matrix, which are computed a block at a time."""

    def __init__(self, X: Any, weights: np.ndarray | None) -> None:
        self.X, self.weights = X, weights

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the total weight of each row and of each column."""
        return self._by_side(lambda entries, row: None)

    def sums(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Subtract offsets, and sum the residuals of each row and of each column."""
        return self._by_side(lambda entries, row: self._left(entries, row, rows, columns))

    def sum_of_squares(self, rows: np.ndarray, columns: np.ndarray) -> float:
        """Subtract offsets, and sum the squares of the residuals."""
        parts = [self._left(*part, rows, columns) for part in self._blocks()]
        return float(sum(part @ part for part in parts))

    def _left(
        self, entries: slice, row: np.ndarray, rows: np.ndarray, columns: np.ndarray
    ) -> np.ndarray:
        return self.X.data[entries] - rows[row] - columns[self.X.indices[entries]]

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield where a block of entries is, and the row of each of them."""
        indptr = self.X.indptr
        for part in blocks_of_rows(indptr):
            counts = np.diff(indptr[part.start : part.stop + 1])
            row = np.repeat(np.arange(part.start, part.stop), counts)
            yield slice(indptr[part.start], indptr[part.stop]), row

    def _by_side(self, values: Callable[..., np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        n_rows, n_columns = self.X.shape
        by_row, by_column = np.zeros(n_rows), np.zeros(n_columns)
        for entries, row in self._blocks():
            summed = values(entries, row)
            if self.weights is not None:
                of_entry = self.weights[entries]
                summed = of_entry if summed is None else summed * of_entry
            if len(row):
                part = slice(row[0], row[-1] + 1)
                by_row[part] = np.bincount(row - row[0], summed)
            by_column += np.bincount(self.X.indices[entries], summed, n_columns)
        return by_row, by_column


class _DenseResiduals:
    """Sums of residuals of the entries of an array that are not NaN."""

    def __init__(self, X: np.ndarray) -> None:
        self.X = X

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        return row_counts(self.X).astype(np.float64), column_counts(self.X).astype(np.float64)

    def sum_of_squares(self, rows: np.ndarray, columns: np.ndarray) -> float:
        total = 0.0
        for part in blocks(len(self.X), self.X.shape[1]):
            left = self.X[part].astype(np.float64) - rows[part, None] - columns
            total += float(np.nansum(left**2))
        return total

    def sums(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_row, by_column = np.zeros(self.X.shape[0]), np.zeros(self.X.shape[1])
        for part in blocks(len(self.X), self.X.shape[1]):
            left = self.X[part].astype(np.float64) - rows[part, None] - columns
            by_row[part] = np.nansum(left, axis=1)
            by_column += np.nansum(left, axis=0)
        return by_row, by_column
