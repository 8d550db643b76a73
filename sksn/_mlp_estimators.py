"""SNClassifier and SNRegressor: multi-layer perceptrons for rows with missing values."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import d2_pinball_score

from . import _checks as rules
from ._fit_tasks import with_callbacks
from ._observed import MissingValues
from ._targets import LOSSES, QUANTILE, ClassTargets, number_targets, r2_of_known
from ._training import _options as options
from ._training._docs import document
from ._training._mlp_estimator import MLPEstimator
from ._training._table import Table


@document
class SNClassifier(ClassifierMixin, MLPEstimator):
    r"""Multi-layer perceptron classifier for rows with missing values.

    Nothing is imputed. The first layer reads the observed entries of a row only, and Sparsity
    Normalization [1]_ scales each row by the number of its observed features, so that the output
    of the first layer does not depend on how many features are observed. Input may be a dense
    array with NaN, a data frame of numbers, text, categories and dates, or any sparse matrix.
    Sparse rows are never made dense.

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
    is_categorical_ : ndarray of bool of shape (n_features,) or None
        Which features are categorical; None if all columns are numbers.
    best_candidate_ : dict
        Parameters of the candidate with the largest weight. Its network is `net_`. Empty if these
        are the parameters of the estimator.
    candidate_losses_ : list of (dict, float)
        Each candidate, the first of which stands for the parameters of the estimator, and its mean
        loss on held-out rows; empty if nothing was compared.
    candidate_weights_ : list of float
        The weight of each of them in the predictions.
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
        hidden_layer_sizes: Any = "auto",
        activation: options.Activation = "relu",
        *,
        power: float = 0.5,
        target: options.Target = "mean",
        missing_values: MissingValues = np.nan,
        categorical_features: Any = "from_dtype",
        input_dropout: options.Auto | float = "auto",
        dropout: options.Auto | float = "auto",
        hidden_norm: options.HiddenNorm = None,
        input_scaling: options.InputScaling = "auto",
        add_indicator: options.Auto | bool = "auto",
        n_bins: options.Auto | int = "auto",
        lr: float = 3e-3,
        alpha: float = 1.0,
        batch_size: options.Auto | int = "auto",
        max_epochs: options.Auto | int = "auto",
        candidates: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        device: Any = "auto",
        dtype: options.DType = "float32",
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
            categorical_features=categorical_features,
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
            candidates=candidates,
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

    def _new_targets(self) -> Any:
        return ClassTargets()

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
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

        X_val, y_val : like X, y, optional
            Rows to validate on with `early_stopping`, and to choose among `candidates` by, instead
            of a part of the training rows.
        sample_weight_val : array-like of shape (n_samples_val,), optional
            Weight of each of these rows.
        groups : array-like of shape (n_samples,), optional
            Groups of rows, such as patients. Rows of one group are held out together, for
            `early_stopping` and to choose among `candidates`.

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
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation=validation, groups=groups)

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

    def _held_out_table(self, targets: ClassTargets, X: Any, y: Any, weights: Any) -> Table:
        return Table(X, y, targets.weigh_held_out(y, weights, self.class_weight))

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
        return self._predictions(X)

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
class SNRegressor(RegressorMixin, MLPEstimator):
    r"""Multi-layer perceptron regressor for rows with missing values.

    Nothing is imputed. The first layer reads the observed entries of a row only, and Sparsity
    Normalization [1]_ scales each row by the number of its observed features. y is standardized
    for training, and predictions are in the units of y. Input may be a dense array with NaN, a
    data frame of numbers, text, categories and dates, or any sparse matrix. Sparse rows are never
    made dense.

    Parameters
    ----------
    {parameters}
    loss : str, default="squared_error"
        The loss that training minimizes, one of

        - "squared_error": predicts the mean.
        - "absolute_error": predicts the median. Outliers of y count less.
        - "huber": the squared error up to 1.35 robust standard deviations of y, and beyond that
          the absolute error.
        - "poisson": for counts and other y that are not negative. Predicts the mean, as the
          exponential of the network's output.
        - "gamma": the same for positive y whose deviation is proportional to their mean.
        - "quantile": predicts the quantiles that `quantile` names.

        With "absolute_error", "huber" and "quantile", y is centred by its median and divided by
        1.48 times the median distance from it; with "poisson" and "gamma", y is divided by its
        mean. In ``partial_fit``, these are the statistics of the first chunk.
    quantile : float in (0, 1) or sequence of float, default=None
        The levels of loss="quantile", in ascending order: one, or several for y of one column.
        Predictions of several levels never cross.

    Attributes
    ----------
    n_outputs_ : int
        Number of columns of y.
    net_ : skorch.NeuralNet
        The trained net. ``net_.module_`` is the :class:`sksn.nn.SNMLP`.
    is_categorical_ : ndarray of bool of shape (n_features,) or None
        Which features are categorical; None if all columns are numbers.
    best_candidate_ : dict
        Parameters of the candidate with the largest weight. Its network is `net_`. Empty if these
        are the parameters of the estimator.
    candidate_losses_ : list of (dict, float)
        Each candidate, the first of which stands for the parameters of the estimator, and its mean
        loss on held-out rows; empty if nothing was compared.
    candidate_weights_ : list of float
        The weight of each of them in the predictions.
    {attributes}

    See Also
    --------
    SNClassifier : The same for classes.
    SparsityNormalizer : The normalization alone.

    Notes
    -----
    By default, training minimizes the weighted mean squared error of the standardized y, over rows
    :math:`i` of weights :math:`w_i` and the :math:`D` columns of y,

    .. math:: \frac{1}{\sum_i w_i} \sum_i w_i \frac{1}{D} \sum_d (\hat y_{id} - y_{id})^2

    The how-to page on intervals has recipes for conformal intervals with MAPIE.
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

    def __init__(
        self,
        hidden_layer_sizes: Any = "auto",
        activation: options.Activation = "relu",
        *,
        power: float = 0.5,
        target: options.Target = "mean",
        missing_values: MissingValues = np.nan,
        categorical_features: Any = "from_dtype",
        input_dropout: options.Auto | float = "auto",
        dropout: options.Auto | float = "auto",
        hidden_norm: options.HiddenNorm = None,
        input_scaling: options.InputScaling = "auto",
        add_indicator: options.Auto | bool = "auto",
        n_bins: options.Auto | int = "auto",
        lr: float = 3e-3,
        alpha: float = 1.0,
        batch_size: options.Auto | int = "auto",
        max_epochs: options.Auto | int = "auto",
        candidates: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        device: Any = "auto",
        dtype: options.DType = "float32",
        callbacks: Any = None,
        verbose: bool | int = False,
        loss: options.Loss = "squared_error",
        quantile: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            power=power,
            target=target,
            missing_values=missing_values,
            categorical_features=categorical_features,
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
            candidates=candidates,
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
        self.loss = loss
        self.quantile = quantile

    n_outputs_: int
    _rules: ClassVar = MLPEstimator._rules | {
        "loss": rules.one_of(*LOSSES),
        "quantile": QUANTILE,
    }

    def _new_targets(self) -> Any:
        parameters = self._parameters()
        return number_targets(parameters["loss"], parameters["quantile"])

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
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

        X_val, y_val : like X, y, optional
            Rows to validate on with `early_stopping`, and to choose among `candidates` by, instead
            of a part of the training rows.
        sample_weight_val : array-like of shape (n_samples_val,), optional
            Weight of each of these rows.
        groups : array-like of shape (n_samples,), optional
            Groups of rows, such as patients. Rows of one group are held out together, for
            `early_stopping` and to choose among `candidates`.

        Returns
        -------
        self : SNRegressor
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, or the loss becomes infinite or NaN.
        """
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation=validation, groups=groups)

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
        return {**super()._fitted_attributes(learner), "n_outputs_": learner.targets.n_columns}

    def predict(self, X: Any) -> np.ndarray:
        """Predict y.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_levels)
            Predictions in the units and with the dimensions of y; with several levels of
            `quantile`, a column for each, in ascending order.
        """
        return self._predictions(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score predictions.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their y. Entries of several columns may be missing.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            R squared, on average over columns, each of which is scored by its known entries. With
            loss="quantile", the share of the pinball loss that is explained
            (:func:`sklearn.metrics.d2_pinball_score`), on average over levels.
        """
        if self.loss != "quantile":
            return r2_of_known(y, self.predict(X), sample_weight)
        levels = np.atleast_1d(self.quantile)
        predicted = self.predict(X)
        of_level = predicted.T if len(levels) > 1 else [predicted]
        scores = [
            d2_pinball_score(y, part, sample_weight=sample_weight, alpha=level)
            for part, level in zip(of_level, levels, strict=True)
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
