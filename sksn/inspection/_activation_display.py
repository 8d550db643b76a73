"""A display of pre-activations by the number of observed features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .._observed import MissingValues
from ._activations import activation_statistics
from ._axes import new_axes
from ._watch import ActivationStatistics

_PANELS = (
    ("mean", "mean pre-activation"),
    ("variance", "variance of pre-activations"),
    ("saturated", "saturated share"),
)


class ActivationDisplay:
    """Mean, variance and saturated share of pre-activations by observed features.

    Parameters
    ----------
    statistics : ActivationStatistics
        The statistics to plot.
    name : str, optional
        Name of the network in the legend.

    Attributes
    ----------
    lines_ : list of list of matplotlib Line2D
        The lines of each panel, one for each layer. Set by :meth:`plot`.
    axes_ : ndarray of matplotlib Axes, shape (3,)
        The panels: mean, variance and saturated share.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    activation_statistics : Computes the statistics.
    ActivationRecorder : Records them in each epoch of training.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.datasets import make_holes
    >>> from sksn.inspection import ActivationDisplay
    >>> X = np.random.RandomState(0).uniform(size=(1000, 20))
    >>> X_missing = make_holes(X, rate=0.5, rate_spread=0.5, random_state=0)
    >>> model = SNRegressor(max_epochs=2, random_state=0).fit(X_missing, X.sum(axis=1))
    >>> display = ActivationDisplay.from_estimator(model, X_missing)
    >>> [axes.get_ylabel() for axes in display.axes_]
    ['mean pre-activation', 'variance of pre-activations', 'saturated share']
    """

    def __init__(self, statistics: ActivationStatistics, *, name: str | None = None) -> None:
        self.statistics, self.name = statistics, name

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        n_bins: int = 10,
        layers: list[str] | None = None,
        missing_values: MissingValues = np.nan,
        name: str | None = None,
        axes: Any = None,
        **line_options: Any,
    ) -> Self:
        """Run a network on rows, and plot statistics of its pre-activations.

        Parameters
        ----------
        model, X, n_bins, layers, missing_values
            See :func:`activation_statistics`.
        name : str, optional
            Name in the legend.
        axes : sequence of three matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        ActivationDisplay
        """
        statistics = activation_statistics(
            model, X, n_bins=n_bins, layers=layers, missing_values=missing_values
        )
        return cls(statistics, name=name).plot(axes, **line_options)

    def plot(self, axes: Any = None, **line_options: Any) -> Self:
        """Plot the statistics.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        ActivationDisplay
            The display.

        Raises
        ------
        ImportError
            If no axes are given and matplotlib is not installed.
        ValueError
            If there are not three `axes`.
        """
        axes = np.ravel(new_axes(type(self).__name__, 3) if axes is None else axes)
        if len(axes) != len(_PANELS):
            raise ValueError(f"axes must be three, got {len(axes)}.")
        found = self.statistics
        self.lines_: list[list[Any]] = []
        for ax, (what, label) in zip(axes, _PANELS, strict=True):
            lines = []
            for layer, values in zip(found.layers, getattr(found, what), strict=True):
                label_of_line = layer if self.name is None else f"{self.name}, {layer}"
                options = {"marker": "o", "label": label_of_line} | line_options
                lines += ax.plot(found.n_observed, values, **options)
            ax.set(xlabel="observed features", ylabel=label)
            self.lines_.append(lines)
        axes[0].legend()
        self.axes_, self.figure_ = axes, axes[0].figure
        return self
