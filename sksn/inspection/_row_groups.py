"""Groups of rows by the number of their observed features."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import rankdata

from .._observed import (
    Markers,
    MissingValues,
    check_missing_values,
    missing_mask,
    row_counts,
    validate_observed,
)


def count_features(X: Any, missing_values: MissingValues = np.nan) -> np.ndarray:
    """Count the observed features of each row. Data frames may hold text.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The rows.
    missing_values : float or sequence of float, default=nan
        Further values that mean missing; NaN, None and pandas.NA always do.

    Returns
    -------
    ndarray of int, shape (n_samples,)
    """
    markers = check_missing_values(missing_values)
    if hasattr(X, "iloc") and hasattr(X, "isna"):
        return (~missing_in_frame(X, markers)).sum(axis=1)
    X = validate_observed(None, X, markers=markers, drop=True)
    if isinstance(X, np.ndarray):
        return (~missing_mask(X, markers)).sum(axis=1)
    return row_counts(X)


def missing_in_frame(X: Any, markers: Markers) -> np.ndarray:
    """Return where a data frame of pandas is missing. It may hold text."""
    missing = X.isna().to_numpy()
    return missing | X.isin(markers).to_numpy() if markers else missing


def indexable(X: Any) -> Any:
    """Return rows that can be indexed: `X`, or the CSR form of a sparse matrix."""
    return X.tocsr() if sparse.issparse(X) else X


def row_groups(n_observed: np.ndarray, n_bins: int = 10) -> list[np.ndarray]:
    """Group rows by rising number of observed features, in groups of about equal size.

    Parameters
    ----------
    n_observed : ndarray of shape (n_samples,)
        Number of observed features of each row. Rows with the same number are in the same group,
        that of their mean rank, so there may be fewer groups.
    n_bins : int, default=10
        Maximum number of groups.

    Returns
    -------
    list of ndarray
        The rows of each group. No group is empty.
    """
    middle = (rankdata(n_observed) - 0.5) / len(n_observed)  # in (0, 1)
    group = (middle * n_bins).astype(np.intp)
    return [rows for i in range(n_bins) if len(rows := np.flatnonzero(group == i))]
