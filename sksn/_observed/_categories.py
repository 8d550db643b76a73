"""The categories of a column, and their codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import is_no_value
from ._kinds import values_of
from ._markers import Markers


class Categories:
    """The categories of a column.

    Parameters
    ----------
    values : iterable
        The categories: all different, none of them missing.

    Attributes
    ----------
    values : ndarray of shape (n_categories,)
        The categories. Sorted, if they can be.
    """

    def __init__(self, values: Any) -> None:
        self.values = _as_array(_sorted(list(values)))
        self._codes = {value: float(code) for code, value in enumerate(self.values.tolist())}

    @classmethod
    def learn(cls, column: Any, markers: Markers) -> Categories:
        """Return the categories that a column declares (levels of its dtype), or else holds."""
        declared = _declared(column)
        values = values_of(column) if declared is None else declared
        return cls(v for v in set(values) if not _is_missing(v, markers))

    def codes(self, column: Any) -> np.ndarray:
        """Return the position of each entry among the categories.

        Parameters
        ----------
        column : series or ndarray of shape (n_samples,)
            The entries.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            NaN where an entry is missing, or is none of the categories.
        """
        if _declared(column) is not None and hasattr(column, "cat") and hasattr(column, "iloc"):
            levels = [self._codes.get(level, np.nan) for level in column.cat.categories.tolist()]
            return np.array([*levels, np.nan])[column.cat.codes.to_numpy()]
        values = values_of(column)
        found = (self._codes.get(value, np.nan) for value in values)
        return np.fromiter(found, dtype=np.float64, count=len(values))

    def are_of_other_type(self, column: Any) -> bool:
        """Whether one is text and the other holds numbers, so that nothing can agree."""
        entries = [v for v in values_of(column) if not _is_missing(v, ())]
        if not entries or not len(self.values):
            return False
        mine = {isinstance(value, str) for value in self.values.tolist()}
        return len(mine) == 1 and {isinstance(value, str) for value in entries} == {not mine.pop()}


def declares_categories(column: Any) -> bool:
    """Whether the dtype of a column names its categories."""
    return _declared(column) is not None


def _declared(column: Any) -> list[Any] | None:
    """Return the levels that a categorical dtype of pandas or an enum of polars declares."""
    dtype = getattr(column, "dtype", None)
    levels = getattr(dtype, "categories", None)
    if levels is None or not str(dtype).lower().startswith(("categ", "enum")):
        return None
    return levels.to_list() if hasattr(levels, "to_list") else list(levels)


def _is_missing(value: Any, markers: Markers) -> bool:
    return is_no_value(value) or value != value or value in markers


def _sorted(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # text among numbers
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def _as_array(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
