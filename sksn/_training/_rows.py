"""Training rows in memory, and batches of them gathered many rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from ..nn._rows import SparseRows


class DenseRows:
    """Dense rows with NaN where an entry is missing."""

    def __init__(self, X: np.ndarray, dtype: torch.dtype, device: torch.device) -> None:
        self.values = _as_tensor(X, dtype, device)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor | slice) -> Tensor:
        """The rows at `index`."""
        return self.values[index]


class CSRRows:
    """Rows of observed entries, gathered without a loop over rows."""

    def __init__(self, X: Any, dtype: torch.dtype, device: torch.device) -> None:
        self.values = _as_tensor(X.data, dtype, device)
        small = max(X.nnz, *X.shape) < 2**31
        kind = torch.int32 if small else torch.int64
        self.columns = _as_tensor(X.indices, kind, device)
        self.starts = _as_tensor(X.indptr, kind, device)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, index: Tensor | slice) -> SparseRows:
        """The rows at `index`."""
        if isinstance(index, slice):
            first, stop, _ = index.indices(len(self))
            starts = self.starts[first : stop + 1]
            entries = slice(int(starts[0]), int(starts[-1]))
            offsets = starts[:-1] - starts[0]
            return SparseRows(self.values[entries], self.columns[entries], offsets)
        starts = self.starts[index]
        counts = self.starts[index + 1] - starts
        ends = counts.cumsum(0, dtype=counts.dtype)
        offsets = ends - counts
        position = torch.arange(int(ends[-1]), dtype=counts.dtype, device=counts.device)
        position += (starts - offsets).repeat_interleave(counts, output_size=len(position))
        return SparseRows(self.values[position], self.columns[position], offsets)


def as_rows(X: Any, dtype: torch.dtype, device: torch.device) -> DenseRows | CSRRows:
    """Put a NaN-marked array or a CSR matrix of observed entries on a device."""
    return (CSRRows if sparse.issparse(X) else DenseRows)(X, dtype, device)


def _as_tensor(array: np.ndarray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A contiguous tensor, sharing memory where that is safe."""
    array = np.require(array, requirements=["C", "W"])
    return torch.as_tensor(array, dtype=dtype, device=device)


class Batch(NamedTuple):
    """Rows and their weights; what skorch calls Xi."""

    rows: Tensor | SparseRows
    weight: Tensor | None


class RowDataset(torch.utils.data.Dataset):
    """Rows, targets and weights; iterate over it with :class:`BatchLoader`.

    Parameters
    ----------
    rows : DenseRows or CSRRows
        The rows.
    y : Tensor of shape (n_rows,) or (n_rows, n_outputs)
        Targets.
    weight : Tensor of shape (n_rows,), optional
        Weights of mean 1.
    """

    def __init__(self, rows: DenseRows | CSRRows, y: Tensor, weight: Tensor | None) -> None:
        self.rows, self.y = rows, y
        self.weight = weight

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> tuple[Batch, Tensor]:
        if isinstance(index, int):
            index = slice(index, index + 1)
        weight = None if self.weight is None else self.weight[index]
        return Batch(self.rows.take(index), weight), self.y[index]


class BatchLoader:
    """Iterates over batches of a :class:`RowDataset`; shuffled where it has a generator.

    Batches are as few as `batch_size` allows and differ in size by one row at most, so that no
    small last batch counts as much as the others.
    """

    def __init__(
        self,
        dataset: RowDataset,
        batch_size: int,
        generator: torch.Generator | None = None,
    ) -> None:
        self.dataset, self.batch_size, self.generator = dataset, batch_size, generator

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Batch, Tensor]]:
        n, n_batches = len(self.dataset), len(self)
        if self.generator is None or n_batches == 1:
            edges = [n * i // n_batches for i in range(n_batches + 1)]
            for start, stop in zip(edges[:-1], edges[1:], strict=True):
                yield self.dataset[start:stop]
            return
        order = torch.randperm(n, generator=self.generator).to(self.dataset.y.device)
        for index in order.tensor_split(n_batches):
            yield self.dataset[index]
