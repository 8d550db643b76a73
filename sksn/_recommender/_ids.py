"""Ids of users and items, of any type, and their positions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from .._checks import is_no_value
from .._text import text_array

UNKNOWN = -1


class Ids:
    """The distinct ids of a column, and the position of each.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The ids: numbers, strings or, in an array of objects, anything hashable.

    Attributes
    ----------
    values : ndarray of shape (n_ids,)
        The distinct ids in ascending order; objects other than strings in the order of their first
        occurrence.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.position: dict[Any, int] | None = None
        if values.dtype == object:
            distinct = list(dict.fromkeys(values.tolist()))
            if all(isinstance(value, str) for value in distinct):
                distinct.sort()
            self.values = _objects(distinct)
            self.position = {value: i for i, value in enumerate(distinct)}
        else:
            self.values = np.unique(values)

    def __len__(self) -> int:
        return len(self.values)

    def find(self, wanted: np.ndarray, *, stacklevel: int = 3) -> np.ndarray:
        """Return the positions of ids, and `UNKNOWN` for ids that are not known."""
        # signed and unsigned integers would be compared by way of float
        unsigned = set(_kinds(self.values, wanted)) == {"i", "u"}
        if self.position is not None or wanted.dtype == object or unsigned:
            known = self.position or {v: i for i, v in enumerate(self.values.tolist())}
            found = (known.get(value, UNKNOWN) for value in wanted.tolist())
            return np.fromiter(found, dtype=np.intp, count=len(wanted))
        kinds = {"number" if kind in "biuf" else kind for kind in _kinds(self.values, wanted)}
        if len(kinds) > 1:  # a string is no number, and bytes are no string
            warnings.warn(
                f"Ids of type {self.values.dtype} were in training, and these are of type "
                f"{wanted.dtype}: none of them is known.",
                stacklevel=stacklevel,
            )
            return np.full(len(wanted), UNKNOWN, dtype=np.intp)
        place = np.searchsorted(self.values, wanted).clip(max=len(self.values) - 1)
        return np.where(self.values[place] == wanted, place, UNKNOWN)


def id_columns(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the two columns of X, users and items, and check that no id is missing.

    Parameters
    ----------
    X : array-like or data frame of shape (n_ratings, 2)
        Users and items.

    Returns
    -------
    users, items : ndarray of shape (n_ratings,)
        Integers, floats or strings where a column holds nothing else, else objects.

    Raises
    ------
    ValueError
        If X does not have two columns, or an id is missing.
    """
    if hasattr(X, "columns") and hasattr(X, "dtypes"):  # each column has a type of its own
        at = X.iloc if hasattr(X, "iloc") else X  # two columns may have the same name
        columns = [_plain(at[:, i]) for i in range(len(X.columns))]
    else:
        if sparse.issparse(X):
            raise TypeError(
                "X is a sparse matrix, but SNRecommender takes pairs of user and item: pass "
                "X=np.column_stack(ratings.nonzero()) and the ratings of the pairs as y. "
                "SNAutoencoder takes the matrix itself. (Sparse X is not supported.)"
            )
        if isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X):
            lengths = {len(row) for row in X}
            if lengths != {2}:
                raise ValueError(
                    f"X must have two columns, user and item, got rows of {sorted(lengths)} ids "
                    f"(shape ({len(X)},)). Reshape your data into one row for each rating."
                )
            columns = [_plain(_objects(column)) for column in zip(*X, strict=True)]
        else:
            X = np.asarray(X)
            columns = [_plain(column) for column in X.T] if X.ndim == 2 else []
    if len(columns) != 2:
        names = column_names(X)
        hint = "Reshape your data into one row for each rating."
        if names is not None and len(names) > 2:
            hint = f"Pass X=frame[{names[:2]}] and y=frame[{names[2]!r}], if these are the ratings."
        raise ValueError(
            f"X must have two columns, user and item, got an array of shape {np.shape(X)}. {hint}"
        )
    for name, column in zip(("user", "item"), columns, strict=True):
        missing = _missing(column)
        if missing.any():
            row = int(missing.argmax())
            raise ValueError(f"X has a missing {name} ({column.tolist()[row]!r}) in row {row}.")
    return columns[0], columns[1]


def column_names(X: Any) -> list[str] | None:
    """Return the names of the columns of a data frame, if all of them are strings."""
    names = list(X.columns) if hasattr(X, "columns") else []
    return names if names and all(isinstance(name, str) for name in names) else None


def id_column(values: Any, name: str) -> np.ndarray:
    """Return one or several ids as a one-dimensional array."""
    if isinstance(values, (np.generic, np.ndarray)):
        values = np.atleast_1d(values)
    elif not hasattr(values, "dtype") and not isinstance(values, (list, tuple, range)):
        values = [values]
    column = _plain(_objects(values) if isinstance(values, (list, tuple)) else values)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one id or a list of ids, got shape {column.shape}.")
    return column


def _kinds(*arrays: np.ndarray) -> list[str]:
    return [array.dtype.kind for array in arrays]


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Return a one-dimensional array of objects, which may be sequences themselves."""
    return np.fromiter(values, dtype=object, count=len(values))


def _plain(column: Any) -> np.ndarray:
    """Return a column as integers, floats or strings if it holds nothing else."""
    column = np.asarray(column)
    if column.dtype != object:
        return column
    kinds = {type(value) for value in column.ravel().tolist()}
    if kinds == {str}:
        return text_array(column.ravel().tolist()).reshape(column.shape)
    if len(kinds) == 1 and kinds <= {int, float}:
        alike = np.array(column.tolist())
        return column if kinds == {int} and alike.dtype.kind not in "iu" else alike
    return column


def _missing(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind in "mM":
        return np.isnat(column)
    if column.dtype != object:
        return np.zeros(len(column), dtype=bool)
    return np.array([is_no_value(v) or v != v for v in column], bool)
