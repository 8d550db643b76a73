r"""Recent interactions count more in lists.

The strength of an interaction is multiplied by :math:`(1 + l)^{-p}`, where l is how many
interactions of the same user came later. So neither the unit of dates matters, nor how fast a user
goes on. The model of the items does not depend on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._dates import Dates
from .._observed import row_of_entry, with_entries
from ._interactions import Interactions

POWERS = (0.3, 0.0, 0.15, 0.5, 0.7)  # the one to use without a choice first


class Recency(NamedTuple):
    """When users interacted with items, and what follows for their lists.

    Attributes
    ----------
    dates : CSR matrix of shape (n_users, n_items)
        The date of each interaction. NaN where it is missing.
    is_calendar : bool
        Whether they are calendar dates.
    power : float
        The power p.
    """

    dates: Any
    is_calendar: bool
    power: float

    @classmethod
    def of(cls, interactions: Interactions, power: float) -> Recency | None:
        """Return the dates of interactions; None if there are none, or they do not count."""
        dates, positions = known_dates(interactions), interactions.positions
        if dates is None or interactions.dates is None or not power:
            return None
        dates = with_entries(positions, dates[positions.data])
        return cls(dates, interactions.dates.is_calendar, power)

    def of_users(self, users: np.ndarray) -> Dates:
        """Return the dates of the interactions of users, in the order of the rows."""
        return Dates(self.dates[users].data, self.is_calendar)

    def applied(self, rows: Any, users: np.ndarray) -> Any:
        """Return strengths of interactions of users, of which recent ones are larger."""
        return weighted(rows, n_later(self.dates[users]), self.power)


def known_dates(interactions: Interactions) -> np.ndarray | None:
    """Return the dates of interactions, shape (n_interactions,); None if none is known."""
    dates = interactions.dates
    return None if dates is None or np.isnan(dates.values).all() else dates.values


def n_later(dates: Any) -> np.ndarray:
    """Return how many interactions of the same user came later, shape (n_interactions,).

    Parameters
    ----------
    dates : CSR matrix of shape (n_users, n_items)
        The date of each interaction. One without a date (NaN) counts as if half of those with
        dates came later.
    """
    row, values = row_of_entry(dates), dates.data
    order = np.lexsort((values, row))  # missing ones are the last of a row
    row, values = row[order], values[order]
    is_known = ~np.isnan(values)
    n_known = np.bincount(row[is_known], minlength=dates.shape[0])[row]
    start = np.flatnonzero(np.diff(row, prepend=-1))
    first = start[np.searchsorted(start, np.arange(len(row)), side="right") - 1]
    ends = np.flatnonzero((np.diff(row, append=-1) != 0) | (np.diff(values, append=0) != 0))
    last = ends[np.searchsorted(ends, np.arange(len(row)))]  # of those at the same time
    found = np.empty(len(row))
    found[order] = np.where(is_known, n_known - 1 - (last - first), n_known / 2)
    return found


def weighted(rows: Any, n_later: np.ndarray, power: float) -> Any:
    """Return strengths of interactions, multiplied by a power of how many came later."""
    weights = (1 + n_later) ** -power
    return with_entries(rows, rows.data * weights.astype(rows.dtype))
