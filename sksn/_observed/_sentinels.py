"""Warnings about numbers such as -999 that probably mark missing values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._blocks import spread
from .._caller import levels_to_caller
from ._markers import Markers

_SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)
_LISTED = 10  # columns that are named
_ROWS = 2000  # rows that are looked at
_SHARE = 0.01  # of the entries that a sentinel is at the least


def warn_of_sentinels(X: np.ndarray, names: Any = None, *, markers: Markers = ()) -> None:
    """Warn if -999 or a similar number is frequent in a column and apart from its other entries.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows with NaN where an entry is missing. At most 2000 rows are used.
    names : sequence of str, optional
        Names of the features.
    markers : tuple of float, default=()
        Further values that mean missing.
    """
    if len(X) > _ROWS:
        X = X[spread(len(X), _ROWS)]
    X = np.where(np.isin(X, markers), np.nan, X)
    found: dict[float, list[str]] = {}
    for end in (np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)):
        for j in np.flatnonzero(np.isin(end, _SENTINELS)):
            if _stands_apart(X[:, j], end[j]):
                name = str(j) if names is None else repr(str(names[j]))
                found.setdefault(float(end[j]), []).append(name)
    for value, columns in found.items():
        listed = ", ".join(columns[:_LISTED]) + (", ..." if len(columns) > _LISTED else "")
        warnings.warn(
            f"X often holds {value:g}, apart from the other entries, in column {listed}. If this "
            f"marks missing values, pass missing_values={_listed(*markers, value)}, or replace it "
            "by NaN.",
            stacklevel=levels_to_caller(),
        )


def _listed(*values: float) -> str:
    """Return one value as a number, and several as a list."""
    exact = (int(value) if value.is_integer() else value for value in values)
    numbers = ", ".join(map(str, exact))
    return numbers if len(values) == 1 else f"[{numbers}]"


def _stands_apart(column: np.ndarray, value: float) -> bool:
    """Whether a value is frequent, and far from the others or the only negative one."""
    others = column[(column != value) & ~np.isnan(column)]
    n = np.count_nonzero(column == value)
    if not len(others) or n < max(2, _SHARE * (n + len(others))):
        return False
    low, high = others.min(), others.max()
    distance = min(abs(low - value), abs(high - value))
    return bool(low >= 0 > value or distance > max(high - low, abs(low), abs(high)))
