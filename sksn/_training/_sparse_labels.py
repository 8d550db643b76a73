"""Labels that are stored sparsely while a network is trained on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._rows import as_rows


class SparseLabels:
    """Labels of rows, of which only the nonzero ones are stored. Batches of them are dense.

    Parameters
    ----------
    y : CSR matrix of shape (n_rows, n_labels)
        1 where a label applies, and NaN where that is not known.
    dtype : torch.dtype
        Type of the batches.
    device : torch.device
        Device of the batches.
    """

    def __init__(self, y: Any, dtype: torch.dtype, device: torch.device) -> None:
        self.rows = as_rows(y, dtype, device)
        self.n_labels, self.device = y.shape[1], device

    def __len__(self) -> int:
        return len(self.rows)

    def plan(self, batches: list[Tensor]) -> Any:
        """Return the sizes of batches, given by indices on the host, before they are needed."""
        return self.rows.plan(batches)

    def take(self, index: Tensor | slice, size: Any = None) -> Tensor:
        """Return the labels at `index`, a tensor of shape (n_rows, n_labels)."""
        stored: Any = self.rows.take(index, size)
        labels = stored.values.new_zeros(len(stored.offsets), self.n_labels)
        labels[stored.row_of_entry().long(), stored.columns.long()] = stored.values
        return labels
