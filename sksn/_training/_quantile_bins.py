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
    """Return edges such that bins hold about equal weights, except beside values that are tied.

    A value with more than its share of the weight is an edge itself, and so are its neighbours if
    there are edges to spare, so that it can stand out. The other edges are quantiles of the other
    values. With quantiles of all values, most edges of a feature that is nearly always 0 would
    be 0.
    """
    values, place = np.unique(values, return_inverse=True)
    if len(values) <= n_bins + 1:
        return values
    weights = np.bincount(place, weights)
    is_tied = _tied(weights, n_bins)
    n_left = n_bins - int(is_tied.sum())
    (others,) = np.nonzero(~is_tied)
    is_beside = np.zeros(len(values), dtype=bool)
    is_beside[1:] |= is_tied[:-1]
    is_beside[:-1] |= is_tied[1:]
    is_beside[others[[0, -1]]] = False  # the ends are quantiles
    is_beside &= ~is_tied
    n_beside = int(is_beside.sum())
    if n_beside > n_left // 2:
        is_beside[:], n_beside = False, 0
    cumulated = np.cumsum(weights[others])
    levels = np.linspace(0, cumulated[-1], n_left - n_beside + 1)
    levels *= 1 - 1e-12  # a level that is rounded up would skip an entry
    is_edge = is_tied | is_beside
    is_edge[others[np.searchsorted(cumulated, levels)]] = True
    return values[is_edge]


def _tied(weights: np.ndarray, n_bins: int) -> np.ndarray:
    """Return which values have more weight than a bin of those that have not."""
    is_tied = np.zeros(len(weights), dtype=bool)
    while True:
        n_left = n_bins - np.count_nonzero(is_tied)
        share = weights[~is_tied].sum() / n_left * (1 + 1e-12)
        is_heavy = ~is_tied & (weights > share)
        if not is_heavy.any():
            return is_tied
        is_tied |= is_heavy
