"""Groups of rows by the number of their observed features."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import rankdata

from .._checks import check_missing_values
from .._observed import missing_mask, row_counts, validate_observed


def count_features(X: Any, missing_values: float = np.nan) -> np.ndarray:
    """Count the observed features of each row. Data frames may hold text.

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
