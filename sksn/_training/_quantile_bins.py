"""Quantile bins of the observed entries of features."""

from __future__ import annotations

import numpy as np


def quantile_bins(
    X: np.ndarray, n_bins: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute bins that hold about equal numbers of the observed entries of each feature.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows with NaN where an entry is missing.
    n_bins : int
        Maximum number of bins of a feature. A feature with few distinct entries has fewer.
    weights : ndarray of shape (n_samples,), optional
        Weight of each row. An integer weight counts as that many repetitions.

    Returns
    -------
    lower : ndarray of shape (n_features, n_bins)
        Lower edge of each bin; infinity if the feature has no such bin.
    width : ndarray of shape (n_features, n_bins)
        Width of each bin, positive.
    """
    lower = np.full((X.shape[1], n_bins), np.inf)
    width = np.ones((X.shape[1], n_bins))
    w = np.ones(len(X)) if weights is None else weights
    for j, column in enumerate(X.T):
        observed = ~np.isnan(column)
        if not observed.any():
            continue
        edges = _quantile_edges(column[observed], w[observed], n_bins)
        lower[j, : len(edges) - 1] = edges[:-1]
        width[j, : len(edges) - 1] = np.diff(edges)
    return lower, width


def _quantile_edges(values: np.ndarray, weights: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the distinct quantiles of the levels 0, 1/n, ..., 1."""
    order = np.argsort(values, kind="stable")
    values, cumulated = values[order], np.cumsum(weights[order])
    levels = np.linspace(0, cumulated[-1], n_bins + 1)
    levels *= 1 - 1e-12  # a level that is rounded up would skip an entry
    return np.unique(values[np.searchsorted(cumulated, levels)])
