"""Means and variances of features by their observed entries, and the scaling that they define."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
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

    def within(self, low: np.ndarray, high: np.ndarray) -> Entries:
        """Return the entries within a range of their feature, ends included."""
        kept = (self.values >= low[self.columns]) & (self.values <= high[self.columns])
        weights = None if self.weights is None else self.weights[kept]
        return Entries(self.values[kept], self.columns[kept], weights)


class Moments:
    """Count, mean and deviation of the observed entries of each feature.

    An object never changes: :meth:`updated` returns a new one.

    Parameters
    ----------
    n_features : int
        Number of features.

    Attributes
    ----------
    count : ndarray of shape (n_features,)
        Total weight of the observed entries.
    mean : ndarray of shape (n_features,)
        Their mean; 0 where nothing was observed.

    Notes
    -----
    Each block of entries is read in two passes, in float64. Blocks are merged by the update of
    Chan, Golub and LeVeque [1]_. Where squares would overflow or underflow, they are taken after
    dividing the feature by a power of two. Means and deviations are therefore finite for all finite
    entries, and scale with the unit of a feature.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. "Updating Formulae and a Pairwise Algorithm for
       Computing Sample Variances". Stanford STAN-CS-79-773, 1979.
    """

    def __init__(self, n_features: int) -> None:
        self.count, self.mean = np.zeros(n_features), np.zeros(n_features)
        self.squares = np.zeros(n_features)  # summed squared deviations, divided by unit ** 2
        self.unit = np.zeros(n_features)  # a power of two; 0 for a feature of zeros

    def updated(self, entries: Iterable[Entries]) -> Moments:
        """Return the moments of these entries and of further ones, which come in blocks."""
        moments = self
        for block in entries:
            moments = _merge(moments, _of_block(block, len(self.mean)))
        return moments

    @cached_property
    def deviation(self) -> np.ndarray:
        """The standard deviation of each feature (divisor: the number of entries)."""
        return np.sqrt(self.squares / _divisor(self.count)) * self.unit

    @property
    def variance(self) -> np.ndarray:
        """The square of the deviation, or the largest number if that overflows."""
        variance = self.squares / _divisor(self.count)
        with np.errstate(over="ignore", under="ignore"):
            variance = variance * self.unit * self.unit
        return np.minimum(variance, np.finfo(np.float64).max)

    @property
    def is_constant(self) -> np.ndarray:
        """Whether the entries of a feature are the same up to rounding, or there are none."""
        return self.deviation <= 10 * np.finfo(np.float64).eps * np.abs(self.mean)

    @cached_property
    def scale(self) -> np.ndarray:
        """The deviation, or 1 for a constant or unobserved feature."""
        return np.where(self.is_constant, 1.0, self.deviation)


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


def _of_block(block: Entries, n_features: int) -> Moments:
    """Return the moments of one block."""
    values, columns, weights = block
    moments = Moments(n_features)

    def total(x: np.ndarray | None) -> np.ndarray:
        if weights is not None:
            x = weights if x is None else weights * x
        return np.bincount(columns, weights=x, minlength=n_features).astype(np.float64)

    largest = np.zeros(n_features)
    np.maximum.at(largest, columns, np.abs(values))
    moments.unit = _units(largest)
    unit = _divisor(moments.unit)
    if (unit != 1).any():
        values = values / unit[columns]
    moments.count = total(None)
    divisor = _divisor(moments.count)
    mean = total(values) / divisor
    deviations = values - mean[columns]
    correction = total(deviations) / divisor
    squares = total(deviations**2) - moments.count * correction**2
    moments.mean, moments.squares = (mean + correction) * unit, np.maximum(squares, 0)
    return moments


def _units(largest: np.ndarray) -> np.ndarray:
    """Return powers of two near the largest entries; 1 where squares cannot leave float64."""
    exact = np.where(largest > 0, power_of_two(largest), 0.0)
    return np.where((largest > 1e-100) & (largest < 1e100), 1.0, exact)


def power_of_two(x: Any) -> Any:
    """Return the largest power of two that is at most x, which is positive."""
    return np.ldexp(1.0, np.frexp(x)[1] - 1)


def _merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of two sets of entries."""
    merged = Moments(len(a.mean))
    merged.unit = np.maximum(a.unit, b.unit)
    unit = _divisor(merged.unit)
    merged.count = a.count + b.count
    share = b.count / _divisor(merged.count)
    mean = a.mean / unit
    delta = b.mean / unit - mean
    merged.mean = (mean + delta * share) * unit
    with np.errstate(under="ignore"):
        squares = [part.squares * (part.unit / unit) ** 2 for part in (a, b)]
    merged.squares = squares[0] + squares[1] + delta**2 * a.count * share
    return merged


def _divisor(x: np.ndarray) -> np.ndarray:
    """Return x with 1 in place of 0."""
    return np.where(x > 0, x, 1)
