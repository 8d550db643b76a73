"""Numbers that mean missing, besides NaN."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, TypeAlias

import numpy as np

from .._checks import MISSING_VALUE, Rule, is_no_value

Markers: TypeAlias = tuple[float, ...]
MissingValues: TypeAlias = float | Sequence[float] | Set[float] | np.ndarray


def _as_list(missing_values: Any) -> list[Any]:
    if isinstance(missing_values, np.ndarray) and missing_values.ndim <= 1:
        return list(np.atleast_1d(missing_values))
    if isinstance(missing_values, (set, frozenset)):
        return sorted(missing_values, key=str)  # a set has no order of its own
    return list(missing_values) if isinstance(missing_values, (list, tuple)) else [missing_values]


def _are_markers(missing_values: Any) -> bool:
    values = _as_list(missing_values)
    return len(values) > 0 and all(map(MISSING_VALUE.allows, values))


MISSING_VALUES = Rule(
    _are_markers,
    MISSING_VALUE.expected,
    f"Several numbers are a list. {MISSING_VALUE.hint}",
)


def check_missing_values(missing_values: Any) -> Markers:
    """Return the numbers that mean missing besides NaN, or raise a ValueError."""
    MISSING_VALUES.check("missing_values", missing_values)
    numbers = (float(value) for value in _as_list(missing_values) if not is_no_value(value))
    return tuple(dict.fromkeys(number for number in numbers if number == number))


def written_marker(missing_values: Any) -> float:
    """Return what is written where an entry is missing: the first number that is given, or NaN."""
    return (*check_missing_values(missing_values), np.nan)[0]
