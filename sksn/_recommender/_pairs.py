"""Interactions as they are passed: pairs of ids, or a sparse matrix; checked once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._caller import levels_to_caller
from .._checks import check_weights
from .._column_roles import column_names
from .._dates import Dates, read_dates
from .._targets import check_numbers
from ._ids import UNKNOWN, Ids, joined, pair_columns

MIXED_DATES = (
    "Some dates of X are numbers, and the dates of training are calendar dates or text, or the "
    "other way round; pass dates of one kind."
)
_FEW, _LARGEST = 20, 10  # numbers like the stars of ratings: few, small and repeated


class Pairs(NamedTuple):
    """Interactions of users with items.

    Attributes
    ----------
    users, items : ndarray of shape (n_pairs,)
        Their ids.
    values : ndarray of shape (n_pairs,) or None
        The ratings, if there are some.
    weights : ndarray of shape (n_pairs,) or None
        How much each interaction counts; all positive.
    ids : tuple of Ids or None
        All users and items, if more are known than those of the pairs.
    dates : Dates or None
        When they happened, if this is known.
    """

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray | None
    weights: np.ndarray | None
    ids: tuple[Ids, Ids] | None = None
    dates: Dates | None = None

    def of(self, chosen: np.ndarray) -> Pairs:
        """Return some of the interactions."""
        values, weights = (
            None if part is None else part[chosen] for part in (self.values, self.weights)
        )
        dates = None if self.dates is None else self.dates.of(chosen)
        return Pairs(self.users[chosen], self.items[chosen], values, weights, self.ids, dates)

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """Return several interactions as one; those without weights have the weight 1."""
        users, items = parts[0].users, parts[0].items
        for part in parts[1:]:
            users, items = joined(users, part.users), joined(items, part.items)
        values = weights = None
        if all(part.values is not None for part in parts):
            values = np.concatenate([part.values for part in parts if part.values is not None])
        if any(part.weights is not None for part in parts):
            weights = np.concatenate(
                [
                    np.ones(len(part.users)) if part.weights is None else part.weights
                    for part in parts
                ]
            )
        dates = joined_dates([part.dates for part in parts], [len(part.users) for part in parts])
        return cls(users, items, values, weights, None, dates)

    def find_ids(self) -> tuple[Ids, Ids]:
        """Return the users and the items."""
        return (Ids(self.users), Ids(self.items)) if self.ids is None else self.ids


def check_pairs(X: Any, y: Any, sample_weight: Any, *, objective: str = "auto") -> Pairs:
    """Check what the recommender learns from.

    Parameters
    ----------
    X : array-like or data frame of shape (n_pairs, 2), or sparse matrix of users and items
        The interactions.
    y : array-like of shape (n_pairs,) or None
        The ratings.
    sample_weight : array-like of shape (n_pairs,) or None
        How much each interaction counts. Those of weight 0 are left out.
    objective : {"auto", "rating", "ranking"}
        What is learned. Ratings that are all the same are ratings only for "rating".

    Returns
    -------
    Pairs

    Raises
    ------
    ValueError
        If an argument cannot be used.
    """
    if sparse.issparse(X):
        return _from_matrix(X, y, sample_weight, are_ratings=objective == "rating")
    pairs = _from_columns(X, y, sample_weight)
    if pairs.values is None and objective == "rating":
        raise ValueError(
            "y is None, but objective='rating' learns from ratings; pass them as y, or leave the "
            "objective at 'auto', which without ratings learns to rank items."
        )
    if pairs.values is None or len(pairs.values) == 1 or np.ptp(pairs.values / 2) > 0:
        return pairs
    if objective == "rating":
        raise ValueError(
            f"y holds the same rating, {pairs.values[0]:g}, for all {len(pairs.values)} pairs, so "
            "there is nothing to predict; ratings have to say how much users liked the items. For "
            "lists of items from interactions alone, use objective='ranking' and no y."
        )
    return pairs._replace(values=None)


class Expected(NamedTuple):
    """What a fitted recommender expects of further interactions.

    Attributes
    ----------
    are_rated : bool
        Whether it has learned from ratings.
    rating : float or None
        What replaces missing ratings; None if they must be given.
    limits : tuple of float or None
        Lowest and highest rating of training, if ratings are predicted.
    """

    are_rated: bool
    rating: float | None
    limits: tuple[float, float] | None


def check_further_pairs(
    X: Any, y: Any, sample_weight: Any, expected: Expected, *, extends: bool = False
) -> Pairs:
    """Check further interactions of a fitted recommender.

    Parameters
    ----------
    X, y, sample_weight
        See :func:`check_pairs`; there may be no interactions.
    expected : Expected
        What the recommender has learned from.
    extends : bool
        Whether the recommender learns from them, so that X may be a matrix and ratings outside the
        range of training extend it.

    Returns
    -------
    Pairs
    """
    if extends and sparse.issparse(X):
        if not X.nnz:
            return Pairs(*(np.zeros(0, np.int64),) * 2, None, None)
        are_ratings = expected.limits is not None and y is None
        pairs = _from_matrix(X, y, sample_weight, are_ratings=are_ratings)
    else:
        pairs = _from_columns(X, y, sample_weight, may_be_empty=True)
    values, n = pairs.values, len(pairs.users)
    if not expected.are_rated:
        if values is not None and n and np.ptp(values / 2) > 0:
            raise ValueError(
                "y holds ratings, but the recommender was fitted without; leave them out, or fit "
                "it on ratings."
            )
        return pairs._replace(values=None)
    if values is None and expected.rating is None:
        raise ValueError(
            "y is None, but the recommender was fitted on ratings; pass the ratings of the new "
            "interactions too."
        )
    if values is None:
        return pairs._replace(values=np.full(n, expected.rating))
    low, high = expected.limits or (-np.inf, np.inf)
    if n and not low <= values.min() <= values.max() <= high:
        effect = "Predictions may now reach them." if extends else ""
        warnings.warn(
            f"y has ratings from {values.min():g} to {values.max():g}, which are outside the range "
            f"of training, {low:g} to {high:g}. Further ratings must have the same scale. {effect}",
            stacklevel=levels_to_caller(),
        )
    return pairs


def of_known_items(pairs: Pairs, items: Ids, *, are_rated: bool) -> Pairs:
    """Return the interactions with items that were in training, and warn of the others."""
    known = items.find(pairs.items) != UNKNOWN
    if not known.all():
        what = "ratings of" if are_rated else "interactions with"
        message = (
            f"X has {what} items that were not in training ({np.sum(~known)} in all, the first "
            f"with {pairs.items[~known].tolist()[0]!r}); they are ignored."
        )
        with_known = set(pairs.users[known].tolist())
        strangers = [user for user in pairs.users[~known].tolist() if user not in with_known]
        if strangers:
            message += (
                f" Nothing is learned of users who have no others ({len(set(strangers))} in all, "
                f"the first is {strangers[0]!r})."
            )
        warnings.warn(message, stacklevel=levels_to_caller())
    return pairs.of(known)


def _from_columns(X: Any, y: Any, sample_weight: Any, *, may_be_empty: bool = False) -> Pairs:
    users, items, dates = pair_columns(X)
    for name, column in (("user", users), ("item", items)):
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            raise ValueError(f"X holds infinity as the {name} in row {row}; expected an id.")
    if not len(users) and not may_be_empty:
        raise ValueError("Found array with 0 sample(s): X holds no interaction.")
    if y is not None:
        y = np.empty(0) if may_be_empty and np.shape(y) == (0,) else check_numbers(y)
        if y.ndim != 1 and y.shape[1:] != (1,):
            raise ValueError(f"y must be one rating for each row of X, got shape {y.shape}.")
        y = column_or_1d(y, warn=True)
        check_consistent_length(users, y)
    weights = check_weights(sample_weight, len(users), allow_all_zero=not len(users))
    pairs = Pairs(users, items, y, weights, None, check_dates(X, dates, y))
    return pairs if pairs.weights is None else pairs.of(pairs.weights > 0)


def check_dates(
    X: Any, column: np.ndarray | None, y: np.ndarray | None = None, *, are_known: bool = True
) -> Dates | None:
    """Read the third column of X, and refuse ratings there, or dates that cannot be used."""
    if column is None:
        return None
    names = column_names(X)
    what = f"column {names[2]!r}" if names else "third column"
    if not are_known:
        raise ValueError(
            f"X must have two columns, user and item, as in fit; the {what} would be dates, and "
            "the recommender was fitted without dates."
        )
    dates = read_dates(column)
    are_ratings = y is not None and not dates.is_calendar and np.array_equal(dates.values, y)
    if are_ratings and len(column):
        raise ValueError(
            f"The {what} of X holds ratings, but a third column is for dates; pass ratings as y."
        )
    if not dates.is_calendar and len(column) > _FEW:
        found = np.unique(dates.values[~np.isnan(dates.values)])
        if 2 < len(found) <= _FEW and np.abs(found).max() <= _LARGEST:
            warnings.warn(
                f"The {what} of X is read as dates, and holds only {len(found)} different numbers "
                f"from {found[0]:g} to {found[-1]:g}. Pass ratings as y, and counts as "
                "sample_weight.",
                stacklevel=levels_to_caller(),
            )
    return dates


def joined_dates(parts: Sequence[Dates | None], lengths: Sequence[int]) -> Dates | None:
    """Return the dates of several parts as one; those of parts without dates are missing."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if len({part.is_calendar for part in known if len(part.values)}) > 1:
        raise ValueError(MIXED_DATES)
    values = [
        np.full(n, np.nan) if part is None else part.values
        for part, n in zip(parts, lengths, strict=True)
    ]
    return known[-1]._replace(values=np.concatenate(values))


def _from_matrix(X: Any, y: Any, sample_weight: Any, *, are_ratings: bool) -> Pairs:
    """Take the stored entries of a matrix of users and items as interactions."""
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{name} must be None where X is a sparse matrix of users and items: its entries "
                "are the ratings with objective='rating', and otherwise say how much an "
                f"interaction counts. Got {name} of type {type(value).__name__}."
            )
    entries = sparse.coo_array(X)
    if entries.ndim != 2 or not entries.nnz:
        raise ValueError(f"X holds no interaction: a sparse matrix of shape {X.shape}.")
    if not np.isfinite(entries.data).all():
        raise ValueError("X holds NaN or infinity; expected numbers.")
    entries.sum_duplicates()
    users, items = (at.astype(np.int64) for at in entries.coords)
    ids = Ids(np.arange(X.shape[0])), Ids(np.arange(X.shape[1]))
    values = entries.data.astype(np.float64)
    if are_ratings:
        return Pairs(users, items, values, None, ids)
    if (values < 0).any():
        raise ValueError(
            f"X holds {values.min():g}; the entries say how much an interaction counts, so they "
            "must not be negative. For ratings, use objective='rating'."
        )
    positive = values[values > 0]
    weights = np.maximum(values, positive.min()) if len(positive) else np.ones(len(values))
    return Pairs(users, items, None, weights, ids)
