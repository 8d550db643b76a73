"""How much each interaction says that a user wants an item."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_MOST_DEVIATIONS = 4.0  # a rating counts as if it were at most so far from the mean


class Signal(NamedTuple):
    r"""The rule by which ratings and weights become the strength of an interaction.

    .. math:: (1 + s z) \, w^{p}

    z is the rating minus the mean rating, in standard deviations, and w is the weight.

    Attributes
    ----------
    rating_slope : float
        :math:`s`. 0: only that an item was rated counts.
    weight_power : float
        :math:`p`. 0: all interactions count alike.
    """

    rating_slope: float = 0.0
    weight_power: float = 0.0


class SignalScale(NamedTuple):
    """A rule, with what it learned of the ratings and weights of training.

    Attributes
    ----------
    signal : Signal
        The rule.
    size : float
        The largest absolute rating, in which squares do not overflow.
    mean, deviation : float
        Mean and standard deviation of the ratings, in this unit.
    unit : float
        The mean strength of the training interactions, which becomes 1.
    least_weight : float
        The lowest positive weight, which replaces weights of 0.
    """

    signal: Signal
    size: float
    mean: float
    deviation: float
    unit: float
    least_weight: float

    @classmethod
    def learn(
        cls, signal: Signal, ratings: np.ndarray | None, weights: np.ndarray | None
    ) -> SignalScale:
        """Learn the scale of ratings and weights; each is None where there are none."""
        size, mean, deviation, least = 1.0, 0.0, 1.0, 1.0
        if ratings is not None and signal.rating_slope:
            size = float(np.abs(ratings).max()) or 1.0
            mean = float(np.mean(ratings / size))
            deviation = float(np.std(ratings / size)) or 1.0
        if weights is not None and (weights > 0).any():
            least = float(weights[weights > 0].min())
        raw = cls(signal, size, mean, deviation, 1.0, least)
        unit = float(np.mean(raw.strengths(ratings, weights, len_of(ratings, weights))))
        return raw._replace(unit=unit if unit > 0 else 1.0)

    def strengths(
        self, ratings: np.ndarray | None, weights: np.ndarray | None, n: int
    ) -> np.ndarray:
        """Return the strength of each of n interactions, shape (n,)."""
        found = np.ones(n)
        if ratings is not None and self.signal.rating_slope:
            with np.errstate(over="ignore"):
                z = (ratings / self.size - self.mean) / self.deviation
            z = np.clip(z, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
            found += self.signal.rating_slope * z
        if weights is not None and self.signal.weight_power:
            relative = np.maximum(weights, self.least_weight) / self.least_weight
            found *= relative**self.signal.weight_power
        return found / self.unit


def len_of(ratings: np.ndarray | None, weights: np.ndarray | None) -> int:
    """Return the number of interactions; 1 where nothing says it."""
    known = ratings if ratings is not None else weights
    return 1 if known is None else len(known)


def candidates(*, rated: bool, weighted: bool) -> list[Signal]:
    """Return the rules to choose from, the one to use without a choice first."""
    slopes = (0.5, 0.25, 0.75, 0.0) if rated else (0.0,)
    powers = (0.2, 0.0, 0.4) if weighted else (0.0,)
    first = [Signal(slope, powers[0]) for slope in slopes]
    return first + [Signal(slopes[0], power) for power in powers[1:]]


def is_liked(ratings: np.ndarray) -> np.ndarray:
    """Whether each rating is one of the better half: the median or more, and not the lowest."""
    middle = np.quantile(ratings, 0.5, method="higher")  # an average might overflow
    return (ratings >= middle) & (ratings > ratings.min())
