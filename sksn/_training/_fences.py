"""Fences around the ordinary entries of features, so that absurd ones do not set their scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import spread
from .._moments import Moments

_FACTOR = 30.0  # distance of a fence from the median, in units of the typical distance
_LEVEL = 0.75  # the quantile of the distances from the median that is the typical one
_TELLING = 5  # distances from which their quantile is used
_FACTOR_OF_FEW = 1e6  # in units of the median of fewer distances
_ROWS = 4096  # rows that are looked at
_FEW = 20  # entries; a chunk with fewer is judged by the rows before it
_FAR = 100.0  # distance from the mean of the rows before, in standard deviations


def fences(
    X: Any, before: Moments | None = None, features: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute the range of the entries that may set the scale of each feature.

    With :math:`q` the median of a feature and :math:`d` the third quartile of the distances
    :math:`|x - q|` that are not 0, the range is :math:`q \pm 30\,d`: less than a quarter of the
    entries that differ from the median, however absurd, cannot move it far. Normal entries leave it
    at 35 standard deviations. A feature of which X holds fewer than 20 entries is judged by the
    rows before: its range is their mean and 100 standard deviations on either side. If fewer than
    five entries differ from the median, the range is a million times the median of their distances.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows with NaN where an entry is missing. At most 4096 rows are used, or all of them for a
        feature that has fewer than 20 entries in these.
    before : Moments, optional
        The moments of the rows before.

    Returns
    -------
    low, high : ndarray of shape (n_features,)
        The ranges; without bounds where nothing is known.
    """
    n_rows, n_features = X.shape
    low, high = np.full(n_features, -np.inf), np.full(n_features, np.inf)
    judged = np.zeros(n_features, dtype=bool)  # whether the rows before can judge a feature
    if before is not None:
        judged = (before.count >= _FEW) & (before.deviation > 0)
        reach = np.where(judged, _FAR * before.deviation, np.inf)
        low, high = before.mean - reach, before.mean + reach
    some = X[spread(n_rows, _ROWS)] if n_rows > _ROWS else X
    if sparse.issparse(X):
        X, some = X.tocsc(), some.tocsc()
    with np.errstate(over="ignore"):
        for j in range(n_features) if features is None else features:
            entries = _observed_in(some, j)
            if len(entries) < _FEW < n_rows:  # seldom observed: look at all rows
                entries = _observed_in(X, j)
            if len(entries) >= _FEW or not judged[j]:
                low[j], high[j] = _fence(entries)
    return low, high


def _observed_in(X: Any, feature: int) -> np.ndarray:
    """Return the observed entries of a feature of an array with NaN or a CSC matrix."""
    if sparse.issparse(X):
        return X.data[X.indptr[feature] : X.indptr[feature + 1]]
    column = X[:, feature]
    return column[~np.isnan(column)]


def _fence(entries: np.ndarray) -> tuple[float, float]:
    if not len(entries):
        return -np.inf, np.inf
    at = (len(entries) - 1) // 2
    middle = np.partition(entries, at)[at]
    distances = np.abs(entries - middle)
    distances = distances[distances > 0]
    if not len(distances):
        return -np.inf, np.inf
    if len(distances) < _TELLING:  # too few to tell absurd from rare, but for the most absurd
        reach = _FACTOR_OF_FEW * np.sort(distances)[(len(distances) - 1) // 2]
    else:
        at = math.ceil(_LEVEL * (len(distances) - 1))
        reach = _FACTOR * np.partition(distances, at)[at]
    return middle - reach, middle + reach
