"""Times of ratings: numbers, and dates as seconds since 1970."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .._checks import shown
from ._cells import is_number, number_of

_DATE = re.compile(  # numpy reads it, without the time zone
    r"(\d{4,}-\d\d(?:-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?)?)"
    r" ?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_LIKE_TIME = re.compile(
    r"\d+\s?[/.:-]\s?\d+"
    r"|.*\b(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?,? ?\d",
    re.IGNORECASE,
)
_SOME = "only some of the lines have a timestamp."


def times_of(cells: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, Any]:
    """Return seconds since 1970 if there are timestamps, and where and why one is wrong."""
    read = number_of if is_number(cells[0]) else _seconds
    if read(cells[0]) is None:  # no timestamps; a time among other text is a mistake
        is_time = np.array([is_number(cell) or _seconds(cell) is not None for cell in cells])
        return None, is_time, lambda row, _: _SOME
    found = [read(cell) for cell in cells]
    seconds = np.array([np.nan if value is None else value for value in found])
    expected = "a number" if read is number_of else "a date like the first"

    def wrong(row: list[str], delimiter: str) -> str:
        return _SOME if row[3] == "" else f"expected {expected}, got {shown(row[3])}."

    return seconds, ~np.isfinite(seconds), wrong


def looks_like_time(cell: str) -> bool:
    """Whether a cell seems to be a date, perhaps in a form that is not read, such as 12/31/2019."""
    return _LIKE_TIME.match(cell) is not None


def _seconds(cell: str) -> float | None:
    """Return a date as seconds since 1970; None if the cell is not a date."""
    found = _DATE.fullmatch(cell)
    if found is None or (found[2] and ":" not in found[1]):
        return None
    try:
        date = np.datetime64(found[1], "s")
    except ValueError:
        return None
    zone = (found[2] or "Z").upper().replace(":", "")
    ahead = 0 if zone == "Z" else 60 * int(zone[1:3]) + int(zone[3:] or 0)  # minutes
    return float(date.astype(np.int64)) + (-60 if zone[0] == "+" else 60) * ahead
