"""What happens around the epochs: learning rate, best weights, progress."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from skorch.callbacks import Callback
from tqdm.auto import tqdm


def listeners(callbacks: Iterable[Any], event: str) -> list[Callable[..., None]]:
    """The methods for an event of those callbacks, named or not, that do something then."""
    found = []
    for callback in callbacks:
        if isinstance(callback, tuple):
            callback = callback[1]
        method = getattr(callback, event)
        if getattr(method, "__func__", method) is not getattr(Callback, event):
            found.append(method)
    return found


class CosineSchedule(Callback):
    """Learning rate that rises over the first steps and falls to zero along a cosine."""

    def __init__(self, lr: float, n_steps: int, warm_up: float = 0.05) -> None:
        self.lr, self.n_steps, self.warm_up = lr, n_steps, warm_up

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.step_ = 0

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        if not training:
            return
        rise = min(1.0, (self.step_ + 1) / max(1.0, self.warm_up * self.n_steps))
        fall = (1 + math.cos(math.pi * self.step_ / self.n_steps)) / 2
        self.step_ += 1
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * rise * fall


class BestWeights(Callback):
    """Keeps the weights with the lowest validation loss and puts them back in the end.

    skorch's ``EarlyStopping`` keeps its copy of the weights for good, on the device where they
    were trained, so that a net pickled on a GPU could not be opened without one.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience

    @property
    def exhausted(self) -> bool:
        """Whether the loss has not fallen for `patience` epochs."""
        return self.epoch_ - self.best_epoch_ >= self.patience

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.epoch_ = self.best_epoch_ = len(net.history)
        self.best_loss_, self.weights_ = math.inf, None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.epoch_, loss = len(net.history), net.history[-1, "valid_loss"]
        if loss < self.best_loss_:
            self.best_loss_, self.best_epoch_ = loss, self.epoch_
            self.weights_ = copy.deepcopy(net.module_.state_dict())

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        if self.weights_ is not None:
            net.module_.load_state_dict(self.weights_)
        self.weights_ = None


class StopAfterBest(Callback):
    """Ends training when :class:`BestWeights` has not seen anything better for long enough."""

    def __init__(self, best: BestWeights) -> None:
        self.best = best

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if self.best.exhausted:
            raise KeyboardInterrupt  # skorch's way for a callback to end training


class Progress(Callback):
    """A progress bar with the epoch, the losses and the time left."""

    def __init__(self, n_epochs: int, label: str) -> None:
        self.n_epochs, self.label = n_epochs, label

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=self.n_epochs, desc=self.label, unit="epoch", mininterval=0.2)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        last = net.history[-1]
        losses = {name: last[name] for name in ("train_loss", "valid_loss") if name in last}
        self.bar_.set_postfix({k: f"{v:.4g}" for k, v in losses.items()}, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self.bar_.close()
        del self.bar_
