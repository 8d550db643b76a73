"""Partial dependence with the response where the feature is not observed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from .._checks import Rule, check_count, is_no_value, is_real
from .._observed import column_of, is_frame
from ._bias import respond

_PERCENTILES = Rule(
    lambda v: (
        isinstance(v, (tuple, list))
        and len(v) == 2
        and all(map(is_real, v))
        and 0 <= v[0] < v[1] <= 1
    ),
    "a pair of ascending numbers in [0, 1]",
)


@dataclass(frozen=True, eq=False)
class PartialDependence:
    """Result of :func:`partial_dependence`.

    Attributes
    ----------
    feature : int or str
        The feature.
    values : ndarray of shape (n_values,)
        Values of the feature, ascending; categories if it holds text.
    average : ndarray of shape (n_values,)
        Mean response over the rows if all of them had that value.
    missing : float
        Mean response if the feature was not observed in any row.
    share_missing : float
        Share of the rows in which it is missing.
    """

    feature: Any
    values: np.ndarray
    average: np.ndarray
    missing: float
    share_missing: float

    def __repr__(self) -> str:
        return (
            f"PartialDependence(feature={self.feature!r}, {len(self.values)} values, average "
            f"{self.average.min():.3g} to {self.average.max():.3g}, missing={self.missing:.3g})"
        )


def partial_dependence(
    estimator: Any,
    X: Any,
    feature: Any,
    *,
    grid_resolution: int = 50,
    percentiles: tuple[float, float] = (0.05, 0.95),
    response_method: str = "auto",
    class_of_interest: Any = None,
) -> PartialDependence:
    r"""Average a model's predictions over rows, by the value of a feature, and without it.

    With :math:`f` the response of the model and :math:`x_i^{j \leftarrow v}` the row :math:`x_i`
    whose feature :math:`j` has the value :math:`v`, the partial dependence [1]_ is

    .. math:: \frac{1}{N} \sum_i f(x_i^{j \leftarrow v})

    Here, :math:`v` is also "missing". If that response lies far from the others, the model uses the
    fact that the feature is missing.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier, regressor or pipeline of any library that takes missing entries.
    X : array or data frame of shape (n_samples, n_features)
        Rows as the estimator takes them; NaN is missing.
    feature : int or str
        Position of the feature, or its name in a data frame.
    grid_resolution : int, default=50
        Maximum number of values of a feature of numbers. With more different values, evenly spaced
        ones within `percentiles` are used.
    percentiles : tuple of float, default=(0.05, 0.95)
        The least and the greatest of those, as quantiles.
    response_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        The method that gives the predictions. "auto": the first of these that the estimator has.
    class_of_interest : label, optional
        See :func:`sparsity_bias`.

    Returns
    -------
    PartialDependence
        The values, the mean response to each, and to a missing entry.

    Raises
    ------
    ValueError
        If the feature does not exist or is nowhere observed, or a parameter is out of range.

    See Also
    --------
    PartialDependenceDisplay : Plots it.
    sklearn.inspection.partial_dependence : Several features, without missing entries.

    References
    ----------
    .. [1] J. H. Friedman. "Greedy Function Approximation: A Gradient Boosting Machine". Annals of
       Statistics 29(5), 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.inspection import partial_dependence
    >>> X = np.random.RandomState(0).normal(size=(300, 2))
    >>> y = np.where(X[:, 0] > 1, 5.0, X[:, 1])
    >>> X[X[:, 0] > 1, 0] = np.nan    # missing where y is large
    >>> model = SNRegressor(random_state=0).fit(X, y)
    >>> found = partial_dependence(model, X, 0)
    >>> bool(found.missing > found.average.max())
    True
    """
    check_count("grid_resolution", grid_resolution)
    _PERCENTILES.check("percentiles", percentiles)
    if sparse.issparse(X):
        raise TypeError(
            "X must be an array or a data frame, got a sparse matrix; pass rows made dense, with "
            "NaN where an entry is missing."
        )
    X = X if is_frame(X) else np.asarray(X)
    if len(X.shape) != 2:
        raise ValueError(f"X must have two dimensions, got an array of shape {X.shape}.")
    position = _position(X, feature)
    column = np.asarray(column_of(X, position), dtype=object)
    observed = [v for v in column if not is_no_value(v) and v == v]
    if not observed:
        raise ValueError(f"feature={feature!r} of X has no observed entry.")
    if isinstance(observed[0], (date, np.datetime64)):
        raise ValueError(f"feature={feature!r} of X holds dates; expected numbers or categories.")
    values = _grid(observed, grid_resolution, percentiles)

    def mean_response(value: Any) -> float:
        changed = _with_value(X, position, value)
        return float(respond(estimator, changed, response_method, class_of_interest).mean())

    average = np.array([mean_response(value) for value in values])
    share = (X.shape[0] - len(observed)) / X.shape[0]
    return PartialDependence(feature, values, average, mean_response(None), share)


def _position(X: Any, feature: Any) -> int:
    names = list(X.columns) if is_frame(X) else []
    if feature in names:
        return names.index(feature)
    is_position = isinstance(feature, (int, np.integer)) and not isinstance(feature, bool)
    if is_position and 0 <= feature < X.shape[1]:
        return int(feature)
    expected = f"a position from 0 to {X.shape[1] - 1}"
    raise ValueError(
        f"feature must be {expected}{' or the name of a column' if names else ''}, got {feature!r}."
    )


def _grid(observed: list[Any], resolution: int, percentiles: tuple[float, float]) -> np.ndarray:
    """Return the values at which the response is computed."""
    if not all(is_real(value) for value in observed):
        categories = sorted(set(observed), key=str)
        return np.array(categories, dtype=object)
    values = np.unique(np.asarray(observed, dtype=np.float64))
    if len(values) <= resolution:
        return values
    low, high = np.quantile(np.asarray(observed, dtype=np.float64), percentiles)
    return np.linspace(low, high, resolution)


def _with_value(X: Any, position: int, value: Any) -> Any:
    """Return rows whose feature has one value; None for missing."""
    if hasattr(X, "with_columns"):
        return _with_value_in_polars(X, position, value)
    if hasattr(X, "iloc"):
        pandas = import_module("pandas")
        dtype = X.dtypes.iloc[position]
        is_number = pandas.api.types.is_numeric_dtype(dtype)
        if value is None and is_number:
            value = np.nan
        X = X.copy()
        dtype = np.float64 if is_number else dtype
        X.isetitem(position, pandas.Series([value] * len(X), index=X.index, dtype=dtype))
        return X
    X = X.copy() if X.dtype.kind in "fO" else X.astype(np.float64)
    X[:, position] = np.nan if value is None else value
    return X


def _with_value_in_polars(X: Any, position: int, value: Any) -> Any:
    polars = import_module("polars")
    dtype = X.dtypes[position]
    literal = polars.lit(value, dtype=polars.Float64 if dtype.is_numeric() else dtype)
    return X.with_columns(literal.alias(X.columns[position]))
