"""Seconds of training to the validation loss of another method, on text and single cells."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from skorch.callbacks import Callback
from torch import nn

from sksn import SNClassifier
from sksn.nn import SparseRows

from ..common.data import SPARSE, Data, load
from ..common.measuring import Row
from .peers import HIDDEN, DensifyingRows, densifying_net


def convergence(size: Any) -> Iterator[Row]:
    """Measure the seconds of training to the lowest validation loss of each other method."""
    if size.epochs == 1:
        X, y = load_digits(return_X_y=True)
        yield from race(Data("digits", sparse.csr_array(X), y, ""), 2)
        return
    if not os.environ.get("SKSN_DATA"):
        print("(the rows on real data need SKSN_DATA)", file=sys.stderr)
        return
    for name in SPARSE:
        yield from race(load(name), size.epochs)


def race(data: Data, n_epochs: int) -> Iterator[Row]:
    """Train all methods on the same rows; the others see logarithms of counts.

    All have 128 hidden units and otherwise their own defaults. Our defaults were chosen on folds of
    most of these rows (``run defaults``). Our learning rate falls to 0 over the epochs of the race.
    """
    X, y = data.X, np.unique(data.y, return_inverse=True)[1]
    rows = np.arange(len(y))
    train, valid = train_test_split(rows, test_size=0.2, random_state=0, stratify=y)
    log, classes = X.log1p().astype(np.float32), np.arange(y.max() + 1)
    log_train, log_valid = log[train], log[valid]

    def loss(probability: np.ndarray) -> float:
        return log_loss(y[valid], probability, labels=classes)

    mlp = MLPClassifier((HIDDEN,), random_state=0)
    net = densifying_net(X.shape[1], len(classes), nn.CrossEntropyLoss, batch_size=200)
    dense, dense_valid = DensifyingRows(log_train, y[train]), DensifyingRows(log_valid, y[valid])
    peers: dict[str, tuple[Callable[[], Any], Callable[[], np.ndarray]]] = {
        "MLPClassifier, log1p": (
            lambda: mlp.partial_fit(log_train, y[train], classes=classes),
            lambda: mlp.predict_proba(log_valid),
        ),
        "skorch, densifying dataset, log1p": (
            lambda: net.partial_fit(dense, None),
            lambda: softmax(net.forward(dense_valid).double().numpy(), axis=1),
        ),
    }
    ours = our_curve(X[train], y[train], log_valid, loss, n_epochs)
    for peer, (epoch, probability) in peers.items():
        theirs = curve(epoch, lambda p=probability: loss(p()), n_epochs)
        best = int(np.argmin([value for _, value in theirs]))
        reached = [seconds for seconds, value in ours if value <= theirs[best][1]]
        yield Row(
            f"training to the lowest validation loss of the peer, {data.name}",
            peer,
            reached[0] if reached else np.inf,
            theirs[best][0],
            1.0,
            note=f"the peer's is {theirs[best][1]:.4f}, after {best + 1} of {n_epochs} epochs; "
            f"ours ends at {ours[-1][1]:.4f}",
            runs={"ours, seconds and loss": ours, "peer, seconds and loss": theirs},
        )


def curve(
    epoch: Callable[[], Any], measure: Callable[[], float], n_epochs: int
) -> list[tuple[float, float]]:
    """Return seconds of training and validation loss after each epoch."""
    seconds, points = 0.0, []
    for _ in range(n_epochs):
        start = time.perf_counter()
        epoch()
        seconds += time.perf_counter() - start
        points.append((seconds, measure()))
    return points


def our_curve(
    X: Any, y: np.ndarray, log_valid: Any, loss: Callable[[np.ndarray], float], n_epochs: int
) -> list[tuple[float, float]]:
    """Do the same for a default SNClassifier, with all preparation before its first epoch."""
    points: list[tuple[float, float]] = []
    values, columns = (torch.as_tensor(part) for part in (log_valid.data, log_valid.indices))
    valid = SparseRows(values, columns, torch.as_tensor(log_valid.indptr[:-1]))

    class Measure(Callback):
        measuring = 0.0

        def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
            now = time.perf_counter()
            with torch.no_grad():
                output = net.module_.eval()(valid).double()
            binary = torch.hstack([-output, output]).sigmoid()
            probability = binary if output.shape[1] == 1 else output.softmax(dim=1)
            points.append((now - start - self.measuring, loss(probability.numpy())))
            self.measuring += time.perf_counter() - now

    model = SNClassifier(random_state=0, max_epochs=n_epochs, callbacks=[Measure()])
    start = time.perf_counter()
    model.fit(X, y)
    return points
