"""Further interactions for the linear model of items: its sums, and what follows from them.

Up to `MOST_DENSE` items, the sums are those of all interactions, so that the result is that of a
fit with the same settings. Beyond, products with items that were not among the nearest, and what
the singular vectors did not hold, are forgotten (M. Brand. "Fast low-rank modifications of the thin
singular value decomposition". Linear Algebra and its Applications 415, 2006).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import blas
from scipy.sparse.linalg import LinearOperator, eigsh

from .._observed import column_counts, row_counts, row_of_entry, with_entries
from ._gram import HalfMatrix, add_products, item_blocks
from ._item_model import ItemModel, ItemSums, blended
from ._item_parts import (
    MOST_DENSE,
    NEIGHBOURS,
    SIDE_POWER,
    TOWARDS_POPULAR,
    as_factors,
    coefficients_of,
    exact_dtype,
    item_scale,
    products_of,
    ridge_coefficients,
    scaled_rows,
)

_SMALL = 100  # items up to which all eigenvectors are computed


def update_items(model: ItemModel, before: Any, after: Any, some: Any, n_users: int) -> ItemModel:
    """Return the model after the interactions of some users have changed.

    Parameters
    ----------
    model : ItemModel
        The model, which stays as it is.
    before, after : CSR matrix of shape (n_changed, n_items)
        Strengths of the interactions of these users. There may be more items than in the model.
    some : CSR matrix of shape (n_some, n_items)
        Strengths of some users, to weight both parts by.
    n_users : int
        Number of all users, which bounds the number of singular vectors.

    Returns
    -------
    ItemModel
        With the settings of `model`.
    """
    settings, old = model.settings, model.sums
    changes = tuple(
        scaled_rows(part, old.target, settings.power).astype(np.float64) for part in (before, after)
    )
    counts = column_counts(after) - column_counts(before)
    counts[: len(old.counts)] += old.counts
    n_known = old.n_users + sum(
        sign * int(np.count_nonzero(row_counts(part))) for sign, part in ((1, after), (-1, before))
    )
    n_factors = min(settings.n_factors, min(n_users, len(counts)) - 1)
    update = _with_all_products if old.gram is not None else _with_some_products
    found = update(model, changes, item_scale(counts, -SIDE_POWER), max(0, n_factors))
    coefficients, lengths = found.coefficients, found.lengths
    nearest = None if lengths is None else products_of(coefficients, lengths)
    sums = ItemSums(counts, n_known, old.target, found.gram, nearest, lengths, found.spectrum)
    target = sums.mean_count or model.target
    if lengths is not None:
        in_unit = (target / old.target) ** settings.power
        coefficients *= np.float32(in_unit ** (2 * TOWARDS_POPULAR))
    factors = as_factors(found.vectors, item_scale(counts, -SIDE_POWER))
    some = scaled_rows(some, target, settings.power)
    return blended(settings, target, coefficients, factors, sums, some)


class _Updated(NamedTuple):
    """What follows from updated products of items.

    Attributes
    ----------
    coefficients : ndarray or CSR matrix of shape (n_items, n_items)
        The coefficients, before they are divided by counts.
    vectors : ndarray of shape (n_items, n_factors)
        The leading singular vectors.
    spectrum : ndarray of shape (n_factors,)
        Their singular values.
    gram : HalfMatrix or None
        The products, where coefficients are dense.
    lengths : ndarray of shape (n_items,) or None
        The lengths of the columns, where coefficients are sparse.
    """

    coefficients: Any
    vectors: np.ndarray
    spectrum: np.ndarray
    gram: HalfMatrix | None
    lengths: np.ndarray | None


def _with_all_products(
    model: ItemModel, changes: tuple[Any, Any], scale: np.ndarray, n_factors: int
) -> _Updated:
    """Update a model that knows the products of all items.

    Parameters
    ----------
    model : ItemModel
        The model.
    changes : (CSR matrix, CSR matrix)
        Rows whose products are subtracted, and added.
    scale : ndarray of shape (n_items,)
        What columns are multiplied by before their singular vectors are computed.
    n_factors : int
        Number of singular vectors.
    """
    assert model.sums.gram is not None
    n_items = len(scale)
    products = model.sums.gram.dense(n_items, exact_dtype(n_items))
    for part, sign in zip(changes, (-1, 1), strict=True):
        add_products(products, part.astype(products.dtype), sign=sign)
    (symv,) = blas.get_blas_funcs(("symv",), (products,))  # reads one half of the matrix
    vectors, spectrum = _leading(lambda v: symv(1, products.T, v), scale, n_factors)
    if n_items <= MOST_DENSE:
        gram = HalfMatrix.of(products)
        found = ridge_coefficients(products, model.settings.ridge, rounding=np.float32)
        return _Updated(found, vectors, spectrum, gram, None)
    nothing = sparse.csr_array((0, n_items))
    squares = np.diagonal(products).copy()
    found, lengths = _nearest(lambda part: products[part], squares, nothing, nothing)
    return _Updated(found, vectors, spectrum, None, lengths)


def _with_some_products(
    model: ItemModel, changes: tuple[Any, Any], scale: np.ndarray, n_factors: int
) -> _Updated:
    """Update a model that knows the products of the nearest items; the same as above."""
    old, n_items, (less, more) = model.sums, len(scale), changes
    assert old.lengths is not None
    held = np.zeros((n_items, len(old.spectrum)))
    held[: len(old.counts)] = model.factors[1] * old.spectrum
    vectors, spectrum = _leading(
        lambda v: held @ (held.T @ v) + more.T @ (more @ v) - less.T @ (less @ v),
        scale,
        n_factors,
    )
    known = _known_products(old.nearest, n_items)
    squares = np.zeros(n_items)
    squares[: len(old.lengths)] = np.where(old.counts > 0, old.lengths**2, 0)
    squares += _squares(more) - _squares(less)
    found, lengths = _nearest(lambda part: known[part], squares, more, less)
    return _Updated(found, vectors, spectrum, None, lengths)


def _leading(
    multiply: Callable[[np.ndarray], np.ndarray], scale: np.ndarray, n_factors: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading singular vectors and values of normalized columns from their products.

    Parameters
    ----------
    multiply : callable
        Multiplies the matrix of the products of the columns by a vector of shape (n_items,).
    scale : ndarray of shape (n_items,)
        What the columns are multiplied by.
    n_factors : int
        Number of vectors.

    Returns
    -------
    vectors : ndarray of shape (n_items, n_factors)
    values : ndarray of shape (n_factors,)
    """
    n_items, scale = len(scale), scale.astype(np.float64)
    if n_factors < 1:
        return np.zeros((n_items, 0)), np.zeros(0)

    def normalized(v: np.ndarray) -> np.ndarray:
        return scale * np.asarray(multiply(scale * v.ravel()))

    if n_items <= _SMALL:
        values, vectors = np.linalg.eigh(np.apply_along_axis(normalized, 0, np.eye(n_items)))
    else:
        operator = LinearOperator((n_items, n_items), matvec=normalized, dtype=np.float64)
        values, vectors = eigsh(operator, n_factors, which="LA", v0=np.ones(n_items))
    order = np.argsort(-values)[:n_factors]
    return vectors[:, order], np.sqrt(np.maximum(values[order], 0))


def _squares(rows: Any) -> np.ndarray:
    """Return the squared lengths of the columns."""
    return np.bincount(rows.indices, rows.data**2, rows.shape[1])


def _known_products(nearest: Any, n_items: int) -> Any:
    """Return the known products of items: those of pairs in which one is near the other."""
    entries = sparse.coo_array(nearest)
    known = sparse.csr_array((entries.data, entries.coords), shape=(n_items, n_items))
    return known.maximum(known.T.tocsr()).astype(np.float64)


def _nearest(
    known: Callable[[slice], Any], squares: np.ndarray, more: Any, less: Any
) -> tuple[Any, np.ndarray]:
    """Return the coefficients of the nearest items, and the lengths of the columns.

    Parameters
    ----------
    known : callable
        Returns the earlier products of some items with all others.
    squares : ndarray of shape (n_items,)
        The squared lengths of the columns, which are current.
    more, less : CSR matrix of shape (n_changed, n_items)
        Rows whose products are added, and subtracted.
    """
    n_items = len(squares)
    lengths = np.where(squares > 0, np.sqrt(np.maximum(squares, 0)), 1)
    changes = [(part.T.tocsr(), part, sign) for part, sign in ((more, 1), (less, -1))]
    found = []
    for part in item_blocks(n_items):
        products = sparse.csr_array(known(part))
        for by_item, rows, sign in changes:
            products = products + sign * (by_item[part] @ rows)
        row = row_of_entry(products) + part.start
        cosines = products.data / (lengths[row] * lengths[products.indices])
        cosines[(row == products.indices) | (cosines <= 0)] = 0
        found.append(_highest(with_entries(products, cosines), NEIGHBOURS))
    by_target = sparse.vstack(found, format="csr").astype(np.float32)
    return coefficients_of(by_target, lengths), lengths


def _highest(X: Any, n: int) -> Any:
    """Return the n highest entries of each row of a CSR matrix that are not zero."""
    kept = X.data > 0
    for row in np.flatnonzero(row_counts(X) > n):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        kept[entries][np.argpartition(-X.data[entries], n - 1)[n:]] = False
    row, column = row_of_entry(X)[kept], X.indices[kept]
    return sparse.csr_array((X.data[kept], (row, column)), shape=X.shape)
