"""Batches of training rows, and the data sets and the loader that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..nn._rows import NormalizedRows, SparseRows, take
from ._rows import Rows
from ._sparse_labels import SparseLabels


class Batch(NamedTuple):
    """A batch of rows with their weights; skorch calls it Xi."""

    rows: Tensor | SparseRows | NormalizedRows
    weight: Tensor | None


class RowDataset(torch.utils.data.Dataset):
    """Rows with their y and weights. :class:`BatchLoader` iterates over it.

    Parameters
    ----------
    rows : DenseRows, CSRRows or StreamedRows
        The rows.
    y : Tensor of shape (n_rows,) or (n_rows, n_outputs), or SparseLabels
        What the network predicts.
    weight : Tensor of shape (n_rows,), optional
        Weights of mean 1.
    """

    def __init__(self, rows: Rows, y: Tensor | SparseLabels, weight: Tensor | None) -> None:
        self.rows, self.y = rows, y
        self.weight = weight

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> tuple[Batch, Tensor]:
        if isinstance(index, int):
            index = slice(index, index + 1)
        return self.take(index)

    def plan(self, batches: list[Tensor]) -> list[tuple[Any, Any]]:
        """Return the sizes of batches of rows, and of those of y, before they are needed."""
        of_y = self.y.plan(batches) if isinstance(self.y, SparseLabels) else [None] * len(batches)
        return list(zip(self.rows.plan(batches), of_y, strict=True))

    def take(
        self, index: Tensor | slice, size: tuple[Any, Any] = (None, None)
    ) -> tuple[Any, Tensor]:
        """Return the batch at `index`, which is on the device of y; `size` is its plan."""
        weight = None if self.weight is None else take(self.weight, index)
        return Batch(self.rows.take(index, size[0]), weight), self._take_y(index, size[1])

    def _take_y(self, index: Tensor | slice, size: Any) -> Tensor:
        if isinstance(self.y, SparseLabels):
            return self.y.take(index, size)
        return take(self.y, index)


class BatchLoader:
    """Iterates over batches of a :class:`RowDataset`, in random order if it has a generator.

    There are as few batches as `batch_size` allows. Their sizes differ by one row at most, so that
    no small last batch counts as much as the rest.
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
        order = torch.randperm(n, generator=self.generator)
        sizes = self.dataset.plan(list(order.tensor_split(n_batches)))
        batches = order.to(self.dataset.y.device).tensor_split(n_batches)
        for index, size in zip(batches, sizes, strict=True):
            yield self.dataset.take(index, size)


class EntryBatch(NamedTuple):
    """A batch of rows to predict from, and the rows whose entries are predicted if they differ."""

    rows: Any  # Tensor or SparseRows
    to_predict: Any

    @property
    def wanted(self) -> Any:
        """The rows whose entries are to be predicted."""
        return self.rows if self.to_predict is None else self.to_predict


class EntryDataset(RowDataset):
    """Rows whose observed entries are to be read, and predicted unless others are given.

    Parameters
    ----------
    rows : DenseRows, CSRRows or StreamedRows
        The rows.
    to_predict : DenseRows, CSRRows or StreamedRows, optional
        As many rows, with the entries to predict. By default the entries of `rows`.
    device : torch.device
        The device of the network.
    """

    def __init__(self, rows: Rows, to_predict: Rows | None, device: torch.device) -> None:
        super().__init__(rows, torch.empty(len(rows), 0, device=device), None)
        self.to_predict = to_predict

    def take(
        self, index: Tensor | slice, size: tuple[Any, Any] = (None, None)
    ) -> tuple[Any, Tensor]:
        """Return the batch at `index`, and a y without columns."""
        to_predict = None if self.to_predict is None else self.to_predict.take(index)
        rows = self.rows.take(index, size[0])
        return EntryBatch(rows, to_predict), self._take_y(index, size[1])
