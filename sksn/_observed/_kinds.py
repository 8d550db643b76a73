"""Which kind of values a column holds, and its values as Python objects or dates."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

import numpy as np

NUMBER, CATEGORY, DATE, DURATION = "number", "category", "date", "duration"

_BEGINNINGS = {  # of the name of a dtype of NumPy, pandas, pyarrow or polars, in lower case
    CATEGORY: ("str", "string", "large_string", "utf8", "categ", "dictionary", "enum"),
    DATE: ("datetime", "date", "timestamp", "period"),
    DURATION: ("timedelta", "duration"),
}
_ARRAYS = {"M": DATE, "m": DURATION}


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of pandas or polars."""
    return hasattr(X, "columns") and hasattr(X, "dtypes") and hasattr(X, "shape")


def as_frame(X: Any) -> Any:
    """Return a table of pyarrow as a data frame, and anything else as it is."""
    if hasattr(X, "to_pandas") and hasattr(X, "schema") and not is_frame(X):
        return X.to_pandas()
    if hasattr(X, "collect") and hasattr(X, "collect_schema") and type(X).__name__ == "LazyFrame":
        raise TypeError("X must be in memory, got a LazyFrame of polars; pass X.collect().")
    return X


def column_of(X: Any, j: int) -> Any:
    """Return a column of a data frame or an array."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X[:, j]


def columns_of(X: Any, positions: list[int]) -> Any:
    """Return some columns, in the container of X."""
    return X.iloc[:, positions] if hasattr(X, "iloc") else X[:, positions]


def with_plain_numbers(X: Any) -> Any:
    """Return X with the columns of pandas that hold numbers as categories turned into numbers."""
    if not (is_frame(X) and hasattr(X, "iloc")):
        return X
    for j, dtype in enumerate(X.dtypes):
        if str(dtype) == "category" and dtype.categories.dtype.kind in "iuf":
            X = X.copy(deep=False)
            X.isetitem(j, X.iloc[:, j].astype(np.float64))
    return X


def kinds_of(X: Any) -> list[str]:
    """Return the kind of each column of a data frame, or of an array of objects or dates.

    Columns of text are categories, and so are columns of Python objects that hold some text. What
    is neither category, date nor duration is a number, or will be refused as one.
    """
    if is_frame(X):
        return [
            _kind_of(str(dtype).lower(), X, j)
            for j, dtype in zip(range(X.shape[1]), X.dtypes, strict=True)
        ]
    if X.dtype == object:
        return [_kind_of_objects(X[:, j]) for j in range(X.shape[1])]
    return [_ARRAYS.get(X.dtype.kind, NUMBER)] * X.shape[1]


def _kind_of(dtype: str, X: Any, j: int) -> str:
    if dtype == "object":
        return _kind_of_objects(values_of(column_of(X, j)))
    for kind, beginnings in _BEGINNINGS.items():
        if dtype.startswith(beginnings):
            return kind
    return NUMBER


def _kind_of_objects(values: Any) -> str:
    has_date = False
    for value in values:
        if isinstance(value, str):
            return CATEGORY
        has_date = has_date or isinstance(value, (datetime.date, np.datetime64))
    return DATE if has_date else NUMBER


def values_of(column: Any) -> list[Any]:
    """Return the entries of a column as Python objects."""
    return column.to_list() if hasattr(column, "to_list") else column.tolist()


def zone_of(column: Any) -> Any:
    """Return the time zone of dates, of the first one among objects; None if there is none."""
    dtype: Any = getattr(column, "dtype", None)
    if hasattr(column, "iloc") and str(dtype) != "object":
        is_date = str(dtype).lower().startswith(("datetime", "timestamp"))
        return column.dt.tz if is_date else None
    if hasattr(dtype, "time_zone"):  # polars
        return dtype.time_zone
    if str(dtype).lower() != "object":
        return None
    zones = (value.tzinfo for value in values_of(column) if isinstance(value, datetime.datetime))
    return next((zone for zone in zones if zone is not None), None)


def in_zone(column: Any, zone: Any) -> Any:
    """Return dates with time zones in another one."""
    dtype = str(getattr(column, "dtype", "object")).lower()
    if hasattr(column, "iloc") and dtype != "object":
        return column.dt.tz_convert(zone)
    if hasattr(column, "dt") and dtype.startswith("datetime"):  # polars
        return column.dt.convert_time_zone(str(zone))
    zone = zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else zone
    moved = np.empty(len(column), dtype=object)
    moved[:] = [
        value.astimezone(zone) if isinstance(value, datetime.datetime) and value == value else None
        for value in values_of(column)
    ]
    return moved


def seconds_of(column: Any) -> np.ndarray:
    """Return dates as seconds since 1970, and durations as seconds; NaN where missing.

    Dates with a time zone are read as the clock shows them in that of the first date.
    """
    array = _as_dates(column)
    if array.dtype.kind == "m":
        seconds = array.astype("timedelta64[us]").astype(np.int64) / 1e6
    else:
        seconds = array.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(array), np.nan, seconds)


def _as_dates(column: Any) -> np.ndarray:
    """Return dates or durations as an array of NumPy's type."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":
        return column
    dtype = str(getattr(column, "dtype", "object")).lower()
    if hasattr(column, "iloc") and dtype != "object":
        return _of_pandas(column, dtype)
    if hasattr(column, "dt") and dtype.startswith("datetime"):  # polars
        column = column.dt.replace_time_zone(None)
    if hasattr(column, "to_numpy") and dtype != "object":
        return column.to_numpy()
    zone = zone_of(column)
    column = column if zone is None else in_zone(column, zone)
    return np.array([_as_date(value) for value in values_of(column)], dtype="datetime64[us]")


def _of_pandas(column: Any, dtype: str) -> np.ndarray:
    if dtype.startswith(_BEGINNINGS[DURATION]):
        return column.to_numpy(dtype="timedelta64[us]", na_value=np.timedelta64("NaT"))
    if dtype.startswith("period"):
        column = column.dt.to_timestamp()
    elif dtype.startswith("date") and not dtype.startswith("datetime"):  # pyarrow's dates
        column = column.astype("timestamp[us][pyarrow]")
    elif column.dt.tz is not None:
        column = column.dt.tz_localize(None)
    return column.to_numpy(dtype="datetime64[us]", na_value=np.datetime64("NaT"))


def _as_date(value: Any) -> Any:
    """Return a date as NumPy reads it, NaT for anything that is no date."""
    if isinstance(value, datetime.datetime):
        return np.datetime64(value.replace(tzinfo=None)) if value == value else np.datetime64("NaT")
    if isinstance(value, (datetime.date, np.datetime64)):
        return np.datetime64(value)
    return np.datetime64("NaT")
