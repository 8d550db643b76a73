"""Training rows in memory: on the device of the network, or on the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from .._blocks import blocks, blocks_of_rows, spread
from ..nn._rows import NormalizedRows, SparseRows, gather_rows, take

_SHARE_OF_MEMORY = 0.5  # of a GPU's free memory that rows may take
_PLANNED_ENTRIES = 1 << 24  # entries whose features are counted at a time
DENSE_STEPS_FOR_A_SPARSE_ONE = 7.0  # columns that a dense step updates in the time of one


class BatchCounts(NamedTuple):
    """Sizes of a batch that are known before it is gathered, without waiting for a device."""

    n_entries: int
    n_distinct: int | None = None


class DenseRows:
    """Dense rows with NaN where an entry is missing.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The rows.
    dtype : torch.dtype
        Type of the entries.
    device : torch.device
        Where the rows are kept.
    normalize : callable, optional
        Normalizes all rows once, if that gives the same in every batch.
    """

    def __init__(
        self,
        X: np.ndarray,
        dtype: torch.dtype,
        device: torch.device,
        *,
        normalize: Callable[[Tensor], NormalizedRows] | None = None,
    ) -> None:
        self.n_rows = len(X)
        self.values: Tensor | NormalizedRows = _as_tensor(X, dtype, device)
        if normalize is not None:
            self.values = _normalized(self.values, normalize)

    def __len__(self) -> int:
        return self.n_rows

    def plan(self, batches: list[Tensor]) -> list[None]:
        """Return nothing: batches of dense rows need no plan."""
        return [None] * len(batches)

    def take(self, index: Tensor | slice, size: None = None) -> Tensor | NormalizedRows:
        """Return the rows at `index`, a slice or a tensor on the device of the rows."""
        if isinstance(self.values, NormalizedRows):
            return self.values.take(index)
        return take(self.values, index)


def _normalized(values: Tensor, normalize: Callable[[Tensor], NormalizedRows]) -> NormalizedRows:
    first = normalize(values[:0])
    whole = NormalizedRows._make(
        None if part is None else part.new_empty(len(values), *part.shape[1:]) for part in first
    )
    for rows in blocks(len(values), values.shape[1]):
        for target, part in zip(whole, normalize(values[rows]), strict=True):
            if target is not None and part is not None:
                target[rows] = part
    return whole


class CSRRows:
    """Rows of observed entries, which are gathered without a loop over rows.

    Parameters
    ----------
    X : CSR matrix of shape (n_rows, n_features)
        The rows.
    dtype : torch.dtype
        Type of the values.
    device : torch.device
        Where the rows are kept. The host also keeps where each row starts.
    count_distinct : bool, default=False
        Whether :meth:`plan` counts the features that occur in each batch.
    weights : ndarray of shape (n_entries,), optional
        Weight of each entry in a loss over entries.
    """

    def __init__(
        self,
        X: Any,
        dtype: torch.dtype,
        device: torch.device,
        *,
        count_distinct: bool = False,
        weights: np.ndarray | None = None,
    ) -> None:
        self.n_features, self.count_distinct = X.shape[1], count_distinct
        self.weights = None if weights is None else _as_tensor(weights, dtype, device)
        small = max(X.nnz, *X.shape) < 2**31
        kind = torch.int32 if small else torch.int64
        self.values = _as_tensor(X.data, dtype, device)
        self.columns = _as_tensor(X.indices, kind, device)
        self.starts = _as_tensor(X.indptr, kind, device)
        self.starts_on_host = X.indptr

    def __len__(self) -> int:
        return len(self.starts) - 1

    def plan(self, batches: list[Tensor]) -> list[BatchCounts]:
        """Return the sizes of batches, given by indices on the host, before they are needed."""
        counts = np.diff(self.starts_on_host)
        n_entries = np.array([counts[index.numpy()].sum() for index in batches], dtype=np.int64)
        if not self.count_distinct:
            return [BatchCounts(int(n)) for n in n_entries]
        starts = np.concatenate([[0], np.cumsum(n_entries)])
        n_distinct: list[int] = []
        for part in blocks_of_rows(starts, most_entries=_PLANNED_ENTRIES):
            n_distinct += self._distinct_in(batches[part], int(n_entries[part].sum()))
        return [BatchCounts(int(n), d) for n, d in zip(n_entries, n_distinct, strict=True)]

    def _distinct_in(self, batches: list[Tensor], n_entries: int) -> list[int]:
        """Count the features that occur in each batch."""
        rows = self.take(torch.cat(batches).to(self.starts.device), BatchCounts(n_entries))
        lengths = torch.tensor([len(index) for index in batches])
        batch_of_row = torch.arange(len(batches)).repeat_interleave(lengths)
        batch = batch_of_row.to(self.starts.device)[rows.row_of_entry().long()]
        pairs = torch.unique(batch.mul_(self.n_features).add_(rows.columns))
        return torch.bincount(pairs // self.n_features, minlength=len(batches)).tolist()

    def take(self, index: Tensor | slice, size: BatchCounts | None = None) -> SparseRows:
        """Return the rows at `index`, a slice or a tensor on the device of the rows."""
        if isinstance(index, slice):
            first, stop, _ = index.indices(len(self))
            entries = slice(int(self.starts_on_host[first]), int(self.starts_on_host[stop]))
            offsets = self.starts[first:stop] - entries.start
            weights = None if self.weights is None else self.weights[entries]
            return SparseRows(self.values[entries], self.columns[entries], offsets, weights=weights)
        starts = self.starts.index_select(0, index)
        counts = self.starts.index_select(0, index + 1) - starts
        if size is None:
            size = BatchCounts(int(counts.sum()))
        return gather_rows(self.values, self.columns, self.weights, starts, counts, *size)


class StreamedRows:
    """Rows that stay on the host. Each batch is gathered there and sent to the device."""

    def __init__(self, rows: DenseRows | CSRRows, device: torch.device) -> None:
        self.rows, self.device = rows, device

    def __len__(self) -> int:
        return len(self.rows)

    def plan(self, batches: list[Tensor]) -> list[tuple[Tensor, Any]]:
        """Return the batches as indices on the host, and their sizes."""
        return list(zip(batches, self.rows.plan(batches), strict=True))

    def take(self, index: Tensor | slice, size: tuple[Tensor, Any] | None = None) -> Any:
        """Return the rows at `index`, from pinned memory if the device is a GPU."""
        if isinstance(index, slice):
            taken: Any = self.rows.take(index)
        else:
            taken = self.rows.take(*(size or (index.cpu(), None)))
            if isinstance(taken, SparseRows):  # to train on
                taken = replace(taken, n_distinct=len(torch.unique(taken.columns)))
        if self.device.type == "cuda":
            taken = taken.pin_memory()
        return taken.to(self.device, non_blocking=True)


Rows = DenseRows | CSRRows | StreamedRows


def as_rows(
    X: Any,
    dtype: torch.dtype,
    device: torch.device,
    *,
    normalize: Callable[[Tensor], NormalizedRows] | None = None,
    count_distinct: bool = False,
    weights: np.ndarray | None = None,
) -> Rows:
    """Put an array with NaN, or a CSR matrix of observed entries, on a device if it fits there.

    `normalize` is used for arrays, `weights` for CSR matrices, and `count_distinct` for row-sparse
    gradients on a GPU.
    """
    n_copies = 2 if normalize else 1  # both are held while rows are normalized
    n_bytes = _n_bytes(X, dtype) * n_copies
    fits = device.type != "cuda" or n_bytes < _SHARE_OF_MEMORY * _free_memory(device)
    place = device if fits else torch.device("cpu")
    rows: DenseRows | CSRRows
    if sparse.issparse(X):
        count_distinct = count_distinct and place.type != "cpu"
        rows = CSRRows(X, dtype, place, count_distinct=count_distinct, weights=weights)
    else:
        rows = DenseRows(X, dtype, place, normalize=normalize if fits else None)
    return rows if fits else StreamedRows(rows, device)


def touch_few_columns(X: Any, batch_size: int, *, is_chunk: bool = False) -> bool:
    """Whether batches of a CSR matrix hold so few of its columns that row-sparse steps are faster.

    A step on all columns reads and writes memory in order. A step on the columns of a batch has to
    find, gather and scatter them. It was the faster one where less than about one in seven columns
    occur (``python -m benchmarks run speed``). For a chunk that is smaller than a batch, the
    number of columns is extrapolated in proportion to the rows.
    """
    rows = spread(X.shape[0], batch_size)
    touched = len(np.unique(X[rows].indices)) * (batch_size / len(rows) if is_chunk else 1)
    return touched * DENSE_STEPS_FOR_A_SPARSE_ONE < X.shape[1]


def _n_bytes(X: Any, dtype: torch.dtype) -> int:
    if sparse.issparse(X):
        return X.nnz * (dtype.itemsize + X.indices.itemsize) + X.indptr.nbytes
    return X.size * dtype.itemsize


def _free_memory(device: torch.device) -> int:
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + idle


def _as_tensor(array: np.ndarray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a contiguous tensor, which shares memory with the array where that is safe."""
    array = np.require(array, requirements=["C", "W"])
    return torch.as_tensor(array, dtype=dtype, device=device)
