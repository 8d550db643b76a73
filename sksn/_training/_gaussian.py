"""A multivariate normal distribution of rows with missing entries, and what it expects of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np

from .._blocks import blocks_of_rows
from .._observed import row_counts
from ._held_out import hold_out_entries

_PRIOR_ROWS = (200.0, 50.0, 10.0, 1.0, 0.01)  # that the prior counts as; one is chosen
_SHARE = 0.1  # of the entries, held out to choose it
_ITERATIONS = 10
_TOLERANCE = 3e-3  # change of a covariance of standardized features, below which EM stops
_NUMBERS = 1 << 21  # in the matrices of a block of rows
_MOST_ROWS = 10_000  # from which the distribution is learned
_ROWS_TO_CHOOSE = 1000
_ENTRIES_TO_CHOOSE = 20_000
_FEW = 20
_MOST_FEATURES = 1000
_MOST_PRODUCTS = 1e11


class GaussianModel(NamedTuple):
    r"""A multivariate normal distribution of standardized features.

    The covariance is that of the maximum of the posterior for a prior of :math:`\kappa` rows with
    the identity as their covariance, computed by the EM algorithm [1]_.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    covariance : ndarray of shape (n_features, n_features)
    prior_rows : float
        The number :math:`\kappa`.
    n_rows : float
        Number of rows that were learned from.

    References
    ----------
    .. [1] R. J. A. Little, D. B. Rubin. "Statistical Analysis with Missing Data". 2nd edition,
       Wiley, 2002. Section 11.2.
    """

    mean: np.ndarray
    covariance: np.ndarray
    prior_rows: float
    n_rows: float = 0.0

    @classmethod
    def prior(cls, n_features: int, prior_rows: float = _PRIOR_ROWS[0]) -> Self:
        """Return the distribution that is assumed without rows."""
        return cls(np.zeros(n_features), np.eye(n_features), prior_rows)

    @classmethod
    def learn(cls, X: np.ndarray, seed: int) -> Self:
        r"""Learn from rows, and choose :math:`\kappa` by entries that are held out.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Standardized rows with NaN.
        seed : int
            Seed of the rows and entries that are drawn.
        """
        X = X[np.random.RandomState(seed).permutation(len(X))[:_MOST_ROWS]]
        some = X[:_ROWS_TO_CHOOSE]
        n_entries = int(row_counts(some).sum())
        errors = np.zeros(len(_PRIOR_ROWS))
        for split in range(int(np.clip(_ENTRIES_TO_CHOOSE / max(1, n_entries), 1, 5))):
            if n_entries < _FEW:
                break
            kept, held_out = hold_out_entries(some, _SHARE, seed + split)
            hidden, model = ~np.isnan(held_out), cls.prior(X.shape[1])
            for place, prior_rows in enumerate(_PRIOR_ROWS):
                model = model._replace(prior_rows=prior_rows).fitted(kept)
                errors[place] += ((model.complete(kept) - held_out)[hidden] ** 2).sum()
        return cls.prior(X.shape[1], _PRIOR_ROWS[int(errors.argmin())]).fitted(X)

    def fitted(self, X: np.ndarray) -> Self:
        """Continue the EM algorithm until it converges."""
        model = self
        for _ in range(_ITERATIONS):
            before, model = model.covariance, model._replace(n_rows=0.0).updated(X)
            if np.abs(model.covariance - before).max() < _TOLERANCE:
                break
        return model

    def updated(self, X: np.ndarray) -> Self:
        """Take one step of the EM algorithm; the rows that were learned from keep their weight."""
        n_features = len(self.mean)
        total, square = np.zeros(n_features), np.zeros((n_features, n_features))
        for block in self._blocks(X):
            total += block.expected.sum(axis=0)
            square += block.expected.T @ block.expected + block.covariance()
        n_before, n_rows = self.n_rows, self.n_rows + len(X)
        kept = n_before * (self.covariance + np.outer(self.mean, self.mean))
        if n_before:  # without the prior, which is added below
            kept += self.prior_rows * (self.covariance - np.eye(n_features))
        mean = (n_before * self.mean + total) / n_rows
        scatter = kept + square - n_rows * np.outer(mean, mean)
        covariance = (scatter + self.prior_rows * np.eye(n_features)) / (n_rows + self.prior_rows)
        covariance = (covariance + covariance.T) / 2
        return self._replace(mean=mean, covariance=covariance, n_rows=n_rows)

    def rescaled(self, shift: np.ndarray, factor: np.ndarray) -> Self:
        """Return the distribution of ``factor * x + shift``."""
        return self._replace(
            mean=factor * self.mean + shift,
            covariance=self.covariance * np.outer(factor, factor),
        )

    def complete(self, X: np.ndarray) -> np.ndarray:
        """Replace missing entries of rows by their expected values, given the observed entries."""
        completed = np.empty(X.shape)
        for block in self._blocks(X):
            completed[block.rows] = block.expected
        return completed

    def _blocks(self, X: np.ndarray) -> Iterator[_Block]:
        """Compute what is expected of rows, a block at a time, in an order of their own.

        The matrices of a block are as large as the number of missing entries of a row, or of its
        observed entries, whichever costs less.
        """
        missing = np.isnan(X)
        n_missing = missing.sum(axis=1)
        n_observed = X.shape[1] - n_missing
        by_observed, by_missing = _products(n_observed, X.shape[1])
        few_observed = by_observed < by_missing
        precision = np.linalg.inv(self.covariance)
        for condition, matrix, counts, rows in (
            (_by_missing, precision, n_missing, np.flatnonzero(~few_observed)),
            (_by_observed, self.covariance, n_observed, np.flatnonzero(few_observed)),
        ):
            rows = rows[np.argsort(counts[rows], kind="stable")]
            numbers = np.cumsum(np.maximum(counts[rows] ** 2, X.shape[1]))
            for part in blocks_of_rows(np.append(0, numbers), most_entries=_NUMBERS):
                at = rows[part]
                centred = np.where(missing[at], 0.0, X[at] - self.mean)
                conditioned, covariance = condition(matrix, centred, missing[at])
                expected = np.where(missing[at], self.mean + conditioned, X[at])
                yield _Block(at, expected, covariance)


def is_affordable(X: Any, hidden_share: float, n_draws: int) -> bool:
    """Whether the distribution of rows can be learned in about a minute.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    hidden_share : float
        Share of the observed entries that are hidden later, to complete the rest.
    n_draws : int
        How many times that is done.
    """
    n_rows, n_features = X.shape
    if n_features > _MOST_FEATURES:
        return False
    n_observed = row_counts(X).astype(np.float64)
    of_row = np.minimum(*_products(n_observed, n_features))
    learning = of_row.mean() * min(n_rows, _MOST_ROWS) * 3 * _ITERATIONS
    hiding = n_draws * np.minimum(*_products(n_observed * (1 - hidden_share), n_features)).sum()
    return bool(learning + hiding < _MOST_PRODUCTS)


def _products(n_observed: np.ndarray, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the products that rows take, conditioned by what is observed or by what is missing."""
    by_observed = n_observed**2 * (n_observed + 2 * n_features)
    return by_observed, 2 * (n_features - n_observed) ** 3


class _Block(NamedTuple):
    """What is expected of some rows.

    Attributes
    ----------
    rows : ndarray of int of shape (n_rows,)
        Their positions.
    expected : ndarray of shape (n_rows, n_features)
        The rows with expected values where entries are missing.
    covariance : callable
        Computes the covariance of the missing entries, summed over the rows.
    """

    rows: np.ndarray
    expected: np.ndarray
    covariance: Callable[[], np.ndarray]


def _by_missing(
    precision: np.ndarray, centred: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, Callable[[], np.ndarray]]:
    """Condition rows by the precision matrix of their missing entries."""
    columns, is_one = _positions(missing)
    inverse = np.linalg.inv(_submatrices(precision, columns, is_one))
    pulls = np.take_along_axis(centred @ precision, columns, axis=1) * is_one
    conditioned = np.zeros(centred.shape)
    means = -(inverse @ pulls[:, :, None])[:, :, 0]
    conditioned[np.nonzero(is_one)[0], columns[is_one]] = means[is_one]

    def covariance() -> np.ndarray:
        n_features = len(precision)
        pairs = is_one[:, :, None] & is_one[:, None, :]
        places = (columns[:, :, None] * n_features + columns[:, None, :])[pairs]
        summed = np.bincount(places, inverse[pairs], n_features**2)
        return summed.reshape(n_features, n_features)

    return conditioned, covariance


def _by_observed(
    covariance: np.ndarray, centred: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, Callable[[], np.ndarray]]:
    """Condition rows by the covariance of their observed entries."""
    columns, is_one = _positions(~missing)
    matrices = _submatrices(covariance, columns, is_one)
    values = np.take_along_axis(centred, columns, axis=1) * is_one
    coefficients = np.zeros(centred.shape)
    solved = np.linalg.solve(matrices, values[:, :, None])[:, :, 0]
    coefficients[np.nonzero(is_one)[0], columns[is_one]] = solved[is_one]

    def left() -> np.ndarray:
        between = covariance[columns] * (is_one[:, :, None] & missing[:, None, :])
        explained = np.tensordot(between, np.linalg.solve(matrices, between), ((0, 1), (0, 1)))
        both = missing.astype(np.float64)
        return covariance * (both.T @ both) - explained

    return coefficients @ covariance, left


def _positions(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of the ones of each row, and which of them are ones and no padding."""
    counts = mask.sum(axis=1)
    most = int(counts.max(initial=0))
    columns = np.argsort(~mask, axis=1, kind="stable")[:, :most]
    return columns, np.arange(most) < counts[:, None]


def _submatrices(matrix: np.ndarray, columns: np.ndarray, is_one: np.ndarray) -> np.ndarray:
    """Return the rows and columns of a matrix for each row; padding is that of the identity."""
    pairs = is_one[:, :, None] & is_one[:, None, :]
    chosen = matrix[columns[:, :, None], columns[:, None, :]]
    return np.where(pairs, chosen, np.eye(columns.shape[1]))
