"""Sparsity Normalization as a function and as a transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ._checks import (
    SuggestsParameters,
    check_flags,
    check_power,
    check_target,
    check_weights,
    is_torch,
    unchanged_on_error,
)
from ._fit_tasks import CallbackSupportMixin, as_one_task
from ._formula import ConstantLearner
from ._indicators import normalized_with_indicators
from ._observed import (
    MissingValues,
    check_missing_values,
    missing_mask,
    row_counts,
    validate_observed,
    written_marker,
)
from ._row_scaling import (
    finite_scale,
    overflow_refused,
    reciprocal,
    rescale,
    scale_stored,
    survey,
)


def sparsity_normalize(
    X: Any,
    *,
    target: str | float = "mean",
    power: float = 1.0,
    missing_values: MissingValues = np.nan,
    copy: bool = True,
) -> Any:
    r"""Multiply each row by :math:`(K / n)^{\text{power}}`.

    :math:`n` is the number of observed features of the row, and :math:`K` a constant.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        Dense entries are missing where NaN, sparse entries where not stored or NaN. Stored
        zeros are observed.
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of the observed features per row of `X`, or a number.
    power : float in [0, inf), default=1.0
        1 keeps means, 1/2 keeps variances, 0 keeps the entries as they are.
    missing_values : number or sequence of numbers, default=np.nan
        Numbers that mean missing; NaN always does.
    copy : bool, default=True
        False normalizes in place where the input allows it: float arrays, and CSR and CSC
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
    K differs between training and test rows if it is taken from the rows at hand. To prepare data
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
    power, learner = check_power(power), ConstantLearner(check_target(target))
    markers = check_missing_values(missing_values)
    X = validate_observed(None, X, markers=markers, writeable=not copy, tensors=True, drop=True)
    counts = row_counts(X) if sparse.issparse(X) else survey(X, markers).row_counts
    target = learner.update(counts)
    return rescale(X, target, power, markers, copy=copy)


def _has_partial_fit(normalizer: Any) -> bool:
    """Whether K can be learned in chunks; raises an AttributeError that says why it cannot."""
    if isinstance(normalizer.target, str) and normalizer.target == "median":
        raise AttributeError(
            "partial_fit cannot learn target='median': the median of all rows does not follow "
            "from the medians of chunks. Use target='mean', a number, or fit."
        )
    return True


class SparsityNormalizer(
    SuggestsParameters, OneToOneFeatureMixin, TransformerMixin, CallbackSupportMixin, BaseEstimator
):
    r"""Rescale each row by the number of its observed features.

    A row with few observed features produces smaller sums than a row with many. The output of a
    network that reads zero-imputed rows therefore depends on the number of observed features.
    Sparsity Normalization [1]_ multiplies each row by

    .. math:: \left(\frac{K}{n}\right)^{\text{power}}

    where :math:`n` is the number of observed features of the row and :math:`K` the mean of
    :math:`n` over the training rows. Missing entries become 0. A row with nothing observed
    becomes a row of zeros.

    Parameters
    ----------
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of the training rows, or a positive number.
    power : float in [0, inf), default=1.0
        1, as published, makes the *mean* of a linear function of the row independent of n.
        It suits raw, non-negative entries such as ratings and counts. 1/2 makes the *variance*
        independent of n, and suits centred entries. 0 only replaces missing entries by zeros.
        Tune it like any other hyper-parameter.
    missing_values : number or sequence of numbers, default=np.nan
        Numbers that mean missing; NaN always does. With ``missing_values=0`` the
        stored zeros of a sparse matrix are missing too.
    add_indicator : bool, default=False
        Whether to append a column for each feature that had missing entries in ``fit``. If
        ``fit`` saw dense rows, the column is 1 where the entry is missing, as in scikit-learn's
        imputers. If it saw sparse rows, the column is 1 where the entry is *observed*, so that
        the result stays sparse.
    copy : bool, default=True
        False normalizes in place where the input allows it: float arrays, and CSR and CSC
        matrices of floats.

    Attributes
    ----------
    target_ : float
        The constant K in use. 1 if no training row had anything observed.
    n_samples_seen_ : int
        Number of training rows.
    indicator_features_ : ndarray of shape (n_indicators,)
        Indices of the features that had missing entries in ``fit``. With ``add_indicator=True``
        these features have an indicator.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings.

    See Also
    --------
    sparsity_normalize : The same as a function.
    ObservedScaler : Centres and scales features by their observed entries. Use it before.
    SNClassifier : A network with Sparsity Normalization inside.

    Notes
    -----
    Sparse output stores exactly the observed entries: stored zeros stay stored, and stored NaN is
    dropped. CSC stays CSC. Other sparse formats become CSR of the same family (matrix or array).

    Stored zeros count as observed. :class:`~sklearn.feature_extraction.FeatureHasher` and
    :class:`~sklearn.feature_extraction.text.HashingVectorizer` store a zero where terms of opposite
    sign cancel. :class:`~sklearn.feature_extraction.DictVectorizer` stores the zeros of its dicts.
    If these are not observations, call ``eliminate_zeros()`` or pass ``missing_values=0``.

    Under scikit-learn's ``array_api_dispatch``, torch tensors stay tensors on their device.

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

    In a dense array, NaN is missing and zeros are observed:

    >>> SparsityNormalizer(target=2).fit_transform([[3.0, 0.0], [3.0, np.nan]])
    array([[3., 0.],
           [6., 0.]])
    """

    def __init__(
        self,
        *,
        target: str | float = "mean",
        power: float = 1.0,
        missing_values: MissingValues = np.nan,
        add_indicator: bool = False,
        copy: bool = True,
    ) -> None:
        self.target = target
        self.power = power
        self.missing_values = missing_values
        self.add_indicator = add_indicator
        self.copy = copy

    target_: float
    _constant: ConstantLearner

    @as_one_task
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

    @available_if(_has_partial_fit)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> SparsityNormalizer:
        """Update K with further rows. All ways to chunk the rows give the same K.

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
        With ``target="median"`` there is no ``partial_fit``, and accessing it raises an
        AttributeError whose cause says why.
        """
        self._learn(X, sample_weight, reset=not hasattr(self, "target_"))
        return self

    def _learn(self, X: Any, sample_weight: Any, *, reset: bool) -> None:
        check_power(self.power)
        check_target(self.target)
        check_flags(self, "add_indicator", "copy")
        markers = check_missing_values(self.missing_values)
        with unchanged_on_error(self):
            X = validate_observed(self, X, markers=markers, reset=reset, tensors=True, drop=True)
            weights = check_weights(sample_weight, X.shape[0], allow_all_zero=not reset)
            seen = survey(X, markers)
            before = None if reset else self._constant
            constant = ConstantLearner(self.target, before)
            self.target_ = constant.update(seen.row_counts, weights)
        if reset:
            self._complete, self._zeros = seen.complete, seen.zeros
            self._is_sparse = sparse.issparse(X)
            self.n_samples_seen_ = 0
        self._constant = constant
        self.n_samples_seen_ += X.shape[0]
        self._complete = np.intersect1d(self._complete, seen.complete)
        self._zeros = np.union1d(self._zeros, seen.zeros)

    @property
    def indicator_features_(self) -> np.ndarray:
        """Indices of the features that had missing entries in ``fit``."""
        check_is_fitted(self)
        return np.flatnonzero(~self._mask_of(self._complete))

    def _mask_of(self, features: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[features] = True
        return mask

    def transform(self, X: Any) -> Any:
        """Normalize rows.

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
        markers = check_missing_values(self.missing_values)
        X = validate_observed(
            self,
            X,
            markers=markers,
            reset=False,
            writeable=not self.copy,
            tensors=True,
            drop=True,
        )
        if not self.add_indicator:
            return rescale(X, self.target_, power, markers, copy=self.copy)
        return normalized_with_indicators(
            X,
            self.target_,
            power,
            markers,
            self.indicator_features_,
            marks_observed=self._is_sparse,
            saw_zero=self._mask_of(self._zeros),
        )

    def inverse_transform(self, X: Any) -> Any:
        """Restore the observed entries; missing entries become missing again.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features + n_indicators)
            Rows as ``transform`` returns them.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            A dense result has NaN, or the first number of `missing_values`, where an entry was
            missing; a sparse result does not store the entry.

        Raises
        ------
        ValueError
            If the input is dense, there are no indicators, and ``fit`` saw observed zeros or
            sparse rows: observed zeros then look like missing entries, and the number of observed
            features is lost. ``add_indicator=True`` or sparse input keep it.

        Notes
        -----
        Sparse rows, and dense rows with indicators, are restored up to rounding. In dense rows
        without indicators, a zero is a missing entry, so a row with an observed zero is restored
        with another scale. A feature that had no missing entry in ``fit`` has no indicator: its
        zeros are observed if ``fit`` saw observed zeros there, and missing otherwise.
        ``transform`` marks the exceptions by -0.0.
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
            scale = finite_scale(row_counts(X), self.target_, power, X.dtype)
            return scale_stored(X, reciprocal(scale), copy=False)
        entries = X[:, : self.n_features_in_]
        missing = missing_mask(entries)
        if self.add_indicator:
            unmarked = self._complete
            saw_zero = self._mask_of(self._zeros)[unmarked]
            missing[:, unmarked] |= _is_missing_zero(entries[:, unmarked], saw_zero)
            marked = X[:, self.n_features_in_ :] != 0
            missing[:, self.indicator_features_] |= ~marked if self._is_sparse else marked
        elif self._is_sparse or len(self._zeros):
            raise ValueError(
                "inverse_transform cannot tell observed zeros from missing entries in a dense "
                "array; use add_indicator=True, sparse input, or missing_values=0."
            )
        else:
            missing |= entries == 0
        X = entries
        scale = finite_scale((~missing).sum(axis=1), self.target_, power, X.dtype)
        factors = reciprocal(scale)[:, None]
        with overflow_refused(X.dtype):
            X *= factors
        X[missing] = written_marker(self.missing_values)
        return X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features, if the input of ``fit`` had none.

        Returns
        -------
        ndarray of str
            Names of the features, then ``missingindicator_<name>`` (dense) or
            ``observedindicator_<name>`` (sparse) for each indicator.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if not self.add_indicator:
            return names
        prefix = "observedindicator_" if self._is_sparse else "missingindicator_"
        indicators = [prefix + str(name) for name in names[self.indicator_features_]]
        return np.concatenate([names, np.asarray(indicators, dtype=object)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _is_missing_zero(entries: Any, saw_zero: np.ndarray) -> Any:
    """Whether a zero is missing: one with a sign if fit saw zeros, and else one without."""
    negative = entries.signbit() if is_torch(entries) else np.signbit(entries)
    saw: Any = saw_zero
    if is_torch(entries):
        saw = negative.new_tensor(saw_zero.tolist())
    return (entries == 0) & (negative == saw)
