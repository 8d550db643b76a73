"""Callbacks around the epochs: the learning rate, the best weights and a progress bar."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

from skorch.callbacks import Callback, EarlyStopping
from tqdm.auto import tqdm

_LINES = 10  # of progress, where the output is no terminal


def listeners(callbacks: Iterable[Any], event: str) -> list[Callable[..., None]]:
    """Return the methods for an event of the callbacks, named or not, that override it."""
    found = []
    for callback in callbacks:
        if isinstance(callback, tuple):
            callback = callback[1]
        method = getattr(callback, event)
        if getattr(method, "__func__", method) is not getattr(Callback, event):
            found.append(method)
    return found


def check_monitors(
    callbacks: Iterable[Any] | None,
    *,
    validated: bool,
    remedy: str = "early_stopping=True with fit",
) -> None:
    """Raise a ValueError if a callback of skorch monitors a validation that does not take place."""
    for callback in () if validated else callbacks or ():
        monitor = _validation_monitor(callback)
        if monitor:
            callback = callback[1] if isinstance(callback, tuple) else callback
            name = getattr(callback, "__name__", type(callback).__name__)
            raise ValueError(
                f"callbacks holds {name}, which monitors {monitor!r}, but nothing is held out to "
                f"validate on. Use monitor='train_loss', or {remedy}."
            )


def without_validation(callbacks: Iterable[Any] | None) -> list[Any]:
    """Return the callbacks that do not monitor a validation."""
    return [callback for callback in callbacks or () if not _validation_monitor(callback)]


def _validation_monitor(callback: Any) -> str | None:
    """Return the name of the validation result that a callback of skorch monitors, if any."""
    if isinstance(callback, tuple):
        callback = callback[1]
    monitor = getattr(callback, "monitor", None)
    if isinstance(callback, type) and "monitor" in signature(callback).parameters:
        monitor = signature(callback).parameters["monitor"].default
    return monitor if isinstance(monitor, str) and monitor.startswith("valid_") else None


class CosineSchedule(Callback):
    r"""A learning rate that rises over the first steps and falls to zero along a cosine.

    In step :math:`t` of :math:`T`, with a warm-up of :math:`w` steps, it is

    .. math:: \text{lr} \cdot \min\left(1, \frac{t + 1}{w}\right)
        \cdot \frac{1 + \cos(\pi t / T)}{2}

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_steps : int
        Number T of steps.
    warm_up : float, default=0.05
        Share of the steps in which it rises.
    """

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
    """Keeps the weights with the lowest validation loss and restores them in the end.

    :class:`skorch.callbacks.EarlyStopping` ends training here, but does not keep the weights, for
    three reasons. It stores weights and ends training in one call: placed first, it would hide the
    last epoch from the user's callbacks, and placed last, it would miss an epoch after which one
    of them ends training. It restores nothing if the epoch before an interrupted one was the best,
    although the interrupted epoch has changed the weights. And it fails if the first epoch is
    interrupted.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.best_loss_, self.weights_ = math.inf, None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        loss = net.history[-1, "valid_loss"]
        if loss < self.best_loss_:
            self.best_loss_ = loss
            self.weights_ = copy.deepcopy(net.module_.state_dict())

    def restore(self, net: Any) -> None:
        """Use the best weights; the net calls this also after an error."""
        weights, self.weights_ = getattr(self, "weights_", None), None
        if weights is not None:
            net.module_.load_state_dict(weights)


def progress(n_epochs: int, label: str, *, prints_epochs: bool) -> Callback:
    """Return a callback that shows how training goes on, on the standard error.

    It is a bar in terminals and notebooks. Elsewhere, as in log files, and with `prints_epochs`,
    it is lines.
    """
    if prints_epochs:
        return ProgressLines(n_epochs, label, every=1)
    if sys.stderr.isatty() or "ipykernel" in sys.modules:
        return ProgressBar(n_epochs, label)
    return ProgressLines(n_epochs, label, every=math.ceil(n_epochs / _LINES))


def _losses(net: Any) -> dict[str, str]:
    last = net.history[-1]
    return {name: f"{last[name]:.4g}" for name in ("train_loss", "valid_loss") if name in last}


class ProgressBar(Callback):
    """A progress bar with the epoch, the losses and the remaining time."""

    def __init__(self, n_epochs: int, label: str) -> None:
        self.n_epochs, self.label = n_epochs, label

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=self.n_epochs, desc=self.label, unit="epoch", mininterval=0.2)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.bar_.set_postfix(_losses(net), refresh=False)
        self.bar_.update()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self.bar_.close()
        del self.bar_


class ProgressLines(Callback):
    """Lines with the epoch, the losses and the seconds so far."""

    def __init__(self, n_epochs: int, label: str, every: int) -> None:
        self.n_epochs, self.label, self.every = n_epochs, label, every

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.epoch_, self.start_, self.is_said_ = 0, time.perf_counter(), True

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.epoch_ += 1
        self.is_said_ = self.epoch_ % self.every == 0
        if self.is_said_:
            self._say(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        if not self.is_said_:
            self._say(net)

    def _say(self, net: Any) -> None:
        seconds = time.perf_counter() - self.start_
        losses = "".join(f", {name} {value}" for name, value in _losses(net).items())
        line = f"{self.label}: epoch {self.epoch_}/{self.n_epochs}{losses}, {seconds:.1f} s"
        print(line, file=sys.stderr, flush=True)


def has_stopped(callback: Any) -> bool:
    """Whether a callback has ended training because the validation loss no longer fell."""
    return isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
