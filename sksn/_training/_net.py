"""The skorch nets that neural estimators hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.utils import ClassifierTags
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, EpochTimer, LRScheduler
from skorch.utils import noop
from torch import Tensor, nn

from ..nn._optim import RowSparseAdamW
from ._batches import Batch, RowDataset
from ._callbacks import BestWeights, CosineSchedule, has_stopped, listeners, progress
from ._device import threads_for
from ._losses import OF_LOGARITHMS, NonFiniteLossError


class Run(NamedTuple):
    """Options of one training run; they may differ between the calls of an estimator.

    Attributes
    ----------
    n_epochs : int
        Maximum number of epochs to train for.
    lr : float
        The learning rate, or its maximum.
    batch_size : int
        Maximum number of rows in a batch.
    penalties : tuple of float
        Weight decay of the groups of parameters that have one, in their order.
    constant_lr : bool
        Whether the learning rate stays at `lr`, as in ``partial_fit``, instead of being annealed.
    patience : int
        Epochs without a lower validation loss after which training ends.
    label : str or None
        Name of a progress bar; None for no bar.
    seeds : tuple of int
        Seeds of the order of rows and of dropout.
    keeps_optimizer : bool
        Whether the moments of the optimizer are kept for a later run.
    prints_epochs : bool
        Whether a line for each epoch takes the place of the bar.
    followers : tuple of callbacks
        Callbacks of this run, after those of the user.
    """

    n_epochs: int
    lr: float
    batch_size: int
    penalties: tuple[float, ...]
    constant_lr: bool
    patience: int
    label: str | None
    seeds: tuple[int, int]
    keeps_optimizer: bool
    prints_epochs: bool = False
    followers: tuple[Any, ...] = ()


class Lesson(NamedTuple):
    """What a network is trained on, and how.

    Attributes
    ----------
    run : Run
        The options of the run.
    train : RowDataset
        Rows to train on.
    valid : RowDataset or None
        Rows to choose the best weights by.
    """

    run: Run
    train: RowDataset
    valid: RowDataset | None


class RowNet(NeuralNet):
    """A skorch net over :class:`RowDataset`. The data sets of skorch would make rows dense."""

    callbacks_: list[tuple[str, Any]] = []  # noqa: RUF012
    _of_run: tuple[Any, ...] = ()  # callbacks that a run adds

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer())]

    # What a network computes -----------------------------------------------------------------

    def infer(self, x: Batch, **fit_params: Any) -> Tensor:
        return self.module_(x.rows)

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        return self.criterion_(y_pred, y_true, None if X is None else X.weight)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities of encoded classes, or standardized y, for scoring callbacks."""
        output = self.forward(X).detach().cpu().double().numpy()
        if self.criterion_.kind == "multiclass":
            return softmax(output, axis=1)
        if self.criterion_.kind == "binary":
            return (
                np.hstack([expit(-output), expit(output)])
                if output.shape[1] == 1
                else expit(output)
            )
        return output

    def predict(self, X: Any) -> np.ndarray:
        """Predict encoded classes or standardized y, for scoring callbacks."""
        output, kind = self.predict_proba(X), self.criterion_.kind
        if kind == "binary" and self.module__n_outputs > 1:
            return (output > 0.5).astype(np.int64)
        if kind in ("binary", "multiclass"):
            return output.argmax(axis=1)
        return np.exp(output) if kind in OF_LOGARITHMS else output

    @property
    def classes_(self) -> np.ndarray:
        """The encoded classes, for scorers of scikit-learn."""
        if not self._is_classifier:
            raise AttributeError("a net for numbers or several labels has no classes_")
        return np.arange(max(2, self.module__n_outputs))

    @property
    def _is_classifier(self) -> bool:
        kind = getattr(getattr(self, "criterion_", None), "kind", None)
        return kind == "multiclass" or (kind == "binary" and self.module__n_outputs == 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self._is_classifier:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict]:
        """Group parameters: those with weight decay; biases and the gains of norms without."""
        (groups,), options = super().get_params_for_optimizer(prefix, named_parameters)
        parameters = [p for group in groups for p in group["params"]]
        return (
            [
                {"params": [p for p in parameters if p.ndim > 1]},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
        ), options

    # Where it is, and what it is told ----------------------------------------------------------

    @property
    def place(self) -> tuple[torch.dtype, torch.device]:
        """The type and the device of the network."""
        weight = self.module_.input.weight
        return weight.dtype, weight.device

    def set_constant(self, constant: float) -> None:
        """Set the constant K of Sparsity Normalization."""
        self.module_.input.target = constant

    def __getstate__(self) -> dict:
        """Leave out what only a run needs; a callback may save the net in the middle of one."""
        own = [(name, c) for name, c in self.callbacks_ if c not in self._of_run]
        return {
            **super().__getstate__(),
            **{"callbacks_": own, "_of_run": (), "train_split": None},
            "iterator_train__generator": None,
        }

    def __setstate__(self, state: dict) -> None:
        if str(state["device"]).startswith("mps") and not torch.backends.mps.is_available():
            state = {**state, "device": "cpu"}  # skorch handles CUDA only
        super().__setstate__(state)

    # Training ----------------------------------------------------------------------------------

    def run(self, lesson: Lesson) -> bool:
        """Train for at most ``run.n_epochs`` more epochs; callbacks may end training earlier.

        Return whether it came to its end, all epochs or early stopping. Afterwards the net holds no
        gradients, and only those moments of the optimizer that the run keeps.
        """
        run, train, valid = lesson
        is_complete = False
        self.lr, self.batch_size = run.lr, run.batch_size
        for group, penalty in zip(self.optimizer_.param_groups, run.penalties, strict=False):
            group["weight_decay"] = penalty
        for group in self.optimizer_.param_groups:
            group["lr"] = run.lr  # an earlier schedule has left it near zero
        with self._prepared(run, train, valid):
            self.notify("on_train_begin", X=train, y=None)
            n_rows = min(len(train), run.batch_size)
            # KeyboardInterrupt is how callbacks, and users, end training early
            try:
                with (
                    suppress(KeyboardInterrupt),
                    threads_for(self.module_, n_rows),
                    torch.enable_grad(),
                ):
                    self.fit_loop(train, epochs=run.n_epochs)
                    is_complete = True
            finally:
                is_complete |= any(has_stopped(callback) for _, callback in self.callbacks_)
                self._settle()  # again: an interrupt may have hit it at the end of an epoch
                self._drop_unfinished_epoch(validated=valid is not None)
                for _, callback in self.callbacks_:
                    if isinstance(callback, BestWeights):
                        callback.restore(self)
            self.notify("on_train_end", X=train, y=None)
        self.optimizer_.zero_grad(set_to_none=True)
        if not run.keeps_optimizer:
            self.optimizer_.state.clear()
        return is_complete

    @contextmanager
    def _prepared(self, run: Run, train: RowDataset, valid: RowDataset | None) -> Iterator[None]:
        """Set what a run needs, and remove it afterwards so that no pickle carries it."""
        own_callbacks = self.callbacks_
        _, device = self.place
        try:
            self.callbacks_ = self._around(own_callbacks, run, train, validated=valid is not None)
            self._of_run = tuple(pair[1] for pair in self.callbacks_ if pair not in own_callbacks)
            self.train_split = None if valid is None else lambda dataset: (dataset, valid)
            order: torch.Generator | None = torch.Generator().manual_seed(run.seeds[0])
            self.iterator_train__generator = order
            self.module_.use_generator(torch.Generator(device).manual_seed(run.seeds[1]))
            yield
        finally:
            self.callbacks_, self._of_run = own_callbacks, ()
            self.train_split = None
            self.iterator_train__generator = None
            self.module_.use_generator(None)

    def _around(
        self, own: list[tuple[str, Any]], run: Run, train: RowDataset, *, validated: bool
    ) -> list[tuple[str, Any]]:
        """Return the user's callbacks between those of the run."""
        before: list[tuple[str, Any]] = []
        after: list[tuple[str, Any]] = []
        if validated:  # the best weights are kept first, and training ends last
            before.append(("best_weights", BestWeights()))
            stop = EarlyStopping(patience=run.patience, threshold=0, sink=noop, load_best=False)
            after.append(("stop", stop))
        if not run.constant_lr and not any(isinstance(c, LRScheduler) for _, c in own):
            n_batches = -(-len(train) // run.batch_size)
            before.append(("schedule", CosineSchedule(run.lr, run.n_epochs * n_batches)))
        if run.label is not None:
            shown = progress(run.n_epochs, run.label, prints_epochs=run.prints_epochs)
            before.append(("progress", shown))
        followers = [(f"follower{i}", follower) for i, follower in enumerate(run.followers)]
        return before + own + followers + after

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Callable, **fit_params: Any
    ) -> None:
        if iterator is None:
            return
        begin = listeners(self.callbacks_, "on_batch_begin")
        end = listeners(self.callbacks_, "on_batch_end")
        total = self.module_.input.weight.new_zeros(())
        records = self.history[-1]["batches"]
        try:
            for batch in iterator:
                n_rows = len(batch[1])
                records.append({prefix + "_batch_size": n_rows})
                for listen in begin:
                    listen(self, batch=batch, training=training)
                step = step_fn(batch, **fit_params)
                total.add_(step["loss"].detach(), alpha=n_rows / len(iterator.dataset))
                for listen in end:
                    listen(self, batch=batch, training=training, **step)
        finally:  # also after an interrupted epoch
            if training:
                self._settle()
        self._record_loss(prefix, float(total))
        self.history.record(prefix + "_batch_count", len(iterator))

    def train_step(self, batch: tuple[Batch, Tensor], **fit_params: Any) -> dict[str, Any]:
        """Take one step of the optimizer. skorch's own step is slower than a small network."""
        X, y = batch
        if not self.module_.training:  # a callback may have predicted
            self._set_training(True)
        self.optimizer_.zero_grad()
        loss, output = self.backward(X, y, **fit_params)
        if self.module_.input.sparse_grad:
            _mark_coalesced(self.module_.input)
        for listen in listeners(self.callbacks_, "on_grad_computed"):
            parameters = list(self.get_all_learnable_params())
            listen(self, named_parameters=parameters, batch=batch, training=True)
        self.optimizer_.step()
        return {"loss": loss, "y_pred": output}

    def backward(self, X: Any, y: Tensor, **fit_params: Any) -> tuple[Tensor, Tensor | None]:
        """Compute the gradients of a batch; return its loss and the output of the network."""
        output = self.infer(X, **fit_params)
        loss = self.get_loss(output, y, X=X, training=True)
        loss.backward()
        return loss, output

    def _settle(self) -> None:
        """Let the weights take the steps that they owe."""
        if isinstance(self.optimizer_, RowSparseAdamW):
            self.optimizer_.settle()

    def _record_loss(self, prefix: str, loss: float) -> None:
        name = prefix + "_loss"
        if not math.isfinite(loss):
            raise NonFiniteLossError(
                f"The {'training' if prefix == 'train' else 'validation'} loss became {loss} in "
                f"epoch {len(self.history)}. Try a smaller lr (it is {self.lr}), leave "
                "input_scaling at 'auto', and look for extreme values in X."
            )
        before = [epoch[name] for epoch in self.history[:-1] if name in epoch]
        best = min(before, default=math.inf)
        self.history.record(name, loss)
        self.history.record(name + "_best", loss < best)

    def _drop_unfinished_epoch(self, *, validated: bool) -> None:
        """Remove the last epoch if it was interrupted before its losses were known."""
        last = "valid_loss" if validated else "train_loss"
        if self.history and last not in self.history[-1]:
            del self.history[-1]


def _mark_coalesced(layer: nn.Module) -> None:
    """Mark sparse gradients as coalesced: they are, but autograd forgets it."""
    for parameter in layer.parameters():
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad._coalesced_(True)
