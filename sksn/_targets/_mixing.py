"""The mean of what several networks predict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import logsumexp


def log_mean(logarithms: Iterable[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the logarithm of a weighted mean of numbers, from their logarithms.

    Parameters
    ----------
    logarithms : iterable of ndarray of shape (n_rows, n_outputs)
        The logarithms of the numbers of each network.
    weights : sequence of float
        The weight of each network. They sum to 1.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    shares = np.reshape(weights, (-1, 1, 1))
    return np.asarray(logsumexp(np.array(list(logarithms)), axis=0, b=shares))
