"""SNAutoencoder: completes a matrix with missing entries."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score

from . import _checks as rules
from ._caller import levels_to_caller
from ._fit_tasks import FitData, with_callbacks
from ._observed import MissingValues, row_of_entry, to_container
from ._training._completion import CompletionEngine, EntryRows
from ._training._docs import document
from ._training._entry_ranges import bound, check_bounds
from ._training._entry_scaling import ENTRY_SCALINGS
from ._training._held_out import hold_out_entries
from ._training._neural_estimator import NeuralEstimator
from ._training._places import check_places, entries_beside
from ._training._refinement import INITIAL_STRATEGIES
from .nn._activations import ACTIVATIONS

_OF_PREDICTION = ("keep_observed", "min_value", "max_value", "validation_fraction")


@document
class SNAutoencoder(OneToOneFeatureMixin, TransformerMixin, NeuralEstimator):
    r"""Completes rows with missing entries by an autoencoder with Sparsity Normalization [1]_.

    The network reads the observed entries of a row and predicts all of its entries. It is trained
    on the observed entries only [2]_. As a transformer it is an imputer: it replaces missing
    entries by predictions. It also completes rows that were not in training. If few entries of
    sparse rows are observed, training computes only those, so time and memory scale with their
    number.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(300,)
        Width of each layer of the encoder. The last layer is the code. The decoder is linear.
    activation : {"auto", "identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="auto"
        Non-linearity of the hidden layers. "auto": "logistic" if entries are scaled by one
        standard deviation (see `input_scaling`), which suits ratings, and "relu" otherwise.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``. n is the number of observed features of the row.
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of n over the training rows, or a positive number.
    missing_values : number or sequence of numbers, default=np.nan
        Numbers that mean missing; NaN always does.
    input_dropout : "auto" or float in [0, 1), default="auto"
        Share of the observed entries that the encoder does not see in training. They are
        predicted all the same. n is counted after dropping. "auto": 0.3 if the network starts from
        expected values (see `initial_strategy`), and else 0.5.
    dropout : float in [0, 1), default=0.0
        Share of the hidden units that is dropped in training.
    row_offset : float or None, default=10.0
        Shrinkage of the row offsets: a row's offset is its mean residual, computed with this many
        extra zero residuals. None: rows have no offsets. Not used if the network starts from
        expected values (see `initial_strategy`).
    center : bool, default=False
        Whether the encoder sees the residuals of the entries after subtracting offsets of columns
        and rows, instead of the entries. Not used if the network starts from expected values.
    input_scaling : {"auto", "observed", "global"}, default="auto"
        "observed" centres and scales each feature by its observed entries. "global" divides all
        entries by one standard deviation. "auto" is "global" for sparse rows, whose entries are
        usually of one kind, such as ratings, and "observed" for dense rows.
    initial_strategy : {"auto", "gaussian", "mean"}, default="auto"
        What the network predicts before it is trained. "gaussian": the expected values of the
        missing entries under a multivariate normal distribution, given the observed entries. The
        network sees the row with these values as well, and learns to correct them. "mean": the
        mean of each feature, plus row offsets. "auto": "gaussian" if features are scaled one by
        one (see `input_scaling`), there are at most 1000 of them, and the distribution is
        learned in about a minute; else "mean".
    input_indicator : bool, default=False
        Whether the encoder also sees which entries are observed, as inputs of their own.
    lr : float, default=6e-3
        Maximum learning rate of Adam. The learning rate rises over the first 5 % of the steps and
        then falls to 0 along a cosine. In ``partial_fit`` it is constant.
    alpha : float, default=1.0
        Strength of the L2 penalty, rescaled so that a good value does not depend on layer width.
        See the notes.
    batch_size : "auto" or int, default="auto"
        Maximum number of rows in a batch. "auto": 512 if the network starts from expected values
        (see `initial_strategy`), and else all rows, unless they have more than 16 million entries.
    max_epochs : {"auto"} or int, default="auto"
        Number of passes over the training rows, or the maximum with `early_stopping`. "auto": 150;
        for dense rows with fewer than 200,000 observed entries more, up to 600, because a small
        table is one batch.
    early_stopping : bool, default=False
        Whether to hold out observed entries, to stop when their loss no longer falls, and to use
        the weights with the lowest loss.
    validation_fraction : float in (0, 1), default=0.1
        Share of the observed entries that is held out for `early_stopping` and in `score`.
    n_iter_no_change : int, default=20
        Number of epochs without a lower validation loss after which training stops.
    keep_observed : bool, default=True
        Whether `transform` keeps observed entries, instead of predicting them too.
    min_value : {"auto", "observed"}, float, array-like or None, default="auto"
        Least value of predicted entries, one for all features or one for each. "auto": 0 for
        features without a negative entry in training, and else none. "observed": the least entry of
        each feature in training.
    max_value : "observed", float, array-like or None, default=None
        Largest value of predicted entries. "observed": the largest entry of each feature in
        training.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights and the scaling of the previous ``fit``. The
        parameters of the network and of its inputs must not change; `lr`, `alpha`, `batch_size`,
        `max_epochs` and those of early stopping may. The moments of the optimizer are kept after
        ``fit`` only if this is True; a ``partial_fit`` that follows another ``fit`` begins with
        fresh ones.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of rows, dropout and the held-out entries. The same
        integer gives the same result on the same machine.
    device : str or torch.device, default="auto"
        Device to train on. "auto": CUDA if available, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the network.
    callbacks : list of skorch callbacks, optional
        Called during training, as in :class:`skorch.NeuralNet`.
    verbose : bool or int, default=False
        Whether to show a progress bar with the epoch, the losses and the remaining time. Where
        the output is no terminal, it is some ten lines; 2 shows a line for each epoch.
    add_indicator : bool
        Deprecated: the former name of `input_indicator`. It will be removed in 0.4.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net. ``net_.module_`` is the :class:`sksn.nn.SNAE`.
    {attributes}

    See Also
    --------
    SNRecommender : The same for ratings in long form: user, item, rating.
    sklearn.impute.IterativeImputer : One regression for each feature.

    Notes
    -----
    The entry of feature :math:`j` in row :math:`i` is predicted as
    :math:`\hat x_{ij} = b_j + o_i + v_j^\top c_i`, from the code :math:`c_i` and the offset
    :math:`o_i` of the row (see :class:`sksn.nn.SNAE`). With :math:`T` the set of observed entries
    in the units of the network, training minimizes

    .. math:: \sum_{(i, j) \in T} (\hat x_{ij} - x_{ij})^2
        + \frac{\alpha}{2} \left(\frac{15 K s}{h_1} \lVert W_1 \rVert^2
        + 0.7\, h \sum_{l > 1} \lVert W_l \rVert^2\right)

    :math:`W_1` are the weights of the first layer, of width :math:`h_1`; :math:`W_l` those of the
    layers after it, decoder included; and :math:`h` is the width of the code. :math:`K` is the
    mean number of observed entries of a row, and :math:`s` their mean square. With `center`, s is
    twice the mean square of the residuals; `input_indicator` adds 1 to it. The penalty depends
    neither on layer width (copying each hidden unit and halving its outgoing weights changes
    neither the function nor the penalty) nor on the size and number of a row's entries. The two
    constants were chosen on three sets of ratings.

    Dense rows usually start from expected values :math:`\tilde x_{ij}` (see `initial_strategy`).
    Then :math:`\hat x_{ij} = \tilde x_{ij} + b_j + v_j^\top c_i`, the encoder sees the completed
    row :math:`\tilde x_i` beside the observed entries, and :math:`T` is the set of the entries that
    `input_dropout` hides. They are drawn eight times before training. Afterwards, :math:`b_j` and
    :math:`v_j` are shrunken by the factor that fits a twentieth of the hidden entries best, which
    are left out of :math:`T`. The mean and the covariance of the normal distribution are computed
    by the EM algorithm [3]_, with a prior that counts as :math:`\kappa` rows of uncorrelated
    features: 200, 50, 10, 1 or 0.01, whichever predicts held-out entries best. ``partial_fit``
    takes one step of the algorithm, and does not shrink. Callbacks see the network before it is
    shrunken.

    A row with nothing observed is completed from the biases. A feature that was never observed in
    training is predicted as the overall mean ("global") or 0 ("observed"). A feature that is
    constant in training is predicted as its constant. With "global", it needs 20 entries for that,
    because a few equal ratings may be equal by chance.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. "AutoRec: Autoencoders Meet Collaborative
       Filtering". WWW 2015. doi:10.1145/2740908.2742726.
    .. [3] R. J. A. Little, D. B. Rubin. "Statistical Analysis with Missing Data". 2nd edition,
       Wiley, 2002. Section 11.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sksn import SNAutoencoder
    >>> X = load_iris().data
    >>> missing = np.random.RandomState(0).uniform(size=X.shape) < 0.2
    >>> X_missing = np.where(missing, np.nan, X)
    >>> X_full = SNAutoencoder(random_state=0).fit_transform(X_missing)
    >>> error = np.sqrt(np.mean((X_full - X)[missing] ** 2))
    >>> of_means = np.sqrt(np.mean((np.nanmean(X_missing, axis=0) - X)[missing] ** 2))
    >>> bool(error < 0.6 * of_means)
    True
    """

    _rules: ClassVar = NeuralEstimator._rules | {
        "hidden_layer_sizes": rules.SOME_LAYER_SIZES,
        "activation": rules.one_of("auto", *ACTIVATIONS),
        "input_dropout": rules.auto_or(NeuralEstimator._rules["input_dropout"]),
        "row_offset": rules.none_or(rules.NOT_NEGATIVE),
        "center": rules.FLAG,
        "input_scaling": rules.one_of(*ENTRY_SCALINGS),
        "initial_strategy": rules.one_of(*INITIAL_STRATEGIES),
        "input_indicator": rules.FLAG,
        "add_indicator": rules.deprecated(rules.FLAG),
        "batch_size": rules.auto_or(rules.COUNT),
        "max_epochs": rules.auto_or(rules.COUNT),
        "keep_observed": rules.FLAG,
        "min_value": bound("auto", "observed"),
        "max_value": bound("observed"),
    }
    _learner: CompletionEngine

    def __init__(
        self,
        hidden_layer_sizes: Any = (300,),
        activation: str = "auto",
        *,
        power: float = 0.5,
        target: str | float = "mean",
        missing_values: MissingValues = np.nan,
        input_dropout: Any = "auto",
        dropout: float = 0.0,
        row_offset: float | None = 10.0,
        center: bool = False,
        input_scaling: str = "auto",
        initial_strategy: str = "auto",
        input_indicator: bool = False,
        lr: float = 6e-3,
        alpha: float = 1.0,
        batch_size: Any = "auto",
        max_epochs: Any = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        keep_observed: bool = True,
        min_value: Any = "auto",
        max_value: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        device: Any = "auto",
        dtype: str = "float32",
        callbacks: Any = None,
        verbose: bool | int = False,
        add_indicator: Any = "deprecated",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.power = power
        self.target = target
        self.missing_values = missing_values
        self.input_dropout = input_dropout
        self.dropout = dropout
        self.row_offset = row_offset
        self.center = center
        self.input_scaling = input_scaling
        self.initial_strategy = initial_strategy
        self.input_indicator = input_indicator
        self.lr = lr
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.keep_observed = keep_observed
        self.min_value = min_value
        self.max_value = max_value
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.callbacks = callbacks
        self.verbose = verbose
        self.add_indicator = add_indicator

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the network to predict the observed entries of rows from some of them.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows. NaN is missing, and so is an entry that a sparse matrix does not store.
        y : None
            Ignored.

        Returns
        -------
        self : SNAutoencoder
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, nothing in X is observed, or the loss
            becomes infinite or NaN.
        """
        return self._fit(X, incremental=False)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Continue training, for one pass over further rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. They also update the statistics that scale the entries. The penalty
            (`alpha`) is divided by the number of entries so far, so it shrinks with each chunk. A
            chunk that is passed twice counts as further rows.
        y : None
            Ignored.

        Returns
        -------
        self : SNAutoencoder
            The trained estimator.
        """
        return self._fit(X, incremental=True)

    def _fit(self, X: Any, *, incremental: bool) -> Self:
        data = None if incremental else FitData(X)
        with rules.unchanged_on_error(self):
            continued = self._continued(incremental=incremental)
            X = self._validate_X(X, reset=continued is None)
            check_bounds(self.min_value, self.max_value, X.shape[1])
            engine = continued or CompletionEngine(self._parameters(), is_sparse=sparse.issparse(X))
            held_out = None
            if self.early_stopping and not incremental:
                X, held_out = hold_out_entries(X, self.validation_fraction, engine.split_seed)
                held_out = EntryRows(held_out)
            lesson = self._prepare(engine, EntryRows(X), held_out, incremental=incremental)
            del X, held_out
        return self._train(engine, lesson, data)

    def transform(self, X: Any) -> np.ndarray:
        """Complete rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The completed rows, dense also for sparse X. Observed entries are kept (with
            `keep_observed`); all other entries are predictions. To predict a few entries of many
            rows, use :meth:`predict_entries`.
        """
        X = self._validated(X)
        completed = self._bounded(self._learner.reconstruct(X)).astype(X.dtype, copy=False)
        if self.keep_observed:
            if sparse.issparse(X):
                completed[row_of_entry(X), X.indices] = X.data
            else:
                observed = ~np.isnan(X)
                completed[observed] = X[observed]
        return completed

    def reconstruct(self, X: Any) -> np.ndarray:
        """Predict all entries of rows, the observed ones too.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Predictions, in the units of the data.
        """
        X = self._validated(X)
        return self._bounded(self._learner.reconstruct(X))

    def encode(self, X: Any) -> np.ndarray:
        """Compute the codes of rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, hidden_layer_sizes[-1])
            The outputs of the last hidden layer.
        """
        X = self._validated(X)
        return self._learner.codes(X)

    def predict_entries(self, X: Any, rows: Any, cols: Any) -> np.ndarray:
        """Predict single entries, without computing others.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        rows, cols : array-like of int of shape (n_entries,)
            Row and column of each entry to predict, counted from 0.

        Returns
        -------
        ndarray of shape (n_entries,)
            ``reconstruct(X)[rows, cols]``.
        """
        X = self._validated(X)
        rows, cols = check_places(rows, cols, X.shape)
        return self._bounded(self._learner.predict_entries(X, rows, cols), cols)

    def score(self, X: Any, y: Any = None, *, hidden: Any = None) -> float:
        """Hold out entries of rows, predict them from the rest, and compute R squared.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows. The share `validation_fraction` of their observed entries is held out. It is
            always the same entries.
        y : None
            Ignored.
        hidden : array-like or sparse matrix of shape (n_samples, n_features), optional
            Held-out entries of the same rows. If given, they are predicted from all of `X`.

        Returns
        -------
        float
            R squared of the held-out entries in the units of the network: 1 is perfect, and 0 is
            as good as one constant.
        """
        X = self._validated(X)
        if hidden is None:
            X, held_out = hold_out_entries(X, self.validation_fraction, self._learner.split_seed)
            held_out = to_container(held_out, True)
        else:
            held_out = entries_beside(self._validated(hidden), X)
        if held_out.nnz < 2:
            raise ValueError(f"score needs at least 2 hidden entries, got {held_out.nnz}.")
        predicted = held_out.copy()
        places = row_of_entry(held_out), held_out.indices
        predicted.data = self._bounded(self._learner.predict_entries(X, *places), places[1])
        scaled = [self._learner.scaling.transform(part).data for part in (held_out, predicted)]
        return float(r2_score(*scaled))

    def _continued(self, *, incremental: bool) -> Any:
        if not isinstance(self.add_indicator, str):
            warnings.warn(
                "The parameter add_indicator of SNAutoencoder is now named input_indicator; the "
                "old name will be removed in 0.4.",
                FutureWarning,
                stacklevel=levels_to_caller(),
            )
        return super()._continued(incremental=incremental)

    def _parameters(self) -> dict[str, Any]:
        renamed = {}
        if not isinstance(self.add_indicator, str):
            renamed = {"input_indicator": self.add_indicator}
        return super()._parameters() | renamed

    def _validated(self, X: Any) -> Any:
        if hasattr(self, "loss_curve_") and not hasattr(self, "net_"):
            raise NotFittedError(
                "This SNAutoencoder holds no network: the SNRecommender that trained it keeps only "
                "the vectors that it predicts with."
            )
        X = super()._validated(X)
        of_prediction = {name: self._rules[name] for name in _OF_PREDICTION}
        rules.check_parameters(self._parameters(), of_prediction)
        check_bounds(self.min_value, self.max_value, X.shape[1])
        return X

    def _bounded(self, predicted: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """Clip predictions for features, in place."""
        low, high = self._learner.bounds(self.min_value, self.max_value)
        return np.clip(predicted, low[columns], high[columns], out=predicted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def with_engine(autoencoder: SNAutoencoder, engine: CompletionEngine) -> SNAutoencoder:
    """Give an unfitted autoencoder a trained engine, and return it."""
    assert engine.net is not None
    autoencoder._publish(engine)
    autoencoder.n_features_in_ = engine.net.module_.weight.shape[0]
    return autoencoder


def drop_network(autoencoder: SNAutoencoder) -> None:
    """Drop the network of a fitted autoencoder, and keep the record of its training."""
    del autoencoder.net_, autoencoder._learner
