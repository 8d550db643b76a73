"""Interactions as the named columns of a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._checks import Rule, shown
from ._observed import is_frame

_NEEDED = ("user", "item")
_OTHERS = ("rating", "count", "timestamp")


def _may_name(value: Any) -> bool:
    return isinstance(value, Mapping) and {*_NEEDED} <= {*value} <= {*_NEEDED, *_OTHERS}


COLUMNS = Rule(
    lambda value: value is None or _may_name(value),
    "None or a dict that names the columns 'user' and 'item', and perhaps 'rating', 'count' and "
    "'timestamp'",
    "For example, {'user': 'userId', 'item': 'movieId'}.",
)


def interactions_of(
    columns: Mapping[str, Any] | None, X: Any, y: Any = None, sample_weight: Any = None
) -> tuple[Any, Any, Any]:
    """Return users and items, ratings, and counts of a data frame.

    Parameters
    ----------
    columns : mapping or None
        The names of the columns. None: X has no others than users and items, in this order.
    X : data frame of shape (n_pairs, n_columns)
        The interactions. Columns that are not named are left out.
    y : array-like of shape (n_pairs,) or None
        The ratings, unless they are a column.
    sample_weight : array-like of shape (n_pairs,) or None
        How much each interaction counts, unless this is a column.

    Returns
    -------
    X : data frame of shape (n_pairs, 2), or 3 with dates
    y, sample_weight : array-like of shape (n_pairs,) or None

    Raises
    ------
    TypeError
        If X is no data frame.
    ValueError
        If a column is missing or named twice, or given beside the argument that it stands for.
    """
    if columns is None:
        return X, y, sample_weight
    found = []
    for role, name, value in (("rating", "y", y), ("count", "sample_weight", sample_weight)):
        if role in columns:
            if value is not None:
                raise ValueError(
                    f"{name} was passed, and columns names {columns[role]!r} as the {role}, which "
                    f"stands for it; leave out one of them."
                )
            value = _select(columns, X, (role,))[columns[role]]
        found.append(value)
    return pairs_of(columns, X, are_dated=True), found[0], found[1]


def pairs_of(columns: Mapping[str, Any] | None, X: Any, *, are_dated: bool = False) -> Any:
    """Return users and items, and dates if they are named, in this order.

    Dates may be missing unless `are_dated`; see :func:`interactions_of`.
    """
    if columns is None:
        return X
    has_dates = are_dated or columns.get("timestamp") in getattr(X, "columns", ())
    with_dates = has_dates and "timestamp" in columns
    return _select(columns, X, (*_NEEDED, "timestamp") if with_dates else _NEEDED)


def _select(columns: Mapping[str, Any], X: Any, roles: tuple[str, ...]) -> Any:
    """Return columns of a data frame."""
    COLUMNS.check("columns", columns)
    if not is_frame(X):
        raise TypeError(
            f"X must be a data frame, because columns names the columns {list(columns.values())}; "
            f"got {type(X).__name__}. Without names (columns=None), X has two columns, user and "
            "item."
        )
    known, names = list(X.columns), list(columns.values())
    for role, name in columns.items():
        if names.count(name) > 1:
            raise ValueError(f"columns names {name!r} more than once: {shown(dict(columns))}.")
        if known.count(name) > 1:
            raise ValueError(f"X has {known.count(name)} columns {name!r}, the {role}; keep one.")
    wanted = [columns[role] for role in roles]
    for role, name in zip(roles, wanted, strict=True):
        if name not in known:
            raise ValueError(
                f"X has no column {name!r}, which columns names as the {role}; it has "
                f"{shown(known)}."
            )
    return X[wanted]
