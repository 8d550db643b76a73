"""Large arrays in blocks that fit a cache, so that no temporary is as large as the array.

Threads were tried on these blocks and did not pay: one core all but fills the memory bus, and two
wait for each other's page faults (``benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_ENTRIES = 1 << 17


def blocks(n: int, entries: float = 1.0, *, most_entries: int | None = None) -> Iterator[slice]:
    """Split a range of `n` items, behind each of which there are so many entries.

    Parameters
    ----------
    n : int
        Length of the range.
    entries : float, default=1.0
        Entries behind each item.
    most_entries : int, optional
        Entries in a block, at most, if there is more than one item in it.

    Yields
    ------
    slice
        The next block.
    """
    size = max(1, int((most_entries or _ENTRIES) / max(entries, 1.0)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def blocks_of_rows(
    indptr: np.ndarray, *, most_entries: int | None = None, most_rows: int = 1 << 16
) -> Iterator[slice]:
    """Split the rows of a CSR matrix, however much they differ in length.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
        Where the rows start.
    most_entries : int, optional
        Entries in a block, at most, if there is more than one row in it.
    most_rows : int, default=65536
        Rows in a block, at most.

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
