"""Data that are held out from training, to validate on: entries of rows, whole rows, ratings."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import train_test_split

from .._blocks import blocks
from .._observed import row_counts, select_entries


def count_held_out(n: Any, share: float) -> Any:
    """Return how many of n are held out: a share of them, rounded up; n may be an array.

    7 % of 100 are 7, although ``0.07 * 100`` exceeds it.
    """
    return np.ceil(np.round(share * n, 9)).astype(np.intp)


def hold_out_entries(X: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Split the observed entries of rows at random.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    share : float in (0, 1)
        Share of the observed entries to hold out, rounded up to whole entries.
    seed : int
        Seed of the choice.

    Returns
    -------
    kept, held_out : like X
        The rows with the kept entries only, and with the held-out entries only.

    Raises
    ------
    ValueError
        If no entry would be kept.
    """
    n_entries = int(row_counts(X).sum())
    n_held_out = count_held_out(n_entries, share)
    if n_held_out >= n_entries:
        raise ValueError(
            f"validation_fraction={share} takes all of the {n_entries} observed entries; at "
            "least one must remain."
        )
    chosen = np.zeros(n_entries, dtype=bool)
    chosen[np.random.RandomState(seed).permutation(n_entries)[:n_held_out]] = True
    if sparse.issparse(X):
        return select_entries(X, ~chosen), select_entries(X, chosen)
    kept, held_out = X.copy(), np.full_like(X, np.nan)
    start = 0
    for rows in blocks(*X.shape):
        row, column = np.nonzero(~np.isnan(X[rows]))
        out = chosen[start : start + len(row)]
        row, column, start = rows.start + row[out], column[out], start + len(row)
        held_out[row, column] = X[row, column]
        kept[row, column] = np.nan
    return kept, held_out


def hold_out_rows(
    n_rows: int, share: float, seed: int, strata: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    share : float in (0, 1)
        Share of the rows to hold out, rounded up to whole rows.
    seed : int
        Seed of the choice.
    strata : ndarray of shape (n_rows,) or None
        Labels whose shares the split keeps, if the split has as many rows as labels on each side.
        The only row of a label is kept.

    Returns
    -------
    kept, held_out : ndarray of int
        Positions of the rows, in ascending order.

    Raises
    ------
    ValueError
        If no row would be kept.
    """
    n_held_out = count_held_out(n_rows, share)
    if n_held_out >= n_rows:
        raise ValueError(
            "early_stopping=True needs rows to train on beside those it validates on, but "
            f"validation_fraction={share} takes all: n_samples={n_rows}."
        )
    splittable = np.arange(n_rows)
    if strata is not None:
        _, stratum, counts = np.unique(strata, return_inverse=True, return_counts=True)
        in_several = splittable[counts[stratum] > 1]
        n_strata = int((counts > 1).sum())
        if min(n_held_out, len(in_several) - n_held_out) < max(1, n_strata):
            strata = None
        else:  # the only row of a class is needed in training
            splittable, strata = in_several, strata[in_several]
    _, held_out = train_test_split(
        splittable, test_size=n_held_out, random_state=seed, stratify=strata
    )
    return np.setdiff1d(np.arange(n_rows), held_out), np.sort(held_out)


def hold_out_groups(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random, such that rows of one group stay together.

    Parameters
    ----------
    groups : ndarray of int of shape (n_rows,)
        The group of each row.
    share : float in (0, 1)
        Share of the groups to hold out, rounded up to whole groups.
    seed : int
        Seed of the choice.

    Returns
    -------
    kept, held_out : ndarray of int
        Positions of the rows, in ascending order.

    Raises
    ------
    ValueError
        If no group would be kept.
    """
    n_groups = len(np.unique(groups))
    n_held_out = count_held_out(n_groups, share)
    if n_held_out >= n_groups:
        raise ValueError(
            f"early_stopping=True needs a group to train on beside those it validates on, but "
            f"validation_fraction={share} takes all: groups has {n_groups} different values."
        )
    chosen = np.random.RandomState(seed).permutation(n_groups)[:n_held_out]
    is_held_out = np.isin(groups, np.unique(groups)[chosen])
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def hold_out_ratings(
    n_ratings: int, share: float, random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Split ratings at random.

    Parameters
    ----------
    n_ratings : int
        Number of ratings.
    share : float in (0, 1)
        Share of the ratings to hold out, rounded up to whole ratings.
    random : RandomState
        Draws the choice.

    Returns
    -------
    kept, held_out : ndarray of int
        Positions of the ratings, in ascending order.

    Raises
    ------
    ValueError
        If no rating would be kept.
    """
    n_held_out = count_held_out(n_ratings, share)
    if n_held_out >= n_ratings:
        raise ValueError(
            f"validation_fraction={share} takes all of the n_samples={n_ratings} "
            "ratings; train on more, or without early_stopping."
        )
    order = random.permutation(n_ratings)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
