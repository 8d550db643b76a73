"""Weighted sums of the weights of a row's features, and their gradient, column by column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ._rows import SparseRows


class ByColumn(NamedTuple):
    """The entries of a batch, column after column, in the order of rows within each.

    Attributes
    ----------
    order : Tensor of shape (n_entries,)
        Positions of the entries in the batch.
    offsets : Tensor of shape (n_columns,)
        Where each column starts in `order`.
    columns : Tensor of shape (n_columns,) or None
        The columns, ascending; None where they are all columns that there are.
    """

    order: Tensor
    offsets: Tensor
    columns: Tensor | None


class ColumnIndex:
    """Knows the row of each entry, and finds the entries of each column when first asked to.

    Parameters
    ----------
    rows : SparseRows
        The batch.
    n_features : int
        Number of columns that there are.
    occurring : bool, default=False
        Whether to list only the columns that occur in the batch, instead of all of them.
    """

    def __init__(self, rows: SparseRows, n_features: int, *, occurring: bool = False) -> None:
        self.rows, self.n_features, self.occurring = rows, n_features, occurring
        self.row = rows.row_of_entry()
        self._found: ByColumn | None = None

    def find(self) -> ByColumn:
        """Find them, or recall what was found before."""
        if self._found is None:
            if not self.occurring and self.rows.columns.device.type == "cpu":
                self._found = self._count()
            else:
                self._found = self._sort()
        return self._found

    def _count(self) -> ByColumn:
        """By counting, in time proportional to the entries and all columns."""
        columns = self.rows.columns.numpy()
        starts = np.append(self.rows.offsets.numpy(), columns.dtype.type(len(columns)))
        position = np.arange(len(columns), dtype=columns.dtype)
        shape = (len(starts) - 1, self.n_features)
        by_column = sparse.csr_array((position, columns, starts), shape=shape).tocsc()
        return ByColumn(
            torch.from_numpy(by_column.data), torch.from_numpy(by_column.indptr[:-1]), None
        )

    def _sort(self) -> ByColumn:
        """By sorting, in time that does not depend on how many columns there are."""
        columns = self.rows.columns
        position = torch.arange(len(columns), device=columns.device)
        keys = columns.long().bitwise_left_shift(32).bitwise_or_(position)
        if keys.device.type == "cpu":
            keys.numpy().sort()  # several times as fast as torch's sort, which finds indices too
        else:
            keys = keys.sort()[0]
        ordered = keys.bitwise_right_shift(32)
        order = keys.bitwise_and_(2**32 - 1).to(columns.dtype)
        if not self.occurring:
            every = torch.arange(self.n_features, device=columns.device)
            return ByColumn(order, torch.searchsorted(ordered, every).to(columns.dtype), None)
        first = torch.ones_like(ordered, dtype=torch.bool)
        torch.ne(ordered[1:], ordered[:-1], out=first[1:])
        if self.rows.n_distinct is None:
            (offsets,) = first.nonzero(as_tuple=True)
        else:  # the same without waiting for the device
            distinct = torch.arange(1, self.rows.n_distinct + 1, device=columns.device)
            offsets = torch.searchsorted(first.cumsum(0), distinct)
        return ByColumn(order, offsets.to(columns.dtype), ordered.index_select(0, offsets))


def weighted_sums(
    rows: SparseRows, factors: Tensor, weight: Tensor, index: ColumnIndex | None = None
) -> Tensor:
    """Sum over each row's entries of a factor times the weights of the entry's feature.

    Parameters
    ----------
    rows : SparseRows
        The batch; only its columns and offsets count.
    factors : Tensor of shape (n_entries,)
        A factor for each entry.
    weight : Tensor of shape (n_features, n_outputs)
        The weights of each feature.
    index : ColumnIndex, optional
        The index of the batch, where several weights share it. It says whether the gradient of
        `weight` is sparse, holding only the columns that occur in the batch, or dense.

    Returns
    -------
    Tensor of shape (n_rows, n_outputs)
    """
    if torch.compiler.is_compiling():  # which cannot look into NumPy
        return bag(rows.columns, weight, rows.offsets, factors)
    index = index or ColumnIndex(rows, len(weight))
    return _WeightedSums.apply(weight, factors, rows, index)


class _WeightedSums(torch.autograd.Function):
    """Both directions are one embedding bag: of features in each row, of rows in each feature.

    torch's own gradient of an embedding bag is dense, and on a CPU takes many times as long.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, factors: Tensor, rows: SparseRows, index: ColumnIndex
    ) -> Tensor:
        ctx.save_for_backward(weight, factors)
        ctx.rows, ctx.index = rows, index
        return bag(rows.columns, weight, rows.offsets, factors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, factors = ctx.saved_tensors
        of_weight = of_factors = None
        row = ctx.index.row
        if ctx.needs_input_grad[0]:
            order, offsets, columns = ctx.index.find()
            of_weight = bag(
                row.index_select(0, order),
                gradient.contiguous(),
                offsets,
                factors.index_select(0, order),
            )
            if columns is not None:
                of_weight = torch.sparse_coo_tensor(
                    columns[None],
                    of_weight,
                    weight.shape,
                    check_invariants=False,
                    is_coalesced=True,
                )
        if ctx.needs_input_grad[1]:
            of_factors = (weight[ctx.rows.columns.long()] * gradient[row.long()]).sum(dim=1)
        return of_weight, of_factors, None, None


def bag(members: Tensor, table: Tensor, offsets: Tensor, factors: Tensor) -> Tensor:
    """Sums of rows of a table, each with its factor, bag after bag."""
    return F.embedding_bag(members, table, offsets, mode="sum", per_sample_weights=factors)
