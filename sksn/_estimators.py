"""SNClassifier and SNRegressor: multi-layer perceptrons for rows with holes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d

from ._scaler import ObservedScaler
from ._training._base import BaseSNEstimator
from ._training._docs import document


@document
class SNClassifier(ClassifierMixin, BaseSNEstimator):
    """Multi-layer perceptron classifier for rows with holes, by Sparsity Normalization [1]_.

    Nothing is imputed: missing entries take no part in the first layer, and each row is scaled
    by how many of its features are observed, so that the network does not confuse how much is
    known with what is known. Dense rows with NaN, data frames and every sparse format go in;
    sparse rows are never made dense.

    Parameters
    ----------
    {parameters}
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, multiplied with `sample_weight`. "balanced" gives every class the
        same total weight (in ``partial_fit``: over all rows so far). For multilabel y,
        as :func:`sklearn.utils.class_weight.compute_sample_weight` has it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for multilabel y, the numbers of the labels.
    {attributes}

    See Also
    --------
    SNRegressor : The same for numbers.
    SparsityNormalizer : The normalisation alone.

    Notes
    -----
    The loss is the weighted mean log loss. Ctrl-C ends the training, not the program: the
    estimator keeps what it has learned so far.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sksn import SNClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X[np.random.RandomState(0).uniform(size=X.shape) < 0.5] = np.nan
    >>> model = SNClassifier(random_state=0).fit(X[::2], y[::2])
    >>> model.score(X[1::2], y[1::2]) > 0.9
    True
    """

    _class_totals: np.ndarray

    def __init__(
        self,
        hidden_layer_sizes: Any = (128,),
        activation: str = "relu",
        *,
        power: float = 0.5,
        target: str | float = "mean",
        missing_values: float = np.nan,
        input_dropout: float = 0.2,
        dropout: float = 0.5,
        hidden_norm: str | None = None,
        input_scaling: str | None = "auto",
        add_indicator: Any = "auto",
        n_bins: Any = "auto",
        lr: float = 3e-3,
        alpha: float = 1.0,
        batch_size: int = 128,
        max_epochs: Any = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        device: Any = "auto",
        dtype: str = "float32",
        callbacks: Any = None,
        verbose: bool | int = False,
        class_weight: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            power=power,
            target=target,
            missing_values=missing_values,
            input_dropout=input_dropout,
            dropout=dropout,
            hidden_norm=hidden_norm,
            input_scaling=input_scaling,
            add_indicator=add_indicator,
            n_bins=n_bins,
            lr=lr,
            alpha=alpha,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            random_state=random_state,
            device=device,
            dtype=dtype,
            callbacks=callbacks,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows; NaN, or not stored in a sparse matrix, is missing.
        y : array-like of shape (n_samples,), or (n_samples, n_labels) of 0 and 1
            Class labels of any type, or which labels apply (multilabel).
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss and in the statistics of the inputs.

        Returns
        -------
        self : SNClassifier
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or parameter cannot be used, y has only one class, or the loss becomes
            infinite or NaN.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go on training, for one pass over these rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. The statistics that scale the inputs go on being learned.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their classes.
        classes : array-like of shape (n_classes,)
            All classes that will ever occur; needed in the first call, for y of one dimension.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        self : SNClassifier
            The trained estimator.
        """
        if classes is None and not hasattr(self, "net_") and np.ndim(y) == 1:
            raise ValueError(
                "classes must be passed on the first call to partial_fit, got None; expected all "
                "labels that will ever occur in y."
            )
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or 0 and 1 for each label (multilabel).
        """
        output = self._outputs(X)
        if self._kind == "multilabel":
            return (output > 0).astype(np.int64)
        if self._kind == "binary":
            return self.classes_[(output[:, 0] > 0).astype(np.intp)]
        return self.classes_[output.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`; for multilabel y, of each label.
        """
        output = self._outputs(X)
        if self._kind == "multilabel":
            return expit(output)
        if self._kind == "binary":
            return np.hstack([expit(-output), expit(output)])
        return softmax(output, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Finite even where a probability rounds to 0.
        """
        output = self._outputs(X)
        if self._kind == "multilabel":
            return log_expit(output)
        if self._kind == "binary":
            return np.hstack([log_expit(-output), log_expit(output)])
        return log_softmax(output, axis=1)

    def _validate_y(self, y: Any) -> np.ndarray:
        y = y.toarray() if sparse.issparse(y) else y
        assert_all_finite(y, input_name="y")
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind == "multilabel-indicator":
            y = check_array(y, dtype=np.float64, input_name="y")
            values = np.unique(y)
            if not np.isin(values, (0, 1)).all():
                raise ValueError(f"Multilabel y must hold 0 and 1 only, got {values!r}.")
            return y.astype(np.int64)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y has several columns that are not all 0 and 1; SNClassifier takes one column of "
                "labels, or an indicator matrix (multilabel)."
            )
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return y

    def _encode_y(self, y: np.ndarray, classes: Any, *, reset: bool) -> np.ndarray:
        if y.ndim == 2:
            kind, seen = "multilabel", np.arange(y.shape[1])
        else:
            kind, seen = "", np.unique(y)
        if reset:
            self.classes_ = seen if classes is None else np.unique(classes)
            if len(self.classes_) < 2 and kind != "multilabel":
                raise ValueError(
                    f"y has 1 class ({self.classes_[0]!r}); SNClassifier needs at least 2 classes."
                )
            self._kind = kind or ("binary" if len(self.classes_) == 2 else "multiclass")
        elif (kind == "multilabel") != (self._kind == "multilabel"):
            raise ValueError("y is multilabel now and was not before, or the other way round.")
        if kind == "multilabel":
            if len(seen) != len(self.classes_):
                raise ValueError(f"y has {len(seen)} labels, expected {len(self.classes_)}.")
            return y
        if (
            not reset
            and classes is not None
            and not np.array_equal(self.classes_, np.unique(classes))
        ):
            raise ValueError(
                f"classes={classes!r} are not those of the first call, {self.classes_!r}."
            )
        unknown = np.setdiff1d(seen, self.classes_)
        if len(unknown):
            raise ValueError(f"y has classes {unknown!r} that are not among {self.classes_!r}.")
        return np.searchsorted(self.classes_, y)

    def _learn_y(self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool) -> None:
        """Labels need no scale."""

    def _as_target(self, y: np.ndarray) -> np.ndarray:
        if self._kind == "multiclass":
            return y.astype(np.int64)
        return y.reshape(len(y), -1).astype(np.float64)

    def _network_output(self) -> tuple[int, str]:
        if self._kind == "binary":
            return 1, "binary"
        return len(self.classes_), "binary" if self._kind == "multilabel" else "multiclass"

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None if self._kind == "multilabel" else y

    def _weigh_classes(
        self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray | None:
        if self.class_weight is None:
            return weights
        if self._kind == "multilabel":
            of_row = compute_sample_weight(self.class_weight, y)
        else:
            of_row = self._weight_of_class(y, weights, reset=reset)[y]
        result = of_row if weights is None else weights * of_row
        if not (result >= 0).all() or not result.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} must give no class a negative weight, and "
                "some class in y a positive one."
            )
        return result

    def _weight_of_class(
        self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray:
        if not (isinstance(self.class_weight, str) and self.class_weight == "balanced"):
            return compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_[y]
            )
        totals = np.bincount(y, weights=weights, minlength=len(self.classes_))
        self._class_totals = totals if reset else self._class_totals + totals
        seen = np.where(self._class_totals > 0, self._class_totals, 1)
        return self._class_totals.sum() / (len(self.classes_) * seen)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@document
class SNRegressor(RegressorMixin, BaseSNEstimator):
    """Multi-layer perceptron regressor for rows with holes, by Sparsity Normalization [1]_.

    Nothing is imputed: missing entries take no part in the first layer, and each row is scaled
    by how many of its features are observed. Targets are standardised inside and given back in
    their own units. Dense rows with NaN, data frames and every sparse format go in; sparse rows
    are never made dense.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.
    {attributes}

    See Also
    --------
    SNClassifier : The same for classes.
    SparsityNormalizer : The normalisation alone.

    Notes
    -----
    The loss is the weighted mean squared error of the standardised targets, averaged over them.
    Ctrl-C ends the training, not the program: the estimator keeps what it has learned so far.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sksn import SNRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X[np.random.RandomState(0).uniform(size=X.shape) < 0.3] = np.nan
    >>> model = SNRegressor(random_state=0).fit(X[::2], y[::2])
    >>> model.score(X[1::2], y[1::2]) > 0.2
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows; NaN, or not stored in a sparse matrix, is missing.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss and in the statistics of inputs and targets.

        Returns
        -------
        self : SNRegressor
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or parameter cannot be used, or the loss becomes infinite or NaN.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go on training, for one pass over these rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. The statistics that scale inputs and targets go on being learned.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        self : SNRegressor
            The trained estimator.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of y; of the shape that y had.
        """
        output = self._outputs(X)
        output = self._y_scaler.inverse_transform(output)
        return output[:, 0] if self._y_is_1d else output

    def _validate_y(self, y: Any) -> np.ndarray:
        return check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self)

    def _encode_y(self, y: np.ndarray, classes: Any, *, reset: bool) -> np.ndarray:
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if reset:
            self._y_is_1d = y.ndim == 1
            self.n_outputs_ = n_outputs
        elif n_outputs != self.n_outputs_:
            raise ValueError(f"y has {n_outputs} targets, expected {self.n_outputs_}.")
        return y.reshape(len(y), n_outputs)

    def _learn_y(self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool) -> None:
        if reset:
            self._y_scaler = ObservedScaler()
        self._y_scaler.partial_fit(y, sample_weight=weights)

    def _as_target(self, y: np.ndarray) -> np.ndarray:
        return self._y_scaler.transform(y)

    def _network_output(self) -> tuple[int, str]:
        return self.n_outputs_, "squared_error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
