"""Sparsity Normalization of rows, as a function and as a transformer."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ._observed import (
    check_flags,
    check_missing_values,
    check_weights,
    count_observed,
    missing_mask,
    validate_observed,
)
from ._rescale import finite_scale, hstack, reciprocal, rescale, scale_stored, survey
from ._scale import TargetLearner, check_power, check_target


def sparsity_normalize(
    X: Any,
    *,
    target: str | float = "mean",
    power: float = 1.0,
    missing_values: float = np.nan,
    copy: bool = True,
) -> Any:
    """Scale each row by ``(K / n) ** power``, n being how many of its features are observed.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        Dense entries are missing where NaN, sparse entries where not stored or NaN. Stored
        zeros are observed.
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of the observed features per row of `X`, or a number.
    power : float in [0, inf), default=1.0
        1 keeps means, 1/2 keeps variances, 0 keeps the entries.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does.
    copy : bool, default=True
        False normalises in place where the input allows: float arrays, CSR and CSC
        matrices of floats.

    Returns
    -------
    ndarray or sparse matrix of shape (n_samples, n_features)
        Dense for dense, with 0 where an entry is missing. Sparse for sparse, storing exactly
        the observed entries. float32 stays float32.

    See Also
    --------
    SparsityNormalizer : Learns K from training rows; use it in a Pipeline.

    Notes
    -----
    K taken from the rows at hand differs between training and test rows: to prepare data
    for a model, use :class:`SparsityNormalizer`, which learns K once.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import sparsity_normalize
    >>> X = np.array([[2.0, 4.0, np.nan, np.nan], [1.0, 1.0, 3.0, np.nan], [6.0, 0.0, 3.0, 2.0]])
    >>> sparsity_normalize(X, target=2)
    array([[2.        , 4.        , 0.        , 0.        ],
           [0.66666667, 0.66666667, 2.        , 0.        ],
           [3.        , 0.        , 1.5       , 1.        ]])
    """
    power, learner = check_power(power), TargetLearner(target)
    missing_values = check_missing_values(missing_values)
    X = validate_observed(
        None, X, missing_values=missing_values, writeable=not copy, tensors=True, drop=True
    )
    target = learner.update(survey(X, missing_values).in_rows)
    return rescale(X, target, power, missing_values, copy=copy)


class _UnlessMedian:
    """A method that is not there for ``target="median"``, with an error that says why.

    :func:`sklearn.utils.metaestimators.available_if` would only say that it is not there.
    """

    def __init__(self, method: Callable) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, normalizer: Any, owner: type | None = None) -> Any:
        if normalizer is None:
            return self.method
        if isinstance(normalizer.target, str) and normalizer.target == "median":
            raise AttributeError(
                "partial_fit cannot learn target='median': the median of all rows does not follow "
                "from the medians of chunks. Use target='mean', a number, or fit."
            )
        return MethodType(self.method, normalizer)


class SparsityNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Make rows comparable however many of their features are observed.

    A row in which few features are known produces smaller sums than a row in which many are,
    so a network fed zero-imputed rows confuses how much is known with what is known.
    Sparsity Normalization [1]_ multiplies each row by

    .. math:: \left(\frac{K}{n}\right)^{\text{power}}

    where :math:`n` is the number of observed features of the row and :math:`K` the mean of
    :math:`n` over the training rows. Missing entries become 0, and a row with nothing observed
    becomes a row of zeros.

    Parameters
    ----------
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of the training rows, or a positive number.
    power : float in [0, inf), default=1.0
        1, as published, makes the *mean* of a linear function of the row independent of n:
        right for raw, non-negative entries such as ratings and counts. 1/2 makes its
        *variance* independent of n: right for centred entries. 0 only fills the holes with
        zeros. Search it like any other hyper-parameter.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does. With ``missing_values=0`` the
        stored zeros of a sparse matrix are missing too.
    add_indicator : bool, default=False
        For dense input, append a column of 0 and 1 for each feature that had missing entries in
        ``fit``, 1 where the entry is missing: the columns that scikit-learn's imputers append.
        For sparse input, append for the same features the indicator of the *observed* entries, so
        that the result stays sparse. What ``fit`` saw decides which of the two.
    copy : bool, default=True
        False normalises in place where the input allows: float arrays, CSR and CSC matrices of
        floats.

    Attributes
    ----------
    target_ : float
        The constant K in use. 1 if no training row had anything observed.
    n_samples_seen_ : int
        Number of training rows.
    indicator_features_ : ndarray of shape (n_indicators,)
        Indices of the features that had missing entries in ``fit``, which with
        ``add_indicator=True`` have an indicator.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    sparsity_normalize : The same without an estimator.
    ObservedScaler : Centres and scales features by their observed entries; a good step before.
    SNClassifier : A network with Sparsity Normalization inside.

    Notes
    -----
    Sparse output stores exactly the observed entries: stored zeros stay stored and stored NaN is
    dropped. CSC stays CSC; other sparse formats become CSR of the same family (matrix or array).

    Under scikit-learn's ``array_api_dispatch``, torch tensors go in and come out on their device.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from sksn import SparsityNormalizer
    >>> X = csr_array(np.array([[5.0, 0, 0, 0], [4, 2, 3, 0], [0, 1, 5, 0]]))
    >>> normalizer = SparsityNormalizer().fit(X)
    >>> normalizer.target_
    2.0
    >>> normalizer.transform(X).toarray()
    array([[10.        ,  0.        ,  0.        ,  0.        ],
           [ 2.66666667,  1.33333333,  2.        ,  0.        ],
           [ 0.        ,  1.        ,  5.        ,  0.        ]])

    In a dense array NaN is missing, and zeros are observed:

    >>> SparsityNormalizer(target=2).fit_transform([[3.0, 0.0], [3.0, np.nan]])
    array([[3., 0.],
           [6., 0.]])
    """

    def __init__(
        self,
        *,
        target: str | float = "mean",
        power: float = 1.0,
        missing_values: float = np.nan,
        add_indicator: bool = False,
        copy: bool = True,
    ) -> None:
        self.target = target
        self.power = power
        self.missing_values = missing_values
        self.add_indicator = add_indicator
        self.copy = copy

    target_: float

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> SparsityNormalizer:
        """Learn K from the training rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The training rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the mean or median.

        Returns
        -------
        self : SparsityNormalizer
            The fitted transformer.
        """
        self._learn(X, sample_weight, reset=True)
        return self

    @_UnlessMedian
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> SparsityNormalizer:
        """Go on learning K from further rows; any chunking gives what one ``fit`` gives.

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
        self : SparsityNormalizer
            The fitted transformer.

        Notes
        -----
        There is no ``partial_fit`` with ``target="median"``: asking for it is an AttributeError
        that says why.
        """
        self._learn(X, sample_weight, reset=not hasattr(self, "target_"))
        return self

    def _learn(self, X: Any, sample_weight: Any, *, reset: bool) -> None:
        check_power(self.power)
        check_target(self.target)
        check_flags(self, "add_indicator", "copy")
        missing_values = check_missing_values(self.missing_values)
        X = validate_observed(
            self, X, missing_values=missing_values, reset=reset, tensors=True, drop=True
        )
        weights = check_weights(sample_weight, X.shape[0], allow_all_zero=not reset)
        seen = survey(X, missing_values)

        if reset:
            self._learner = TargetLearner(self.target)
            self._n_observed_features = np.zeros(X.shape[1], dtype=np.int64)
            self._is_sparse = sparse.issparse(X)
            self._saw_zero = np.zeros(X.shape[1], dtype=bool)
            self.n_samples_seen_ = 0
        self._learner.target = self.target
        self.target_ = self._learner.update(seen.in_rows, weights)
        self.n_samples_seen_ += X.shape[0]
        self._n_observed_features += seen.in_features
        self._saw_zero = self._saw_zero | seen.zeros
        (self.indicator_features_,) = np.nonzero(self._n_observed_features < self.n_samples_seen_)

    def transform(self, X: Any) -> Any:
        """Normalise rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features + n_indicators)
            Dense for dense, with 0 where an entry is missing; sparse for sparse, storing
            exactly the observed entries.
        """
        check_is_fitted(self)
        power = check_power(self.power)
        missing_values = check_missing_values(self.missing_values)
        X = validate_observed(
            self,
            X,
            missing_values=missing_values,
            reset=False,
            writeable=not self.copy,
            tensors=True,
            drop=True,
        )
        indicator = self._indicator(X, missing_values) if self.add_indicator else None
        X = rescale(X, self.target_, power, missing_values, copy=self.copy)
        return X if indicator is None else hstack(X, indicator)

    def inverse_transform(self, X: Any) -> Any:
        """Give back the observed values; what was missing is missing again.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features + n_indicators)
            What ``transform`` returned.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            Dense results have NaN (or `missing_values`) where an entry was missing; sparse
            ones do not store it.

        Raises
        ------
        ValueError
            For dense input without indicators, if observed zeros occurred in ``fit`` or ``fit``
            saw sparse rows: after ``transform`` zeros cannot be told from missing entries, so the
            number of observed features is lost. ``add_indicator=True`` or sparse input keep it.

        Notes
        -----
        In dense input, a zero of a feature that has no indicator and had no observed zero in
        ``fit`` is taken as missing; a row that was the first to have an observed zero there
        does not come back as it was.
        """
        check_is_fitted(self)
        power = check_power(self.power)
        X = validate_observed(None, X, copy=True, tensors=True, drop=True)
        n_indicators = len(self.indicator_features_) if self.add_indicator else 0
        if X.shape[1] != self.n_features_in_ + n_indicators:
            raise ValueError(
                f"X has {X.shape[1]} columns, but transform gives "
                f"{self.n_features_in_ + n_indicators}."
            )
        if sparse.issparse(X):
            X = X[:, : self.n_features_in_]
            scale = finite_scale(count_observed(X), self.target_, power, X.dtype)
            return scale_stored(X, reciprocal(scale), copy=False)
        entries = X[:, : self.n_features_in_]
        missing = missing_mask(entries)
        if n_indicators:
            marked = X[:, self.n_features_in_ :] != 0
            missing[:, self.indicator_features_] |= ~marked if self._is_sparse else marked
        unmarked = np.ones(self.n_features_in_, dtype=bool)
        if self.add_indicator:
            unmarked[self.indicator_features_] = False
        elif self._is_sparse or self._saw_zero.any():
            raise ValueError(
                "inverse_transform cannot tell observed zeros from missing entries in a dense "
                "array; use add_indicator=True, sparse input, or missing_values=0."
            )
        for j in np.flatnonzero(unmarked & ~self._saw_zero):
            missing[:, j] |= entries[:, j] == 0
        X = X[:, : self.n_features_in_]
        scale = finite_scale((~missing).sum(axis=1), self.target_, power, X.dtype)
        X *= reciprocal(scale)[:, None]
        X[missing] = check_missing_values(self.missing_values)
        return X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features, for input that had none in ``fit``.

        Returns
        -------
        ndarray of str
            The features, then ``missingindicator_<name>`` (dense) or ``observedindicator_<name>``
            (sparse) for each indicator.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if not self.add_indicator:
            return names
        prefix = "observedindicator_" if self._is_sparse else "missingindicator_"
        indicators = [prefix + str(name) for name in names[self.indicator_features_]]
        return np.concatenate([names, np.asarray(indicators, dtype=object)])

    def _indicator(self, X: Any, missing_values: float) -> Any:
        """Indicator columns of the kind that ``fit`` saw, in the container that X is."""
        if not sparse.issparse(X):
            missing = missing_mask(X[:, self.indicator_features_], missing_values)
            return ~missing if self._is_sparse else missing
        observed = X[:, self.indicator_features_]
        observed.data = np.ones_like(observed.data)
        if self._is_sparse:
            return observed
        return type(X)(1 - observed.toarray())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
