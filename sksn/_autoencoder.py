"""SNAutoencoder: completes a matrix with holes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._observed import count_observed
from ._scale import TargetLearner
from ._training._completion import Decoder, decoder, encode_all, encode_blocks, products_at
from ._training._docs import document
from ._training._entries import EntryDataset, build_entry_net, entry_rows, rows_in_batch
from ._training._estimator import RowEstimator
from ._training._history import HistoryAE
from ._training._holdout import hold_out, select_entries
from ._training._net import NonFiniteLossError
from ._training._offsets import column_offsets, mean_square_left, row_offsets
from ._training._outputs import as_container
from ._training._parameters import ENTRY_RULES, check_parameters
from ._training._scaling import EntryScaling

_DENSE_SHARE = 0.4  # of entries observed, from which dense products are the faster ones
_FIRST_PENALTY, _PENALTY = 15.0, 0.7  # what suited three sets of ratings; see the notes
_FIXED = (
    "hidden_layer_sizes",
    "activation",
    "power",
    "target",
    "input_dropout",
    "dropout",
    "row_offset",
    "center",
    "input_scaling",
    "add_indicator",
    "device",
    "dtype",
)


@document
class SNAutoencoder(OneToOneFeatureMixin, TransformerMixin, RowEstimator):
    """Completes rows with holes by an autoencoder with Sparsity Normalization [1]_, [2]_.

    A network reads what is observed of a row, normalised by how much that is, and predicts all of
    the row; it is trained on the observed entries only. As a transformer it is an imputer: it
    fills the holes. Rows that were not in training are completed like any other. Where few entries
    are observed, training computes no others, so that time and memory follow the observed entries.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(300,)
        Width of each layer of the encoder; the last one is the code. The decoder is linear.
    activation : {"auto", "identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="auto"
        Non-linearity of the hidden layers. "auto": "logistic" where `input_scaling` comes out as
        "global", which suits ratings by far better, else "relu", which suits tables better.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``, n being how many of their features are observed.
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of n over the training rows, or a positive number.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does.
    input_dropout : float in [0, 1), default=0.5
        Share of the observed entries that the encoder does not see in training, though they are to
        be predicted. n is counted afterwards.
    dropout : float in [0, 1), default=0.0
        Share of the hidden units that is dropped in training.
    row_offset : float or None, default=10.0
        Each row has an offset: the mean of what the rest of the model leaves of its observed
        entries, so many entries at zero being counted in. None: no offsets.
    center : bool, default=False
        Whether the encoder sees what offsets of columns and rows leave of the entries, instead of
        the entries.
    input_scaling : {"auto", "observed", "global"}, default="auto"
        "observed" centres and scales each feature by its observed entries, "global" divides all
        entries by one standard deviation. "auto": "global" for sparse rows, whose entries are
        usually of one kind, such as ratings; "observed" for dense ones.
    add_indicator : bool, default=False
        Whether the encoder also sees, as features of their own, which entries are observed.
    lr : float, default=6e-3
        Learning rate of Adam at its height. It rises over the first twentieth of the steps and
        then falls to 0 along a cosine; in ``partial_fit`` it is constant.
    alpha : float, default=1.0
        Strength of the L2 penalty, relative to one that does not ask for another `alpha` when
        layers become wider or rows longer; see the notes.
    batch_size : "auto" or int, default="auto"
        Rows in a batch, at most. "auto": all rows, unless they hold more than 16 million entries.
    max_epochs : int, default=150
        Number of passes over the training rows; with `early_stopping`, at most.
    early_stopping : bool, default=False
        Whether to hide observed entries, stop when the loss on them no longer falls, and go back
        to the best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the observed entries to hide for that, and in `score`.
    n_iter_no_change : int, default=20
        Epochs without a lower validation loss after which to stop.
    keep_observed : bool, default=True
        Whether `transform` keeps observed entries as they are, instead of predicting them too.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and scales of the previous ``fit``. Only `lr`,
        `alpha`, `batch_size`, `max_epochs` and what concerns early stopping may have changed.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of rows, dropout and the hidden entries. The same
        integer on the same machine gives the same result.
    device : str or torch.device, default="auto"
        Where to train. "auto": CUDA where there is one, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the network.
    callbacks : list of skorch callbacks, optional
        Called during training, as :class:`skorch.NeuralNet` does.
    verbose : bool, default=False
        Whether to show a progress bar with the epoch, the losses and the time left.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SNRecommender : The same for ratings in long form: user, item, rating.
    sklearn.impute.IterativeImputer : One regression for each feature.

    Notes
    -----
    Beside the squared errors of the scaled observed entries, what is made small is
    ``alpha / 2`` times 0.7 h for each squared weight behind the first layer, h being the width
    of the code, and times 15 K s / h' for each squared weight of the first layer, h' being its
    width, K the mean number of observed entries of a row and s their mean square (with `center`,
    twice that of what is left of them; an indicator adds 1). To copy every hidden unit and halve
    its outgoing weights changes neither the function nor the penalty, and it does not matter how
    large entries are or how many a row has. The constants suited three sets of ratings.

    A row of which nothing is observed is completed from the biases. A feature that was never
    observed in training is predicted as the overall mean ("global") or 0 ("observed").

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. "AutoRec: Autoencoders Meet Collaborative
       Filtering". WWW 2015. doi:10.1145/2740908.2742726.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sksn import SNAutoencoder
    >>> X = load_iris().data
    >>> holes = np.random.RandomState(0).uniform(size=X.shape) < 0.2
    >>> X_holes = np.where(holes, np.nan, X)
    >>> X_full = SNAutoencoder(random_state=0).fit_transform(X_holes)
    >>> error = np.sqrt(np.mean((X_full - X)[holes] ** 2))
    >>> of_means = np.sqrt(np.mean((np.nanmean(X_holes, axis=0) - X)[holes] ** 2))
    >>> bool(error < 0.6 * of_means)
    True
    """

    _label = "SNAutoencoder"  # what a progress bar is called

    def __init__(
        self,
        hidden_layer_sizes: Any = (300,),
        activation: str = "auto",
        *,
        power: float = 0.5,
        target: str | float = "mean",
        missing_values: float = np.nan,
        input_dropout: float = 0.5,
        dropout: float = 0.0,
        row_offset: float | None = 10.0,
        center: bool = False,
        input_scaling: str = "auto",
        add_indicator: bool = False,
        lr: float = 6e-3,
        alpha: float = 1.0,
        batch_size: Any = "auto",
        max_epochs: int = 150,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        keep_observed: bool = True,
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
        self.row_offset = row_offset
        self.center = center
        self.input_scaling = input_scaling
        self.add_indicator = add_indicator
        self.lr = lr
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.keep_observed = keep_observed
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.callbacks = callbacks
        self.verbose = verbose

    # Fitting -----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the network to predict the observed entries of rows from some of them.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Training rows; NaN, or not stored in a sparse matrix, is missing.
        y : None
            Ignored.

        Returns
        -------
        self : SNAutoencoder
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or parameter cannot be used, nothing in X is observed, or the loss
            becomes infinite or NaN.
        """
        return self._fit(X)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on training, for one pass over these rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            Further rows. The statistics that scale the entries go on being learned. All rows so
            far count as one data set, which the penalties (`alpha`) are weighed against: they
            weigh less with every chunk, and the same chunks once more are further rows.
        y : None
            Ignored.

        Returns
        -------
        self : SNAutoencoder
            The trained estimator.
        """
        return self._fit(X, incremental=True)

    def _fit(self, X: Any, *, incremental: bool = False) -> Self:
        check_parameters(self, ENTRY_RULES)
        reset = not (hasattr(self, "net_") and (incremental or self.warm_start))
        if reset:
            self.__dict__.pop("net_", None)  # if fit fails, no network is better than the old one
        else:
            self._check_unchanged()
        X = self._validate_X(X, reset=reset)
        hidden = None
        if reset:
            self._random = check_random_state(self.random_state)
            self._split_seed = self._draw_seed()
        if self.early_stopping and not incremental:
            X, hidden = hold_out(X, self.validation_fraction, self._split_seed)
        return self._fit_entries(X, hidden, reset=reset, incremental=incremental)

    def _fit_entries(
        self,
        X: Any,
        hidden: Any = None,
        *,
        weights: np.ndarray | None = None,
        hidden_weights: np.ndarray | None = None,
        reset: bool = True,
        incremental: bool = False,
        n_epochs: int | None = None,
        with_history: bool = False,
    ) -> Self:
        """Train on validated rows, for `max_epochs` epochs if not for another number."""
        n_rows = X.shape[0] if with_history else None
        if reset:
            self._begin(X, must_be_sparse=weights is not None)
        if reset or incremental:
            self._scaling.partial_fit(X)
            if not self._scaling.n_entries:
                raise ValueError("X has no observed entry; there is nothing to learn from.")
            if reset or self.target != "median":  # which cannot be updated: the first one stays
                self.target_ = self._learner.update(count_observed(X))
        X = as_container(self._scaling.transform(X, np.dtype(self.dtype)), self._is_sparse)
        if reset:
            self._built_with = {name: getattr(self, name) for name in _FIXED}
            self.net_ = build_entry_net(
                self,
                activation=self._activation,
                baseline=column_offsets(X, self.row_offset, weights),
                target=self.target_,
                sparse=self._is_sparse,
                seed=self._draw_seed(),
                n_rows=n_rows,
            )
        module = self.net_.module_
        if with_history:
            module.remember(as_container(X, True))
        module.input.target = self.target_
        device, dtype = module.weight.device, module.weight.dtype
        rows = entry_rows(X, dtype, device, weights=weights)
        train, valid = EntryDataset(rows, None, device), None
        if hidden is not None:
            hidden = as_container(
                self._scaling.transform(hidden, np.dtype(self.dtype)), self._is_sparse
            )
            to_predict = entry_rows(hidden, dtype, device, weights=hidden_weights)
            valid = EntryDataset(rows, to_predict, device)
        try:
            self._train(train, valid, X, incremental=incremental, n_epochs=n_epochs)
        except BaseException as error:
            if reset or isinstance(error, NonFiniteLossError):
                del self.net_  # rather no network than a broken one
            raise
        if with_history:
            module.settle()
        self._decoder: Decoder = decoder(self.net_)
        return self

    def _fit_csr(
        self,
        X: Any,
        hidden: Any,
        *,
        weights: np.ndarray | None,
        hidden_weights: np.ndarray | None,
        n_epochs: int | None,
        with_history: bool,
    ) -> Self:
        """Train on a CSR matrix of observed entries that was validated elsewhere."""
        self.n_features_in_ = X.shape[1]
        self._random = check_random_state(self.random_state)
        self._split_seed = self._draw_seed()
        return self._fit_entries(
            X,
            hidden,
            weights=weights,
            hidden_weights=hidden_weights,
            n_epochs=n_epochs,
            with_history=with_history,
        )

    def _begin(self, X: Any, *, must_be_sparse: bool) -> None:
        """Decide how rows are held and scaled."""
        self._scaling = EntryScaling(self.input_scaling, is_sparse=sparse.issparse(X))
        self._learner = TargetLearner(self.target)
        automatic = "logistic" if self._scaling.kind == "global" else "relu"
        self._activation = automatic if self.activation == "auto" else self.activation
        few = count_observed(X).sum() < _DENSE_SHARE * X.shape[0] * X.shape[1]
        self._is_sparse = bool(few) or must_be_sparse

    def _train(
        self,
        train: EntryDataset,
        valid: EntryDataset | None,
        X: Any,
        *,
        incremental: bool,
        n_epochs: int | None,
    ) -> None:
        net, start = self.net_, len(self.net_.history)
        net.lr = float(self.lr)
        n_entries = int(count_observed(X).sum())
        net.batch_size = rows_in_batch(self.batch_size, X.shape[0], n_entries)
        n_seen = self._scaling.n_entries if incremental else n_entries
        net.set_penalties(*(penalty / n_seen for penalty in self._penalties(X)))
        net.train(
            train,
            valid,
            n_epochs=1 if incremental else n_epochs or self.max_epochs,
            constant_lr=incremental,
            patience=self.n_iter_no_change,
            label=self._label if self.verbose else None,
            seeds=(self._draw_seed(), self._draw_seed()),
        )
        self._record(start, validated=valid is not None)

    def _penalties(self, X: Any) -> tuple[float, float, float]:
        """Of squares, beside a sum of squared errors: first layer, behind it, vectors of rows."""
        module = self.net_.module_
        baseline = module.baseline.cpu().double().numpy()
        rows, columns = np.zeros(X.shape[0]), np.zeros(X.shape[1])
        if self.center:
            columns = baseline
            if self.row_offset is not None:
                rows = row_offsets(X, baseline, self.row_offset)
        square = mean_square_left(X, rows, columns) + bool(self.add_indicator)
        constant = _FIRST_PENALTY * (2 if self.center else 1)
        first = constant * self.target_ * square / module.input.weight.shape[1]
        behind = self._decoder_penalty()
        return self.alpha * first, behind, behind / 7

    def _decoder_penalty(self) -> float:
        return self.alpha * _PENALTY * self.net_.module_.weight.shape[1]

    def _history(self) -> np.ndarray | None:
        """The vectors of the training rows, where they were learned."""
        module = self.net_.module_
        if not isinstance(module, HistoryAE):
            return None
        return module.history.detach().cpu().double().numpy()

    # Predicting --------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """Fill the holes of rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The completed rows, also of sparse ones: observed entries as they are (with
            `keep_observed`), predictions elsewhere. For a few entries of many rows see
            :meth:`predict_entries`.
        """
        X = self._checked(X)
        completed = self._reconstruct(X)
        if self.keep_observed:
            if sparse.issparse(X):
                completed[np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices] = X.data
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
        return self._reconstruct(self._checked(X))

    def encode(self, X: Any) -> np.ndarray:
        """Compute the codes of rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, hidden_layer_sizes[-1])
            What the last hidden layer says.
        """
        return self._encode(self._checked(X))[0]

    def predict_entries(self, X: Any, rows: Any, cols: Any) -> np.ndarray:
        """Predict single entries, computing no others.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows.
        rows, cols : array-like of int of shape (n_entries,)
            Row and column of each entry that is wanted, counted from 0.

        Returns
        -------
        ndarray of shape (n_entries,)
            ``reconstruct(X)[rows, cols]``.
        """
        X = self._checked(X)
        return self._predict_entries(X, *_check_places(rows, cols, X.shape))

    def score(self, X: Any, y: Any = None, *, hidden: Any = None) -> float:
        """Hide entries of rows, predict them from the others, and say how well that went.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
            The rows. The share `validation_fraction` of their observed entries is hidden, always
            the same ones.
        y : None
            Ignored.
        hidden : array-like or sparse matrix of shape (n_samples, n_features), optional
            The same rows with further entries: those are predicted instead, from all of `X`.

        Returns
        -------
        float
            R squared of the hidden entries in the scaled units of the network: 1 is perfect, 0 as
            good as one constant.
        """
        X = self._checked(X)
        if hidden is None:
            X, hidden = hold_out(X, self.validation_fraction, self._split_seed)
            hidden = as_container(hidden, True)
        else:
            hidden = _entries_beside(self._checked(hidden), X)
        if hidden.nnz < 2:
            raise ValueError(f"score needs at least 2 hidden entries, got {hidden.nnz}.")
        rows = np.repeat(np.arange(X.shape[0]), np.diff(hidden.indptr))
        predicted = hidden.copy()
        predicted.data = self._predict_entries(X, rows, hidden.indices)
        scaled = [self._scaling.transform(part).data for part in (hidden, predicted)]
        return float(r2_score(*scaled))

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self, "net_")
        return self._validate_X(X, reset=False)

    def _options(self) -> dict[str, Any]:
        return {"as_sparse": self._is_sparse, "transform": self._scaling.transform}

    def _encode(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Codes and offsets of validated rows."""
        return encode_all(self.net_, X, **self._options())

    def _predict_entries(self, X: Any, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        wanted, position = np.unique(rows, return_inverse=True)
        if not len(wanted):
            return np.empty(0)
        codes, offsets = self._encode(X[wanted])
        scaled = products_at(codes, self._decoder.weight, position, cols)
        scaled += self._decoder.bias[cols] + offsets[position]
        return self._scaling.inverse(scaled, cols)

    def _reconstruct(self, X: Any) -> np.ndarray:
        out, start = np.empty(X.shape), 0
        for codes, offsets in encode_blocks(self.net_, X, **self._options()):
            scaled = codes @ self._decoder.weight.T + self._decoder.bias + offsets[:, None]
            out[start : start + len(codes)] = self._scaling.inverse(scaled)
            start += len(codes)
        return out


def _check_places(rows: Any, cols: Any, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    checked = []
    for name, index, size in (("rows", rows, shape[0]), ("cols", cols, shape[1])):
        index = np.asarray(index)
        if index.size == 0:
            index = index.astype(np.intp)
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be a one-dimensional array of integers, got an array of shape "
                f"{index.shape} and dtype {index.dtype}."
            )
        outside = (index < 0) | (index >= size)
        if outside.any():
            raise ValueError(f"{name} must lie in [0, {size}), got {index[outside][0]}.")
        checked.append(index)
    if len(checked[0]) != len(checked[1]):
        raise ValueError(
            f"rows and cols must be of the same length, got {len(checked[0])} and "
            f"{len(checked[1])}."
        )
    return checked[0], checked[1]


def _entries_beside(more: Any, X: Any) -> Any:
    """CSR of the entries that `more` has and `X` has not."""
    if more.shape != X.shape:
        raise ValueError(f"hidden must be of the shape of X, {X.shape}, got {more.shape}.")
    more, X = as_container(more, True), as_container(X, True)
    keys, known = (
        np.repeat(np.arange(M.shape[0], dtype=np.int64), np.diff(M.indptr)) * M.shape[1] + M.indices
        for M in (more, X)
    )
    return select_entries(more, ~np.isin(keys, known))
