"""Numbers to predict with other losses than the squared error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from .._checks import Rule, is_real, shown
from .._moments import standardize, unstandardize
from ._mixing import log_mean
from ._numbers import LARGEST, NumberTargets

LOSSES = ("squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile")
_TO_DEVIATION = 1.4826  # of normal numbers, by their median distance from the median


def _are_levels(value: Any) -> bool:
    levels = [value] if is_real(value) else value
    if not isinstance(levels, (list, tuple, np.ndarray)) or not len(levels):
        return False
    ordered = all(is_real(level) and 0 < level < 1 for level in levels)
    return ordered and all(low < high for low, high in zip(levels[:-1], levels[1:], strict=True))


QUANTILE = Rule(
    lambda v: v is None or _are_levels(v),
    "a number in (0, 1), an ascending sequence of them, or None",
)


def number_targets(loss: str, quantile: Any) -> NumberTargets:
    """Return the targets of a loss; `quantile` is that of loss="quantile"."""
    if (loss == "quantile") != (quantile is not None):
        raise ValueError(
            f"quantile must be given with loss='quantile', and with no other loss, got "
            f"quantile={shown(quantile)} and loss={loss!r}."
        )
    if loss == "quantile":
        return QuantileTargets(quantile)
    return {"squared_error": NumberTargets, "poisson": RateTargets, "gamma": RateTargets}.get(
        loss, RobustTargets
    )(loss)


class RobustTargets(NumberTargets):
    """Numbers less their median, divided by a scale that outliers do not move.

    The scale is the median distance from the median, or else the mean distance. Both are those of
    the first rows; later chunks of ``partial_fit`` do not change them.
    """

    centre: np.ndarray | None = None
    scale: np.ndarray

    def learn(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn median and scale of y, in the first call."""
        if self.centre is not None:
            return
        self.centre = weighted_quantile(y, weights, 0.5)
        with np.errstate(over="ignore"):
            distances = np.minimum(np.abs(y - self.centre), LARGEST)
        self.scale = _TO_DEVIATION * weighted_quantile(distances, weights, 0.5)
        means = _weighted_mean(distances / 2, weights) * 2  # halves, so that no sum overflows
        self.scale = np.where(self.scale > 0, self.scale, np.where(means > 0, means, 1.0))

    def for_loss(self, y: np.ndarray) -> np.ndarray:
        """Return centred and scaled y."""
        return standardize(y, self.centre, self.scale)

    def _in_units_of_y(self, output: np.ndarray) -> np.ndarray:
        return unstandardize(output, self.centre, self.scale)


class QuantileTargets(RobustTargets):
    """Numbers of which quantiles are predicted.

    Predictions of several levels are sorted, so that they do not cross. This never increases
    their loss [1]_.

    Parameters
    ----------
    quantile : float or sequence of float
        The levels.

    References
    ----------
    .. [1] V. Chernozhukov, I. Fernandez-Val, A. Galichon. "Quantile and Probability Curves Without
       Crossing". Econometrica 78(3), 2010.
    """

    def __init__(self, quantile: Any) -> None:
        super().__init__("quantile")
        self.is_one_level = is_real(quantile)
        self.levels = tuple(float(level) for level in np.atleast_1d(quantile))
        self.loss_options = {"levels": self.levels}

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network: one for each level, or for each column of y."""
        return self.n_columns if self.is_one_level else len(self.levels)

    def encode(self, y: np.ndarray, classes: None = None) -> np.ndarray:
        """Return y with two dimensions; several levels need y of one column."""
        y = super().encode(y)
        if not self.is_one_level and self.n_columns > 1:
            raise ValueError(
                f"y must have one column if quantile has several levels, got {self.n_columns} "
                "columns; fit a regressor for each column or for each level."
            )
        return y

    def prior(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the outputs that predict the quantiles of y."""
        y = self.for_loss(y)
        return np.concatenate([weighted_quantile(y, weights, level) for level in self.levels])

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return predictions in the units of y, of shape (n_samples, n_levels) if several."""
        if self.is_one_level:
            return super().decode(output)
        output = np.sort(output, axis=1)
        with np.errstate(over="ignore"):
            return np.clip(self._in_units_of_y(output), -LARGEST, LARGEST)


class RateTargets(NumberTargets):
    """Numbers whose logarithm of the mean is predicted: counts, or positive numbers.

    They are divided by their mean in the first rows; later chunks do not change it.
    """

    scale: np.ndarray | None = None
    _must_be: ClassVar = {"poisson": "not negative", "gamma": "positive"}

    def validate(self, y: Any, estimator: Any) -> np.ndarray:
        """Check y, and return it as float64."""
        y = super().validate(y, estimator)
        is_wrong = y < 0 if self.loss == "poisson" else y <= 0
        if is_wrong.any():
            raise ValueError(
                f"y must be {self._must_be[self.loss]} with loss={self.loss!r}, got {y.min()}."
            )
        return y

    def learn(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn the mean of y, in the first call."""
        if self.scale is None:
            super().learn(y, weights)
            assert self.moments is not None
            if not self.moments.mean.all():
                raise ValueError(
                    f"y must not be 0 everywhere with loss={self.loss!r}; all of its entries are."
                )
            self.scale = self.moments.mean

    def for_loss(self, y: np.ndarray) -> np.ndarray:
        """Return y in units of its mean."""
        return standardize(y, None, self.scale)

    def mix(self, outputs: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
        """Return the outputs that give the weighted mean of the predictions of networks."""
        return log_mean(outputs, weights)

    def _in_units_of_y(self, output: np.ndarray) -> np.ndarray:
        return unstandardize(np.exp(output), None, self.scale)


def _weighted_mean(y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the weighted mean of the entries of each column that are not NaN."""
    w = np.where(np.isnan(y), 0.0, 1.0 if weights is None else weights[:, None])
    return np.asarray(np.nansum(y * (w / w.sum(axis=0)), axis=0))


def weighted_quantile(y: np.ndarray, weights: np.ndarray | None, level: float) -> np.ndarray:
    """Return the least entry of each column that a share `level` of the weight does not exceed."""
    result = np.empty(y.shape[1])
    for j, column in enumerate(y.T):
        observed = ~np.isnan(column)
        values = column[observed]
        order = np.argsort(values, kind="stable")
        w = np.ones(len(values)) if weights is None else weights[observed]
        total = np.cumsum(w[order])
        place = np.searchsorted(total, level * total[-1] * (1 - 1e-12))
        result[j] = values[order][place]
    return result
