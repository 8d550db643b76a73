"""Missing entries of y: which there may be, and the errors about the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import is_no_value


def n_columns(y: Any) -> int:
    """Return the number of columns of y; 1 if it has one dimension."""
    shape = np.asarray(y).shape
    return shape[1] if len(shape) == 2 else 1


def with_nan(y: Any) -> Any:
    """Replace None and NA among objects by NaN."""
    y = np.asarray(y)
    if y.dtype != object:
        return y
    return np.where(np.reshape([is_no_value(v) for v in y.flat], y.shape), np.nan, y)


def is_partly_missing(y: np.ndarray) -> bool:
    """Whether an array holds numbers, some of which are NaN."""
    try:
        return bool(np.isnan(y.astype(np.float64)).any())
    except (TypeError, ValueError):
        return False


def refuse_empty(rows: np.ndarray, columns: np.ndarray) -> None:
    """Refuse a partly missing y if one of its rows or columns is missing as a whole.

    Parameters
    ----------
    rows, columns : ndarray of bool
        Which of them are missing as a whole.
    """
    for kind, empty in (("row", rows), ("column", columns)):
        if empty.any():
            raise ValueError(
                f"y is missing in all of {kind} {int(empty.argmax())}. Leave out {kind}s of which "
                "nothing is known. (Input y contains NaN.)"
            )


def refuse_missing(y: Any) -> None:
    """Refuse None and NA, and NaN among other objects, which few functions can handle."""
    y = np.asarray(y)
    if y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError(f"y is missing (NaT) in row {int(np.isnat(y).argmax())}.")
    if y.dtype.kind == "f" and np.isnan(y).any():
        y = y.astype(object)
    if y.dtype != object:
        return
    for place, value in enumerate(y.flat):
        if is_no_value(value) or value != value:
            row = place // max(1, y[:1].size)
            raise ValueError(
                f"y is missing ({value!r}) in row {row}. Leave out the rows whose y is not known. "
                "(Input y contains NaN.)"
            )
