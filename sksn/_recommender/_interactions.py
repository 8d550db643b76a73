"""Interactions of users with items: sorted once, and read as rows of either side."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Self

import numpy as np
from scipy import sparse

from .._dates import Dates
from .._observed import row_of_entry, select_entries, with_entries
from .._training._completion import EntryRows
from ._ids import Ids
from ._pairs import Pairs


class Interactions:
    """Ratings of users for items, or other interactions, given by positions.

    Parameters
    ----------
    users, items : ndarray of int of shape (n_ratings,)
        Positions of the user and the item of each rating.
    values : ndarray of shape (n_ratings,) or None
        The ratings, if interactions have one.
    weights : ndarray of shape (n_ratings,) or None
        Weight of each interaction.
    shape : tuple of int
        Number of users and of items.
    dates : Dates, optional
        When each rating was made.
    """

    def __init__(
        self,
        users: np.ndarray,
        items: np.ndarray,
        values: np.ndarray | None,
        weights: np.ndarray | None,
        shape: tuple[int, int],
        dates: Dates | None = None,
    ) -> None:
        self.users, self.items, self.values, self.weights = users, items, values, weights
        self.dates = dates
        self._order = np.lexsort((items, users))
        row_counts = np.bincount(users, minlength=shape[0])
        indptr = np.concatenate([[0], np.cumsum(row_counts)])
        # positions instead of ratings, because they also find the weights
        self.positions = sparse.csr_array((self._order, items[self._order], indptr), shape=shape)

    def __len__(self) -> int:
        return len(self.users)

    def with_values(self, values: np.ndarray, weight_unit: float) -> Self:
        """Return the same interactions with other ratings, and weights in another unit."""
        changed = copy.copy(self)
        changed.values = values
        changed.weights = None if self.weights is None else self.weights / weight_unit
        return changed

    def dated(self, with_dates: bool) -> Self:
        """Return the same interactions with or without their dates."""
        changed = copy.copy(self)
        changed.dates = self.dates if with_dates else None
        return changed

    def first_duplicate(self) -> tuple[int, int] | None:
        """Return a rating whose pair occurs again, and the number of surplus ratings, if any."""
        columns, row = self.positions.indices, row_of_entry(self.positions)
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
        positions = self.positions
        if chosen is not None:
            is_chosen = np.zeros(len(self), dtype=bool)
            is_chosen[chosen] = True
            positions = select_entries(positions, is_chosen[self._order])
        if side == "item":
            positions = positions.T.tocsr()  # counts, and does not sort
        of_entry = positions.data
        assert self.values is not None
        X = with_entries(positions, self.values[of_entry])
        return EntryRows(X, None if self.weights is None else self.weights[of_entry])


def interactions(pairs: Pairs, ids: tuple[Ids, Ids]) -> Interactions:
    """Find the positions of ids, which are all known.

    Parameters
    ----------
    pairs : Pairs
        The interactions.
    ids : tuple of Ids
        Users and items.

    Returns
    -------
    Interactions
        Without ratings, a pair that occurs again is one interaction, with the sum of the weights
        and the latest date.

    Raises
    ------
    ValueError
        If a pair has two ratings.
    """
    at_user, at_item = (
        known.find(wanted) for known, wanted in zip(ids, (pairs.users, pairs.items), strict=True)
    )
    shape = len(ids[0]), len(ids[1])
    found = Interactions(at_user, at_item, pairs.values, pairs.weights, shape, pairs.dates)
    duplicate = found.first_duplicate()
    if duplicate is None:
        return found
    if pairs.values is None:
        weights = np.ones(len(at_user)) if pairs.weights is None else pairs.weights
        summed = sparse.coo_array((weights, (at_user, at_item)), shape=shape).tocsr()
        latest = None if pairs.dates is None else _latest(found, pairs.dates)
        return Interactions(row_of_entry(summed), summed.indices, None, summed.data, shape, latest)
    place, n_surplus = duplicate
    user, item = pairs.users[[place]].tolist()[0], pairs.items[[place]].tolist()[0]
    raise ValueError(
        f"X holds the pair of user {user!r} and item {item!r} more than once "
        f"({n_surplus} surplus ratings in all); keep one rating of each pair, or their mean. "
        "(Without y, a pair may occur again.)"
    )


def _latest(repeated: Interactions, dates: Dates) -> Dates:
    """Return the latest known date of each pair, in the order of users and items."""
    positions = repeated.positions
    row, column, values = row_of_entry(positions), positions.indices, dates.values[positions.data]
    is_new = (np.diff(row, prepend=-1) != 0) | (np.diff(column, prepend=-1) != 0)
    return dates._replace(values=np.fmax.reduceat(values, np.flatnonzero(is_new)))
