"""What SNClassifier and SNRegressor share: validation at the door, fitting, predicting."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._observed import (
    check_weights,
    count_observed,
    count_observed_features,
)
from .._scale import TargetLearner
from ._bins import quantile_bins
from ._callbacks import listeners
from ._device import resolve_device
from ._estimator import RowEstimator
from ._net import NonFiniteLossError, RowNet, build_net
from ._outputs import outputs
from ._parameters import check_parameters
from ._rows import RowDataset, as_rows, touch_few_columns
from ._scaling import InputScaling

_BINS = 8
_FEATURES_WITH_BINS = 512  # beyond, the bins would be most of the cost
_BATCHES_OF_FULL_DECAY = 20  # in an epoch; the more rows, the less there is to be penalised
_EPOCHS = 40
_EPOCHS_WHEN_WIDE = 20  # rows of more features than have bins are learned by heart sooner
_FIXED = (
    "hidden_layer_sizes",
    "activation",
    "power",
    "target",
    "input_dropout",
    "dropout",
    "hidden_norm",
    "input_scaling",
    "add_indicator",
    "n_bins",
    "alpha",
    "device",
    "dtype",
)


class BaseSNEstimator(RowEstimator):
    """Fits a :class:`~sksn.nn.SNMLP` by skorch; subclasses say what y is."""

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

    # What a subclass says about y --------------------------------------------------------

    @abstractmethod
    def _validate_y(self, y: Any) -> np.ndarray:
        """Check y and return it as an array with one row for each row of X."""

    @abstractmethod
    def _encode_y(self, y: np.ndarray, classes: Any, *, reset: bool) -> np.ndarray:
        """Y as numbers; learns the classes where `reset` is true."""

    @abstractmethod
    def _learn_y(self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool) -> None:
        """Learn, or go on learning, how targets are scaled."""

    @abstractmethod
    def _as_target(self, y: np.ndarray) -> np.ndarray:
        """Encoded y as the loss wants it."""

    @abstractmethod
    def _network_output(self) -> tuple[int, str]:
        """Number of outputs and name of the loss."""

    def _weigh_classes(
        self, y: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> np.ndarray | None:
        """Row weights multiplied with those of the classes, where there are any."""
        return weights

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        """Labels whose shares the validation split should keep, where that is possible."""
        return None

    # Fitting -----------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
    ) -> Self:
        check_parameters(self)
        fitted = hasattr(self, "net_")
        reset = not (fitted and (incremental or self.warm_start))
        if reset:
            self.__dict__.pop("net_", None)  # if fit fails, no network is better than the old one
        else:
            self._check_unchanged()
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        X = self._validate_X(X, reset=reset)
        self._check_container(X, reset=reset)
        y = self._validate_y(y)
        check_consistent_length(X, y)
        weights = check_weights(sample_weight, X.shape[0])
        if weights is not None and not weights.all():
            weighted = np.flatnonzero(weights)  # a row without weight is a row that is not there
            X, y, weights = X[weighted], y[weighted], weights[weighted]
        y = self._encode_y(y, classes, reset=reset)
        weights = self._weigh_classes(y, weights, reset=reset)

        if reset:
            self._random = check_random_state(self.random_state)
            self._split_seed = self._draw_seed()
        train, valid = self._split(y, validate=self.early_stopping and not incremental)
        training = [_at(part, train) for part in (X, y, weights)]
        if reset or incremental:
            self._learn_scales(*training, reset=reset)
        training[0] = self._scaled(training[0])
        if reset:
            self.net_ = self._new_net(training[0], training[2], incremental=incremental)
        self.net_.module_.input.target = self.target_
        train_set, valid_set = self._dataset(*training), None
        del training  # on a GPU, or normalised, the rows are others now
        if valid is not None:
            X, y, weights = (_at(part, valid) for part in (X, y, weights))
            valid_set = self._dataset(self._scaled(X), y, weights)
        try:
            self._train(train_set, valid_set, incremental=incremental)
        except BaseException as error:
            if reset or isinstance(error, NonFiniteLossError):
                del self.net_  # rather no network than a broken one
            raise
        return self

    def _check_container(self, X: Any, *, reset: bool) -> None:
        """Dense and sparse rows are scaled differently: training sticks to what it began with."""
        kinds = ("dense rows", "a sparse matrix")
        if reset:
            self._is_sparse = sparse.issparse(X)
        elif sparse.issparse(X) != self._is_sparse:
            raise ValueError(
                f"X is {kinds[not self._is_sparse]}, but training began with "
                f"{kinds[self._is_sparse]}; pass the same kind in every call."
            )

    def _split(self, y: np.ndarray, *, validate: bool) -> tuple[Any, np.ndarray | None]:
        """Rows for training (a slice where that is all of them) and for validation."""
        if not validate:
            return slice(None), None
        n_valid = int(np.ceil(self.validation_fraction * len(y)))
        if n_valid >= len(y):
            raise ValueError(
                "early_stopping=True needs rows to train on beside those it validates on, but "
                f"validation_fraction={self.validation_fraction} takes all: n_samples={len(y)}."
            )
        strata = self._strata(y)
        if strata is not None:
            counts = np.unique(strata, return_counts=True)[1]
            if counts.min() < 2 or min(n_valid, len(y) - n_valid) < len(counts):
                strata = None
        train, valid = train_test_split(
            np.arange(len(y)), test_size=n_valid, random_state=self._split_seed, stratify=strata
        )
        return np.sort(train), np.sort(valid)

    def _learn_scales(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, *, reset: bool
    ) -> None:
        """Learn, or go on learning, how inputs and targets are scaled, and the constant K."""
        if reset:
            self._scaling = InputScaling(self.input_scaling)
            self._learner = TargetLearner(self.target)
        self._scaling.partial_fit(X, weights)
        self._learn_y(y, weights, reset=reset)
        if reset or self.target != "median":  # which cannot be updated: the first one stays
            self.target_ = self._learner.update(count_observed(X), weights)

    def _scaled(self, X: Any) -> Any:
        return self._scaling.transform(X, np.dtype(self.dtype))

    def _new_net(self, X: Any, weights: np.ndarray | None, *, incremental: bool) -> RowNet:
        n_outputs, loss = self._network_output()
        n_bins = self._n_bins(X, incremental=incremental)
        bins = quantile_bins(X, n_bins, weights) if n_bins else None
        self._built_with = {name: getattr(self, name) for name in _FIXED}
        return build_net(
            self,
            n_features=X.shape[1],
            n_outputs=n_outputs,
            loss=loss,
            target=self.target_,
            indicator_features=self._indicator_features(X, n_bins, incremental=incremental),
            bins=bins,
            sparse=self._is_sparse,
            sparse_grad=self._row_sparse(X, incremental=incremental),
            n_epochs=self._n_epochs(),
            seed=self._draw_seed(),
        )

    def _row_sparse(self, X: Any, *, incremental: bool) -> bool:
        """Whether the first layer's gradient and steps are to hold touched features only."""
        if not self._is_sparse or listeners(self.callbacks or (), "on_grad_computed"):
            return False  # callbacks that clip or log gradients expect dense ones
        if resolve_device(self.device).type not in ("cpu", "cuda"):
            return False  # few others have sparse tensors
        return touch_few_columns(X, self.batch_size, is_chunk=incremental)

    def _n_bins(self, X: Any, *, incremental: bool) -> int:
        if self._is_sparse:
            return 0
        if self.n_bins == "auto":  # a first chunk says too little about quantiles
            return 0 if incremental or X.shape[1] > _FEATURES_WITH_BINS else _BINS
        return int(self.n_bins)

    def _n_epochs(self) -> int:
        if self.max_epochs == "auto":
            is_wide = not self._is_sparse and self.n_features_in_ > _FEATURES_WITH_BINS
            return _EPOCHS_WHEN_WIDE if is_wide else _EPOCHS
        return int(self.max_epochs)

    def _indicator_features(self, X: Any, n_bins: int, *, incremental: bool) -> np.ndarray | None:
        """Features that have indicators: those with missing entries, or that may yet have some."""
        wanted = self.add_indicator
        if isinstance(wanted, str):
            wanted = not self._is_sparse and not n_bins
        if not wanted:
            return None
        if incremental:
            return np.arange(X.shape[1])
        return np.flatnonzero(count_observed_features(X) < X.shape[0])

    def _dataset(self, X: Any, y: np.ndarray, weights: np.ndarray | None) -> RowDataset:
        first = self.net_.module_.input
        device, dtype = first.weight.device, first.weight.dtype
        once = not self.input_dropout and not first.has_bins  # bins: eight times the memory
        rows = as_rows(
            X,
            dtype,
            device,
            normalize=first.normalize if once else None,
            count_distinct=first.sparse_grad,
        )
        target = torch.as_tensor(self._as_target(y))
        target = target.to(device, dtype if target.is_floating_point() else None)
        if weights is None:
            return RowDataset(rows, target, None)
        weights = weights / (weights.mean() or 1.0)  # in float64: the unit must not matter
        return RowDataset(rows, target, torch.as_tensor(weights, dtype=dtype, device=device))

    def _train(self, train: RowDataset, valid: RowDataset | None, *, incremental: bool) -> None:
        net, start = self.net_, len(self.net_.history)
        net.lr, net.batch_size = float(self.lr), self.batch_size  # they may change between calls
        n_batches = -(-len(train) // self.batch_size)
        decay = self.alpha * min(1.0, _BATCHES_OF_FULL_DECAY / n_batches)
        net.optimizer_.param_groups[0]["weight_decay"] = float(decay)  # the others' is 0
        net.train(
            train,
            valid,
            n_epochs=1 if incremental else self._n_epochs(),
            constant_lr=incremental,
            patience=self.n_iter_no_change,
            label=type(self).__name__ if self.verbose else None,
            seeds=(self._draw_seed(), self._draw_seed()),
        )
        self._record(start, validated=valid is not None)

    # Predicting --------------------------------------------------------------------------

    def _outputs(self, X: Any) -> np.ndarray:
        """What the network says; float64 of shape (n_samples, n_outputs)."""
        check_is_fitted(self, "net_")
        X = self._validate_X(X, reset=False)
        return outputs(self.net_, X, as_sparse=self._is_sparse, transform=self._scaling.transform)


def _at(rows: Any, index: Any) -> Any:
    """The rows at an index; all of them without a copy, which a sparse matrix would make."""
    return rows if rows is None or isinstance(index, slice) else rows[index]
