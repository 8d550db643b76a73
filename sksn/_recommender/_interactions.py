"""Interactions of users with items: checked and sorted once, and read as rows of either side."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._checks import check_weights
from .._observed import row_of_entry, select_entries, with_entries
from .._targets import check_numbers
from .._training._completion import EntryRows
from ._ids import UNKNOWN, Ids, id_columns


class Interactions:
    """Ratings of users for items, given by positions.

    Parameters
    ----------
    users, items : ndarray of int of shape (n_ratings,)
        Positions of the user and the item of each rating.
    values : ndarray of shape (n_ratings,)
        The ratings.
    weights : ndarray of shape (n_ratings,) or None
        Weight of each rating.
    shape : tuple of int
        Number of users and of items.
    """

    def __init__(
        self,
        users: np.ndarray,
        items: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray | None,
        shape: tuple[int, int],
    ) -> None:
        self.users, self.items, self.values, self.weights = users, items, values, weights
        self._order = np.lexsort((items, users))
        row_counts = np.bincount(users, minlength=shape[0])
        indptr = np.concatenate([[0], np.cumsum(row_counts)])
        # positions instead of ratings, because they also find the weights
        self._positions = sparse.csr_array((self._order, items[self._order], indptr), shape=shape)

    def __len__(self) -> int:
        return len(self.values)

    def first_duplicate(self) -> tuple[int, int] | None:
        """Return a rating whose pair occurs again, and the number of surplus ratings, if any."""
        columns, row = self._positions.indices, row_of_entry(self._positions)
        twice = np.flatnonzero((row[1:] == row[:-1]) & (columns[1:] == columns[:-1]))
        return (int(self._order[twice[0]]), len(twice)) if len(twice) else None

    def sides(self, sides: Iterable[str], chosen: np.ndarray | None = None) -> dict[str, EntryRows]:
        """Return the ratings as rows of each side; see :meth:`rows`."""
        return {side: self.rows(side, chosen) for side in sides}

    def rows(self, side: str, chosen: np.ndarray | None = None) -> EntryRows:
        """Return the ratings as rows of users or of items.

        Parameters
        ----------
        side : {"user", "item"}
            What the rows are.
        chosen : ndarray of int of shape (n_chosen,), optional
            The ratings to use. By default all.

        Returns
        -------
        EntryRows
            A CSR matrix, and the weights of its entries.
        """
        positions = self._positions
        if chosen is not None:
            is_chosen = np.zeros(len(self), dtype=bool)
            is_chosen[chosen] = True
            positions = select_entries(positions, is_chosen[self._order])
        if side == "item":
            positions = positions.T.tocsr()  # counts, and does not sort
        of_entry = positions.data
        X = with_entries(positions, self.values[of_entry])
        return EntryRows(X, None if self.weights is None else self.weights[of_entry])


def check_ratings(
    X: Any, y: Any, sample_weight: Any, *, may_be_empty: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Check ratings, and return users, items, ratings and weights without those of weight 0."""
    users, items = id_columns(X)
    for name, column in (("user", users), ("item", items)):
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            raise ValueError(f"X holds infinity as the {name} in row {row}; expected an id.")
    if y is None:
        raise ValueError("SNRecommender requires y to be passed, but the target y is None.")
    y = np.empty(0) if may_be_empty and np.shape(y) == (0,) else check_numbers(y)
    if y.ndim != 1 and y.shape[1:] != (1,):
        raise ValueError(f"y must be one rating for each row of X, got shape {y.shape}.")
    y = column_or_1d(y, warn=True)
    check_consistent_length(users, y)
    weights = check_weights(sample_weight, len(y))
    if weights is not None:
        kept = weights > 0
        users, items, y, weights = users[kept], items[kept], y[kept], weights[kept]
        weights = weights / weights.mean()
    return users, items, y, weights


def check_new_ratings(
    X: Any, y: Any, items: Ids, rating_range: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check ratings of new users, and warn of those of whom nothing can be learned.

    Parameters
    ----------
    X, y : array-like
        User and item of each rating, and the ratings; perhaps none.
    items : Ids
        The items of training.
    rating_range : tuple of float
        Lowest and highest rating of training.

    Returns
    -------
    users, items, values : ndarray of shape (n_known,)
        The ratings of items that were in training.
    """
    users, items_of, values, _ = check_ratings(X, y, None, may_be_empty=True)
    low, high = rating_range
    if len(values) and (values.min() < low or values.max() > high):
        warnings.warn(
            f"y has ratings from {values.min():g} to {values.max():g}, which are outside the range "
            f"of training, {low:g} to {high:g}. Ratings of new users must have the same scale.",
            stacklevel=3,
        )
    known = items.find(items_of, stacklevel=4) != UNKNOWN
    strangers = set(users[~known].tolist()) - set(users[known].tolist())
    if strangers:
        first = next(user for user in users.tolist() if user in strangers)
        warnings.warn(
            f"X has no rating of an item that was in training for {len(strangers)} of its users, "
            f"such as {first!r}: they get what users without ratings get, and are not in users_.",
            stacklevel=3,
        )
    return users[known], items_of[known], values[known]


def refuse_constant(values: np.ndarray) -> None:
    """Refuse several ratings that are all the same, of which nothing can be learned."""
    if len(values) > 1 and values.min() == values.max():
        raise ValueError(
            f"y holds the same rating, {values[0]:g}, for all {len(values)} pairs, so there is "
            "nothing to predict; ratings have to say how much users liked the items."
        )


def interactions(
    users: np.ndarray,
    items: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray | None,
    ids: tuple[Ids, Ids],
) -> Interactions:
    """Find the positions of ids, which are all known, and refuse a pair that occurs twice."""
    at_user, at_item = (
        known.find(wanted) for known, wanted in zip(ids, (users, items), strict=True)
    )
    found = Interactions(at_user, at_item, values, weights, (len(ids[0]), len(ids[1])))
    duplicate = found.first_duplicate()
    if duplicate is not None:
        place, n_surplus = duplicate
        user, item = users[[place]].tolist()[0], items[[place]].tolist()[0]
        raise ValueError(
            f"X holds the pair of user {user!r} and item {item!r} more than once "
            f"({n_surplus} surplus ratings in all); keep one rating of each pair, or their mean."
        )
    return found
