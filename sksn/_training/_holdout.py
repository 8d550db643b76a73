"""Entries that are hidden from training, to see how well they are predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def hold_out(X: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Split the observed entries of rows at random.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    share : float in (0, 1)
        Share of the observed entries to hide, rounded up.
    seed : int
        Determines which.

    Returns
    -------
    kept, hidden : like X
        The rows with the other entries only, and with the hidden ones only.

    Raises
    ------
    ValueError
        If no entry would be kept.
    """
    n_entries = X.nnz if sparse.issparse(X) else int((~np.isnan(X)).sum())
    n_hidden = int(np.ceil(share * n_entries))
    if n_hidden >= n_entries:
        raise ValueError(
            f"validation_fraction={share} takes all of the {n_entries} observed entries; some "
            "have to be left."
        )
    chosen = np.zeros(n_entries, dtype=bool)
    chosen[np.random.RandomState(seed).permutation(n_entries)[:n_hidden]] = True
    if sparse.issparse(X):
        return select_entries(X, ~chosen), select_entries(X, chosen)
    row, column = np.nonzero(~np.isnan(X))
    kept, hidden = X.copy(), np.full_like(X, np.nan)
    kept[row[chosen], column[chosen]] = np.nan
    hidden[row[chosen], column[chosen]] = X[row[chosen], column[chosen]]
    return kept, hidden


def select_entries(X: Any, chosen: np.ndarray) -> Any:
    """A CSR matrix with the chosen ones of its stored entries only."""
    indptr = np.concatenate([[0], np.cumsum(chosen)])[X.indptr].astype(X.indptr.dtype)
    return type(X)((X.data[chosen], X.indices[chosen], indptr), shape=X.shape)
