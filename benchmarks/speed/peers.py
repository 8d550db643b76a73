"""Networks of other libraries that sksn is compared with."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from scipy import sparse
from skorch import NeuralNet
from torch import nn
from torch.nn import functional as F

from sksn._training import _rows

HIDDEN, BATCH = 128, 256
SAME_NET = {
    "hidden_layer_sizes": (HIDDEN,),
    "batch_size": BATCH,
    "lr": 1e-3,
    "alpha": 0.0,
    "input_dropout": 0.0,
    "dropout": 0.0,
    "input_scaling": None,
    "random_state": 0,
}
SKLEARN_NET = {"hidden_layer_sizes": (HIDDEN,), "batch_size": BATCH, "alpha": 0.0}


@contextmanager
def rule_for_steps(ratio: float) -> Iterator[None]:
    """Let sksn take row-sparse steps (0) or dense ones (infinity), whatever its rule says."""
    rule = _rows.DENSE_STEPS_FOR_A_SPARSE_ONE
    _rows.DENSE_STEPS_FOR_A_SPARSE_ONE = ratio
    try:
        yield
    finally:
        _rows.DENSE_STEPS_FOR_A_SPARSE_ONE = rule


class DensifyingRows(torch.utils.data.Dataset):
    """A simple data set over a sparse matrix, which makes each row dense when it is read."""

    def __init__(self, X: sparse.csr_array, y: np.ndarray) -> None:
        self.X, self.y = sparse.csr_matrix(X), y

    def __len__(self) -> int:
        return self.X.shape[0]

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any]:
        return self.X[index].toarray()[0].astype(np.float32), self.y[index]


def densifying_net(n_features: int, n_outputs: int, loss: type[nn.Module], **options: Any) -> Any:
    """A skorch net with one hidden layer for :class:`DensifyingRows`."""
    module = nn.Sequential(nn.Linear(n_features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_outputs))
    options = {"lr": 1e-3, "batch_size": BATCH, "max_epochs": 1, "train_split": None} | options
    return NeuralNet(
        module,
        loss,
        optimizer=torch.optim.Adam,
        iterator_train__shuffle=True,
        verbose=0,
        **options,
    )


def hand_written_epoch(module: nn.Module, X: np.ndarray, y: np.ndarray, options: dict) -> Any:
    """Return a plain torch loop over dense rows that does the work of an epoch of SNClassifier.

    Parameters
    ----------
    module : Module
        The network, which is copied.
    X : ndarray of shape (n_rows, n_features)
        Rows with NaN.
    y : ndarray of shape (n_rows,)
        0 and 1.
    options : dict
        ``batch_size``, ``lr`` and ``alpha``.

    Returns
    -------
    callable
        Trains one more epoch and returns its seconds.
    """
    module = copy.deepcopy(module).train()
    rows, target = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y).float()[:, None]
    decaying = [p for p in module.parameters() if p.ndim > 1]
    others = [{"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        [{"params": decaying}, *others],
        lr=options["lr"],
        weight_decay=options["alpha"],
        fused=True,
    )
    n_batches = math.ceil(len(rows) / options["batch_size"])

    def epoch() -> float:
        start, total = time.perf_counter(), torch.zeros(())
        for step, index in enumerate(torch.randperm(len(rows)).tensor_split(n_batches)):
            for group in optimizer.param_groups:
                group["lr"] = options["lr"] * (1 + math.cos(math.pi * step / n_batches)) / 2
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(module(rows[index]), target[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
        float(total)
        return time.perf_counter() - start

    return epoch
