"""A display of partial dependence with the response where the feature is not observed."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ._axes import new_axes
from ._dependence import PartialDependence, partial_dependence


class PartialDependenceDisplay:
    """Mean predictions of a model by the value of a feature, and where it is missing.

    Use :meth:`from_estimator`. To plot several models on the same axes, pass those of the first:
    ``ax=display.ax_``.

    Parameters
    ----------
    dependence : PartialDependence
        The mean predictions.
    name : str, optional
        Name of the model in the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean predictions by value. Set by :meth:`plot`.
    missing_ : matplotlib Line2D
        The mean prediction without the feature, a dashed line.
    ax_, figure_ : matplotlib Axes and Figure
        The axes and the figure.

    See Also
    --------
    partial_dependence : Computes the mean predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.inspection import PartialDependenceDisplay
    >>> X = np.random.RandomState(0).normal(size=(300, 2))
    >>> model = SNRegressor(random_state=0).fit(X, X[:, 0])
    >>> display = PartialDependenceDisplay.from_estimator(model, X, 0)
    >>> display.ax_.get_xlabel()
    'feature 0'
    """

    def __init__(self, dependence: PartialDependence, *, name: str | None = None) -> None:
        self.dependence, self.name = dependence, name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        feature: Any,
        *,
        grid_resolution: int = 50,
        percentiles: tuple[float, float] = (0.05, 0.95),
        response_method: str = "auto",
        class_of_interest: Any = None,
        name: str | None = None,
        ax: Any = None,
        **line_options: Any,
    ) -> Self:
        """Compute the mean predictions of a model, and plot them.

        Parameters
        ----------
        estimator, X, feature, grid_resolution, percentiles, response_method, class_of_interest
            See :func:`partial_dependence`.
        name : str, optional
            Name in the legend. By default the estimator's class.
        ax : matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        PartialDependenceDisplay
        """
        dependence = partial_dependence(
            estimator,
            X,
            feature,
            grid_resolution=grid_resolution,
            percentiles=percentiles,
            response_method=response_method,
            class_of_interest=class_of_interest,
        )
        display = cls(dependence, name=type(estimator).__name__ if name is None else name)
        return display.plot(ax=ax, **line_options)

    def plot(self, ax: Any = None, **line_options: Any) -> Self:
        """Plot the mean predictions.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        self : PartialDependenceDisplay
        """
        ax = new_axes(type(self).__name__) if ax is None else ax
        found = self.dependence
        is_text = found.values.dtype == object
        values = np.arange(len(found.values)) if is_text else found.values
        options = ({"linestyle": "none", "marker": "o"} if is_text else {}) | line_options
        (self.line_,) = ax.plot(values, found.average, **{"label": self.name} | options)
        if is_text:
            ax.set_xticks(values, [str(value) for value in found.values])
        label = f"missing (in {found.share_missing:.0%} of the rows)"
        self.missing_ = ax.axhline(
            found.missing, linestyle="--", color=self.line_.get_color(), label=label
        )
        feature = found.feature
        ax.set_xlabel(f"feature {feature}" if isinstance(feature, (int, np.integer)) else feature)
        ax.set_ylabel("mean response")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
