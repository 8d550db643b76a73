"""The formula of Sparsity Normalization and its constant K, for NumPy and torch alike.

Everything in sksn that normalizes a row calls :func:`sparsity_scale`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sparsity_scale(n_observed: Any, target: Any, power: float) -> Any:
    r"""Compute the factor by which Sparsity Normalization multiplies each row.

    .. math::

        \operatorname{scale}(n) =
        \begin{cases} (K / n)^{\text{power}} & n > 0 \\ 0 & n = 0 \end{cases}

    Parameters
    ----------
    n_observed : ndarray or torch.Tensor
        Number :math:`n` of observed features of each row; counts, or shares of a window.
    target : float, ndarray or torch.Tensor
        The constant :math:`K`, one for all rows or one for each. A row with K observed features
        keeps its entries.
    power : float
        1 makes the mean of a linear function of the row independent of n, 1/2 its variance (for
        centred entries). 0 leaves the entries as they are.

    Returns
    -------
    ndarray or torch.Tensor
        Factors of the shape, kind and device of `n_observed`; integers become floats.

    Examples
    --------
    >>> import numpy as np
    >>> sparsity_scale(np.array([0, 2, 4, 8]), target=4.0, power=1.0)
    array([0. , 2. , 1. , 0.5])
    """
    anything = n_observed > 0
    return (target / (n_observed + ~anything)) ** power * anything


def shrunken_mean(total: Any, count: Any, prior: float) -> Any:
    r"""Compute means that are shrunken towards zero, as if `prior` further entries were zero.

    .. math:: \frac{\text{total}}{\text{count} + \text{prior}}

    Parameters
    ----------
    total, count : ndarray or torch.Tensor
        Sums of entries, and how many entries were summed.
    prior : float
        Number of zero entries to add.

    Returns
    -------
    ndarray or torch.Tensor
        The means; 0 where nothing was summed and `prior` is 0.
    """
    divisor = count + prior
    return total / (divisor + (divisor == 0))


class ConstantLearner:
    """Learns the constant K from the numbers of observed features of training rows.

    Parameters
    ----------
    target : {"mean", "median"} or float
        The statistic to take, or K itself. It is checked elsewhere.
    before : ConstantLearner, optional
        What was learned from earlier rows.
    """

    def __init__(self, target: str | float, before: ConstantLearner | None = None) -> None:
        self.target = target
        self.weighted_sum: float = before.weighted_sum if before else 0.0
        self.weight: float = before.weight if before else 0.0

    def update(self, row_counts: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Learn from further rows and return K. The mean is that of all rows so far.

        Parameters
        ----------
        row_counts : ndarray of shape (n_samples,)
            Number of observed features of each row.
        sample_weight : ndarray of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            K, or 1 if no row has anything observed: any positive constant does there.

        Raises
        ------
        ValueError
            If the median is 0 although some rows have observed features. K = 0 would erase those
            rows.
        """
        w = np.ones(len(row_counts)) if sample_weight is None else sample_weight
        self.weighted_sum += float(w @ row_counts)
        self.weight += float(w.sum())
        if not isinstance(self.target, str):
            return float(self.target)
        if self.target == "median":
            return self._median(row_counts, sample_weight)
        return self.mean or 1.0

    @property
    def mean(self) -> float:
        """Mean number of observed features of the rows so far; 0 before the first."""
        return self.weighted_sum / self.weight if self.weight else 0.0

    @staticmethod
    def _median(row_counts: np.ndarray, sample_weight: np.ndarray | None) -> float:
        median = _weighted_median(row_counts, sample_weight)
        if median == 0 and np.any(row_counts):
            raise ValueError(
                "target='median' is 0 here, because at least half of the rows have nothing "
                "observed; use target='mean' or a positive number."
            )
        return median or 1.0


def _weighted_median(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Median of `values`, in which an integer weight counts as that many repetitions."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    values, cumulated = values[order], np.cumsum(weights[order])
    half = cumulated[-1] / 2
    lower = values[np.searchsorted(cumulated, half, side="left")]
    upper = values[min(np.searchsorted(cumulated, half, side="right"), len(values) - 1)]
    return float(lower + upper) / 2
