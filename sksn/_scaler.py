"""Centring and scaling of features by their observed entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._blocks import largest_of
from ._checks import (
    SuggestsParameters,
    check_flag,
    check_flags,
    check_weights,
    unchanged_on_error,
)
from ._fit_tasks import CallbackSupportMixin, as_one_task
from ._moments import Moments, standardize, unstandardize
from ._observed import (
    MissingValues,
    check_missing_values,
    missing_mask,
    observed_blocks,
    validate_observed,
    warn_of_other_container,
    written_marker,
)


class ObservedScaler(
    SuggestsParameters, OneToOneFeatureMixin, TransformerMixin, CallbackSupportMixin, BaseEstimator
):
    r"""Centre and scale each feature by the mean and deviation of its observed entries.

    An observed entry :math:`x_{ij}` becomes

    .. math:: \frac{x_{ij} - m_j}{s_j}

    where :math:`m_j` and :math:`s_j` are the mean and the standard deviation of the observed
    entries of feature :math:`j`. A missing entry stays missing. Sparse input stays sparse even
    when it is centred: a stored entry equal to the mean becomes a stored zero.
    (:class:`sklearn.preprocessing.StandardScaler` treats entries that are not stored as zeros, so
    it cannot centre sparse input.)

    Parameters
    ----------
    with_mean : bool, default=True
        Whether to subtract the mean. Set it to False for binary and count data in a sparse
        matrix. There, entries that are not stored mean "none", and centring moves an ordinary
        entry (1 in binary data) to 0, where it looks like an entry that is not stored.
    with_std : bool, default=True
        Whether to divide by the standard deviation.
    missing_values : number or sequence of numbers, default=np.nan
        Numbers that mean missing; NaN always does. They become NaN.
    copy : bool, default=True
        False scales in place where the input allows it: float arrays, and CSR and CSC matrices
        of floats.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the observed entries, in the units of the feature; 0 if none was observed.
    var_ : ndarray of shape (n_features,)
        Variance of the observed entries (divided by their number, not their number less one). If
        it is too large for float64, it is the largest number.
    scale_ : ndarray of shape (n_features,)
        Divisor of the entries: the standard deviation, or 1 for a constant feature and for a
        feature that was never observed.
    n_observed_ : ndarray of shape (n_features,)
        Number of the observed entries, or their total weight with `sample_weight`.
    n_samples_seen_ : int
        Number of training rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    See Also
    --------
    SparsityNormalizer : Scales rows. Use it after.

    Notes
    -----
    Means and variances are computed in float64, block by block in two passes. Blocks, and calls of
    ``partial_fit``, are merged by the update of Chan, Golub and LeVeque [1]_.

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
        missing_values: MissingValues = np.nan,
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
    _moments: Moments

    @as_one_task
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> ObservedScaler:
        """Learn the mean and the standard deviation of each feature.

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
        """Update the statistics with further rows. The result equals one ``fit`` up to rounding.

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
        markers = check_missing_values(self.missing_values)
        check_flags(self, "with_mean", "with_std", "copy")
        with unchanged_on_error(self):
            X = validate_observed(self, X, markers=markers, reset=reset)
            weights = check_weights(sample_weight, X.shape[0], allow_all_zero=not reset)
            moments = Moments(X.shape[1]) if reset else self._moments
            moments = moments.updated(observed_blocks(X, weights, markers))
        self._moments = moments
        if reset:
            self._was_sparse = sparse.issparse(X)
            n_rows = X.shape[0] if weights is None else weights.sum()
            self._share = moments.count.sum() / (n_rows * X.shape[1])
        self.n_observed_, self.mean_, self.var_ = moments.count, moments.mean, moments.variance
        self.scale_ = moments.scale
        self.n_samples_seen_ = X.shape[0] + (0 if reset else self.n_samples_seen_)
        return self

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """Centre and scale the observed entries.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        copy : bool, optional
            Whether to leave `X` as it is. By default the parameter `copy` of the scaler.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The scaled rows. Missing entries are NaN (dense) or as before (sparse).

        Raises
        ------
        ValueError
            If a scaled entry is too large for its type.
        """
        check_is_fitted(self)
        markers = check_missing_values(self.missing_values)
        copy = self.copy if copy is None else copy
        check_flag("copy", copy)
        X = validate_observed(
            self,
            X,
            markers=markers,
            reset=False,
            copy=copy,
            writeable=True,
        )
        warn_of_other_container(X, self._was_sparse, self._share, markers)
        values = X.data if sparse.issparse(X) else X
        missing = missing_mask(values, markers) if markers else None
        self._apply(standardize, values, _columns_of(X), missing, copied=copy)
        return X

    def inverse_transform(self, X: Any) -> Any:
        """Restore the units of the observed entries.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Scaled rows.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The rows in the units of the features. Missing entries are the first number of
            `missing_values`, or NaN.

        Raises
        ------
        ValueError
            If an entry is too large for its type.
        """
        check_is_fitted(self)
        X = validate_observed(None, X, copy=self.copy, writeable=True)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns, expected {self.n_features_in_}.")
        values = X.data if sparse.issparse(X) else X
        self._apply(unstandardize, values, _columns_of(X), None, copied=self.copy)
        values[np.isnan(values)] = written_marker(self.missing_values)
        return X

    def _apply(
        self,
        function: Callable[..., np.ndarray],
        values: np.ndarray,
        columns: Any,
        missing: np.ndarray | None,
        *,
        copied: bool,
    ) -> None:
        """Write scaled entries over `values`; if one overflows, leave them and raise an error."""
        statistics = self._statistics()
        try:
            with np.errstate(over="raise"):
                if not copied and not self._stays_finite(values):  # try it on a copy
                    trial = values if missing is None else np.where(missing, np.nan, values)
                    function(trial, *statistics, columns).astype(values.dtype)
                if missing is not None:
                    values[missing] = np.nan
                function(values, *statistics, columns, out=values)
        except FloatingPointError as error:
            raise ValueError(
                f"X has entries that overflow {values.dtype} when they are scaled by the "
                f"statistics of fit; the largest scale_ is {self.scale_.max():.3g}, the smallest "
                f"{self.scale_.min():.3g}."
            ) from error

    def _stays_finite(self, values: np.ndarray) -> bool:
        """Whether bounds show, without a copy, that no entry overflows when it is scaled."""
        factor = max(self.scale_.max(), 1 / self.scale_.min(), 1)
        with np.errstate(over="ignore"):
            bound = (largest_of(values) + np.abs(self.mean_).max()) * factor
        return bool(bound < np.finfo(values.dtype).max)

    def _statistics(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the mean and the scale that the parameters ask for."""
        return self.mean_ if self.with_mean else None, self.scale_ if self.with_std else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _columns_of(X: Any) -> Any:
    """Return the features of the stored entries of CSR or CSC, or of the last axis of an array."""
    if not sparse.issparse(X):
        return slice(None)
    if X.format == "csr":
        return X.indices
    return np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
