"""A picture of what the units of a network are given, by how much of a row is observed."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ._activations import activation_statistics
from ._axes import new_axes
from ._watch import ActivationStatistics

_PANELS = (
    ("mean", "mean pre-activation"),
    ("variance", "variance of pre-activations"),
    ("saturated", "saturated share"),
)


class ActivationDisplay:
    """Mean, variance and saturated share of pre-activations against how much is observed.

    Parameters
    ----------
    statistics : ActivationStatistics
        What to plot.
    name : str, optional
        Name of the network, for the legend.

    Attributes
    ----------
    lines_ : list of list of matplotlib Line2D
        The lines of each panel, one for each layer, once plotted.
    axes_ : ndarray of matplotlib Axes, shape (3,)
        Mean, variance and saturated share.
    figure_ : matplotlib Figure
        Where they are.

    See Also
    --------
    activation_statistics : The figures.
    ActivationRecorder : The same of every epoch of training.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.datasets import make_holes
    >>> from sksn.inspection import ActivationDisplay
    >>> X = np.random.RandomState(0).uniform(size=(1000, 20))
    >>> holes = make_holes(X, rate=0.5, rate_spread=0.5, random_state=0)
    >>> model = SNRegressor(max_epochs=2, random_state=0).fit(holes, X.sum(axis=1))
    >>> display = ActivationDisplay.from_estimator(model, holes)
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
        missing_values: float = np.nan,
        name: str | None = None,
        axes: Any = None,
        **line_options: Any,
    ) -> Self:
        """Run a network on rows, and plot what its units are given.

        Parameters
        ----------
        model, X, n_bins, layers, missing_values
            See :func:`activation_statistics`.
        name : str, optional
            For the legend.
        axes : sequence of three matplotlib Axes, optional
            Where to plot; by default new ones.
        **line_options
            For matplotlib's ``plot``.

        Returns
        -------
        ActivationDisplay
        """
        statistics = activation_statistics(
            model, X, n_bins=n_bins, layers=layers, missing_values=missing_values
        )
        return cls(statistics, name=name).plot(axes, **line_options)

    def plot(self, axes: Any = None, **line_options: Any) -> Self:
        """Plot.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional
            Where to plot; by default new ones.
        **line_options
            For matplotlib's ``plot``.

        Returns
        -------
        ActivationDisplay
            Itself.

        Raises
        ------
        ImportError
            If axes are needed and matplotlib is not there.
        ValueError
            If `axes` are not three.
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
