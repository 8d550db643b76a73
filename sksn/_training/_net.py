"""The skorch net that every neural estimator holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from scipy.special import expit, softmax
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, LRScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn._mlp import SNMLP
from ..nn._optim import RowSparseAdamW
from ._callbacks import BestWeights, CosineSchedule, Progress, StopAfterBest, listeners
from ._device import resolve_device
from ._parameters import layer_sizes
from ._rows import Batch, BatchLoader, RowDataset

_PRODUCTS_FOR_THREADS = 1 << 25  # multiplications in a batch below which one thread does

_LOSSES: dict[str, Callable[..., Tensor]] = {
    "squared_error": F.mse_loss,
    "binary": F.binary_cross_entropy_with_logits,
    "multiclass": F.cross_entropy,
}


@contextmanager
def _threads_for(module: nn.Module, rows: RowDataset, batch_size: int) -> Iterator[None]:
    """Give small batches one thread of the CPU, and torch's own number to large ones.

    Where other processes keep the cores busy, two threads that wait for each other after every
    small product took 25 times as long as one; where they do not, little is gained by the second.
    """
    products = sum(p.numel() for p in module.parameters()) * min(len(rows), batch_size)
    threads = torch.get_num_threads()
    if products > _PRODUCTS_FOR_THREADS or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class NonFiniteLossError(ValueError):
    """The loss became NaN or infinite, so the weights are of no use."""


class MeanLoss(nn.Module):
    """Mean over rows of a loss that is averaged over outputs first, weighted where asked."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, output: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        if weight is None:
            return _LOSSES[self.kind](output, y)
        loss = _LOSSES[self.kind](output, y, reduction="none")
        if loss.ndim == 2:
            loss = loss.mean(dim=1)
        return (loss * weight).mean()


class RowNet(NeuralNet):
    """A skorch net over :class:`RowDataset`, which never waits for the device within an epoch.

    It differs from its base in what a batch is (rows and weights, gathered by the loader), in
    its default callbacks (a timer only), and in recording losses by epoch: skorch's own record
    for each batch waits for the device every time. A loss that is not finite is an error.
    """

    callbacks_: list[tuple[str, Any]]

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer())]

    def infer(self, x: Batch, **fit_params: Any) -> Tensor:
        return self.module_(x.rows)

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        return self.criterion_(y_pred, y_true, None if X is None else X.weight)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of encoded classes, or standardised targets, for scoring callbacks."""
        output = self.forward(X).double().numpy()
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
        """Encoded classes or standardised targets, for scoring callbacks."""
        output = self.predict_proba(X)
        if self.criterion_.kind == "squared_error":
            return output
        if self.criterion_.kind == "binary" and self.module__n_outputs > 1:
            return (output > 0.5).astype(np.int64)
        return output.argmax(axis=1)

    def __setstate__(self, state: dict) -> None:
        if str(state["device"]).startswith("mps") and not torch.backends.mps.is_available():
            state = {**state, "device": "cpu"}  # skorch looks after CUDA only
        super().__setstate__(state)

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
        finally:  # an interrupted epoch owes as well
            if training:
                self._settle()
        self._record_loss(prefix, float(total))
        self.history.record(prefix + "_batch_count", len(iterator))

    def train_step(self, batch: tuple[Batch, Tensor], **fit_params: Any) -> dict[str, Any]:
        """One step of the optimiser; skorch's own takes a small network's time again."""
        X, y = batch
        if not self.module_.training:  # a callback may have predicted
            self._set_training(True)
        self.optimizer_.zero_grad()
        output = self.infer(X, **fit_params)
        loss = self.get_loss(output, y, X=X, training=True)
        loss.backward()
        if self.module_.input.sparse_grad:
            _recall_coalesced(self.module_.input)
        for listen in listeners(self.callbacks_, "on_grad_computed"):
            parameters = list(self.get_all_learnable_params())
            listen(self, named_parameters=parameters, batch=batch, training=True)
        self.optimizer_.step()
        return {"loss": loss, "y_pred": output}

    def _settle(self) -> None:
        """Pay the weight decay that rows of the first layer may owe."""
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

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict]:
        """Spare biases and the gains of norms the weight decay."""
        (groups,), options = super().get_params_for_optimizer(prefix, named_parameters)
        parameters = [p for group in groups for p in group["params"]]
        return (
            [
                {"params": [p for p in parameters if p.ndim > 1]},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
        ), options

    def train(
        self,
        train: RowDataset,
        valid: RowDataset | None,
        *,
        n_epochs: int,
        constant_lr: bool,
        patience: int,
        label: str | None,
        seeds: tuple[int, int],
    ) -> None:
        """Train for at most `n_epochs` more epochs; callbacks may stop earlier.

        Parameters
        ----------
        train, valid : RowDataset
            Rows to train on, and to choose the best weights by where there are any.
        n_epochs : int
            Epochs at most.
        constant_lr : bool
            Whether to stay at `lr`, as ``partial_fit`` does, instead of annealing it.
        patience : int
            Epochs without a lower validation loss after which to stop.
        label : str, optional
            Shows a progress bar of this name.
        seeds : tuple of int
            Seeds of the order of rows and of dropout.
        """
        own_callbacks: list[tuple[str, Any]] = self.callbacks_
        around: list[tuple[str, Any]] = []
        loader = self.get_iterator(train, training=True)
        if not constant_lr and not any(isinstance(c, LRScheduler) for _, c in own_callbacks):
            around.append(("schedule", CosineSchedule(self.lr, n_epochs * len(loader))))
        if label is not None:
            around.append(("progress", Progress(n_epochs, label)))
        ending: list[tuple[str, Any]] = []
        if valid is not None:  # first to keep the weights, last to stop: others see the epoch too
            best = BestWeights(patience)
            around.insert(0, ("best_weights", best))
            ending.append(("stop", StopAfterBest(best)))
        device = self.module_.input.weight.device
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr  # an earlier schedule has left it near zero
        order: torch.Generator | None = torch.Generator().manual_seed(seeds[0])
        try:
            self.callbacks_ = around + own_callbacks + ending
            self.train_split = None if valid is None else lambda dataset: (dataset, valid)
            self.iterator_train__generator = order
            self.module_.use_generator(torch.Generator(device).manual_seed(seeds[1]))
            self.notify("on_train_begin", X=train, y=None)
            # KeyboardInterrupt is how callbacks, and people, end training early
            with suppress(KeyboardInterrupt), _threads_for(self.module_, train, self.batch_size):
                self.fit_loop(train, epochs=n_epochs)
            self._drop_unfinished_epoch(validated=valid is not None)
            self.notify("on_train_end", X=train, y=None)
        finally:
            self.callbacks_ = own_callbacks
            self.train_split = None  # else a pickle would carry the validation rows
            self.iterator_train__generator = None
            self.module_.use_generator(None)

    def _drop_unfinished_epoch(self, *, validated: bool) -> None:
        """Forget the last epoch if it was interrupted before its losses were known."""
        last = "valid_loss" if validated else "train_loss"
        if self.history and last not in self.history[-1]:
            del self.history[-1]


def _recall_coalesced(layer: nn.Module) -> None:
    """Mark sparse gradients as coalesced, as they were made: autograd forgets it."""
    for parameter in layer.parameters():
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad._coalesced_(True)


def build_net(
    estimator: Any,
    *,
    n_features: int,
    n_outputs: int,
    loss: str,
    target: float,
    indicator_features: np.ndarray | None,
    bins: tuple[np.ndarray, np.ndarray] | None,
    sparse: bool,
    sparse_grad: bool,
    n_epochs: int,
    seed: int,
) -> RowNet:
    """An initialised, untrained net with the parameters of an estimator."""
    device = resolve_device(estimator.device)
    net = RowNet(
        SNMLP,
        module__n_features=n_features,
        module__n_outputs=n_outputs,
        module__hidden_layer_sizes=layer_sizes(estimator.hidden_layer_sizes),
        module__activation=estimator.activation,
        module__target=target,
        module__power=float(estimator.power),
        module__input_dropout=float(estimator.input_dropout),
        module__dropout=float(estimator.dropout),
        module__hidden_norm=estimator.hidden_norm,
        module__indicator_features=indicator_features,
        module__bins=bins,
        module__sparse=sparse,
        module__sparse_grad=sparse_grad,
        module__seed=seed,
        module__dtype=getattr(torch, estimator.dtype),
        criterion=MeanLoss,
        criterion__kind=loss,
        optimizer=RowSparseAdamW,
        optimizer__fused=device.type in ("cpu", "cuda"),
        lr=float(estimator.lr),
        max_epochs=n_epochs,
        batch_size=estimator.batch_size,
        iterator_train=BatchLoader,
        iterator_valid=BatchLoader,
        train_split=None,
        callbacks=estimator.callbacks,
        device=str(device),
        verbose=0,
    )
    return net.initialize()
