"""Centring and scaling of features by their observed entries only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._blocks import blocks
from ._observed import (
    check_flags,
    check_missing_values,
    check_weights,
    missing_mask,
    validate_observed,
)

_BLOCK = 1 << 20


class ObservedScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Centre and scale every feature by statistics of its observed entries only.

    An observed entry :math:`x_{ij}` becomes :math:`(x_{ij} - m_j) / s_j`, where :math:`m_j` and
    :math:`s_j` are the mean and the standard deviation of the observed entries of feature
    :math:`j`. A missing entry stays missing. Sparse input therefore stays sparse, with its
    pattern unchanged, even when it is centred: a stored entry equal to the mean becomes a
    stored zero. (:class:`sklearn.preprocessing.StandardScaler` takes entries that are not stored
    for zeros and has to refuse centring.)

    Parameters
    ----------
    with_mean : bool, default=True
        Whether to subtract the mean. Turn it off where presence is the message: in binary or
        count data, whose entries that are not stored mean "none", centring puts an ordinary
        entry (1 in binary data) at 0, where it looks like an entry that is not there.
    with_std : bool, default=True
        Whether to divide by the standard deviation.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does. It comes out as NaN.
    copy : bool, default=True
        False scales in place where the input allows: float arrays, CSR and CSC matrices of
        floats.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the observed entries, in the units of the feature; 0 where never observed.
    var_ : ndarray of shape (n_features,)
        Variance of the observed entries (divided by their number, not their number less one).
    scale_ : ndarray of shape (n_features,)
        What entries are divided by: the standard deviation, and 1 for a constant or never
        observed feature.
    n_observed_ : ndarray of shape (n_features,)
        Number (with `sample_weight`: total weight) of the observed entries.
    n_samples_seen_ : int
        Number of training rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    SparsityNormalizer : Scales rows; a good step after.

    Notes
    -----
    Means and variances are computed block by block, in float64, in two passes, and merged by the
    update of Chan, Golub and LeVeque [1]_; ``partial_fit`` merges in the same way.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. "Updating Formulae and a Pairwise Algorithm for
       Computing Sample Variances". Stanford STAN-CS-79-773, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import ObservedScaler
    >>> X = np.array([[1.0, 10.0], [3.0, np.nan], [np.nan, 30.0]])
    >>> ObservedScaler().fit_transform(X)
    array([[-1., -1.],
           [ 1., nan],
           [nan,  1.]])
    """

    def __init__(
        self,
        *,
        with_mean: bool = True,
        with_std: bool = True,
        missing_values: float = np.nan,
        copy: bool = True,
    ) -> None:
        self.with_mean = with_mean
        self.with_std = with_std
        self.missing_values = missing_values
        self.copy = copy

    mean_: np.ndarray
    var_: np.ndarray
    scale_: np.ndarray
    n_observed_: np.ndarray
    n_samples_seen_: int

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> ObservedScaler:
        """Learn mean and standard deviation of every feature.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The training rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        self : ObservedScaler
            The fitted transformer.
        """
        return self._learn(X, sample_weight, reset=True)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> ObservedScaler:
        """Go on learning from further rows; any chunking gives what one ``fit`` gives.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further training rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        self : ObservedScaler
            The fitted transformer.
        """
        return self._learn(X, sample_weight, reset=not hasattr(self, "scale_"))

    def _learn(self, X: Any, sample_weight: Any, *, reset: bool) -> ObservedScaler:
        moments: tuple[np.ndarray, np.ndarray, np.ndarray]
        missing_values = check_missing_values(self.missing_values)
        check_flags(self, "with_mean", "with_std", "copy")
        X = validate_observed(self, X, missing_values=missing_values, reset=reset)
        weights = check_weights(sample_weight, X.shape[0], allow_all_zero=not reset)
        if reset:
            moments = (np.zeros(X.shape[1]), np.zeros(X.shape[1]), np.zeros(X.shape[1]))
            self.n_samples_seen_ = 0
        else:
            moments = (self.n_observed_, self.mean_, self.var_ * self.n_observed_)
        for values, columns, w in _observed_blocks(X, weights, missing_values):
            moments = _merge(moments, _moments(values, columns, w, X.shape[1]))

        self.n_observed_, self.mean_, squares = moments
        self.var_ = squares / np.where(self.n_observed_ > 0, self.n_observed_, 1)
        rounding = (10 * np.finfo(np.float64).eps * np.abs(self.mean_)) ** 2
        self.scale_ = np.where(self.var_ <= rounding, 1.0, np.sqrt(self.var_))
        self.n_samples_seen_ += X.shape[0]
        return self

    def transform(self, X: Any) -> Any:
        """Centre and scale the observed entries.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The scaled rows; missing entries are NaN (dense) or as they were (sparse).
        """
        check_is_fitted(self)
        missing_values = check_missing_values(self.missing_values)
        X = validate_observed(
            self,
            X,
            missing_values=missing_values,
            reset=False,
            copy=self.copy,
            writeable=True,
        )
        if not np.isnan(missing_values):
            values = X.data if sparse.issparse(X) else X
            values[missing_mask(values, missing_values)] = np.nan
        if self.with_mean:
            _update_columns(X, self.mean_, np.subtract)
        if self.with_std:
            _update_columns(X, self.scale_, np.divide)
        return X

    def inverse_transform(self, X: Any) -> Any:
        """Give the observed entries back in their own units.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Scaled rows.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The rows in the units of the features; missing entries are `missing_values`.
        """
        check_is_fitted(self)
        X = validate_observed(None, X, copy=self.copy, writeable=True)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns, expected {self.n_features_in_}.")
        if self.with_std:
            _update_columns(X, self.scale_, np.multiply)
        if self.with_mean:
            _update_columns(X, self.mean_, np.add)
        missing_values = check_missing_values(self.missing_values)
        if not np.isnan(missing_values):
            values = X.data if sparse.issparse(X) else X
            values[np.isnan(values)] = missing_values
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _observed_blocks(
    X: Any, weights: np.ndarray | None, missing_values: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Values, columns and weights of the observed entries, a bounded number at a time."""
    if sparse.issparse(X):
        X = X.tocsr()
        entry_weights = None if weights is None else np.repeat(weights, np.diff(X.indptr))
        for part in blocks(X.nnz, most_entries=max(_BLOCK, X.shape[1])):
            seen = ~missing_mask(X.data[part], missing_values)
            w = None if entry_weights is None else entry_weights[part][seen]
            yield X.data[part][seen].astype(np.float64), X.indices[part][seen], w
        return
    for rows in blocks(X.shape[0], X.shape[1], most_entries=_BLOCK):
        part = X[rows]
        row, columns = np.nonzero(~missing_mask(part, missing_values))
        w = None if weights is None else weights[rows.start + row]
        yield part[row, columns].astype(np.float64), columns, w


def _moments(
    values: np.ndarray, columns: np.ndarray, weights: np.ndarray | None, n_features: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total weight, mean and summed squared deviations of each column's entries."""

    def total(x: np.ndarray | None) -> np.ndarray:
        if weights is not None:
            x = weights if x is None else weights * x
        return np.bincount(columns, weights=x, minlength=n_features).astype(np.float64)

    count = total(None)
    divisor = np.where(count > 0, count, 1)
    mean = total(values) / divisor
    deviations = values - mean[columns]
    correction = total(deviations) / divisor
    squares = total(deviations**2) - count * correction**2
    return count, mean + correction, np.maximum(squares, 0)


def _merge(
    a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of two sets of entries together, from the moments of each."""
    (count_a, mean_a, squares_a), (count_b, mean_b, squares_b) = a, b
    count = count_a + count_b
    share = count_b / np.where(count > 0, count, 1)
    delta = mean_b - mean_a
    return count, mean_a + delta * share, squares_a + squares_b + delta**2 * count_a * share


def _update_columns(X: Any, statistic: np.ndarray, operation: np.ufunc) -> None:
    """``operation(X, statistic)`` on the entries that there are, in place."""
    if not sparse.issparse(X):
        operation(X, statistic, out=X, casting="same_kind")
    elif X.format == "csr":
        operation(X.data, statistic[X.indices], out=X.data, casting="same_kind")
    else:
        per_entry = np.repeat(statistic, np.diff(X.indptr))
        operation(X.data, per_entry, out=X.data, casting="same_kind")
