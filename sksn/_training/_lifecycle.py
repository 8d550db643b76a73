"""The one lifecycle of every network: reset, seeds, the constant K, training, failure, record.

A :class:`Learner` holds a network and what it has learned of its rows. An estimator validates
its input, lets a learner learn, and publishes what was learned. It keeps a new learner only when
its training has succeeded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _checks as rules
from .._formula import ConstantLearner
from .._observed import missing_mask, row_counts, validate_observed
from ._batches import RowDataset
from ._input_scaling import EntryScaling, InputScaling
from ._losses import NonFiniteLossError
from ._net import RowNet, Run
from ._prediction import RowFormat

TRAINING_RULES = {
    "power": rules.NOT_NEGATIVE,
    "input_dropout": rules.DROPOUT,
    "lr": rules.POSITIVE,
    "alpha": rules.NOT_NEGATIVE,
    "early_stopping": rules.FLAG,
    "validation_fraction": rules.FRACTION,
    "n_iter_no_change": rules.COUNT,
    "dtype": rules.one_of("float32", "float64"),
    "callbacks": rules.CALLBACKS,
    "verbose": rules.VERBOSE,
}
MAY_CHANGE = frozenset(
    {
        *("missing_values", "lr", "batch_size", "max_epochs", "warm_start", "random_state"),
        *("early_stopping", "validation_fraction", "n_iter_no_change", "callbacks", "verbose"),
    }
)


class Record(NamedTuple):
    """What training did.

    Attributes
    ----------
    loss_curve : list of float
        Mean training loss of each epoch.
    validation_scores : list of float or None
        Validation loss of each epoch with its sign changed; None without validation.
    n_epochs : int
        Number of epochs, over all calls.
    best_epoch : int
        The epoch, from 1, whose weights are in use.
    """

    loss_curve: list[float]
    validation_scores: list[float] | None
    n_epochs: int
    best_epoch: int


class Learner(ABC):
    """A network, and what it has learned of its rows.

    Subclasses say how the network is built and what it is trained on.

    Parameters
    ----------
    parameters : mapping
        The parameters of the estimator.
    scaling : InputScaling or EntryScaling
        Scales the entries of rows.
    as_sparse : bool
        Whether the network reads rows of observed entries instead of arrays with NaN.

    Attributes
    ----------
    net : RowNet or None
        The net; None before it is built.
    constant : float
        The constant K in use.
    record : Record
        What training did.
    split_seed : int
        Seed of the choice of held-out data.
    """

    may_change: ClassVar[frozenset[str]] = MAY_CHANGE  # the parameters of a built network
    net: RowNet | None = None
    constant: float
    record: Record

    def __init__(
        self,
        parameters: Mapping[str, Any],
        scaling: InputScaling | EntryScaling,
        *,
        as_sparse: bool,
    ) -> None:
        self.scaling, self.as_sparse = scaling, as_sparse
        self._constant_learner = ConstantLearner(parameters["target"])
        self._random = check_random_state(parameters["random_state"])
        self.split_seed = self._draw_seed()

    @property
    def rows(self) -> RowFormat:
        """How the network wants its rows."""
        return RowFormat(self.as_sparse, self.scaling.transform)

    def learn(
        self,
        parameters: Mapping[str, Any],
        training: Any,
        held_out: Any = None,
        *,
        incremental: bool = False,
        n_epochs: int | None = None,
        label: str | None = None,
    ) -> Self:
        """Train the network.

        1. Learn how entries are scaled and the constant K, in a first or an incremental call.
        2. Build the network, in a first call.
        3. Put the scaled rows where the network is.
        4. Train, and keep the best weights if there are held-out data.
        5. Record the losses.

        Parameters
        ----------
        parameters : mapping
            The parameters of the estimator.
        training, held_out : NamedTuple whose first member is X
            Validated data to train on, and to validate on.
        incremental : bool, default=False
            Whether to train for one epoch, as ``partial_fit`` does.
        n_epochs : int, optional
            Number of epochs, instead of that of the parameters.
        label : str, optional
            Name of a progress bar.

        Returns
        -------
        self : Learner
        """
        is_first = self.net is None
        if is_first:
            self._begin(training)
        if is_first or incremental:
            self._learn_statistics(training)
            if is_first or parameters["target"] != "median":  # the median cannot be updated
                self.constant = self._constant_learner.update(
                    row_counts(training.X), self._row_weights(training)
                )
        training = self._scaled(parameters, training)
        if is_first:
            self.net = self._build(parameters, training, self._draw_seed(), incremental=incremental)
            self._built_with = {
                name: value for name, value in parameters.items() if name not in self.may_change
            }
        assert self.net is not None
        self.net.set_constant(self.constant)
        epochs, batch_size, penalties = self._schedule(parameters, training, incremental)
        train, valid = self._dataset(training), None
        del training  # the data set holds the rows in another form
        if held_out is not None:
            valid = self._validation_set(train, self._scaled(parameters, held_out))
        run = Run(
            n_epochs=1 if incremental else n_epochs or epochs,
            lr=float(parameters["lr"]),
            batch_size=batch_size,
            penalties=penalties,
            constant_lr=incremental,
            patience=parameters["n_iter_no_change"],
            label=label,
            seeds=(self._draw_seed(), self._draw_seed()),
        )
        start = len(self.net.history)
        self.net.run(run, train, valid)
        self.record = self._recorded(start, validated=valid is not None)
        self._finish(is_first=is_first)
        return self

    def check_unchanged(self, parameters: Mapping[str, Any]) -> None:
        """Raise a ValueError if a parameter changed that a trained network depends on."""
        for name, value in self._built_with.items():
            if not _same(parameters[name], value):
                raise ValueError(
                    f"{name} was {value!r} when training began and is {parameters[name]!r} now; "
                    "a network that goes on learning cannot change it: fit with warm_start=False."
                )

    # What a subclass says ----------------------------------------------------------------------

    def _begin(self, training: Any) -> None:  # noqa: B027
        """Decide what depends on the first data."""

    def _finish(self, *, is_first: bool) -> None:  # noqa: B027
        """Keep what predictions need."""

    @abstractmethod
    def _learn_statistics(self, training: Any) -> None:
        """Learn, or go on learning, how entries (and y) are scaled."""

    def _row_weights(self, training: Any) -> np.ndarray | None:
        """Return the weight of each row in the constant K."""
        return None

    @abstractmethod
    def _build(
        self, parameters: Mapping[str, Any], training: Any, seed: int, *, incremental: bool
    ) -> RowNet:
        """Build the net for scaled data."""

    @abstractmethod
    def _schedule(
        self, parameters: Mapping[str, Any], training: Any, incremental: bool
    ) -> tuple[int, int, tuple[float, ...]]:
        """Return the number of epochs, the rows in a batch and the penalties."""

    @abstractmethod
    def _dataset(self, training: Any) -> RowDataset:
        """Put scaled data where the network is."""

    @abstractmethod
    def _validation_set(self, train: Any, held_out: Any) -> RowDataset:
        """Put scaled, held-out data where the network is."""

    # Common steps ------------------------------------------------------------------------------

    def _scaled(self, parameters: Mapping[str, Any], data: Any) -> Any:
        return data._replace(X=self.scaling.transform(data.X, np.dtype(parameters["dtype"])))

    def _draw_seed(self) -> int:
        return int(self._random.randint(2**31 - 1))

    def _recorded(self, start: int, *, validated: bool) -> Record:
        """Read the history of the net; its first `start` epochs are of earlier calls."""
        assert self.net is not None
        history = self.net.history
        if len(history) == start == 0:
            raise KeyboardInterrupt("training was interrupted before its first epoch was over")
        scores, best = None, len(history)
        if validated and len(history) > start:
            scores = [-epoch.get("valid_loss", np.nan) for epoch in history]
            best = start + 1 + int(np.argmax(scores[start:]))
        return Record(history[:, "train_loss"], scores, len(history), best)


class NeuralEstimator(BaseEstimator):
    """What the estimators that hold a learner have in common."""

    _rules: ClassVar[dict[str, rules.Rule]] = TRAINING_RULES | {
        "target": rules.TARGET,
        "missing_values": rules.MISSING_VALUES,
        "dropout": rules.DROPOUT,
        "warm_start": rules.FLAG,
    }
    _learner: Any
    net_: RowNet
    target_: float

    def _goes_on(self, *, incremental: bool) -> bool:
        """Check the parameters, and whether the network goes on learning.

        A network that does not go on is dropped: if ``fit`` fails, the estimator is not fitted,
        instead of keeping the old network.
        """
        parameters = self._parameters()
        rules.check_parameters(parameters, self._rules)
        if hasattr(self, "net_") and (incremental or self.warm_start):
            self._learner.check_unchanged(parameters)
            return True
        self._forget()
        return False

    def _parameters(self) -> dict[str, Any]:
        """Return the parameters of training, also those that a subclass does not show."""
        return {name: getattr(self, name) for name in (*self._rules, "random_state", "device")}

    def _forget(self) -> None:
        """Drop the network."""
        for name in ("net_", "_learner"):
            self.__dict__.pop(name, None)

    def _validate_X(self, X: Any, *, reset: bool) -> Any:
        """Return X as an array with NaN, or as CSR that stores exactly the observed entries."""
        missing_values = rules.check_missing_values(self.missing_values)
        X = validate_observed(self, X, missing_values=missing_values, reset=reset, drop=True)
        if sparse.issparse(X):
            return X.tocsr()
        if not np.isnan(missing_values):
            X = np.where(missing_mask(X, missing_values), np.nan, X)
        return X

    def _validated(self, X: Any) -> Any:
        """Return rows to predict for, validated."""
        check_is_fitted(self, "net_")
        return self._validate_X(X, reset=False)

    def _let_learn(
        self, learner: Learner, training: Any, held_out: Any, *, incremental: bool
    ) -> Self:
        """Train; publish what was learned, or leave no network rather than a broken one."""
        try:
            learner.learn(
                self._parameters(),
                training,
                held_out,
                incremental=incremental,
                label=type(self).__name__ if self.verbose else None,
            )
        except NonFiniteLossError:
            self._forget()
            raise
        except BaseException:
            if hasattr(self, "net_"):  # it is trained in part, and K has moved with it
                self.target_ = learner.constant
            raise
        self._publish(learner)
        return self

    def _publish(self, learner: Learner) -> None:
        """Set the attributes of a fitted estimator."""
        assert learner.net is not None
        self._learner = learner
        self.net_, self.target_ = learner.net, learner.constant
        self.loss_curve_, self.validation_scores_, self.n_epochs_, self.best_epoch_ = learner.record

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if np.ndim(a) or np.ndim(b) else bool(a == b)
