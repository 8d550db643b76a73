"""Means and variances of features by their observed entries, and the scaling that they define."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np


class Entries(NamedTuple):
    """Observed entries of a matrix, in any order.

    Attributes
    ----------
    values : ndarray of float64 of shape (n_entries,)
        The entries.
    columns : ndarray of int of shape (n_entries,)
        The feature of each entry.
    weights : ndarray of shape (n_entries,) or None
        The weight of each entry; None for 1.
    """

    values: np.ndarray
    columns: np.ndarray
    weights: np.ndarray | None = None


class Moments:
    """Count, mean and variance of the observed entries of each feature.

    Parameters
    ----------
    n_features : int
        Number of features.
    count, mean, variance : ndarray of shape (n_features,), optional
        What was learned before. By default nothing was.

    Attributes
    ----------
    count : ndarray of shape (n_features,)
        Total weight of the observed entries.
    mean, variance : ndarray of shape (n_features,)
        Their mean and variance; 0 where nothing was observed.

    Notes
    -----
    Each block of entries is read in two passes, in float64. Blocks are merged by the update of
    Chan, Golub and LeVeque [1]_.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. "Updating Formulae and a Pairwise Algorithm for
       Computing Sample Variances". Stanford STAN-CS-79-773, 1979.
    """

    def __init__(
        self,
        n_features: int,
        count: np.ndarray | None = None,
        mean: np.ndarray | None = None,
        variance: np.ndarray | None = None,
    ) -> None:
        self.count, self.mean, self.variance = (
            np.zeros(n_features) if part is None else part for part in (count, mean, variance)
        )

    def update(self, entries: Iterable[Entries]) -> Moments:
        """Learn from further entries, which come in blocks."""
        moments = (self.count, self.mean, self.variance * self.count)
        for block in entries:
            moments = _merge(moments, _of_block(block, len(self.mean)))
        self.count, self.mean, squares = moments
        self.variance = squares / np.where(self.count > 0, self.count, 1)
        return self

    @property
    def scale(self) -> np.ndarray:
        """The standard deviation of each feature, or 1 for a constant or unobserved feature."""
        rounding = (10 * np.finfo(np.float64).eps * np.abs(self.mean)) ** 2
        return np.where(self.variance <= rounding, 1.0, np.sqrt(self.variance))


def standardize(
    values: np.ndarray,
    mean: np.ndarray | None,
    scale: np.ndarray | None,
    columns: Any = slice(None),
    *,
    out: np.ndarray | None = None,
) -> np.ndarray:
    r"""Compute :math:`(x - m_j) / s_j` for entries :math:`x` of features :math:`j`.

    Parameters
    ----------
    values : ndarray
        The entries. Nothing is checked; NaN stays NaN.
    mean, scale : ndarray of shape (n_features,) or None
        :math:`m` and :math:`s`. None: that step is left out.
    columns : ndarray of int or slice, default=slice(None)
        The features of the entries along the last axis.
    out : ndarray, optional
        Where to write the result, which may be `values`.

    Returns
    -------
    ndarray
        float64, or `out`.
    """
    if mean is not None:
        values = np.subtract(values, mean[columns], out=out, casting="same_kind")
    if scale is not None:
        values = np.divide(values, scale[columns], out=out, casting="same_kind")
    return values


def unstandardize(
    values: np.ndarray,
    mean: np.ndarray | None,
    scale: np.ndarray | None,
    columns: Any = slice(None),
    *,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Undo :func:`standardize`, which has the same parameters."""
    if scale is not None:
        values = np.multiply(values, scale[columns], out=out, casting="same_kind")
    if mean is not None:
        values = np.add(values, mean[columns], out=out, casting="same_kind")
    return values


def _of_block(block: Entries, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total weight, mean and summed squared deviations of each column's entries."""
    values, columns, weights = block

    def total(x: np.ndarray | None) -> np.ndarray:
        if weights is not None:
            x = weights if x is None else weights * x
        return np.bincount(columns, weights=x, minlength=n_features).astype(np.float64)

    count = total(None)
    divisor = np.where(count > 0, count, 1)
    mean = total(values) / divisor
    deviations = values - mean[columns]
    correction = total(deviations) / divisor
    squares = total(deviations**2) - count * correction**2
    return count, mean + correction, np.maximum(squares, 0)


def _merge(
    a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge the moments of two sets of entries."""
    (count_a, mean_a, squares_a), (count_b, mean_b, squares_b) = a, b
    count = count_a + count_b
    share = count_b / np.where(count > 0, count, 1)
    delta = mean_b - mean_a
    return count, mean_a + delta * share, squares_a + squares_b + delta**2 * count_a * share
