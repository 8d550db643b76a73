"""Importance of features: how much worse predictions become when an entry is hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from .._checks import RANDOM_STATE, check_count
from .._observed import (
    Markers,
    MissingValues,
    check_missing_values,
    is_frame,
    missing_mask,
    prepared,
    row_of_entry,
    select_entries,
)
from ._row_groups import missing_in_frame

_TINY = 1e-15  # the least probability


@dataclass(frozen=True, eq=False)
class OcclusionImportance:
    """Result of :func:`occlusion_importance`.

    Attributes
    ----------
    importance : ndarray of shape (n_features,)
        Mean increase of the loss per row when the feature is hidden.
    standard_error : ndarray of shape (n_features,)
        Standard error of each, over the rows and the entries that were drawn.
    features : ndarray of shape (n_features,)
        Names of the columns of a data frame, or positions.
    """

    importance: np.ndarray
    standard_error: np.ndarray
    features: np.ndarray

    def __repr__(self) -> str:
        first = ", ".join(str(self.features[j]) for j in np.argsort(-self.importance)[:3])
        return f"OcclusionImportance({len(self.features)} features, most important: {first})"


def occlusion_importance(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    n_repeats: int = 5,
    missing_values: MissingValues = np.nan,
    random_state: Any = None,
) -> OcclusionImportance:
    r"""Measure how much worse predictions become when an entry is hidden.

    With :math:`\ell` the loss of a prediction and :math:`x_i^{-j}` the row :math:`x_i` without its
    feature :math:`j`, the importance [1]_ of a feature is

    .. math:: \frac{1}{N} \sum_{i: j \in O_i} \ell(f(x_i^{-j}), y_i) - \ell(f(x_i), y_i)

    over the rows in which it is observed. One prediction of all rows hides one entry of each, drawn
    at random, so the cost does not grow with the number of features. A model that takes missing
    entries sees rows that it may really get. Permutation puts values of other people into a row.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier, regressor or pipeline of any library that takes missing entries.
    X : array, pandas or polars data frame, or sparse matrix of shape (n_samples, n_features)
        Rows as the estimator takes them, preferably not those that it was trained on. NaN is
        missing, and so is an entry that a sparse matrix does not store.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        The right answers. The loss is the log loss of ``predict_proba``, the share of wrong answers
        of a classifier without it, or the squared error. Without y, it is the absolute change of
        the probabilities or predictions, as the mean over classes or outputs.
    n_repeats : int, default=5
        Number of entries of each row that are hidden, one at a time. With as many as a row has, the
        result is exact.
    missing_values : number or sequence of numbers, default=nan
        Further numbers that mean missing in `X`.
    random_state : int, RandomState instance or None, default=None
        Draws the entries.

    Returns
    -------
    OcclusionImportance

    Raises
    ------
    ValueError
        If nothing is observed, y does not fit, or a parameter is out of range.

    See Also
    --------
    partial_dependence : The response by the value of one feature, and without it.
    sklearn.inspection.permutation_importance : Permutes entries, for models without missing ones.

    References
    ----------
    .. [1] M. D. Zeiler, R. Fergus. "Visualizing and Understanding Convolutional Networks". ECCV
       2014. arXiv:1311.2901. (Occlusion, of patches of images.)

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.inspection import occlusion_importance
    >>> X = np.random.RandomState(0).normal(size=(300, 4))
    >>> model = SNRegressor(random_state=0).fit(X[:200], X[:200, 2])
    >>> found = occlusion_importance(model, X[200:], X[200:, 2], random_state=0)
    >>> int(found.importance.argmax())
    2
    """
    check_count("n_repeats", n_repeats)
    RANDOM_STATE.check("random_state", random_state)
    markers = check_missing_values(missing_values)
    X = X if is_frame(X) else _floats(X, markers)
    if y is not None:
        check_consistent_length(X, y)
    entries = _Entries(X, markers)
    if not len(entries.columns):
        raise ValueError("X must have an observed entry, got none.")
    order = entries.order(check_random_state(random_state))
    n_rows, n_features = X.shape
    n_drawn = np.minimum(np.bincount(entries.rows, minlength=n_rows), n_repeats)
    weights = np.bincount(entries.rows, minlength=n_rows) / np.maximum(n_drawn, 1)
    loss_of = _loss(estimator, X, y)
    before = loss_of(X)
    total, squares = np.zeros(n_features), np.zeros(n_features)
    for repeat in range(int(n_drawn.max())):
        hidden = order == repeat
        rows, columns = entries.rows[hidden], entries.columns[hidden]
        increase = weights[rows] * (loss_of(entries.without(hidden)) - before)[rows]
        total += np.bincount(columns, increase, n_features)
        squares += np.bincount(columns, increase**2, n_features)
    mean = total / n_rows
    error = np.sqrt(np.maximum(squares / n_rows - mean**2, 0) / n_rows)
    if n_rows == 1:
        error = np.full(n_features, np.nan)
    names = np.arange(n_features)
    if is_frame(X):
        names = np.empty(n_features, dtype=object)
        names[:] = list(X.columns)
    return OcclusionImportance(mean, error, names)


def _floats(X: Any, markers: Markers) -> Any:
    """Return CSR without duplicates, or an array that can hold NaN."""
    if sparse.issparse(X):
        X = sparse.csr_array(prepared(X, markers), copy=True)
        X.sum_duplicates()
        return X
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"X must have two dimensions, got an array of shape {X.shape}.")
    return X if X.dtype.kind in "fO" else X.astype(np.float64)


class _Entries:
    """The observed entries of rows, some of which can be hidden."""

    def __init__(self, X: Any, markers: Markers) -> None:
        self.X = X
        if sparse.issparse(X):
            self.stored = ~missing_mask(X.data, markers)
            self.rows, self.columns = row_of_entry(X)[self.stored], X.indices[self.stored]
        else:
            self.rows, self.columns = np.nonzero(~_missing(X, markers))

    def order(self, random: np.random.RandomState) -> np.ndarray:
        """Return a random position of each entry among those of its row, from 0."""
        shuffled = np.lexsort((random.uniform(size=len(self.rows)), self.rows))
        starts = np.searchsorted(self.rows[shuffled], self.rows[shuffled])
        order = np.empty(len(self.rows), dtype=np.intp)
        order[shuffled] = np.arange(len(self.rows)) - starts
        return order

    def without(self, hidden: np.ndarray) -> Any:
        """Return the rows without some entries."""
        X = self.X
        if sparse.issparse(X):
            kept = np.ones(len(X.data), dtype=bool)
            kept[np.flatnonzero(self.stored)[hidden]] = False
            return select_entries(X, kept)
        mask = np.zeros(X.shape, dtype=bool)
        mask[self.rows[hidden], self.columns[hidden]] = True
        if hasattr(X, "with_columns"):
            polars = import_module("polars")
            return X.with_columns(
                polars.when(polars.Series(~mask[:, j])).then(polars.col(name)).alias(name)
                for j, name in enumerate(X.columns)
            )
        if hasattr(X, "iloc"):
            return X.mask(mask)
        return np.where(mask, np.nan, X)


def _missing(X: Any, markers: Markers) -> np.ndarray:
    """Return where an array or a data frame is missing."""
    if is_frame(X):
        return missing_in_frame(X.to_pandas() if hasattr(X, "to_pandas") else X, markers)
    if X.dtype == object:
        return import_module("pandas").isna(X) | np.isin(X, markers)
    return missing_mask(X, markers)


def _loss(estimator: Any, X: Any, y: Any) -> Callable[[Any], np.ndarray]:
    """Return a function from rows to the loss of each."""
    if y is None:
        response = _response(estimator, X)
        return lambda rows: _mean_of_row(np.abs(_response(estimator, rows) - response))
    if sparse.issparse(y):
        raise ValueError("y must be a dense array, got a sparse matrix.")
    y = _as_columns(y)
    classes = getattr(estimator, "classes_", None)
    if classes is not None and y.shape[1] == 1 and hasattr(estimator, "predict_proba"):
        return _log_loss(estimator, np.asarray(classes), y[:, 0])
    if classes is None:
        y = _as_numbers(y)
    shape = _as_columns(estimator.predict(X)).shape
    if shape != y.shape:
        raise ValueError(
            f"y must have the shape of predictions, {shape}, got {y.shape} (rows, outputs)."
        )
    if classes is None:
        return lambda rows: _mean_of_row((_as_columns(estimator.predict(rows)) - y) ** 2)
    return lambda rows: _mean_of_row(_as_columns(estimator.predict(rows)) != y)


def _log_loss(estimator: Any, classes: np.ndarray, y: np.ndarray) -> Callable[[Any], np.ndarray]:
    unknown = ~np.isin(y, classes)
    if unknown.any():
        raise ValueError(f"y holds {y[unknown][0]}, which is no class of the estimator.")
    place = np.arange(len(y)), (y[:, None] == classes).argmax(axis=1)
    return lambda rows: -np.log(np.maximum(estimator.predict_proba(rows)[place], _TINY))


def _response(estimator: Any, rows: Any) -> np.ndarray:
    """Return probabilities or predictions, of shape (n_rows, n_outputs)."""
    if hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(rows)
        return np.hstack(found) if isinstance(found, list) else _as_columns(found)
    found = _as_columns(estimator.predict(rows))
    if found.dtype.kind in "biuf":
        return found.astype(np.float64)
    raise ValueError("y must be given for a classifier of text without predict_proba.")


def _as_columns(values: Any) -> np.ndarray:
    values = np.asarray(values)
    return values.reshape(len(values), -1)


def _as_numbers(y: np.ndarray) -> np.ndarray:
    try:
        y = y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError("y must hold numbers, as the estimator predicts.") from None
    if np.isnan(y).any():
        raise ValueError("y must not hold NaN.")
    return y


def _mean_of_row(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=1, dtype=np.float64)
