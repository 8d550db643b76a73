"""Large arrays in blocks that fit the cache, so that no temporary is as large as the array.

One thread works on the blocks. Two were no faster: one core nearly fills the memory bus, and
threads wait for each other's page faults (``benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_ENTRIES = 1 << 17
_GATHERED = 1 << 21  # numbers that are gathered at a time for single products


def blocks(n: int, entries: float = 1.0, *, most_entries: int | None = None) -> Iterator[slice]:
    """Split a range of `n` items, each of which stands for a number of entries.

    Parameters
    ----------
    n : int
        Length of the range.
    entries : float, default=1.0
        Entries behind each item.
    most_entries : int, optional
        Maximum number of entries in a block of more than one item.

    Yields
    ------
    slice
        The next block.
    """
    size = max(1, int((most_entries or _ENTRIES) / max(entries, 1.0)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def spread(n: int, most: int) -> np.ndarray:
    """Return at most so many different positions in a range of `n`, evenly spaced."""
    return np.linspace(0, n - 1, min(n, most)).astype(np.intp)


def blocks_of_rows(
    indptr: np.ndarray, *, most_entries: int | None = None, most_rows: int = 1 << 16
) -> Iterator[slice]:
    """Split the rows of a CSR matrix, however much they differ in length.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
        Where the rows start.
    most_entries : int, optional
        Maximum number of entries in a block of more than one row.
    most_rows : int, default=65536
        Maximum number of rows in a block.

    Yields
    ------
    slice
        The next block.
    """
    start, n_rows = 0, len(indptr) - 1
    while start < n_rows:
        ends = indptr[start + 1 : start + 1 + most_rows] - indptr[start]
        fitting = int(np.searchsorted(ends, most_entries or _ENTRIES, side="right"))
        stop = start + max(1, fitting)
        yield slice(start, stop)
        start = stop


def largest_of(values: np.ndarray) -> float:
    """Return the largest absolute value that is not NaN, or 0, without a copy of the values."""
    low, high = (f.reduce(values, axis=None, initial=0) for f in (np.fmin, np.fmax))
    return float(max(-low, high))


def products_of_pairs(
    left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Compute ``(left @ right.T)[rows, columns]`` without the full product.

    Parameters
    ----------
    left, right : ndarray of shape (n_rows, n_factors), (n_columns, n_factors)
        The factors.
    rows, columns : ndarray of int of shape (n_pairs,)
        The entries to compute.

    Returns
    -------
    ndarray of float64 of shape (n_pairs,)
    """
    out = np.empty(len(rows))
    for part in blocks(len(rows), left.shape[1], most_entries=_GATHERED):
        factors = left[rows[part]], right[columns[part]]
        out[part] = np.einsum("ij,ij->i", *factors, dtype=np.float64)
    return out
