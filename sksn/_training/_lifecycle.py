"""The one lifecycle of every network: seeds, statistics, the constant K, training, the record.

A :class:`Learner` holds a network and what it has learned of its rows. It first prepares, which
does everything that can fail because of the data and changes nothing yet, and then trains.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.utils import check_random_state

from .._formula import ConstantLearner
from .._observed import row_counts
from ._batches import RowDataset
from ._callbacks import check_monitors
from ._entry_scaling import EntryScaling
from ._input_scaling import InputScaling
from ._net import Lesson, RowNet, Run
from ._prediction import RowFormat

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
    fitted_on_sparse : bool
        Whether the user's rows were sparse. The network may read them in another form.
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
        self.fitted_on_sparse = as_sparse
        self._constant_learner = ConstantLearner(parameters["target"])
        self._random = check_random_state(parameters["random_state"])
        self.split_seed = self._draw_seed()

    @property
    def rows(self) -> RowFormat:
        """How the network wants its rows."""
        return RowFormat(self.as_sparse, self.scaling.transform)

    @property
    def mean_count(self) -> float:
        """Mean number of observed features of the training rows."""
        return self._constant_learner.mean

    def fork(self) -> Self:
        """Return a learner of the same network, whose statistics can be updated by themselves."""
        fork = copy.copy(self)
        fork.scaling = copy.copy(self.scaling)
        fork._constant_learner = copy.copy(self._constant_learner)
        return fork

    def prepare(
        self,
        parameters: Mapping[str, Any],
        training: Any,
        held_out: Any = None,
        *,
        incremental: bool = False,
        n_epochs: int | None = None,
        label: str | None = None,
        prints_epochs: bool = False,
    ) -> Lesson:
        """Do everything that can fail because of the data.

        1. Learn how entries are scaled and the constant K, in a first or an incremental call.
        2. Build the network, in a first call.
        3. Put the scaled rows where the network is.

        A network that goes on learning is not changed yet.

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
        prints_epochs : bool, default=False
            Whether a line for each epoch takes the place of the bar.

        Returns
        -------
        Lesson
            What to train on.
        """
        is_first = self.net is None
        check_monitors(parameters["callbacks"], validated=held_out is not None)
        if is_first:
            self._begin(parameters, training)
        if is_first or incremental:
            self._learn_statistics(training)
            if is_first or parameters["target"] != "median":  # the median cannot be updated
                self.constant = self._constant_learner.update(
                    row_counts(self._counted(training.X)), self._row_weights(training)
                )
        training = self._scaled(parameters, training)
        if held_out is not None:
            held_out = self._scaled(parameters, held_out)
        if is_first:
            self.net = self._build(parameters, training, self._draw_seed(), incremental=incremental)
            self._built_with = {
                name: value for name, value in parameters.items() if name not in self.may_change
            }
        assert self.net is not None
        epochs, batch_size, penalties = self._schedule(parameters, training, incremental)
        train, valid = self._dataset(training), None
        del training  # the data set holds the rows in another form
        if held_out is not None:
            valid = self._validation_set(train, held_out)
        run = Run(
            n_epochs=1 if incremental else n_epochs or epochs,
            lr=float(parameters["lr"]),
            batch_size=batch_size,
            penalties=penalties,
            constant_lr=incremental,
            patience=parameters["n_iter_no_change"],
            label=label,
            prints_epochs=prints_epochs,
            seeds=(self._draw_seed(), self._draw_seed()),
            keeps_optimizer=incremental or bool(parameters["warm_start"]),
        )
        return Lesson(run, train, valid)

    def train(self, lesson: Lesson) -> bool:
        """Train the network on a lesson that was prepared, and record the losses.

        With held-out rows, the weights with the lowest validation loss are kept. The record agrees
        with the network also if a callback raises an error.

        Returns
        -------
        bool
            Whether training came to its end, and was not interrupted.
        """
        assert self.net is not None
        net, start = self.net, len(self.net.history)
        self._lesson_begins_at, self._is_validated = start, lesson.valid is not None
        net.set_constant(self.constant)
        try:
            is_complete = net.run(lesson)
        finally:
            if len(net.history) > start:  # else the record of the earlier calls holds
                self.take_stock()
        if not net.history:
            raise KeyboardInterrupt("training was interrupted before its first epoch was over")
        self._finish(is_first=start == 0)
        return is_complete

    def take_stock(self) -> None:
        """Record the epochs until now; a callback may want them while the network trains."""
        self.record = self._recorded(self._lesson_begins_at, validated=self._is_validated)

    def snapshot(self) -> Self:
        """Return a learner with a network of its own, which does not go on learning."""
        assert self.net is not None
        snapshot = self.fork()
        snapshot.net = copy.copy(self.net)
        snapshot.net.module_ = copy.deepcopy(self.net.module_)
        return snapshot

    def check_unchanged(self, parameters: Mapping[str, Any]) -> None:
        """Raise a ValueError if a parameter changed that a trained network depends on."""
        for name, value in self._built_with.items():
            if not _same(parameters[name], value):
                raise ValueError(
                    f"{name} was {value!r} when training began and is {parameters[name]!r} now; "
                    "a network that goes on learning cannot change it: fit with warm_start=False."
                )

    # What a subclass says ----------------------------------------------------------------------

    def _begin(self, parameters: Mapping[str, Any], training: Any) -> None:  # noqa: B027
        """Decide what depends on the first data."""

    def _finish(self, *, is_first: bool) -> None:  # noqa: B027
        """Keep what predictions need."""

    @abstractmethod
    def _learn_statistics(self, training: Any) -> None:
        """Learn, or go on learning, how entries (and y) are scaled."""

    def _counted(self, X: Any) -> Any:
        """Return the features of rows that count in n."""
        return X

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
        scores, best = None, len(history)
        if validated and len(history) > start:
            scores = [-epoch.get("valid_loss", np.nan) for epoch in history]
            best = start + 1 + int(np.argmax(scores[start:]))
        return Record(history[:, "train_loss"], scores, len(history), best)


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if np.ndim(a) or np.ndim(b) else bool(a == b)
