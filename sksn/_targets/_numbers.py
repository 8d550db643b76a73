"""Numbers to predict, which the network sees standardized."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array

from .._checks import shown
from .._moments import Moments, standardize, unstandardize
from .._observed import observed_blocks
from ._missing import (
    is_partly_missing,
    n_columns,
    refuse_empty,
    refuse_missing,
    with_nan,
)

LARGEST = np.finfo(np.float64).max


class NumberTargets:
    """Numbers, which the network sees standardized.

    Parameters
    ----------
    loss : str, default="squared_error"
        Name of the loss.

    Attributes
    ----------
    loss_options : dict
        Further arguments of the loss.
    n_columns : int
        Number of columns of y.
    moments : Moments
        Mean and variance of each column.
    """

    are_numbers: ClassVar = True
    n_columns: int
    moments: Moments | None = None

    def __init__(self, loss: str = "squared_error") -> None:
        self.loss = loss
        self.loss_options: dict[str, Any] = {}

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network."""
        return self.n_columns

    @property
    def may_be_partly_known(self) -> bool:
        """Whether entries of y may be NaN: those of several columns."""
        return self.n_columns > 1

    def validate(self, y: Any, estimator: Any) -> np.ndarray:
        """Check y, and return it as float64."""
        return check_numbers(y, estimator, partly=True)

    def encode(self, y: np.ndarray, classes: None = None) -> np.ndarray:
        """Return y with two dimensions; the first call learns the number of columns."""
        n_columns = 1 if y.ndim == 1 else y.shape[1]
        if not hasattr(self, "n_columns"):
            self._is_1d, self.n_columns = y.ndim == 1, n_columns
        elif n_columns != self.n_columns:
            raise ValueError(f"y has {n_columns} targets, expected {self.n_columns}.")
        return y.reshape(len(y), n_columns)

    def strata(self, y: np.ndarray) -> None:
        """Return nothing: a split of the rows need not keep shares of numbers."""

    def learn(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn, or go on learning, mean and variance of y."""
        moments = self.moments or Moments(self.n_columns)
        self.moments = moments.updated(observed_blocks(y, weights))

    def for_loss(self, y: np.ndarray) -> np.ndarray:
        """Return standardized y."""
        assert self.moments is not None
        return standardize(y, self.moments.mean, self.moments.scale)

    def prior(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the outputs that predict the mean of y, or its median in a robust loss."""
        return np.zeros(self.n_outputs)

    def mix(self, outputs: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
        """Return the outputs that give the weighted mean of the predictions of networks."""
        return np.average(outputs, axis=0, weights=weights)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return predictions in the units and the shape of y."""
        with np.errstate(over="ignore"):
            output = self._in_units_of_y(output)
        np.clip(output, -LARGEST, LARGEST, out=output)
        return output[:, 0] if self._is_1d else output

    def _in_units_of_y(self, output: np.ndarray) -> np.ndarray:
        assert self.moments is not None
        return unstandardize(output, self.moments.mean, self.moments.scale)


def check_numbers(y: Any, estimator: Any = None, *, partly: bool = False) -> np.ndarray:
    """Return y as float64, or raise an error if it is text, not finite or missing.

    With `partly`, entries of several columns may be missing, but no whole row.
    """
    if partly and n_columns(y) > 1:
        y = with_nan(y)
    else:
        refuse_missing(y)
        partly = False
    _refuse_text(y)
    finite = "allow-nan" if partly else True
    y = check_array(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite=finite,
        input_name="y",
        estimator=estimator,
    )
    if partly:
        missing = np.isnan(y)
        refuse_empty(missing.all(axis=1), missing.all(axis=0))
    return y


def r2_of_known(y: Any, predicted: np.ndarray, weights: Any = None) -> float:
    """Return R squared of the known entries of each column, on average over columns with some."""
    if n_columns(y) == 1 or not is_partly_missing(y := with_nan(y)):
        return float(r2_score(y, predicted, sample_weight=weights))
    y = y.astype(np.float64)
    weights = np.ones(len(y)) if weights is None else np.asarray(weights)
    known = ~np.isnan(y)
    if not known.any():
        raise ValueError("y is missing in all rows, so there is nothing to score by.")
    scores = [
        r2_score(y[rows, j], predicted[rows, j], sample_weight=weights[rows])
        for j, rows in enumerate(known.T)
        if rows.any()
    ]
    return float(np.mean(scores))


def _refuse_text(y: Any) -> None:
    """Refuse strings as numbers, also those that look like numbers."""
    y = np.asarray(y)
    if y.dtype.kind in "US" or (y.dtype == object and any(isinstance(v, str) for v in y.flat)):
        text = next(v for v in y.ravel().tolist() if isinstance(v, (str, bytes)))
        raise ValueError(
            f"y must hold numbers, got text ({shown(text)}). Convert it, for example by "
            "y.astype(float), or use SNClassifier if it holds classes."
        )
