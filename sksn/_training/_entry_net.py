"""The skorch net of an autoencoder, which is trained on the entries of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from ._net import RowNet


class EntryNet(RowNet):
    """A skorch net over :class:`EntryDataset`, whose module predicts entries."""

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        return self.module_(x.rows, x.to_predict)

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        return self.criterion_(y_pred, X.wanted)

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict]:
        """Group parameters: the first layer, weights after it, implicit vectors, and biases."""
        named = list(named_parameters)
        _, options = super().get_params_for_optimizer(prefix, named)
        weights = [(name, p) for name, p in named if p.ndim > 1]
        groups = (
            [p for name, p in weights if name.startswith("input.")],
            [p for name, p in weights if not name.startswith("input.") and name != "implicit"],
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
