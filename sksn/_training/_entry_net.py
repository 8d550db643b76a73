"""The skorch net of an autoencoder, which is trained on the entries of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._batches import EntryBatch
from ._callbacks import listeners
from ._net import RowNet

_NUMBERS = 1 << 20  # entries and hidden units that are computed at a time on a CPU
_NUMBERS_ON_DEVICE = 1 << 26


class EntryNet(RowNet):
    """A skorch net over :class:`EntryDataset`, whose module predicts entries."""

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        return self.module_(x.rows, x.to_predict)

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        return self.criterion_(y_pred, X.wanted)

    def backward(self, X: Any, y: Tensor, **fit_params: Any) -> tuple[Tensor, Tensor | None]:
        """Compute the gradients of a batch, of many rows in parts, to save memory."""
        parts = self._parts(X)
        if len(parts) == 1:
            return super().backward(X, y, **fit_params)
        return self._in_parts(parts, y, training=True, **fit_params)

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch, of many rows in parts."""
        X, y = batch
        parts = self._parts(X)
        if len(parts) == 1:
            return super().validation_step(batch, **fit_params)
        self._set_training(False)
        with torch.no_grad():
            loss, output = self._in_parts(parts, y, training=False, **fit_params)
        return {"loss": loss, "y_pred": output}

    def _in_parts(
        self, parts: list[EntryBatch], y: Tensor, *, training: bool, **fit_params: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Compute the loss of a batch, its gradients in training, and the output for callbacks."""
        keeps = bool(listeners(self.callbacks_, "on_batch_end"))
        total, outputs = self.module_.bias.new_zeros(()), []
        for part, share in zip(parts, _shares(parts), strict=True):
            output = self.infer(part, **fit_params)
            loss = self.get_loss(output, y, X=part, training=training) * share
            if training:
                loss.backward()
            total += loss.detach()
            if keeps:
                outputs.append(output.detach())
            del output, loss
        return total, torch.cat(outputs) if keeps else None

    def _parts(self, X: EntryBatch) -> list[EntryBatch]:
        """Split a batch of rows whose entries and hidden units are many."""
        if hasattr(self.module_, "implicit"):  # whose decoder would be computed for each part
            return [X]
        if isinstance(X.rows, Tensor):
            n_rows, n_entries = len(X.rows), X.rows.numel()
        else:
            n_rows, n_entries = len(X.rows.offsets), len(X.rows.values)
        n_hidden = sum(p.shape[-1] for p in self.module_.parameters() if p.ndim > 1)
        per_row = n_entries / max(1, n_rows) + n_hidden
        most = _NUMBERS if self.place[1].type == "cpu" else _NUMBERS_ON_DEVICE
        size = max(1, int(most / per_row))
        if size >= n_rows:
            return [X]
        rows = X.rows.split(size)
        wanted = [None] * len(rows) if X.to_predict is None else X.to_predict.split(size)
        return list(map(EntryBatch, rows, wanted))

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict]:
        """Group parameters: the first layer, weights after it, implicit vectors, and biases."""
        named = list(named_parameters)
        _, options = super().get_params_for_optimizer(prefix, named)
        weights = [(name, p) for name, p in named if p.ndim > 1]
        groups = (
            [p for name, p in weights if name.startswith("input")],
            [p for name, p in weights if not name.startswith("input") and name != "implicit"],
            [p for name, p in weights if name == "implicit"],
            [p for _, p in named if p.ndim <= 1],
        )
        return ([{"params": group, "weight_decay": 0.0} for group in groups],), options

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the entries of each batch, for callbacks."""
        return self.forward(X).double().cpu().numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Predict the entries of each batch, for callbacks."""
        return self.predict_proba(X)


def _shares(parts: list[EntryBatch]) -> list[float]:
    """Return the weight of each part of a batch in the mean loss over entries."""
    totals = []
    for part in parts:
        wanted = part.wanted
        if isinstance(wanted, Tensor):
            totals.append(float((wanted == wanted).sum()))
        elif wanted.weights is None:
            totals.append(float(len(wanted.values)))
        else:
            totals.append(float(wanted.weights.sum()))
    whole = sum(totals)
    return [total / whole if whole else 0.0 for total in totals]
