"""How much of y the features explain one by one: a first look at the noise of a table."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV

from .._blocks import spread
from ._quantile_bins import quantile_bins

_ROWS = 3000
_BINS = 8
_LEAST_ROWS = 20  # of a category
_MOST_COLUMNS = 1000
_PENALTIES = (1.0, 10.0, 100.0, 1000.0)


def explained_share(X: np.ndarray, y: np.ndarray, n_categories: np.ndarray | None = None) -> float:
    """Return the share of the variance of y that a sum of functions of single features explains.

    The functions are piecewise linear in eight quantile bins, with a number of its own for what is
    missing and for each frequent category. They are fitted by ridge regression, whose squared
    errors are those of leaving out single rows. At most 3000 rows are used.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows with NaN where an entry is missing; codes of categories.
    y : ndarray of shape (n_samples, n_outputs)
        What is to be predicted. Rows with NaN are left out.
    n_categories : ndarray of shape (n_features,), optional
        Number of categories of each feature; 0 for numbers. By default all are numbers.

    Returns
    -------
    float
        On average over outputs. 0 if there are too many columns to tell in a short time.
    """
    rows = spread(len(X), _ROWS)
    rows = rows[~np.isnan(y[rows]).any(axis=1)]
    X, y = X[rows], y[rows]
    columns = [np.empty((len(X), 0))]
    for j, column in enumerate(X.T):
        is_category = n_categories is not None and n_categories[j] > 0
        columns.append(_of_category(column) if is_category else _of_number(column))
    Z = np.hstack(columns)
    Z = Z[:, np.ptp(Z, axis=0) > 0] if len(Z) else Z
    variances = y.var(axis=0) if len(y) else np.zeros(1)
    if not 0 < Z.shape[1] <= min(_MOST_COLUMNS, len(Z) - 1) or not variances.all():
        return 0.0
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    ridge = RidgeCV(_PENALTIES, store_cv_results=True).fit(Z, (y - y.mean(axis=0)) / y.std(axis=0))
    errors = ridge.cv_results_.reshape(len(Z), y.shape[1], len(_PENALTIES)).mean(axis=0)
    return float(np.clip(1 - errors.mean(axis=0).min(), 0, 1))


def _of_number(column: np.ndarray) -> np.ndarray:
    missing = np.isnan(column)
    lower, width = quantile_bins(column[:, None], _BINS, None)
    exists = np.isfinite(lower[0])
    places = np.clip((column[:, None] - lower[0, exists]) / width[0, exists], 0, 1)
    return np.column_stack([np.where(missing[:, None], 0.0, places), missing])


def _of_category(column: np.ndarray) -> np.ndarray:
    codes, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return column[:, None] == codes[counts >= _LEAST_ROWS]
