"""The two parts of the linear model of items: a regression or cosines, and singular vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import svds

from .._formula import sparsity_scale
from .._observed import column_counts, row_counts, row_of_entry, with_entries
from .._row_scaling import scale_stored
from ._gram import gram_matrix, item_blocks, mirror

MOST_DENSE = 20_000  # items up to which coefficients are a dense matrix (1.6 GB)
EXACT = 6_000  # items up to which they are computed in float64
NEIGHBOURS = 200  # coefficients of an item where they are sparse
TOWARDS_POPULAR = 0.4  # power of an item's squared length in them
SIDE_POWER = 0.5  # of item counts, on both sides of the singular vectors


def scaled_rows(X: Any, target: float, power: float) -> Any:
    """Return strengths of interactions after Sparsity Normalization of the rows."""
    return scale_stored(X, sparsity_scale(row_counts(X), target, power), copy=True)


def product(rows: Any, coefficients: Any) -> np.ndarray:
    """Return the product of sparse rows and a matrix as an array."""
    found = rows @ coefficients
    return found.toarray() if sparse.issparse(found) else np.asarray(found)


def item_scale(counts: np.ndarray, power: float) -> np.ndarray:
    """Return the counts of the items to a power, in float32; an item without any counts 1."""
    return (np.maximum(counts, 1.0) ** power).astype(np.float32)


def regression(rows: Any, ridge: float, dtype: Any = None) -> Any:
    """Return the coefficients of a ridge regression of each item on all others.

    Parameters
    ----------
    rows : CSR matrix of shape (n_users, n_items)
        The rows.
    ridge : float
        See :class:`Settings`.
    dtype : dtype, optional
        The type in which the matrix is inverted; by default that of :func:`exact_dtype`.

    Returns
    -------
    ndarray of float32 of shape (n_items, n_items)
        With zeros on the diagonal.
    """
    return ridge_coefficients(gram_matrix(rows, dtype or exact_dtype(rows.shape[1])), ridge)


def exact_dtype(n_items: int) -> Any:
    """Return the type in which a matrix of so many items is inverted."""
    return np.float64 if n_items <= EXACT else np.float32


def ridge_coefficients(gram: np.ndarray, ridge: float, *, rounding: Any = None) -> np.ndarray:
    """Return the coefficients of the regression from the products of the items.

    Parameters
    ----------
    gram : ndarray of shape (n_items, n_items)
        The products, which are overwritten.
    ridge : float
        See :class:`Settings`.
    rounding : dtype, optional
        The type to which the products were rounded. By default theirs.

    Returns
    -------
    ndarray of float32 of shape (n_items, n_items)
    """
    diagonal = np.einsum("ii->i", gram)
    typical = diagonal.mean() or 1.0
    least = np.finfo(rounding or gram.dtype).eps * typical
    diagonal += 0.5 * ridge * (typical + diagonal) + least
    potrf, potri = lapack.get_lapack_funcs(("potrf", "potri"), (gram,))
    # the transpose has LAPACK's order, so that nothing is copied
    _, failed = potrf(gram.T, lower=1, overwrite_a=1)
    _, failed = (None, failed) if failed else potri(gram.T, lower=1, overwrite_c=1)
    if failed:
        raise FloatingPointError("the Gram matrix of the items has no inverse")
    mirror(gram)
    scale = -1 / diagonal
    found = gram if gram.dtype == np.float32 else np.empty(gram.shape, np.float32)
    for part in item_blocks(len(gram)):
        found[part] = gram[part] * scale
    np.fill_diagonal(found, 0)
    return found


def neighbours(rows: Any) -> Any:
    """Return the nearest items of each item, which replace a regression that would be too large.

    Returns
    -------
    CSR matrix of float32 of shape (n_items, n_items)
        In the column of each item, the highest cosines of other items to it, times a power of its
        squared length: cosines alone favour rare items.
    """
    n_items = rows.shape[1]
    columns = rows.tocsc().astype(np.float32)
    lengths = column_lengths(columns)
    columns = with_columns(columns, 1 / lengths.astype(np.float32))
    by_item = columns.T.tocsr()
    kept: list[np.ndarray] = []
    cosines: list[np.ndarray] = []
    n = min(NEIGHBOURS, n_items - 1)
    for part in item_blocks(n_items):
        found = (by_item[part] @ columns).toarray()
        found[np.arange(len(found)), np.arange(part.start, part.start + len(found))] = 0
        best = np.argpartition(-found, n - 1, axis=1)[:, :n]
        kept.append(np.sort(best, axis=1))
        cosines.append(np.take_along_axis(found, kept[-1], axis=1))
    entries, places = (np.concatenate(part, axis=None) for part in (cosines, kept))
    starts = np.arange(0, n * n_items + 1, n)
    by_target = sparse.csr_array((entries, places, starts), shape=(n_items, n_items))
    return coefficients_of(by_target, lengths)


def column_lengths(rows: Any) -> np.ndarray:
    """Return the lengths of the columns of a matrix; 1 for a column of zeros."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=0)).ravel())
    return np.where(lengths > 0, lengths, 1)


def coefficients_of(by_target: Any, lengths: np.ndarray) -> Any:
    """Return the coefficients of the nearest items, whose cosines stand in the rows of each."""
    scale = lengths ** (2 * TOWARDS_POPULAR)
    return with_columns(by_target.T.tocsr(), scale.astype(np.float32))


def products_of(coefficients: Any, lengths: np.ndarray) -> Any:
    """Return the products of the columns from these coefficients."""
    scale = lengths ** (1 - 2 * TOWARDS_POPULAR)
    row, column = row_of_entry(coefficients), coefficients.indices
    products = coefficients.data * lengths[row] * scale[column]
    return with_entries(coefficients, products.astype(np.float32))


def singular_vectors(rows: Any, n_factors: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what an item adds to the vector of a user, and the vectors of the items.

    Parameters
    ----------
    rows : CSR matrix of shape (n_users, n_items)
        The rows.
    n_factors : int
        Number of singular vectors, the largest ones.

    Returns
    -------
    encode, decode : ndarray of float32 of shape (n_items, n_factors)
        With fewer factors if the matrix has no more.
    values : ndarray of shape (n_factors,)
        The singular values.
    """
    n_factors = min(n_factors, min(rows.shape) - 1)
    before = item_scale(column_counts(rows), -SIDE_POWER)
    if n_factors < 1 or not rows.nnz:
        return *(np.zeros((rows.shape[1], 0), np.float32),) * 2, np.zeros(0)
    A = with_columns(rows.astype(np.float64), before.astype(np.float64))
    start = np.ones(min(A.shape))  # the same result every time
    _, values, vectors = svds(A, k=n_factors, v0=start, return_singular_vectors="vh")
    order = np.argsort(-values)
    return *as_factors(vectors[order].T, before), values[order]


def as_factors(vectors: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what an item adds to the vector of a user, and the vectors of the items."""
    vectors = vectors.astype(np.float32)
    return before[:, None] * vectors, vectors / before[:, None]


def with_columns(A: Any, scale: np.ndarray) -> Any:
    """Multiply the columns of a matrix, in place if it is an array."""
    if not sparse.issparse(A):
        A *= scale
        return A
    A = A.copy()
    A.data *= scale[A.indices] if A.format == "csr" else np.repeat(scale, np.diff(A.indptr))
    return A
