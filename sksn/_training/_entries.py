"""Training on the entries of rows: batches, their loss, and the skorch net of an autoencoder."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..nn._autoencoder import SNAE
from ..nn._rows import SparseRows, take
from ._device import resolve_device
from ._history import HistoryAE
from ._net import RowNet
from ._parameters import layer_sizes
from ._rows import BatchLoader, CSRRows, RowDataset, Rows, as_rows

_STEP_ENTRIES = 1 << 24  # entries behind a step of the optimiser, by default, at most


class EntryBatch(NamedTuple):
    """Rows to predict from, and rows with the entries to predict where they are others."""

    rows: Any  # Tensor or SparseRows
    targets: Any

    @property
    def wanted(self) -> Any:
        """The rows whose entries are to be predicted."""
        return self.rows if self.targets is None else self.targets


class EntryDataset(RowDataset):
    """Rows whose observed entries are inputs and targets, or inputs beside other targets.

    Parameters
    ----------
    rows : DenseRows, CSRRows or StreamedRows
        The rows.
    targets : DenseRows, CSRRows or StreamedRows, optional
        As many rows with the entries to predict; by default those of `rows`.
    device : torch.device
        Where the network is.
    """

    def __init__(self, rows: Rows, targets: Rows | None, device: torch.device) -> None:
        super().__init__(rows, torch.empty(len(rows), 0, device=device), None)
        self.targets = targets

    def take(self, index: Tensor | slice, size: Any = None) -> tuple[Any, Tensor]:
        """The batch at `index`; there is no y beside it."""
        targets = None if self.targets is None else self.targets.take(index)
        return EntryBatch(self.rows.take(index, size), targets), take(self.y, index)


class EntryLoss(nn.Module):
    """Mean squared error over the entries that are to be predicted, weighted where asked."""

    def forward(self, predicted: Tensor, wanted: Tensor | SparseRows) -> Tensor:
        if isinstance(wanted, Tensor):
            observed = wanted == wanted
            error = torch.where(observed, predicted - wanted, 0.0)
            return (error * error).sum() / observed.sum().clamp(min=1)
        error = predicted - wanted.values
        if wanted.weights is None:
            return (error * error).sum() / max(1, len(error))
        return (error * error * wanted.weights).sum() / wanted.weights.sum().clamp(min=1e-30)


class EntryNet(RowNet):
    """A skorch net over :class:`EntryDataset`."""

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        return self.module_(x.rows, x.targets)

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        return self.criterion_(y_pred, X.wanted)

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict]:
        """Weights of the first layer, those behind it, vectors of rows; and biases."""
        named = list(named_parameters)
        _, options = super().get_params_for_optimizer(prefix, named)
        weights = [(name, p) for name, p in named if p.ndim > 1]
        groups = (
            [p for name, p in weights if name.startswith("input.")],
            [p for name, p in weights if not name.startswith("input.") and name != "history"],
            [p for name, p in weights if name == "history"],
            [p for _, p in named if p.ndim <= 1],
        )
        groups_of = [{"params": group, "weight_decay": 0.0} for group in groups]
        return (groups_of,), options

    def set_penalties(self, *penalties: float) -> None:
        """Penalties of squares, beside a mean loss, of the groups that are no biases."""
        for group, penalty in zip(self.optimizer_.param_groups, penalties, strict=False):
            group["weight_decay"] = float(penalty)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predictions of the entries of each batch, for callbacks."""
        return self.forward(X).double().cpu().numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The same."""
        return self.predict_proba(X)


def entry_rows(
    X: Any, dtype: torch.dtype, device: torch.device, *, weights: np.ndarray | None = None
) -> Rows:
    """Rows on a device, with weights of the entries of a CSR matrix where there are any."""
    if weights is None:
        return as_rows(X, dtype, device)
    return CSRRows(X, dtype, device, weights=weights)


def rows_in_batch(batch_size: Any, n_rows: int, n_entries: int) -> int:
    """``batch_size``, "auto" being all rows unless they hold more entries than a step needs."""
    if batch_size != "auto":
        return int(batch_size)
    n_batches = max(1, round(n_entries / _STEP_ENTRIES))
    return -(-n_rows // n_batches)


def build_entry_net(
    estimator: Any,
    *,
    activation: str,
    baseline: np.ndarray,
    target: float,
    sparse: bool,
    seed: int,
    n_rows: int | None = None,
) -> EntryNet:
    """An initialised, untrained net with the parameters of an autoencoder.

    With `n_rows` it is to learn from which of so many rows a feature is observed in.
    """
    device = resolve_device(estimator.device)
    history = {} if n_rows is None else {"module__n_rows": n_rows}
    net = EntryNet(
        SNAE if n_rows is None else HistoryAE,
        **history,
        module__n_features=len(baseline),
        module__hidden_layer_sizes=layer_sizes(estimator.hidden_layer_sizes),
        module__activation=activation,
        module__target=target,
        module__power=float(estimator.power),
        module__input_dropout=float(estimator.input_dropout),
        module__dropout=float(estimator.dropout),
        module__row_offset=estimator.row_offset,
        module__baseline=torch.as_tensor(baseline),
        module__center=bool(estimator.center),
        module__add_indicator=bool(estimator.add_indicator),
        module__sparse=sparse,
        module__seed=seed,
        module__dtype=getattr(torch, estimator.dtype),
        criterion=EntryLoss,
        optimizer=torch.optim.Adam,
        optimizer__eps=1e-14,  # gradients of a mean over millions of entries are that small
        optimizer__fused=device.type in ("cpu", "cuda"),
        lr=float(estimator.lr),
        max_epochs=estimator.max_epochs,
        iterator_train=BatchLoader,
        iterator_valid=BatchLoader,
        train_split=None,
        callbacks=estimator.callbacks,
        device=str(device),
        verbose=0,
    )
    return net.initialize()
