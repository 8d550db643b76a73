"""Batches of rows: of which only the observed entries are held, or that are normalised already."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
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
    n_distinct : int, optional
        How many different features occur, where that is known: a GPU then need not be asked.
    weights : Tensor of shape (n_entries,), optional
        What each entry counts in a loss over entries; 1 where not given.
    """

    values: Tensor
    columns: Tensor
    offsets: Tensor
    n_distinct: int | None = None
    weights: Tensor | None = None

    def n_observed(self) -> Tensor:
        """Observed entries of each row; integers of shape (n_rows,)."""
        end = self.offsets.new_full((1,), len(self.values))
        return torch.diff(self.offsets, append=end)

    def row_of_entry(self) -> Tensor:
        """The row that each entry belongs to; shape (n_entries,), same type as `offsets`."""
        rows = torch.arange(len(self.offsets), dtype=self.offsets.dtype, device=self.offsets.device)
        return repeat_each(rows, self.n_observed(), len(self.values))

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> SparseRows:
        """The same batch on another device."""
        return SparseRows(
            self.values.to(device, non_blocking=non_blocking),
            self.columns.to(device, non_blocking=non_blocking),
            self.offsets.to(device, non_blocking=non_blocking),
            self.n_distinct,
            None if self.weights is None else self.weights.to(device, non_blocking=non_blocking),
        )


class NormalizedRows(NamedTuple):
    """Dense rows after Sparsity Normalization, as the first layer multiplies them.

    Attributes
    ----------
    entries : Tensor of shape (n_rows, n_features)
        Scaled entries, 0 where missing.
    filled : Tensor of shape (n_rows, n_features * n_bins) or None
        Scaled shares of bins, where there are bins.
    missing : Tensor of shape (n_rows, n_indicators) or None
        1 where an entry is missing, else 0, where there are indicators.
    n_observed : Tensor of shape (n_rows,)
        How many entries of each row are observed.
    """

    entries: Tensor
    filled: Tensor | None
    missing: Tensor | None
    n_observed: Tensor

    def at(self, index: Tensor | slice) -> NormalizedRows:
        """The rows at `index`."""
        return NormalizedRows._make(None if part is None else take(part, index) for part in self)


def take(rows: Tensor, index: Tensor | slice) -> Tensor:
    """The rows at `index`."""
    return rows[index] if isinstance(index, slice) else rows.index_select(0, index)


def repeat_each(values: Tensor, counts: Tensor, total: int) -> Tensor:
    """Each of `values` as often as its count says, `total` in all; asks no device for that."""
    if values.device.type == "cpu" and not torch.compiler.is_compiling():  # far faster
        return torch.from_numpy(np.repeat(values.numpy(), counts.numpy()))
    return values.repeat_interleave(counts, output_size=total)
