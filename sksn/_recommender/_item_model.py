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

from .._blocks import spread
from .._observed import column_counts, row_counts
from ._gram import HalfMatrix, gram_matrix
from ._item_parts import (
    MOST_DENSE,
    column_lengths,
    exact_dtype,
    item_scale,
    neighbours,
    product,
    products_of,
    ridge_coefficients,
    scaled_rows,
    singular_vectors,
    with_columns,
)

WHEN_LARGE: dict[str, Any] = {  # settings where the coefficients are sparse
    "n_factors": 256,
    "factor_weight": 0.3,
}
SAMPLE = 1000  # rows from which the spreads of the two parts are computed


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


class ItemSums(NamedTuple):
    """What coefficients and factors are computed from, and further interactions change.

    Attributes
    ----------
    counts : ndarray of shape (n_items,)
        Number of users who have interacted with each item.
    n_users : int
        Number of users with interactions.
    target : float
        The constant K of the rows whose products are summed.
    gram : HalfMatrix or None
        The products of the columns of these rows, where coefficients are dense.
    nearest : CSR matrix of shape (n_items, n_items) or None
        The products with the nearest items, where coefficients are sparse.
    lengths : ndarray of shape (n_items,) or None
        The lengths of the columns there.
    spectrum : ndarray of shape (n_factors,)
        The singular values of the factors.
    """

    counts: np.ndarray
    n_users: int
    target: float
    gram: HalfMatrix | None
    nearest: Any
    lengths: np.ndarray | None
    spectrum: np.ndarray

    @property
    def mean_count(self) -> float:
        """Mean number of interactions of the users who have some."""
        return float(self.counts.sum() / max(1, self.n_users))


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
    sums : ItemSums
        What all of this is computed from.
    """

    def __init__(
        self,
        settings: Settings,
        target: float,
        coefficients: Any,
        factors: tuple[np.ndarray, np.ndarray],
        factor_scale: float,
        sums: ItemSums,
    ) -> None:
        self.settings, self.target = settings, target
        self.coefficients, self.factors = coefficients, factors
        self.factor_scale, self.sums = np.float32(factor_scale), sums

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
    n_items = rows.shape[1]
    encode, decode, spectrum = singular_vectors(rows, settings.n_factors)
    gram = nearest = lengths = None
    if n_items <= MOST_DENSE:
        products = gram_matrix(rows, exact_dtype(n_items))
        gram = HalfMatrix.of(products)
        coefficients = ridge_coefficients(products, settings.ridge)
        del products
    else:
        coefficients = neighbours(rows)
        lengths = column_lengths(rows)
        nearest = products_of(coefficients, lengths)
    n_users = int(np.count_nonzero(row_counts(X)))
    sums = ItemSums(column_counts(X), n_users, target, gram, nearest, lengths, spectrum)
    some = rows[spread(rows.shape[0], SAMPLE)]
    return blended(settings, target, coefficients, (encode, decode), sums, some)


def blended(
    settings: Settings,
    target: float,
    coefficients: Any,
    factors: tuple[np.ndarray, np.ndarray],
    sums: ItemSums,
    some: Any,
) -> ItemModel:
    """Return the sum of both parts, weighted by the spread of their scores for some scaled rows."""
    coefficients = with_columns(coefficients, item_scale(sums.counts, -settings.count_power))
    some = some.astype(np.float32)
    encode, decode = factors
    ratio = spread_ratio(product(some, coefficients), (some @ encode) @ decode.T)
    share = settings.factor_weight if ratio else 0.0
    coefficients *= np.float32(1 - share)
    return ItemModel(settings, target, coefficients, factors, share * ratio, sums)


def spread_ratio(first: np.ndarray, second: np.ndarray) -> float:
    """Return the standard deviation of scores within rows, divided by that of others."""
    deviations = [
        np.sqrt(scores.var(axis=1, dtype=np.float64).mean()) for scores in (first, second)
    ]
    return float(deviations[0] / deviations[1]) if deviations[1] > 0 else 0.0
