"""Gram matrices of items: sums over users, to which further rows are added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from scipy import sparse

from .._blocks import blocks

_PRODUCTS = 1 << 24  # sums of products that are computed at a time
_ROWS = 256  # rows that are mirrored at a time


def item_blocks(n_items: int) -> Iterator[slice]:
    """Split the rows of a matrix of items by items."""
    return blocks(n_items, n_items, most_entries=_PRODUCTS)


def gram_matrix(rows: Any, dtype: Any) -> np.ndarray:
    """Return the products of the columns of a CSR matrix, shape (n_items, n_items)."""
    found = np.zeros((rows.shape[1], rows.shape[1]), dtype)
    add_products(found, rows.astype(dtype))
    return found


def add_products(A: np.ndarray, rows: Any, *, sign: int = 1) -> None:
    """Add the products of the columns of a CSR matrix to an array, or subtract them."""
    columns = rows.tocsc()
    by_item = columns.T.tocsr()
    for part in item_blocks(len(A)):
        A[part] += sign * (by_item[part] @ columns).toarray()


def mirror(A: np.ndarray) -> None:
    """Copy the upper triangle of a matrix to the lower one."""
    for part in blocks(len(A), most_entries=_ROWS):
        A[part, : part.start] = A[: part.start, part].T
        square = A[part, part]
        square[...] = np.triu(square) + np.triu(square, 1).T


class HalfMatrix:
    """A symmetric matrix in float32, in at most half of its memory.

    Parameters
    ----------
    upper : ndarray of shape (n * (n + 1) / 2,), or CSR matrix of shape (n, n)
        The upper triangle, row after row, or its entries that are not zero.
    n : int
        Number of rows.
    """

    def __init__(self, upper: Any, n: int) -> None:
        self._upper, self._n = upper, n

    @classmethod
    def of(cls, A: np.ndarray) -> Self:
        """Keep a symmetric array."""
        n = len(A)
        n_packed = n * (n + 1) // 2
        n_entries = sum(int(np.count_nonzero(A[part])) for part in item_blocks(n))
        if n_entries + n < n_packed:  # an entry of a sparse matrix has twice the size
            triangles = [
                sparse.csr_array(np.triu(A[part], part.start).astype(np.float32))
                for part in item_blocks(n)
            ]
            return cls(sparse.vstack(triangles, format="csr"), n)
        upper, start = np.empty(n_packed, np.float32), 0
        for row in range(n):
            upper[start : start + n - row] = A[row, row:]
            start += n - row
        return cls(upper, n)

    def dense(self, n: int, dtype: Any) -> np.ndarray:
        """Return the array, with further rows and columns of zeros; shape (n, n)."""
        found = np.zeros((n, n), dtype)
        if sparse.issparse(self._upper):
            for part in item_blocks(self._n):
                found[part, : self._n] = self._upper[part].toarray()
        else:
            start = 0
            for row in range(self._n):
                found[row, row : self._n] = self._upper[start : start + self._n - row]
                start += self._n - row
        mirror(found)
        return found
