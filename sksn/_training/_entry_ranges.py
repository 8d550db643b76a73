"""What is known of the values of each feature before a network completes it: constants, bounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._checks import Rule
from .._observed import observed_blocks

_TELLING = 20  # equal entries that make a feature of a common scale constant


class EntryRanges(NamedTuple):
    """The range of the observed entries of each feature.

    Attributes
    ----------
    n_observed : ndarray of int of shape (n_features,)
        Number of observed entries.
    low, high : ndarray of shape (n_features,)
        The least and the largest entry; infinity and minus infinity where there is none.
    """

    n_observed: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def learn(cls, X: Any, before: EntryRanges | None = None) -> EntryRanges:
        """Learn the ranges of an array with NaN or a CSR matrix, and of the rows before."""
        n_features = X.shape[1]
        if before is None:
            n_observed, low = np.zeros(n_features, dtype=np.intp), np.full(n_features, np.inf)
            high = -low
        else:
            n_observed, low, high = (part.copy() for part in before)
        for values, columns, _ in observed_blocks(X):
            n_observed += np.bincount(columns, minlength=n_features)
            np.minimum.at(low, columns, values)
            np.maximum.at(high, columns, values)
        return cls(n_observed, low, high)

    def known(self, kind: str, mean: float) -> np.ndarray:
        """Return what features are predicted as without a network; NaN where it is needed.

        Parameters
        ----------
        kind : {"observed", "global"}
            How entries are scaled. Features with a scale of their own are constant if all their
            entries are equal. On a common scale, few equal entries may be equal by chance, so at
            least 20 are asked for.
        mean : float
            The prediction for a feature that was never observed.

        Returns
        -------
        ndarray of shape (n_features,)
        """
        is_constant = (self.low == self.high) & (
            self.n_observed >= (1 if kind == "observed" else _TELLING)
        )
        known = np.where(is_constant, self.low, np.nan)
        known[self.n_observed == 0] = mean
        return known

    def bounds(self, min_value: Any, max_value: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of completed entries that two parameters name, of each feature."""
        n_features = len(self.n_observed)
        low, high = np.full(n_features, -np.inf), np.full(n_features, np.inf)
        if isinstance(min_value, str):
            seen = self.n_observed > 0
            low[seen] = (
                self.low[seen]
                if min_value == "observed"
                else np.where(self.low[seen] >= 0, 0.0, -np.inf)
            )
        elif min_value is not None:
            low[:] = min_value
        if isinstance(max_value, str):
            high[self.n_observed > 0] = self.high[self.n_observed > 0]
        elif max_value is not None:
            high[:] = max_value
        return low, high


def bound(*names: str) -> Rule:
    """The rule of a parameter that is a number, one for each feature, a name or None."""

    def is_allowed(value: Any) -> bool:
        if value is None or isinstance(value, str):
            return value is None or value in names
        try:
            numbers_given = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            return False
        return numbers_given.ndim < 2 and not np.isnan(numbers_given).any()

    expected = ["a number", "one number for each feature", *map(repr, names)]
    return Rule(is_allowed, f"{', '.join(expected)} or None")


def check_bounds(min_value: Any, max_value: Any, n_features: int) -> None:
    """Raise an error if bounds of predictions do not fit the features or each other."""
    given = {"min_value": min_value, "max_value": max_value}
    numbers = {
        name: np.asarray(value)
        for name, value in given.items()
        if value is not None and not isinstance(value, str)
    }
    for name, bound in numbers.items():
        if bound.ndim and bound.shape != (n_features,):
            raise ValueError(
                f"{name} must be one number or one for each of the {n_features} features, got an "
                f"array of shape {bound.shape}."
            )
    if len(numbers) == 2 and (numbers["min_value"] > numbers["max_value"]).any():
        raise ValueError(
            f"min_value must not exceed max_value, got {min_value!r} and {max_value!r}."
        )
