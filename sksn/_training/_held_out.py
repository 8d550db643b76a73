"""Data that are held out from training, to validate on: entries of rows, or whole rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import train_test_split

from .._observed import select_entries


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
    n_entries = X.nnz if sparse.issparse(X) else int((~np.isnan(X)).sum())
    n_held_out = int(np.ceil(share * n_entries))
    if n_held_out >= n_entries:
        raise ValueError(
            f"validation_fraction={share} takes all of the {n_entries} observed entries; some "
            "have to be left."
        )
    chosen = np.zeros(n_entries, dtype=bool)
    chosen[np.random.RandomState(seed).permutation(n_entries)[:n_held_out]] = True
    if sparse.issparse(X):
        return select_entries(X, ~chosen), select_entries(X, chosen)
    row, column = np.nonzero(~np.isnan(X))
    kept, held_out = X.copy(), np.full_like(X, np.nan)
    kept[row[chosen], column[chosen]] = np.nan
    held_out[row[chosen], column[chosen]] = X[row[chosen], column[chosen]]
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
        Labels whose shares the split keeps, if there are enough rows of each.

    Returns
    -------
    kept, held_out : ndarray of int
        Positions of the rows, in ascending order.

    Raises
    ------
    ValueError
        If no row would be kept.
    """
    n_held_out = int(np.ceil(share * n_rows))
    if n_held_out >= n_rows:
        raise ValueError(
            "early_stopping=True needs rows to train on beside those it validates on, but "
            f"validation_fraction={share} takes all: n_samples={n_rows}."
        )
    if strata is not None:
        counts = np.unique(strata, return_counts=True)[1]
        if counts.min() < 2 or min(n_held_out, n_rows - n_held_out) < len(counts):
            strata = None
    kept, held_out = train_test_split(
        np.arange(n_rows), test_size=n_held_out, random_state=seed, stratify=strata
    )
    return np.sort(kept), np.sort(held_out)
