"""What "auto" stands for, by the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

from .._observed import column_counts, row_counts
from ._build import layer_sizes
from ._input_scaling import WIDE
from ._signal import explained_share

_ONE_LAYER, _TWO_LAYERS = (128,), (128, 128)
_LITTLE_NOISE = 0.4  # of the variance of y explained by single features
_BINS = 8
_MORE_BINS = 32
_ROWS_FOR_MORE = 2000  # and many for each feature: then each of the bins holds some sixty
_DROPOUT = 0.5
_INPUT_DROPOUT = 0.2
_FEATURES_FOR_DROPOUT = 9  # from which so much is dropped
_MANY_ROWS = 100  # for each feature: a regression then needs less dropout
_LESS_DROPOUT = 0.1
_LESS_INPUT_DROPOUT = 0.25  # of what is dropped otherwise
_BATCH = 128
_LARGEST_BATCH = 1024
_BATCHES = 75  # in an epoch of dense rows, before batches become larger; 40 epochs then suffice
_EPOCHS = 40
_STEPS_WHEN_SPARSE = 800  # at least, with few features, which have no bins to learn by
_STEPS_WITH_CATEGORIES = 300  # at least
_STEPS_WITH_FEW_FEATURES = 300  # at least, if entries are many for each feature
_STEPS_PER_SHAPE = 5.0  # times entries over features squared; more steps overfit other tables
_MOST_EPOCHS_WHEN_WIDE = 20  # dense rows with more features than have bins overfit sooner
_LEAST_EPOCHS_WHEN_WIDE = 5
_STEPS_WHEN_WIDE = 120  # Adam's steps overfit, whatever the number of rows they come from


def hidden_layer_sizes(
    given: Any, X: Any, y: Any, n_categories: Any, *, is_regression: bool
) -> tuple[int, ...]:
    """Return the widths of the hidden layers.

    A second layer can tell how features interact, but fits noise if there is much of it.
    """
    if not isinstance(given, str):
        return layer_sizes(given)
    if not is_regression or not _are_enough(X):
        return _ONE_LAYER
    share = explained_share(np.asarray(X, dtype=np.float64), y, n_categories)
    return _TWO_LAYERS if share >= _LITTLE_NOISE else _ONE_LAYER


def n_bins(given: Any, X: Any, *, incremental: bool) -> int:
    """Return the number of bins of each feature."""
    if sparse.issparse(X):
        return 0
    if given != "auto":
        return int(given)
    if incremental or X.shape[1] > WIDE:  # a first chunk tells too little about quantiles
        return 0
    return _MORE_BINS if _are_enough(X) else _BINS


def dropout(given: Any, X: Any, *, is_regression: bool) -> float:
    """Return the share of hidden units that is dropped in training."""
    if given != "auto":
        return float(given)
    return _LESS_DROPOUT if is_regression and has_many_rows(X) else _DROPOUT


def input_dropout(given: Any, X: Any, *, is_regression: bool) -> float:
    """Return the share of observed entries that is dropped in training.

    It is small for few features: each is a large part of what a row says, and Sparsity
    Normalization then scales the rest by much.
    """
    if given != "auto":
        return float(given)
    share = (_n_known(X) - 1) / (_FEATURES_FOR_DROPOUT - 1)
    found = _INPUT_DROPOUT * float(np.clip(share, 0, 1))
    return found * _LESS_INPUT_DROPOUT if is_regression and has_many_rows(X) else found


def has_many_rows(X: Any) -> bool:
    """Whether dense rows are so many for each feature that less regularization suffices."""
    return not sparse.issparse(X) and X.shape[0] >= _MANY_ROWS * _n_known(X)


def _are_enough(X: Any) -> bool:
    """Whether there are many rows for each feature, and not few features alone."""
    return has_many_rows(X) and len(X) >= _ROWS_FOR_MORE


def _n_known(X: Any) -> int:
    """Return the number of features that are observed in some row."""
    return int(np.count_nonzero(column_counts(X)))


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
        n_steps = _STEPS_WITH_FEW_FEATURES
        if n_batches * _EPOCHS < n_steps:
            shape = row_counts(X).sum() / max(1, _n_known(X)) ** 2
            n_steps = min(n_steps, math.ceil(_STEPS_PER_SHAPE * shape))
    return max(_EPOCHS, math.ceil(n_steps / n_batches))
