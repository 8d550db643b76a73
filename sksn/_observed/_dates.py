"""Dates as numbers: the time, and the time of day, week and year as points on a circle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_DAY = 86400.0
PERIODS = (_DAY, 7 * _DAY, 365.2425 * _DAY)


class Cycles(NamedTuple):
    r"""The cycles of a column of dates.

    A date :math:`t` becomes the number :math:`t`, in seconds, and for each cycle of period
    :math:`P` the numbers

    .. math:: \sin(2\pi t / P), \quad \cos(2\pi t / P)

    The cycles are the day, the week and the year. One is used if the dates in training span a whole
    period of it, and are not all at the same point of it.

    Attributes
    ----------
    periods : tuple of float
        The periods in use, in seconds.
    """

    periods: tuple[float, ...]

    @classmethod
    def learn(cls, seconds: np.ndarray) -> Cycles:
        """Find the cycles of dates, in seconds; NaN is missing."""
        observed = seconds[~np.isnan(seconds)]
        span = np.ptp(observed) if len(observed) else 0.0
        return cls(
            tuple(p for p in PERIODS if span >= p and np.ptp(observed % p) > 0)  # exact for days
        )

    def parts(self, seconds: np.ndarray) -> np.ndarray:
        """Return the points on the circles, of shape (n_samples, 2 * n_cycles)."""
        angles = [2 * np.pi * ((seconds % period) / period) for period in self.periods]
        columns = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
        return np.stack(columns, axis=1) if columns else np.empty((len(seconds), 0))
