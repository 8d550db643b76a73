"""Interactions as the named columns of a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._checks import Rule, shown
from ._column_roles import column_names, role_of
from ._observed import as_frame, is_frame

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
    columns: Mapping[str, Any] | None,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    are_first: bool = False,
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
    are_first : bool, default=False
        Whether these are the first interactions. The names of later ones are compared with theirs,
        and those of the first ones with the order of the columns.

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
        X = as_frame(X)
        if are_first:
            _check_names(X)
        return X, y, sample_weight
    found = []
    for role, name, value in (("rating", "y", y), ("count", "sample_weight", sample_weight)):
        if role in columns:
            of_column = _select(columns, X, (role,))[columns[role]]
            if value is not None and not _are_equal(value, of_column):
                raise ValueError(
                    f"{name} was passed, and columns names {columns[role]!r} as the {role}, which "
                    f"stands for it; leave out one of them, or pass {name}=X[{columns[role]!r}]."
                )
            value = of_column
        found.append(value)
    return pairs_of(columns, X, are_dated=True), found[0], found[1]


def pairs_of(columns: Mapping[str, Any] | None, X: Any, *, are_dated: bool = False) -> Any:
    """Return users and items, and dates if they are named, in this order.

    Dates may be missing unless `are_dated`; see :func:`interactions_of`.
    """
    if columns is None:
        return as_frame(X)
    has_dates = are_dated or columns.get("timestamp") in getattr(X, "columns", ())
    with_dates = has_dates and "timestamp" in columns
    return _select(columns, X, (*_NEEDED, "timestamp") if with_dates else _NEEDED)


def _check_names(X: Any) -> None:
    """Refuse a data frame whose names contradict the order of its columns: user, item, date."""
    names = column_names(X) or []
    roles = [role_of(name) for name in names]
    if roles[:2] == ["item", "user"]:
        raise ValueError(
            f"X has the columns {names[0]!r} and {names[1]!r}, but the first is the user and the "
            f"second the item: pass X=frame[{[names[1], names[0]]}], or name the columns: "
            f"SNRecommender(columns={{'user': {names[1]!r}, 'item': {names[0]!r}}})."
        )
    if len(roles) == 3 and roles[2] in ("rating", "count"):
        argument = {"rating": "y", "count": "sample_weight"}[roles[2]]
        raise ValueError(
            f"The column {names[2]!r} of X holds {roles[2]}s, but a third column is for dates; "
            f"pass {roles[2]}s as {argument}, or name the columns: SNRecommender(columns={{'user': "
            f"..., 'item': ..., {roles[2]!r}: {names[2]!r}}})."
        )


def _are_equal(value: Any, of_column: Any) -> bool:
    """Whether an argument holds what a column holds, so that scorers of scikit-learn can see it."""
    return bool(np.array_equal(np.asarray(value), np.asarray(of_column)))


def _select(columns: Mapping[str, Any], X: Any, roles: tuple[str, ...]) -> Any:
    """Return columns of a data frame."""
    COLUMNS.check("columns", columns)
    X = as_frame(X)
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
