"""SNClassifier and SNRegressor: multi-layer perceptrons for rows with missing values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_consistent_length

from . import _checks as rules
from ._targets import ClassTargets, NumberTargets
from ._training._docs import document
from ._training._held_out import hold_out_rows
from ._training._input_scaling import INPUT_SCALINGS
from ._training._net import Lesson
from ._training._neural_estimator import NeuralEstimator
from ._training._row_learner import RowLearner, Table
from .nn._activations import ACTIVATIONS
from .nn._mlp import HIDDEN_NORMS


class _MLPEstimator(NeuralEstimator):
    """Fits a :class:`~sksn.nn.SNMLP`. Subclasses say what y is."""

    _rules: ClassVar = NeuralEstimator._rules | {
        "hidden_layer_sizes": rules.LAYER_SIZES,
        "activation": rules.one_of(*ACTIVATIONS),
        "hidden_norm": rules.one_of(*HIDDEN_NORMS),
        "input_scaling": rules.one_of(*INPUT_SCALINGS),
        "add_indicator": rules.one_of("auto", True, False),
        "n_bins": rules.auto_or(rules.COUNT_OR_ZERO),
        "batch_size": rules.COUNT,
        "max_epochs": rules.auto_or(rules.COUNT),
    }
    _learner: RowLearner
    _targets_type: ClassVar[Any]  # what y is

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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.power = power
        self.target = target
        self.missing_values = missing_values
        self.input_dropout = input_dropout
        self.dropout = dropout
        self.hidden_norm = hidden_norm
        self.input_scaling = input_scaling
        self.add_indicator = add_indicator
        self.n_bins = n_bins
        self.lr = lr
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.callbacks = callbacks
        self.verbose = verbose

    def _check_rows(self, X: Any, y: Any, continued: RowLearner | None) -> Any:
        """Validate X, and check that it comes in the container that training began with."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        X = self._validate_X(X, reset=continued is None)
        if continued and sparse.issparse(X) != continued.as_sparse:  # scaled differently
            kinds = ("dense rows", "a sparse matrix")
            as_sparse = continued.as_sparse
            raise ValueError(
                f"X is {kinds[not as_sparse]}, but training began with {kinds[as_sparse]}; pass "
                "the same kind in every call."
            )
        return X

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, classes: Any = None
    ) -> Self:
        with rules.unchanged_on_error(self):
            continued = self._continued(incremental=incremental)
            X = self._check_rows(X, y, continued)
            targets = continued.targets if continued else self._targets_type()
            y = targets.validate(y, self)
            check_consistent_length(X, y)
            y = targets.encode(y, classes)  # also the classes of rows of weight 0
            X, y, weights = weighted_rows(X, y, sample_weight)
            table = self._table(targets, X, y, weights)
            learner = continued or RowLearner(
                self._parameters(), targets, as_sparse=sparse.issparse(X)
            )
            lesson = self._prepare_table(learner, table, incremental=incremental)
            del X, y, weights, table
        return self._train(learner, lesson)

    def _table(self, targets: Any, X: Any, y: Any, weights: Any) -> Table:
        """Return the rows to train on."""
        return Table(X, y, weights)

    def _prepare_table(self, learner: RowLearner, table: Table, *, incremental: bool) -> Lesson:
        """Prepare training on a validated table; `early_stopping` holds out some of its rows."""
        held_out = None
        if self.early_stopping and not incremental:
            strata = learner.targets.strata(table.y)
            kept, out = hold_out_rows(
                table.X.shape[0], self.validation_fraction, learner.split_seed, strata
            )
            table, held_out = table.take(kept), table.take(out)
        return self._prepare(learner, table, held_out, incremental=incremental)

    def _predictions(self, X: Any, decode: Callable[[Any, np.ndarray], np.ndarray]) -> np.ndarray:
        """Validate rows, and decode the outputs of the network for them."""
        X = self._validated(X)
        return self._learner.predictions(X, decode)


@document
class SNClassifier(ClassifierMixin, _MLPEstimator):
    r"""Multi-layer perceptron classifier for rows with missing values.

    Nothing is imputed. The first layer reads the observed entries of a row only, and Sparsity
    Normalization [1]_ scales each row by the number of its observed features, so that the output
    of the first layer does not depend on how many features are observed. Input may be a dense
    array with NaN, a data frame, or any sparse matrix. Sparse rows are never made dense.

    Parameters
    ----------
    {parameters}
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, which is multiplied with `sample_weight`. "balanced" gives all
        classes the same total weight; in ``partial_fit``, over all rows so far. For multilabel y,
        see :func:`sklearn.utils.class_weight.compute_sample_weight`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels, 2)
        The class labels; for multilabel y, 0 and 1 for each label.
    net_ : skorch.NeuralNet
        The trained net. ``net_.module_`` is the :class:`sksn.nn.SNMLP`.
    {attributes}

    See Also
    --------
    SNRegressor : The same for numbers.
    SparsityNormalizer : The normalization alone.

    Notes
    -----
    Training minimizes the weighted mean log loss over rows :math:`i` of weights :math:`w_i`,

    .. math:: -\frac{1}{\sum_i w_i} \sum_i w_i \log p_{i, y_i}

    where :math:`p_{i, y_i}` is the predicted probability of the row's class. For multilabel y it
    is the mean over labels of the log loss of each. Ctrl-C ends the training: the estimator keeps
    what it has learned so far.

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

    classes_: np.ndarray
    _targets_type = ClassTargets

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows. NaN is missing, and so is an entry that a sparse matrix does not store.
        y : array-like of shape (n_samples,), or (n_samples, n_labels) of 0 and 1
            Class labels of any type, or indicators of the labels that apply (multilabel). NaN is
            an indicator that is not known; the loss leaves it out. Indicators may be a sparse
            matrix, whose rows are made dense one batch at a time.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss and in the statistics of the inputs.

        Returns
        -------
        self : SNClassifier
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, y has only one class, or the loss becomes
            infinite or NaN.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Continue training, for one pass over further rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. They also update the statistics that scale the inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their classes.
        classes : array-like of shape (n_classes,)
            All classes that will ever occur. Required in the first call if y has one dimension.
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

    def _table(self, targets: ClassTargets, X: Any, y: Any, weights: Any) -> Table:
        return Table(X, y, targets.weigh(y, weights, self.class_weight))

    def _fitted_attributes(self, learner: Any) -> dict[str, Any]:
        return {**super()._fitted_attributes(learner), "classes_": learner.targets.public_classes}

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or 0 and 1 for each label (multilabel). A dense array, also if y was
            sparse in `fit`.
        """
        return self._predictions(X, self._targets_type.decode)

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
        return self._predictions(X, ClassTargets.probabilities)

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
        return self._predictions(X, ClassTargets.log_probabilities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@document
class SNRegressor(RegressorMixin, _MLPEstimator):
    r"""Multi-layer perceptron regressor for rows with missing values.

    Nothing is imputed. The first layer reads the observed entries of a row only, and Sparsity
    Normalization [1]_ scales each row by the number of its observed features. y is standardized
    for training, and predictions are in the units of y. Input may be a dense array with NaN, a
    data frame, or any sparse matrix. Sparse rows are never made dense.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    n_outputs_ : int
        Number of columns of y.
    net_ : skorch.NeuralNet
        The trained net. ``net_.module_`` is the :class:`sksn.nn.SNMLP`.
    {attributes}

    See Also
    --------
    SNClassifier : The same for classes.
    SparsityNormalizer : The normalization alone.

    Notes
    -----
    Training minimizes the weighted mean squared error of the standardized y, over rows :math:`i`
    of weights :math:`w_i` and the :math:`D` columns of y,

    .. math:: \frac{1}{\sum_i w_i} \sum_i w_i \frac{1}{D} \sum_d (\hat y_{id} - y_{id})^2

    Ctrl-C ends the training: the estimator keeps what it has learned so far.

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

    n_outputs_: int
    _targets_type = NumberTargets

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows. NaN is missing, and so is an entry that a sparse matrix does not store.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The numbers to predict. With several outputs, NaN is a number that is not known; the
            loss leaves it out.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss and in the statistics of X and y.

        Returns
        -------
        self : SNRegressor
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, or the loss becomes infinite or NaN.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue training, for one pass over further rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. They also update the statistics that scale X and y.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their y.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        self : SNRegressor
            The trained estimator.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def _fitted_attributes(self, learner: Any) -> dict[str, Any]:
        return {**super()._fitted_attributes(learner), "n_outputs_": learner.targets.n_outputs}

    def predict(self, X: Any) -> np.ndarray:
        """Predict y.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units and with the dimensions of y.
        """
        return self._predictions(X, self._targets_type.decode)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def weighted_rows(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Check the weights of rows, and leave out rows of weight 0."""
    weights = rules.check_weights(sample_weight, X.shape[0])
    if weights is not None and not weights.all():
        weighted = np.flatnonzero(weights)
        X, y, weights = X[weighted], y[weighted], weights[weighted]
    return X, y, weights
