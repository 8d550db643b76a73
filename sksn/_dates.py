"""Dates of interactions: numbers, dates of Python, NumPy and pandas, or text, as numbers."""

from __future__ import annotations

import datetime
import numbers
import re
import warnings
from typing import Any, NamedTuple

import numpy as np

from ._checks import is_flag, is_no_value, shown

_ISO = re.compile(r"\d{4,}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?)?Z?", re.ASCII)
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2\d{4}", re.ASCII)
_EXPECTED = "numbers, datetime64, or text as 2004-12-31 23:59:59"
_UNIT = "datetime64[us]"


class Dates(NamedTuple):
    """Dates as numbers whose order and differences are those of the dates.

    Attributes
    ----------
    values : ndarray of shape (n_dates,)
        Integers or floats. Calendar dates are microseconds since 1970 (UTC). NaN where a date is
        missing.
    is_calendar : bool
        Whether they were dates or text, and not numbers in a unit of the user.
    """

    values: np.ndarray
    is_calendar: bool

    def of(self, chosen: np.ndarray) -> Dates:
        """Return some of the dates."""
        return self._replace(values=self.values[chosen])


def read_dates(column: np.ndarray) -> Dates:
    """Return a column of dates as numbers.

    Parameters
    ----------
    column : ndarray of shape (n_dates,)
        Numbers, datetime64, text, or objects: numbers, dates and times of Python, NumPy or pandas.
        NaN, NaT, None, pandas.NA and empty text are missing dates. Times without a time zone are
        UTC. Text is numbers, ISO 8601, or what pandas reads, if it is installed: 5.4.2026 is a day
        in April, and so is 5/4/2026 if another date, such as 24/12/2026, can only be read that way.

    Returns
    -------
    Dates

    Raises
    ------
    ValueError
        If a date cannot be read or is infinite, or numbers and dates are mixed.
    """
    kind = column.dtype.kind
    if kind in "iuf":
        return Dates(_without_infinity(column), False)
    if kind == "M":
        return _calendar(column)
    if kind in "UT":
        return _of_text(column.astype(str))
    return _of_objects(column)


def _of_objects(column: np.ndarray) -> Dates:
    values = [None if _is_missing(value) else value for value in column.tolist()]
    known = [value for value in values if value is not None]
    if all(isinstance(value, numbers.Real) and not is_flag(value) for value in known):
        if len(known) == len(values) and all(isinstance(v, numbers.Integral) for v in known):
            return Dates(np.array(values, dtype=np.int64), False)
        found = np.array([np.nan if value is None else float(value) for value in values])
        return Dates(_without_infinity(found), False)
    if all(isinstance(value, str) for value in known):
        return _of_text(np.array(["" if value is None else value for value in values]))
    dates = np.full(len(values), np.datetime64("NaT"), dtype=_UNIT)
    for row, value in enumerate(values):
        if isinstance(value, datetime.datetime) and value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        if isinstance(value, (datetime.date, np.datetime64)):
            dates[row] = value
        elif value is not None:
            raise _unreadable(row, value, "a date like the others")
    return _calendar(dates)


def _of_text(text: np.ndarray) -> Dates:
    text = np.char.strip(text)
    missing = (text == "") | np.isin(np.char.lower(text), ["nan", "nat", "none", "<na>"])
    known = text[~missing]
    try:
        found = np.full(len(text), np.nan)
        found[~missing] = known.astype(np.float64)
        return Dates(_without_infinity(found), False)
    except ValueError:
        pass
    dates = np.full(len(text), np.datetime64("NaT"), dtype=_UNIT)
    if all(_ISO.fullmatch(one) for one in known.tolist()):
        known = np.char.rstrip(known, "Z")
        try:
            dates[~missing] = known.astype(_UNIT)
        except ValueError as error:
            raise ValueError(f"X has a date that does not exist: {error}.") from error
    else:
        dates[~missing] = _by_pandas(text, np.flatnonzero(~missing))
    return _calendar(dates)


def _by_pandas(text: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return text that is neither numbers nor plain ISO 8601 as datetime64."""
    try:
        import pandas as pd
    except ImportError:
        raise _unreadable(int(rows[0]), str(text[rows[0]]), _EXPECTED) from None
    known = text[rows]
    options: dict[str, Any] = {"dayfirst": _are_days_first(known)}
    if re.match(r"\d{4}-\d\d", str(known[0])):
        options = {"format": "ISO8601"}
    with warnings.catch_warnings():  # pandas warns of forms that it has to guess
        warnings.simplefilter("ignore", UserWarning)
        found = pd.to_datetime(pd.Series(known), utc=True, errors="coerce", **options)
    failed = np.flatnonzero(found.isna().to_numpy())
    if len(failed):
        row = int(rows[failed[0]])
        first = str(known[0])
        form = f"a date in the form of {first!r}, the first one" if failed[0] else _EXPECTED
        raise _unreadable(row, str(text[row]), form)
    return found.dt.tz_localize(None).to_numpy().astype(_UNIT)


def _are_days_first(known: np.ndarray) -> bool:
    """Whether dates such as 5.4.2026 or 24/12/2026 begin with the day.

    With dots they do. Otherwise they do if that is the only way to read all of them.
    """
    found = [_NUMERIC.match(one) for one in known.tolist()]
    parts = [(int(one[1]), one[2], int(one[3])) for one in found if one]
    if not parts:
        return False
    if all(separator == "." for _, separator, _ in parts):
        return True
    return max(first for first, _, _ in parts) > 12 >= max(second for _, _, second in parts)


def _calendar(dates: np.ndarray) -> Dates:
    missing = np.isnat(dates)
    values = dates.astype(_UNIT).astype(np.int64)
    return Dates(np.where(missing, np.nan, values) if missing.any() else values, True)


def _without_infinity(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f" and np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise _unreadable(row, float(values[row]), "a date")
    return values


def _is_missing(value: Any) -> bool:
    return is_no_value(value) or value is np.ma.masked or value != value


def _unreadable(row: int, value: Any, expected: str) -> ValueError:
    return ValueError(
        f"The third column of X has a date in row {row} that cannot be read: {shown(value)}; "
        f"expected {expected}."
    )
