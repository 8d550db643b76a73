"""The dependence of a model's predictions on the number of observed features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.utils import _safe_indexing

from .._checks import FRACTION, check_count, one_of
from .._observed import MissingValues
from ._row_groups import count_features, indexable, row_groups

_METHODS = ("predict_proba", "decision_function", "predict")


@dataclass(frozen=True, eq=False)
class SparsityBias:
    """Result of :func:`sparsity_bias`.

    Attributes
    ----------
    n_observed : ndarray of int, shape (n_samples,)
        Number of observed features of each row.
    response : ndarray of shape (n_samples,)
        The model's prediction for each row.
    slope : float
        Increase of the response with each observed feature, by least squares. NaN if all rows
        have the same number of observed features.
    slope_interval : tuple of float
        Confidence interval of the slope. Its standard error allows for a spread of the response
        that differs with the number of observed features (HC3 [1]_).
    rank_correlation : float
        Spearman's correlation of the response and the number of observed features. NaN if one of
        them is constant.
    bin_n_observed : ndarray of shape (n_bins,)
        Mean number of observed features of the rows in each bin. Bins have about equal numbers of
        rows. There are fewer bins than asked for if many rows have the same number.
    bin_count : ndarray of int, shape (n_bins,)
        Number of rows in each bin.
    bin_mean, bin_std : ndarray of shape (n_bins,)
        Mean and standard deviation of the response in each bin.

    References
    ----------
    .. [1] J. G. MacKinnon, H. White. "Some Heteroskedasticity-Consistent Covariance Matrix
       Estimators with Improved Finite Sample Properties". Journal of Econometrics 29, 1985.
    """

    n_observed: np.ndarray
    response: np.ndarray
    slope: float
    slope_interval: tuple[float, float]
    rank_correlation: float
    bin_n_observed: np.ndarray
    bin_count: np.ndarray
    bin_mean: np.ndarray
    bin_std: np.ndarray

    def __repr__(self) -> str:
        low, high = self.slope_interval
        return (
            f"SparsityBias(slope={self.slope:.3g} ({low:.3g} to {high:.3g}), "
            f"rank_correlation={self.rank_correlation:.3g}, {len(self.response)} rows with "
            f"{self.n_observed.min()} to {self.n_observed.max()} observed features)"
        )


def sparsity_bias(
    estimator: Any,
    X: Any,
    *,
    response_method: str = "auto",
    class_of_interest: Any = None,
    n_bins: int = 10,
    confidence_level: float = 0.95,
    missing_values: MissingValues = np.nan,
) -> SparsityBias:
    """Measure how a model's predictions depend on the number of observed features.

    The dependence may be legitimate: more is measured on patients who are ill, and a model can be
    more certain about patients with many measurements. Compare several models on the same rows.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier, regressor or pipeline of any library with scikit-learn's methods.
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        At least three rows as the estimator takes them, preferably not its training rows.
    response_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        The method that gives the predictions. "auto": the first of these that the estimator has.
    class_of_interest : label, optional
        The class whose probability or score is the response; with "predict", the response is
        whether the class is predicted. By default the second of two classes. With more classes,
        the default is the highest value of all (the model's confidence). For multilabel models,
        give the label; there is no default.
    n_bins : int, default=10
        Maximum number of groups of rows.
    confidence_level : float in (0, 1), default=0.95
        Level of the confidence interval of the slope.
    missing_values : float or sequence of float, default=nan
        Further values that mean missing in `X`.

    Returns
    -------
    SparsityBias
        The slope with its interval, the rank correlation, and the mean and spread in each bin.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the predictions are not one number a row.

    See Also
    --------
    SparsityBiasDisplay : Plots the predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sksn.datasets import make_holes
    >>> from sksn.inspection import sparsity_bias
    >>> X = np.random.RandomState(0).uniform(size=(1000, 20))
    >>> X_missing = make_holes(X, rate=0.5, rate_spread=0.5, random_state=0)
    >>> model = make_pipeline(SimpleImputer(strategy="constant", fill_value=0), LinearRegression())
    >>> bias = sparsity_bias(model.fit(X, X.sum(axis=1)), X_missing)
    >>> 0.45 < bias.slope < 0.55
    True
    """
    check_count("n_bins", n_bins)
    FRACTION.check("confidence_level", confidence_level)
    n_observed = count_features(X, missing_values)
    response = respond(estimator, X, response_method, class_of_interest)
    return relate(n_observed, response, n_bins=n_bins, confidence_level=confidence_level)


def relate(
    n_observed: Any, response: Any, *, n_bins: int = 10, confidence_level: float = 0.95
) -> SparsityBias:
    """Relate predictions to numbers of observed features."""
    n_observed, response = np.asarray(n_observed), np.asarray(response)
    for name, values in (("n_observed", n_observed), ("response", response)):
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{name} must hold numbers, got type {values.dtype}.")
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinity; expected finite numbers.")
    response = response.astype(np.float64)
    if n_observed.shape != response.shape or n_observed.ndim != 1:
        raise ValueError(
            "n_observed and the response must be one number a row, got shapes "
            f"{n_observed.shape} and {response.shape}."
        )
    if len(response) < 3:
        raise ValueError(f"At least three rows are needed, got {len(response)}.")
    slope, interval = _slope(n_observed.astype(np.float64), response, confidence_level)
    varies = np.ptp(n_observed) > 0 and np.ptp(response) > 0
    rank = float(stats.spearmanr(n_observed, response).statistic) if varies else np.nan
    check_count("n_bins", n_bins)
    bins = row_groups(n_observed, n_bins)
    return SparsityBias(
        n_observed,
        response,
        slope,
        interval,
        rank,
        np.array([n_observed[rows].mean() for rows in bins]),
        np.array([len(rows) for rows in bins]),
        np.array([response[rows].mean() for rows in bins]),
        np.array([response[rows].std() for rows in bins]),
    )


def respond(
    estimator: Any, X: Any, response_method: str = "auto", class_of_interest: Any = None
) -> np.ndarray:
    """Return the response of an estimator to each row; see :func:`sparsity_bias`."""
    one_of("auto", *_METHODS).check("response_method", response_method)
    methods = _METHODS if response_method == "auto" else (response_method,)
    method = next((name for name in methods if hasattr(estimator, name)), None)
    if method is None:
        raise ValueError(f"{type(estimator).__name__} has no method {' or '.join(methods)}.")
    found = getattr(estimator, method)(X)
    if isinstance(found, list):  # one array for each output, as forests give them
        raise ValueError(
            f"{method} gives a list of {len(found)} arrays, one for each output; expected one "
            "number a row. Give SparsityBiasDisplay.from_predictions the answers of one output."
        )
    found = np.asarray(found)
    if class_of_interest is not None:
        found = _of_class(estimator, found, class_of_interest, method)
    elif method != "predict" and found.ndim == 2 and found.shape[1] > 1:
        if np.ndim(estimator.predict(_safe_indexing(indexable(X), [0]))) > 1:
            raise ValueError(
                f"{type(estimator).__name__} answers several labels at once; name the one to look "
                "at by class_of_interest."
            )
        found = found[:, 1] if found.shape[1] == 2 else found.max(axis=1)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or found.dtype.kind not in "biuf":
        raise ValueError(
            f"{method} must give one number a row, got an array of shape {found.shape} and type "
            f"{found.dtype}; choose a response_method or a class_of_interest, or give "
            "SparsityBiasDisplay.from_predictions one number a row."
        )
    return found.astype(np.float64)


def _of_class(estimator: Any, found: np.ndarray, class_of_interest: Any, method: str) -> np.ndarray:
    """Return the response for a class: its column, whether it is predicted, or its score."""
    if not hasattr(estimator, "classes_"):
        raise ValueError(
            f"class_of_interest={class_of_interest!r} needs a classifier, but "
            f"{type(estimator).__name__} has no classes."
        )
    classes = list(estimator.classes_)
    if np.ndim(classes[0]) == 1:  # several labels, by their number
        classes = list(range(len(classes)))
    if class_of_interest not in classes:
        raise ValueError(f"class_of_interest must be one of {classes}, got {class_of_interest!r}.")
    at = classes.index(class_of_interest)
    if found.ndim == 2 and found.shape[1] == len(classes):
        return found[:, at]
    if found.ndim == 2:
        raise ValueError(
            f"{method} gives {found.shape[1]} numbers a row for {len(classes)} classes, so that "
            "none is that of class_of_interest; choose another response_method."
        )
    if method == "predict":
        return found == class_of_interest
    return found if at == 1 else -found


def _slope(
    x: np.ndarray, y: np.ndarray, confidence_level: float
) -> tuple[float, tuple[float, float]]:
    """Compute the slope by least squares, with an interval by HC3 standard errors."""
    centred = x - x.mean()
    square = centred @ centred
    if square == 0:
        return np.nan, (np.nan, np.nan)
    slope = float(centred @ y / square)
    left = y - y.mean() - slope * centred
    leverage = 1 / len(x) + centred**2 / square
    weighted = left / np.maximum(1 - leverage, 1e-9)
    error = np.sqrt(np.sum((centred * weighted) ** 2)) / square
    half = float(stats.t.ppf((1 + confidence_level) / 2, max(len(x) - 2, 1)) * error)
    return slope, (slope - half, slope + half)
