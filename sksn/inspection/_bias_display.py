"""A display of a model's predictions by the number of observed features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_consistent_length

from .._observed import MissingValues
from ._axes import new_axes
from ._bias import SparsityBias, relate, sparsity_bias
from ._row_groups import indexable, row_groups


class SparsityBiasDisplay:
    """A model's predictions, or its score, by the number of observed features.

    Use :meth:`from_estimator` or :meth:`from_predictions`. To plot several models on the same
    axes, pass those of the first: ``ax=display.ax_``.

    Parameters
    ----------
    bias : SparsityBias
        The predictions, and their means and spreads by bins of rows.
    score : ndarray of shape (n_bins,), optional
        The score in each bin.
    name : str, optional
        Name of the model in the legend.
    response_name : str, default="response"
        Name of the predictions on the axis.
    score_name : str, default="score"
        Name of the score on the axis.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Means of the predictions, or scores. Set by :meth:`plot`.
    band_ : matplotlib PolyCollection or None
        A standard deviation to either side, if predictions are plotted.
    ax_, figure_ : matplotlib Axes and Figure
        The axes and the figure.

    See Also
    --------
    sparsity_bias : Computes the statistics.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.datasets import make_holes
    >>> from sksn.inspection import SparsityBiasDisplay
    >>> X = np.random.RandomState(0).uniform(size=(1000, 20))
    >>> X_missing, y = make_holes(X, rate_spread=0.5, random_state=0), X.sum(axis=1)
    >>> display = None
    >>> for power in (0.0, 1.0):
    ...     model = SNRegressor(power=power, max_epochs=2, random_state=0).fit(X_missing, y)
    ...     display = SparsityBiasDisplay.from_estimator(
    ...         model, X_missing, y, name=f"power {power:g}", ax=display and display.ax_
    ...     )
    >>> len(display.ax_.lines)
    2
    """

    def __init__(
        self,
        bias: SparsityBias,
        *,
        score: np.ndarray | None = None,
        name: str | None = None,
        response_name: str = "response",
        score_name: str = "score",
    ) -> None:
        self.bias, self.score, self.name = bias, score, name
        self.response_name, self.score_name = response_name, score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        kind: str = "response",
        scoring: Any = None,
        response_method: str = "auto",
        class_of_interest: Any = None,
        n_bins: int = 10,
        missing_values: MissingValues = np.nan,
        name: str | None = None,
        ax: Any = None,
        **line_options: Any,
    ) -> Self:
        """Compute the predictions of a model, and plot them.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier, regressor or pipeline.
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Rows as the estimator takes them.
        y : array-like of shape (n_samples,), optional
            True y of the rows, for the score.
        kind : {"response", "score"}, default="response"
            Whether to plot predictions or scores.
        scoring : str or callable, optional
            The score, as in :func:`sklearn.model_selection.cross_val_score`. By default the
            estimator's own. With `kind` "response", it is computed only if `scoring` is given.
        response_method, class_of_interest, n_bins, missing_values
            See :func:`sparsity_bias`.
        name : str, optional
            Name in the legend. By default the estimator's class.
        ax : matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        SparsityBiasDisplay

        Raises
        ------
        ValueError
            If `kind` is unknown, or is "score" without `y`.
        """
        _check_kind(kind, has_score=y is not None, needs="y")
        bias = sparsity_bias(
            estimator,
            X,
            response_method=response_method,
            class_of_interest=class_of_interest,
            n_bins=n_bins,
            missing_values=missing_values,
        )
        score = None
        if y is not None and (kind == "score" or scoring is not None):
            if scoring is not None and not isinstance(scoring, str) and not callable(scoring):
                raise ValueError(
                    f"scoring must be the name of a score, a callable or None, got {scoring!r}."
                )
            check_consistent_length(X, y)
            scorer = check_scoring(estimator, scoring)
            bins, X = row_groups(bias.n_observed, n_bins), indexable(X)
            score = np.array(
                [
                    scorer(estimator, _safe_indexing(X, rows), _safe_indexing(y, rows))
                    for rows in bins
                ]
            )
        return cls(
            bias,
            score=score,
            name=type(estimator).__name__ if name is None else name,
            score_name=scoring if isinstance(scoring, str) else "score",
        ).plot(ax, kind=kind, **line_options)

    @classmethod
    def from_predictions(
        cls,
        n_observed: Any,
        response: Any,
        y: Any = None,
        *,
        kind: str = "response",
        metric: Callable[[np.ndarray, np.ndarray], float] | None = None,
        n_bins: int = 10,
        name: str | None = None,
        ax: Any = None,
        **line_options: Any,
    ) -> Self:
        """Plot given predictions.

        Parameters
        ----------
        n_observed : array-like of shape (n_samples,)
            Number of observed features of each row.
        response : array-like of shape (n_samples,)
            The predictions: numbers, such as probabilities.
        y : array-like of shape (n_samples,), optional
            True y of the rows, for the score.
        kind : {"response", "score"}, default="response"
            Whether to plot predictions or scores.
        metric : callable, optional
            Takes `y` and the predictions of a bin and returns its score, as the functions of
            :mod:`sklearn.metrics` do.
        n_bins : int, default=10
            Maximum number of groups of rows.
        name : str, optional
            Name in the legend.
        ax : matplotlib Axes, optional
            Axes to plot on. By default new ones.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        SparsityBiasDisplay

        Raises
        ------
        ValueError
            If `kind` is unknown, or is "score" without `y` and `metric`, or if the numbers of
            rows differ.
        """
        if metric is not None and not callable(metric):
            raise ValueError(f"metric must be a callable or None, got {metric!r}.")
        has_score = y is not None and metric is not None
        _check_kind(kind, has_score=has_score, needs="y and metric")
        bias = relate(n_observed, response, n_bins=n_bins)
        score = None
        if y is not None and metric is not None:
            y = np.asarray(y)
            if len(y) != len(bias.response):
                raise ValueError(
                    f"y has {len(y)} entries, but there are {len(bias.response)} rows."
                )
            bins = row_groups(bias.n_observed, n_bins)
            score = np.array([metric(y[rows], bias.response[rows]) for rows in bins])
        score_name = getattr(metric, "__name__", "score")
        display = cls(bias, score=score, name=name, score_name=score_name)
        return display.plot(ax, kind=kind, **line_options)

    def plot(self, ax: Any = None, *, kind: str = "response", **line_options: Any) -> Self:
        """Plot the predictions or the scores.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to plot on. By default new ones.
        kind : {"response", "score"}, default="response"
            Whether to plot predictions or scores.
        **line_options
            Options of matplotlib's ``plot``.

        Returns
        -------
        SparsityBiasDisplay
            The display.

        Raises
        ------
        ImportError
            If no axes are given and matplotlib is not installed.
        """
        _check_kind(kind, has_score=self.score is not None, needs="a score")
        ax = new_axes(type(self).__name__) if ax is None else ax
        bias = self.bias
        values = bias.bin_mean if kind == "response" else self.score
        options = {"marker": "o", "label": self.name} | line_options
        (self.line_,) = ax.plot(bias.bin_n_observed, values, **options)
        self.band_ = None
        if kind == "response":
            low, high = bias.bin_mean - bias.bin_std, bias.bin_mean + bias.bin_std
            self.band_ = ax.fill_between(
                bias.bin_n_observed, low, high, alpha=0.15, color=self.line_.get_color(), lw=0
            )
        ax.set(
            xlabel="observed features",
            ylabel=self.response_name if kind == "response" else self.score_name,
        )
        if options["label"] is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _check_kind(kind: str, *, has_score: bool, needs: str) -> None:
    if kind not in ("response", "score"):
        raise ValueError(f"kind must be 'response' or 'score', got {kind!r}.")
    if kind == "score" and not has_score:
        raise ValueError(f"kind='score' needs {needs}.")
