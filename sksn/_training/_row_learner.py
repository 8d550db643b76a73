"""The learner of SNClassifier and SNRegressor: a network from rows to y."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .._caller import levels_to_caller
from .._observed import ColumnReader, missing_shares
from ..nn._mlp import SNMLP
from ..nn._optim import RowSparseAdamW
from . import _defaults as defaults
from ._batches import RowDataset
from ._build import build_net
from ._callbacks import listeners
from ._device import resolve_device
from ._input_scaling import WIDE, InputScaling, bounding_gain
from ._lifecycle import Learner
from ._losses import MeanLoss, NonFiniteLossError
from ._net import Lesson, RowNet
from ._penalties import weight_decay
from ._prediction import predictions
from ._quantile_bins import quantile_bins
from ._rows import as_rows, touch_few_columns
from ._sparse_labels import SparseLabels
from ._table import Table

_LARGEST_SUM_BESIDE_BINS = 1.0  # of a row's indicators of features that have bins, on average
_ROUNDING = 1e-9  # of shares
_DECAY_WHEN_WIDE = 5.0
_DROPOUTS = {"dropout": defaults.dropout, "input_dropout": defaults.input_dropout}


class RowLearner(Learner):
    """Learns to predict y from rows.

    Parameters
    ----------
    parameters : mapping
        The parameters of the estimator.
    targets : ClassTargets or NumberTargets
        The y to predict, and its loss; see ``sksn._targets``.
    as_sparse : bool
        Whether the rows are sparse.
    columns : ColumnReader or None
        What is known of the columns of dense rows; None if all are numbers.

    Attributes
    ----------
    chosen : dict
        Parameters that replace those of the estimator.
    candidate_losses : list of (dict, float)
        The candidates that were compared, and the loss of each.
    candidate : int
        Which of them this network is.
    blend : list of (RowLearner, float)
        Further networks whose predictions are averaged with those of this one, and their weights.
    """

    scaling: InputScaling

    def __init__(
        self,
        parameters: Mapping[str, Any],
        targets: Any,
        *,
        as_sparse: bool,
        columns: ColumnReader | None = None,
    ) -> None:
        scaling = InputScaling(
            parameters["input_scaling"],
            as_sparse=as_sparse,
            n_categories=None if columns is None else columns.n_categories,
        )
        super().__init__(parameters, scaling, as_sparse=as_sparse)
        self.targets, self.columns = targets, columns
        self.chosen: dict[str, Any] = {}
        self.candidate_losses: list[tuple[dict[str, Any], float]] = []
        self.candidate = 0
        self.blend: list[tuple[RowLearner, float]] = []
        self._lessons: list[Lesson] = []  # of the blend, while it is trained

    @property
    def candidate_weights(self) -> list[float]:
        """The weight of each candidate in the blend; empty if none were compared."""
        weights = [0.0] * len(self.candidate_losses)
        if weights:
            for learner, weight in self._shares():
                weights[learner.candidate] = weight
        return weights

    def anew(self, parameters: Mapping[str, Any]) -> RowLearner:
        """Return an untrained learner of the same targets and columns."""
        targets = copy.copy(self.targets)
        return RowLearner(parameters, targets, as_sparse=self.as_sparse, columns=self.columns)

    def fork(self) -> RowLearner:
        """Return a learner of the same network, whose statistics can be updated by themselves."""
        fork = super().fork()
        fork.targets = copy.copy(self.targets)
        fork.blend = [(other.fork(), weight) for other, weight in self.blend]
        return fork

    def prepare(self, parameters: Mapping[str, Any], *args: Any, **options: Any) -> Lesson:
        """Prepare training with the parameters that were chosen.

        Callbacks of the user follow this network, and not those that it is blended with.
        """
        is_first = self.net is None
        lesson = super().prepare({**parameters, **self.chosen}, *args, **options)
        if is_first:  # the estimator cannot change either what the candidate replaces
            self._built_with |= {name: parameters[name] for name in self.chosen}
        quiet, label = {**parameters, "callbacks": None}, options.pop("label", None)
        self._lessons = [
            other.prepare(quiet, *args, label=label and f"{label}, network {i}", **options)
            for i, (other, _) in enumerate(self.blend, start=1)
        ]
        return lesson

    def train(self, lesson: Lesson) -> bool:
        """Train the networks that this one is blended with, and then this one.

        So callbacks, which follow this one, see a blend of networks that have been trained. The
        others take the weight of one whose training fails.
        """
        lessons, self._lessons = self._lessons, []
        trained, lost = [], 0.0
        for (other, weight), of_other in zip(self.blend, lessons, strict=True):
            try:
                other.train_to_the_end(of_other)
            except NonFiniteLossError as error:
                lost += weight
                warnings.warn(
                    f"A candidate is left out of the blend. {error}", stacklevel=levels_to_caller()
                )
            else:
                trained.append((other, weight))
        self.blend = [(other, weight / (1 - lost)) for other, weight in trained]
        return super().train(lesson)

    def train_to_the_end(self, lesson: Lesson) -> None:
        """Train a network that no callback follows; raise the KeyboardInterrupt of a user."""
        if not self.train(lesson):
            raise KeyboardInterrupt

    def snapshot(self) -> RowLearner:
        """Return a learner with networks of its own, which do not go on learning."""
        snapshot = super().snapshot()
        snapshot.blend = [(other.snapshot(), weight) for other, weight in self.blend]
        return snapshot

    def check_unchanged(self, parameters: Mapping[str, Any]) -> None:
        """Raise a ValueError if a parameter changed that a trained network depends on."""
        super().check_unchanged(parameters)
        for other, _ in self.blend:
            other.check_unchanged(parameters)

    def predictions(self, X: Any, decode: Callable[[Any, np.ndarray], np.ndarray]) -> np.ndarray:
        """Predict from rows; `decode` takes the targets and outputs of the network."""
        if not self.blend:
            return self.decoded(X, lambda output: decode(self.targets, output))
        learners, weights = zip(*self._shares(), strict=True)
        outputs = [learner.decoded(X, np.asarray) for learner in learners]
        return decode(self.targets, self.targets.mix(outputs, weights))

    def _shares(self) -> list[tuple[RowLearner, float]]:
        """Return the networks of the blend, this one first, and their weights, which sum to 1."""
        return [(self, 1 - sum(weight for _, weight in self.blend)), *self.blend]

    def decoded(self, X: Any, decode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Decode the outputs of this network alone."""
        assert self.net is not None
        return predictions(self.net, X, self.rows, decode)

    def resolved(
        self, parameters: Mapping[str, Any], table: Table, *, incremental: bool = False
    ) -> dict[str, Any]:
        """Return what "auto" means in training on a table, by the name of the parameter."""
        X, is_regression = self._counted(table.X), self.targets.are_numbers and not incremental
        n_categories = None if self.columns is None else self.columns.n_categories
        return {
            "hidden_layer_sizes": defaults.hidden_layer_sizes(
                parameters["hidden_layer_sizes"],
                *(X, table.y, n_categories),
                is_regression=is_regression,
            ),
            "n_bins": defaults.n_bins(parameters["n_bins"], table.X, incremental=incremental),
            **{
                name: rule(parameters[name], X, is_regression=is_regression)
                for name, rule in _DROPOUTS.items()
            },
        }

    def _learn_statistics(self, training: Table) -> None:
        self.scaling.partial_fit(training.X, training.weights)
        self.targets.learn(training.y, training.weights)

    def _counted(self, X: Any) -> Any:
        n_parts = len(self.columns.part_of) if self.columns else 0
        return X[:, : X.shape[1] - n_parts] if n_parts else X

    def _row_weights(self, training: Table) -> np.ndarray | None:
        return training.weights

    def _build(
        self, parameters: Mapping[str, Any], training: Table, seed: int, *, incremental: bool
    ) -> RowNet:
        X = training.X
        chosen = self.resolved(parameters, training, incremental=incremental)
        bins, n_bins = None, chosen["n_bins"]
        if n_bins:
            categories = self.scaling.categories
            numbers = X if categories is None else categories.without(X)
            bins = quantile_bins(numbers, n_bins, training.weights)
        self._row_sparse = self._steps_on_rows(parameters, X, incremental=incremental)
        # Without input dropout, rows are normalized once. With bins they would take too much room.
        self._normalize_once = not chosen["input_dropout"] and not n_bins
        return build_net(
            RowNet,
            SNMLP,
            {**parameters, **chosen},
            seed=seed,
            of_module={
                "n_features": X.shape[1],
                "n_outputs": self.targets.n_outputs,
                "output_bias": self.targets.prior(training.y, training.weights),
                "target": self.constant,
                "bins": bins,
                **self._columns(incremental=incremental),
                **self._indicators(
                    parameters["add_indicator"], training, bins, incremental=incremental
                ),
                "sparse": self.as_sparse,
                "sparse_grad": self._row_sparse,
            },
            criterion=MeanLoss,
            criterion__kind=self.targets.loss,
            criterion__partly=self.targets.may_be_partly_known,
            **{f"criterion__{name}": v for name, v in self.targets.loss_options.items()},
            optimizer=RowSparseAdamW,
            max_epochs=self._n_epochs(parameters, X),
            batch_size=defaults.batch_size(parameters["batch_size"], X),
        )

    def _schedule(
        self, parameters: Mapping[str, Any], training: Table, incremental: bool
    ) -> tuple[int, int, tuple[float, ...]]:
        batch_size = defaults.batch_size(parameters["batch_size"], training.X)
        n_batches = -(-training.X.shape[0] // batch_size)
        decay = weight_decay(parameters["alpha"], n_batches)
        if not self.as_sparse and training.X.shape[1] > WIDE:
            decay *= _DECAY_WHEN_WIDE
        return self._n_epochs(parameters, training.X), batch_size, (decay,)

    def _n_epochs(self, parameters: Mapping[str, Any], X: Any) -> int:
        return defaults.n_epochs(
            parameters["max_epochs"],
            self._counted(X),
            defaults.batch_size(parameters["batch_size"], X),
            has_categories=self.scaling.categories is not None,
        )

    def _dataset(self, training: Table) -> RowDataset:
        assert self.net is not None
        dtype, device = self.net.place
        normalize = partial(self.net.module_.input.normalize, target=self.constant)
        rows = as_rows(
            training.X,
            dtype,
            device,
            normalize=normalize if self._normalize_once else None,
            count_distinct=self._row_sparse,
        )
        y = self.targets.for_loss(training.y)
        if sparse.issparse(y):
            y = SparseLabels(y, dtype, device)
        else:
            y = torch.as_tensor(y)
            y = y.to(device, dtype if y.is_floating_point() else None)
        if training.weights is None:
            return RowDataset(rows, y, None)
        # divided in float64, so that the unit of the weights does not matter
        weights = training.weights / (training.weights.mean() or 1.0)
        return RowDataset(rows, y, torch.as_tensor(weights, dtype=dtype, device=device))

    def _validation_set(self, train: RowDataset, held_out: Table) -> RowDataset:
        return self._dataset(held_out)

    def _columns(self, *, incremental: bool) -> dict[str, Any]:
        """Return the arguments of the network that are about categories and parts of dates."""
        if self.columns is None:
            return {}
        arguments: dict[str, Any] = {"part_of": self.columns.part_of}
        if self.scaling.categories is not None:
            # What a first chunk has of a category tells little about how often it occurs.
            gains = 1.0 if incremental else self.scaling.categories.gains()
            arguments["n_categories"] = self.scaling.categories.n_categories
            arguments["category_gain"] = gains * self.scaling.gain
        return arguments

    def _indicators(
        self, add_indicator: Any, training: Table, bins: Any, *, incremental: bool
    ) -> dict[str, Any]:
        """Return the arguments of the network that are about indicators."""
        X = training.X
        missing = missing_shares(X, training.weights)
        chosen = np.full(X.shape[1], bool(add_indicator))
        if add_indicator == "auto":
            chosen = self.scaling.hides_presence(X, None if bins is None else bins[0][:, 0])
        if not incremental:  # else later chunks may miss what this one has
            chosen &= missing > _ROUNDING
        if self.columns is not None and self.columns.part_of:
            chosen[-len(self.columns.part_of) :] = False  # missing with the date itself
        features = np.flatnonzero(chosen)
        shares = missing[features]
        sizes = 1 - shares if self.as_sparse else 2 * shares * (1 - shares)
        gain: Any = bounding_gain(sizes.sum())
        if add_indicator == "auto" and bins is not None:
            # At full strength, dozens of them are noise that costs more than they can tell.
            has_bins = np.isfinite(bins[0][features, 0])  # a constant says only that it is observed
            beside = bounding_gain(sizes[has_bins].sum(), _LARGEST_SUM_BESIDE_BINS)
            gain = np.where(has_bins, min(gain, beside), gain)
        return {
            "indicator_features": features,
            "indicator_shares": shares,
            "indicator_gain": gain,
        }

    def _steps_on_rows(self, parameters: Mapping[str, Any], X: Any, *, incremental: bool) -> bool:
        """Whether gradients and steps of the first layer hold only the features of a batch."""
        if listeners(parameters["callbacks"] or (), "on_grad_computed"):
            return False  # callbacks that clip or log gradients expect dense ones
        if resolve_device(parameters["device"]).type not in ("cpu", "cuda"):
            return False  # few other devices have sparse tensors
        batch_size = defaults.batch_size(parameters["batch_size"], X)
        if not self.as_sparse:
            categories = self.scaling.categories
            return categories is not None and categories.are_many(batch_size)
        return touch_few_columns(X, batch_size, is_chunk=incremental)
