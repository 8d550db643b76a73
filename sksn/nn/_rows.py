"""A batch of rows of which only the observed entries are held."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SparseRows(NamedTuple):
    """Observed entries of a batch of rows, row after row.

    Attributes
    ----------
    values : Tensor of shape (n_entries,)
        The observed entries; floating point.
    columns : Tensor of shape (n_entries,)
        The feature that each entry belongs to; int32 or int64.
    offsets : Tensor of shape (n_rows,)
        Where each row starts in `values`; same type as `columns`.
    """

    values: Tensor
    columns: Tensor
    offsets: Tensor

    def n_observed(self) -> Tensor:
        """Observed entries of each row; integers of shape (n_rows,)."""
        end = self.offsets.new_full((1,), len(self.values))
        return torch.diff(self.offsets, append=end)

    def row_of_entry(self) -> Tensor:
        """The row that each entry belongs to; integers of shape (n_entries,)."""
        rows = torch.arange(len(self.offsets), device=self.offsets.device)
        return rows.repeat_interleave(self.n_observed(), output_size=len(self.values))

    def to(self, device: torch.device | str) -> SparseRows:
        """The same batch on another device."""
        return SparseRows(*(part.to(device) for part in self))
