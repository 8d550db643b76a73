"""What "auto" stands for, by the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

from .._observed import row_counts
from ._input_scaling import WIDE

_BINS = 8
_INPUT_DROPOUT = 0.2
_FEATURES_FOR_DROPOUT = 9  # observed in a row, from which so much is dropped
_BATCH = 128
_LARGEST_BATCH = 1024
_BATCHES = 75  # in an epoch of dense rows, before batches become larger; 40 epochs then suffice
_EPOCHS = 40
_STEPS_WHEN_SPARSE = 800  # at least, with few features, which have no bins to learn by
_STEPS_WITH_CATEGORIES = 300  # at least
_STEPS_WITH_FEW_FEATURES = 300  # at least, if rows are many for each feature
_STEPS_PER_SHAPE = 5.0  # times rows over features; more steps overfit tables of few rows
_MOST_EPOCHS_WHEN_WIDE = 20  # dense rows with more features than have bins overfit sooner
_LEAST_EPOCHS_WHEN_WIDE = 5
_STEPS_WHEN_WIDE = 120  # Adam's steps overfit, whatever the number of rows they come from


def n_bins(given: Any, X: Any, *, incremental: bool) -> int:
    """Return the number of bins of each feature."""
    if sparse.issparse(X):
        return 0
    if given == "auto":  # a first chunk tells too little about quantiles
        return 0 if incremental or X.shape[1] > WIDE else _BINS
    return int(given)


def input_dropout(given: Any, X: Any, weights: np.ndarray | None) -> float:
    """Return the share of observed entries that is dropped in training.

    It is small where rows have few of them: each is a large part of what a row says, and Sparsity
    Normalization then scales the rest by much.
    """
    if given != "auto":
        return float(given)
    is_weighted = weights is not None and weights.any()
    n_observed = np.average(row_counts(X), weights=weights if is_weighted else None)
    return _INPUT_DROPOUT * float(np.clip((n_observed - 1) / (_FEATURES_FOR_DROPOUT - 1), 0, 1))


def batch_size(given: Any, X: Any) -> int:
    """Return the number of rows in a batch."""
    if given != "auto":
        return int(given)
    size = _BATCH
    if not sparse.issparse(X):
        while size < _LARGEST_BATCH and X.shape[0] >= 2 * size * _BATCHES:
            size *= 2
    return size


def n_epochs(given: Any, X: Any, batch_size: int, *, has_categories: bool) -> int:
    """Return the number of passes over the rows."""
    if given != "auto":
        return int(given)
    n_rows, n_features = X.shape
    n_batches = math.ceil(n_rows / batch_size)
    if n_features > WIDE and not has_categories:
        if sparse.issparse(X):
            return _EPOCHS
        n_epochs = math.ceil(_STEPS_WHEN_WIDE / n_batches)
        return min(max(n_epochs, _LEAST_EPOCHS_WHEN_WIDE), _MOST_EPOCHS_WHEN_WIDE)
    if has_categories:  # their weights start small
        n_steps = _STEPS_WITH_CATEGORIES
    elif sparse.issparse(X):
        n_steps = _STEPS_WHEN_SPARSE
    else:
        n_steps = min(math.ceil(_STEPS_PER_SHAPE * n_rows / n_features), _STEPS_WITH_FEW_FEATURES)
    return max(_EPOCHS, math.ceil(n_steps / n_batches))
