"""Rows in groups by how many of their features are observed."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from .._checks import check_missing_values
from .._observed import missing_mask, row_counts, validate_observed


def count_features(X: Any, missing_values: float = np.nan) -> np.ndarray:
    """How many features of each row are observed, in data frames with text among them too.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The rows.
    missing_values : float, default=nan
        A further value that means missing; NaN, None and pandas.NA always do.

    Returns
    -------
    ndarray of int, shape (n_samples,)
    """
    missing_values = check_missing_values(missing_values)
    if hasattr(X, "iloc") and hasattr(X, "isna"):
        missing = X.isna().to_numpy()
        if not np.isnan(missing_values):
            missing = missing | X.isin([missing_values]).to_numpy()
        return (~missing).sum(axis=1)
    X = validate_observed(None, X, missing_values=missing_values, drop=True)
    if isinstance(X, np.ndarray):
        return (~missing_mask(X, missing_values)).sum(axis=1)
    return row_counts(X)


def row_groups(n_observed: np.ndarray, n_bins: int = 10) -> list[np.ndarray]:
    """Rows in groups of about equal size and rising number of observed features.

    Parameters
    ----------
    n_observed : ndarray of shape (n_samples,)
        Observed features of each row. Rows that have the same number are in the same group: that
        of their mean rank, so that there may be fewer groups.
    n_bins : int, default=10
        How many groups there are at most.

    Returns
    -------
    list of ndarray
        The rows of each group; none is empty.
    """
    middle = (rankdata(n_observed) - 0.5) / len(n_observed)  # in (0, 1)
    group = (middle * n_bins).astype(np.intp)
    return [rows for i in range(n_bins) if len(rows := np.flatnonzero(group == i))]
