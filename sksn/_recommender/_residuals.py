"""Residuals of ratings with dates, summed near other dates in linear time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.lapack import dtbtrs

from .._observed import row_of_entry, with_entries
from ._interactions import Interactions


class DatedResiduals(NamedTuple):
    """Residuals of ratings by networks that were trained without them.

    Attributes
    ----------
    dates : CSR matrix of shape (n_users, n_items)
        Their dates, NaN where one is missing.
    values : ndarray of shape (n_ratings,)
        The residuals of its entries, NaN where there is none.
    weights : ndarray of shape (n_ratings,) or None
        The weights of its entries.
    """

    dates: Any
    values: np.ndarray
    weights: np.ndarray | None

    @classmethod
    def of(cls, ratings: Interactions, residuals: np.ndarray) -> DatedResiduals:
        """Arrange residuals, shape (n_ratings,), in rows of users."""
        assert ratings.dates is not None
        positions = ratings.positions
        return cls(
            with_entries(positions, ratings.dates.values[positions.data].astype(np.float64)),
            residuals[positions.data].astype(np.float32),
            None if ratings.weights is None else ratings.weights[positions.data],
        )

    def without(self, left_out: np.ndarray) -> DatedResiduals:
        """Return the residuals without some of the entries."""
        return self._replace(values=np.where(left_out, np.float32(np.nan), self.values))

    def median_gap(self) -> float:
        """Return the median time between a user's successive dates; 1 if no user has two."""
        users, dates = row_of_entry(self.dates), self.dates.data
        order = np.lexsort((dates, users))
        with np.errstate(over="ignore"):
            gaps = np.diff(dates[order])[np.diff(users[order]) == 0]
        gaps = gaps[(gaps > 0) & (gaps < np.inf)]  # which leaves out the missing ones too
        return float(np.median(gaps)) if len(gaps) else 1.0

    def near(
        self, users: np.ndarray, dates: np.ndarray, decays: np.ndarray, *, earlier_only: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        r"""Sum residuals of users with weights that decay with the distance in time.

        For user :math:`u` and date :math:`t`, the sums over the user's ratings :math:`j` are

        .. math:: \sum_j w_j e^{-|t - t_j| / d} r_j \quad\text{and}\quad
            \sum_j w_j e^{-|t - t_j| / d}

        Parameters
        ----------
        users : ndarray of int of shape (n_pairs,)
            Positions of users.
        dates : ndarray of shape (n_pairs,)
            A date for each of them; none is missing.
        decays : ndarray of shape (n_decays,)
            The times :math:`d`.
        earlier_only : bool
            Whether only ratings of earlier dates count.

        Returns
        -------
        sums, weights : ndarray of shape (n_pairs, n_decays)
        """
        asked, at_row = np.unique(users, return_inverse=True)
        rows, entries = _entries_of(self.dates.indptr, asked)
        known = ~np.isnan(self.values[entries]) & ~np.isnan(self.dates.data[entries])
        rows, entries = rows[known], entries[known]
        at, gaps = _knots(
            np.concatenate([rows, at_row]), np.concatenate([self.dates.data[entries], dates])
        )
        at_known, at_asked = at[: len(rows)], at[len(rows) :]
        weights = np.ones(len(rows)) if self.weights is None else self.weights[entries]
        own = np.column_stack(
            [
                np.bincount(at_known, part, minlength=len(gaps) + 1)
                for part in (weights * self.values[entries], weights)
            ]
        )
        found = np.empty((len(users), len(decays), 2))
        for k, decay in enumerate(decays):
            with np.errstate(over="ignore"):
                kept = np.exp(-gaps / decay)
            sums = _decayed(own, kept)
            if not earlier_only:
                sums += own + _decayed(own[::-1], kept[::-1])[::-1]
            found[:, k] = sums[at_asked]
        return found[..., 0], found[..., 1]


def _entries_of(indptr: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the entries of some rows, and to which of these rows each belongs."""
    counts = indptr[rows + 1] - indptr[rows]
    of_row = np.repeat(np.arange(len(rows)), counts)
    starts = np.cumsum(counts) - counts
    return of_row, np.arange(len(of_row)) + (indptr[rows] - starts)[of_row]


def _knots(rows: np.ndarray, dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the knot of each rating, the distinct dates of its row, and the gaps between knots."""
    order = np.lexsort((dates, rows))
    rows, dates = rows[order], dates[order]
    same_row = rows[1:] == rows[:-1]
    with np.errstate(over="ignore"):
        gaps = np.where(same_row, np.diff(dates), np.inf)
    is_new = gaps > 0
    at = np.empty(len(order), dtype=np.intp)
    at[order] = np.concatenate([[0], np.cumsum(is_new)])[: len(order)]
    return at, gaps[is_new]


def _decayed(own: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return sums over earlier knots, of which a share is kept from each knot to the next.

    Parameters
    ----------
    own : ndarray of shape (n_knots, n_sums)
        What each knot adds.
    kept : ndarray of shape (n_knots - 1,)
        The shares.

    Returns
    -------
    ndarray of shape (n_knots, n_sums)
    """
    band = np.ones((2, len(own)))
    band[1, :-1], band[1, -1] = -kept, 0
    total, _ = dtbtrs(band, np.asfortranarray(own), uplo="L", diag="U")
    earlier = np.zeros_like(own)
    earlier[1:] = kept[:, None] * total[:-1]
    return earlier
