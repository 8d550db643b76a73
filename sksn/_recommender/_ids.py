"""Ids of users and items, of any type, and their positions."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping, MappingView, Sequence, Set
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from .._caller import levels_to_caller
from .._checks import is_no_value
from .._column_roles import column_names
from .._observed import is_frame
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
        occurrence. Ids that were added later come after those before them.
    """

    def __init__(self, values: np.ndarray) -> None:
        if values.dtype == object:
            distinct = list(dict.fromkeys(values.tolist()))
            if all(isinstance(value, str) for value in distinct):
                distinct.sort()
            self.values = _objects(distinct)
        else:
            self.values = np.unique(values)

    def __len__(self) -> int:
        return len(self.values)

    def __getstate__(self) -> dict[str, Any]:
        return {"values": self.values}  # the positions follow from them

    @cached_property
    def _position(self) -> dict[Any, int]:
        return {value: i for i, value in enumerate(self.values.tolist())}

    @cached_property
    def _order(self) -> np.ndarray | None:
        """The order in which the ids ascend; None if they do."""
        if (self.values[:-1] <= self.values[1:]).all():
            return None
        return np.argsort(self.values)

    def extended(self, values: np.ndarray) -> Ids:
        """Return these ids at the same positions, and those of `values` that are new after them."""
        new = Ids(values[self.find(values, warns=False) == UNKNOWN])
        if not len(new):
            return self
        longer = copy.copy(self)
        longer.values = joined(self.values, new.values) if len(self) else new.values
        return longer

    def find(self, wanted: np.ndarray, *, warns: bool = True) -> np.ndarray:
        """Return the positions of ids, and `UNKNOWN` for ids that are not known.

        Warns about ids of another type than the known ones, for example strings and numbers.
        """
        nowhere = np.full(len(wanted), UNKNOWN, dtype=np.intp)
        if not len(self) or not len(wanted):
            return nowhere
        if self.values.dtype == object or wanted.dtype == object:
            found = (self._position.get(value, UNKNOWN) for value in wanted.tolist())
            return np.fromiter(found, dtype=np.intp, count=len(wanted))
        kinds = {"number" if kind in "biuf" else kind for kind in _kinds(self.values, wanted)}
        if len(kinds) > 1:  # a string is no number, and bytes are no string
            if warns:
                warnings.warn(
                    f"Ids of type {self.values.dtype} were in training, and these are of type "
                    f"{wanted.dtype}: none of them is known.",
                    stacklevel=levels_to_caller(),
                )
            return nowhere
        is_exact: Any = True
        if kinds == {"number"}:
            wanted, is_exact = _exactly(wanted, self.values.dtype)
        place = np.searchsorted(self.values, wanted, sorter=self._order).clip(max=len(self) - 1)
        place = place if self._order is None else self._order[place]
        return np.where(is_exact & (self.values[place] == wanted), place, UNKNOWN)


def _exactly(numbers: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers as another type, and which of them this type holds exactly."""
    with np.errstate(invalid="ignore", over="ignore"):
        cast = numbers.astype(dtype)
        is_exact = (cast.astype(numbers.dtype) == numbers) & ((cast < 0) == (numbers < 0))
    for floats, other in ((numbers, cast), (cast, numbers)):
        if floats.dtype.kind == "f" and other.dtype.kind in "iu":
            is_exact &= floats < float(np.iinfo(other.dtype).max)  # which rounds to a power of two
    return cast, is_exact


def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the ids of two arrays as one, of objects if their types differ."""
    if first.dtype.kind == second.dtype.kind == "U" and first.dtype != second.dtype:
        return text_array([*first.tolist(), *second.tolist()])
    if first.dtype.kind == second.dtype.kind or {first.dtype.kind, second.dtype.kind} == set("iu"):
        both = np.concatenate([first, second])
        if both.dtype.kind == first.dtype.kind:
            return both
    return _objects([*first.tolist(), *second.tolist()])


def pair_columns(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the columns of X, users, items and dates, and check that no id is missing.

    Parameters
    ----------
    X : array-like or data frame of shape (n_ratings, 2 or 3)
        Users, items and perhaps dates.

    Returns
    -------
    users, items : ndarray of shape (n_ratings,)
        Integers, floats or strings where a column holds nothing else, else objects.
    dates : ndarray of shape (n_ratings,) or None
        The third column as it is, if there is one.

    Raises
    ------
    ValueError
        If X has neither two nor three columns, or an id is missing.
    """
    if is_frame(X):  # each column has a type of its own
        at = X.iloc if hasattr(X, "iloc") else X  # two columns may have the same name
        columns = [_plain(at[:, i]) for i in range(len(X.columns))]
    else:
        if sparse.issparse(X):
            raise TypeError(
                "X is a sparse matrix. fit and partial_fit of SNRecommender take one, but here "
                "pairs of user and item are expected: np.column_stack(X.nonzero()), with the "
                "ratings X.data as y if there are some. (Sparse X is not supported.)"
            )
        if isinstance(X, (list, tuple)) and not len(X):
            X = np.empty((0, 2))
        if isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X):
            lengths = {len(row) for row in X}
            if lengths not in ({2}, {3}):
                raise ValueError(
                    f"X must have two columns, user and item, got rows of {sorted(lengths)} ids "
                    f"(shape ({len(X)},)). Reshape your data into one row for each rating."
                )
            columns = [_plain(_objects(column)) for column in zip(*X, strict=True)]
        else:
            X = _unmasked(X)
            columns = [_plain(column) for column in X.T] if X.ndim == 2 else []
    if len(columns) not in (2, 3):
        names = column_names(X)
        hint = "Reshape your data into one row for each rating."
        if names is not None and len(names) > 2:
            hint = (
                f"Pass X=frame[{names[:2]}] and y=frame[{names[2]!r}], if these are the ratings, "
                "or name the columns: SNRecommender(columns={'user': ..., 'item': ...})."
            )
        raise ValueError(
            "X must have two columns, user and item, and may have a third, date, got an array of "
            f"shape {np.shape(X)}. {hint}"
        )
    for name, column in zip(("user", "item"), columns, strict=False):
        missing = _missing(column)
        if missing.any():
            row = int(missing.argmax())
            raise ValueError(f"X has a missing {name} ({column.tolist()[row]!r}) in row {row}.")
    return columns[0], columns[1], columns[2] if len(columns) == 3 else None


def id_column(values: Any, name: str) -> np.ndarray:
    """Return one or several ids as a one-dimensional array.

    Parameters
    ----------
    values : array-like, iterable or object
        Ids in a defined order, or one id.
    name : str
        Name of the argument, for errors.

    Returns
    -------
    ndarray of shape (n_ids,)

    Raises
    ------
    TypeError
        If the ids have no order, as in a set.
    ValueError
        If they are not one-dimensional, or an id is missing.
    """
    if isinstance(values, (Set, Mapping)) and not isinstance(values, MappingView):
        raise TypeError(
            f"{name} must be one id or a list of ids, in the order of the rows of the result, got "
            f"a {type(values).__name__}; pass list({name})."
        )
    if hasattr(values, "dtype") or hasattr(values, "__array__"):
        values = np.atleast_1d(_unmasked(values))
    elif _is_list(values):
        values = _objects(list(values))
    else:
        values = _objects([values])
    column = _plain(values)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one id or a list of ids, got shape {column.shape}.")
    missing = _missing(column)
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(f"{name} has a missing id ({column.tolist()[row]!r}) in row {row}.")
    return column


def _is_list(values: Any) -> bool:
    """Whether a value is several ids: a list or the like, a generator, or a view of a dict.

    Other iterables are one id if they are equal to a copy of themselves, such as a string.
    """
    if isinstance(values, (list, tuple, range)):
        return True
    return isinstance(values, Iterable) and type(values).__hash__ in (None, object.__hash__)


def _kinds(*arrays: np.ndarray) -> list[str]:
    return [array.dtype.kind for array in arrays]


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Return a one-dimensional array of objects, which may be sequences themselves."""
    return np.fromiter(values, dtype=object, count=len(values))


def _unmasked(values: Any) -> np.ndarray:
    """Return an array, of objects with None where entries are masked."""
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return np.asarray(values)
    unmasked = np.ma.getdata(values).astype(object)
    unmasked[np.ma.getmaskarray(values)] = None
    return unmasked


def _plain(column: Any) -> np.ndarray:
    """Return a column as integers, floats, dates or strings if it holds nothing else."""
    column = np.asarray(column)
    if column.dtype.kind == "T":  # StringDType
        column = column.astype(object)
    if column.dtype != object:
        return column
    values = [_of_python(value) for value in column.ravel().tolist()]
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return text_array(values).reshape(column.shape)
    if len(kinds) == 1 and kinds <= {int, float, np.datetime64}:
        alike = np.array(values).reshape(column.shape)
        if kinds != {int} or alike.dtype.kind in "iu":
            return alike
    return _objects(values).reshape(column.shape)


def _of_python(value: Any) -> Any:
    """Return a number or text of NumPy as that of Python."""
    is_plain = isinstance(value, np.generic) and value.dtype.kind in "biufUS"
    return value.item() if is_plain else value


def _missing(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind in "mM":
        return np.isnat(column)
    if column.dtype != object:
        return np.zeros(len(column), dtype=bool)
    return np.array([is_no_value(v) or v is np.ma.masked or v != v for v in column], bool)
