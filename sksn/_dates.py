"""Dates of interactions: numbers, dates of Python, NumPy and pandas, or text, as numbers."""

from __future__ import annotations

import datetime
import numbers
import re
from typing import Any, NamedTuple

import numpy as np

from ._checks import is_flag, is_no_value, shown

_ISO = re.compile(r"\d{4,}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?)?Z?", re.ASCII)
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
        UTC. Text is numbers, ISO 8601, or what pandas reads, if it is installed.

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
        raise _unreadable(
            int(rows[0]), str(text[rows[0]]), "numbers, datetime64, or text as 2004-12-31 23:59:59"
        ) from None
    known = text[rows]
    form = "ISO8601" if re.match(r"\d{4}-\d\d", str(known[0])) else None
    found = pd.to_datetime(pd.Series(known), utc=True, errors="coerce", format=form)
    failed = np.flatnonzero(found.isna().to_numpy())
    if len(failed):
        row = int(rows[failed[0]])
        raise _unreadable(row, str(text[row]), f"a date in the form of {str(known[0])!r}")
    return found.dt.tz_localize(None).to_numpy().astype(_UNIT)


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
