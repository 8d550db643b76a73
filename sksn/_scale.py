"""The formula of Sparsity Normalization and its constant K, for NumPy and torch alike.

Everything in sksn that normalises a row calls :func:`sparsity_scale`; nothing else spells
the formula out.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np


def sparsity_scale(n_observed: Any, target: Any, power: float) -> Any:
    """Factor by which Sparsity Normalization multiplies each row.

    ``(target / n_observed) ** power``, and 0 where nothing is observed.

    Parameters
    ----------
    n_observed : ndarray or torch.Tensor
        How many features of each row are observed; counts, or shares of a window.
    target : float, ndarray or torch.Tensor
        The constant K: the number of observed features whose row stays as it is; or one for each.
    power : float
        1 keeps the mean of a linear function of the row free of ``n_observed``, 1/2 its
        variance (for centred entries), 0 changes nothing.

    Returns
    -------
    ndarray or torch.Tensor
        Same shape, kind and device as `n_observed`; integers become floats.

    Examples
    --------
    >>> import numpy as np
    >>> sparsity_scale(np.array([0, 2, 4, 8]), target=4.0, power=1.0)
    array([0. , 2. , 1. , 0.5])
    """
    anything = n_observed > 0
    return (target / (n_observed + ~anything)) ** power * anything


def check_power(power: Any) -> float:
    """Return `power` as a float, or say why it cannot be one."""
    return check_not_negative("power", power)


def check_not_negative(name: str, value: Any) -> float:
    """Return a parameter as a float, or say why it is no number from 0 on."""
    if not is_real(value) or not 0 <= value < np.inf:
        raise ValueError(f"{name} must be a number in [0, inf), got {value!r}.")
    return float(value)


def check_target(target: Any) -> str | float:
    """Return `target` as ``"mean"``, ``"median"`` or a float, or say why it is none of them."""
    if isinstance(target, str) and target in ("mean", "median"):
        return target
    if is_real(target) and 0 < target < np.inf:
        return float(target)
    raise ValueError(f"target must be 'mean', 'median' or a positive number, got {target!r}.")


class TargetLearner:
    """Learns the constant K from the numbers of observed features of training rows.

    Parameters
    ----------
    target : {"mean", "median"} or float
        The statistic to take, or K itself.
    """

    def __init__(self, target: Any) -> None:
        self.target = check_target(target)
        self.weighted_sum = self.weight = 0.0

    def update(self, n_observed: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Take in further rows and give K, the mean being that of all rows so far.

        Parameters
        ----------
        n_observed : ndarray of shape (n_samples,)
            Observed features of each row.
        sample_weight : ndarray of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            K. Where no row has anything observed it is 1: there is nothing to learn from, and
            any positive constant does.

        Raises
        ------
        ValueError
            If the median is 0 although some rows have observed features: K = 0 would erase
            them.
        """
        w = np.ones(len(n_observed)) if sample_weight is None else sample_weight
        self.weighted_sum += float(w @ n_observed)
        self.weight += float(w.sum())
        if not isinstance(self.target, str):
            return self.target
        if self.target == "median":
            return self._median(n_observed, sample_weight)
        return self.weighted_sum / self.weight or 1.0

    @staticmethod
    def _median(n_observed: np.ndarray, sample_weight: np.ndarray | None) -> float:
        median = _weighted_median(n_observed, sample_weight)
        if median == 0 and np.any(n_observed):
            raise ValueError(
                "target='median' is 0 here, because at least half of the rows have nothing "
                "observed; use target='mean' or a positive number."
            )
        return median or 1.0


def _weighted_median(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Median of `values`, an integer weight counting as that many repetitions."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    values, cumulated = values[order], np.cumsum(weights[order])
    half = cumulated[-1] / 2
    lower = values[np.searchsorted(cumulated, half, side="left")]
    upper = values[min(np.searchsorted(cumulated, half, side="right"), len(values) - 1)]
    return float(lower + upper) / 2


def is_real(value: Any, kind: type = numbers.Real) -> bool:
    """Whether a value is a real number (or an integer: ``numbers.Integral``), and no bool."""
    return isinstance(value, kind) and not is_flag(value)


def is_flag(value: Any) -> bool:
    """Whether a value is True or False."""
    return isinstance(value, (bool, np.bool_))
