"""A linear model of items: which items go with those that a user has interacted with.

Two parts are added. The first is a ridge regression of each item on all others, in closed form
(EASE, with a penalty that grows with an item's count as in EDLAE). The second is a projection on
the leading singular vectors of the matrix, whose columns are normalized (GF-CF). Both see rows
after Sparsity Normalization.

H. Steck. "Embarrassingly Shallow Autoencoders for Sparse Data". WWW 2019. arXiv:1905.03375.
H. Steck. "Autoencoders that don't overfit towards the Identity". NeurIPS 2020.
Y. Shen et al. "How Powerful is Graph Convolution for Recommendation?" CIKM 2021. arXiv:2108.07567.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import svds

from .._blocks import blocks
from .._formula import sparsity_scale
from .._observed import column_counts, row_counts
from .._row_scaling import scale_stored

MOST_DENSE = 20_000  # items up to which coefficients are a dense matrix (1.6 GB)
EXACT = 6_000  # items up to which they are computed in float64
WHEN_LARGE: dict[str, Any] = {  # settings where the coefficients are sparse
    "n_factors": 256,
    "factor_weight": 0.3,
}
_NEIGHBOURS = 200  # coefficients of an item where they are sparse
_TOWARDS_POPULAR = 0.4  # power of an item's squared length in them
_SIDE_POWER = 0.5  # of item counts, on both sides of the singular vectors
_PRODUCTS = 1 << 24  # sums of products that are computed at a time
_SAMPLE = 1000  # rows from which the spreads of the two parts are computed


class Settings(NamedTuple):
    """Hyper-parameters of the model.

    Attributes
    ----------
    power : float
        Rows are scaled by ``(K / n) ** power``.
    ridge : float
        Penalty of the regression, in units of the mean of the diagonal of the Gram matrix. Half of
        it is the same for all items, and half is proportional to an item's own diagonal.
    count_power : float
        Predictions of the regression are divided by the items' counts to this power.
    n_factors : int
        Number of singular vectors. 0: the model is the regression alone.
    factor_weight : float
        Share of the factors in the sum, in [0, 1].
    """

    power: float = 0.35
    ridge: float = 5.0
    count_power: float = 0.15
    n_factors: int = 64
    factor_weight: float = 0.2


class ItemModel:
    """Coefficients and factors of items.

    Parameters
    ----------
    settings : Settings
        The hyper-parameters.
    target : float
        The constant K of the rows.
    coefficients : ndarray or CSR matrix of shape (n_items, n_items)
        What an interaction with the item of a row adds to the score of each item.
    factors : (ndarray of shape (n_items, n_factors), ndarray of shape (n_items, n_factors))
        What an interaction adds to the vector of a user, and the vectors of the items.
    factor_scale : float
        What the products of the vectors are multiplied by in the scores.
    """

    def __init__(
        self,
        settings: Settings,
        target: float,
        coefficients: Any,
        factors: tuple[np.ndarray, np.ndarray],
        factor_scale: float,
    ) -> None:
        self.settings, self.target = settings, target
        self.coefficients, self.factors = coefficients, factors
        self.factor_scale = np.float32(factor_scale)

    def scaled(self, X: Any) -> Any:
        """Return rows after Sparsity Normalization, in float32."""
        return scaled_rows(X, self.target, self.settings.power).astype(np.float32)

    def score(self, X: Any) -> np.ndarray:
        """Return the scores of all items; shape (n_users, n_items).

        Parameters
        ----------
        X : CSR matrix of shape (n_users, n_items)
            Strengths of the interactions.
        """
        rows = self.scaled(X)
        by_factors = (self.factor_scale * (rows @ self.factors[0])) @ self.factors[1].T
        return product(rows, self.coefficients) + by_factors

    def vectors(self, X: Any) -> np.ndarray:
        """Return the vectors of users; shape (n_users, n_factors)."""
        return np.asarray(self.scaled(X) @ self.factors[0])

    def parts(self, X: Any, item: int) -> np.ndarray:
        """Return what each interaction of one user adds to the score of an item.

        Parameters
        ----------
        X : CSR matrix of shape (1, n_items)
            Strengths of the interactions of the user.
        item : int
            Position of the item.

        Returns
        -------
        ndarray of shape (n_interactions,)
        """
        rows = self.scaled(X)
        column = self.coefficients[:, [item]]
        column = (column.toarray() if sparse.issparse(column) else column).ravel()
        column = column + self.factor_scale * (self.factors[0] @ self.factors[1][item])
        return rows.data * column[rows.indices]


def fit_items(X: Any, settings: Settings, target: float) -> ItemModel:
    """Fit the model in closed form.

    Parameters
    ----------
    X : CSR matrix of shape (n_users, n_items)
        Strengths of the interactions.
    settings : Settings
        The hyper-parameters.
    target : float
        The constant K of the rows.

    Returns
    -------
    ItemModel
    """
    rows = scaled_rows(X, target, settings.power)
    is_dense = X.shape[1] <= MOST_DENSE
    coefficients = regression(rows, settings.ridge) if is_dense else neighbours(rows)
    coefficients = _with_columns(coefficients, item_scale(X, -settings.count_power))
    encode, decode = factors = spectral_factors(rows, settings.n_factors)
    some = rows[np.linspace(0, rows.shape[0] - 1, min(_SAMPLE, rows.shape[0])).astype(np.intp)]
    some = some.astype(np.float32)
    ratio = spread_ratio(product(some, coefficients), (some @ encode) @ decode.T)
    share = settings.factor_weight if ratio else 0.0
    coefficients *= np.float32(1 - share)
    return ItemModel(settings, target, coefficients, factors, share * ratio)


def scaled_rows(X: Any, target: float, power: float) -> Any:
    """Return strengths of interactions after Sparsity Normalization of the rows."""
    return scale_stored(X, sparsity_scale(row_counts(X), target, power), copy=True)


def product(rows: Any, coefficients: Any) -> np.ndarray:
    """Return the product of sparse rows and a matrix as an array."""
    found = rows @ coefficients
    return found.toarray() if sparse.issparse(found) else np.asarray(found)


def item_scale(X: Any, power: float) -> np.ndarray:
    """Return the counts of the items to a power, in float32; an item without any counts 1."""
    return (np.maximum(column_counts(X), 1.0) ** power).astype(np.float32)


def spread_ratio(first: np.ndarray, second: np.ndarray) -> float:
    """Return the standard deviation of scores within rows, divided by that of others."""
    deviations = [
        np.sqrt(scores.var(axis=1, dtype=np.float64).mean()) for scores in (first, second)
    ]
    return float(deviations[0] / deviations[1]) if deviations[1] > 0 else 0.0


def regression(rows: Any, ridge: float, *, exact: int = EXACT) -> Any:
    """Return the coefficients of a ridge regression of each item on all others.

    Parameters
    ----------
    rows : CSR matrix of shape (n_users, n_items)
        The rows.
    ridge : float
        See :class:`Settings`.
    exact : int
        Number of items up to which the inverse is computed in float64.

    Returns
    -------
    ndarray of float32 of shape (n_items, n_items)
        With zeros on the diagonal.
    """
    n_items = rows.shape[1]
    inverse = np.zeros((n_items, n_items), np.float64 if n_items <= exact else np.float32)
    columns = rows.tocsc().astype(inverse.dtype)
    by_item = columns.T.tocsr()
    for part in blocks(n_items, n_items, most_entries=_PRODUCTS):
        inverse[part] = (by_item[part] @ columns).toarray()
    diagonal = np.einsum("ii->i", inverse)
    typical = diagonal.mean() or 1.0
    diagonal += 0.5 * ridge * (typical + diagonal) + np.finfo(inverse.dtype).eps * typical
    potrf, potri = lapack.get_lapack_funcs(("potrf", "potri"), (inverse,))
    # the transpose has LAPACK's order, so that nothing is copied
    _, failed = potrf(inverse.T, lower=1, overwrite_a=1)
    _, failed = (None, failed) if failed else potri(inverse.T, lower=1, overwrite_c=1)
    if failed:
        raise FloatingPointError("the Gram matrix of the items has no inverse")
    for part in blocks(n_items, n_items, most_entries=_PRODUCTS):
        _mirror(inverse, part)
    scale = -1 / diagonal
    found = inverse if inverse.dtype == np.float32 else np.empty(inverse.shape, np.float32)
    for part in blocks(n_items, n_items, most_entries=_PRODUCTS):
        found[part] = inverse[part] * scale
    np.fill_diagonal(found, 0)
    return found


def _mirror(A: np.ndarray, part: slice) -> None:
    """Copy the upper triangle of a matrix to the lower one, for some rows."""
    A[part, : part.start] = A[: part.start, part].T
    square = A[part, part]
    square[...] = np.triu(square) + np.triu(square, 1).T


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
    norms = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0)).ravel())
    columns = _with_columns(columns, 1 / np.where(norms > 0, norms, 1).astype(np.float32))
    by_item = columns.T.tocsr()
    kept: list[np.ndarray] = []
    cosines: list[np.ndarray] = []
    n = min(_NEIGHBOURS, n_items - 1)
    for part in blocks(n_items, n_items, most_entries=_PRODUCTS):
        found = (by_item[part] @ columns).toarray()
        found[np.arange(len(found)), np.arange(part.start, part.start + len(found))] = 0
        best = np.argpartition(-found, n - 1, axis=1)[:, :n]
        kept.append(np.sort(best, axis=1))
        cosines.append(np.take_along_axis(found, kept[-1], axis=1))
    entries, places = (np.concatenate(part, axis=None) for part in (cosines, kept))
    starts = np.arange(0, n * n_items + 1, n)
    by_target = sparse.csr_array((entries, places, starts), shape=(n_items, n_items))
    scale = np.where(norms > 0, norms, 1) ** (2 * _TOWARDS_POPULAR)
    return _with_columns(by_target.T.tocsr(), scale.astype(np.float32))


def spectral_factors(rows: Any, n_factors: int) -> tuple[np.ndarray, np.ndarray]:
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
    """
    n_factors = min(n_factors, min(rows.shape) - 1)
    before = item_scale(rows, -_SIDE_POWER)
    if n_factors < 1 or not rows.nnz:
        return (np.zeros((rows.shape[1], 0), np.float32),) * 2
    A = _with_columns(rows.astype(np.float64), before.astype(np.float64))
    start = np.ones(min(A.shape))  # the same result every time
    _, values, vectors = svds(A, k=n_factors, v0=start, return_singular_vectors="vh")
    order = np.argsort(-values)
    vectors = vectors[order].T.astype(np.float32)
    return before[:, None] * vectors, vectors / before[:, None]


def _with_columns(A: Any, scale: np.ndarray) -> Any:
    """Multiply the columns of a matrix, in place if it is an array."""
    if not sparse.issparse(A):
        A *= scale
        return A
    A = A.copy()
    A.data *= scale[A.indices] if A.format == "csr" else np.repeat(scale, np.diff(A.indptr))
    return A
