"""Sums of the weights of each row's features, and their gradient, column by column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional as F

from ._rows import SparseRows, is_traced


class ByColumn(NamedTuple):
    """The entries of a batch, column after column, and in the order of rows within a column.

    Attributes
    ----------
    order : Tensor of shape (n_entries,)
        Positions of the entries in the batch.
    starts : Tensor of shape (n_columns,)
        Where each column starts in `order`.
    columns : Tensor of shape (n_columns,) or None
        The columns in ascending order; None if they are all columns that exist.
    """

    order: Tensor
    starts: Tensor
    columns: Tensor | None


class ColumnIndex:
    """Knows the row of each entry, and finds the entries of each column on demand.

    Parameters
    ----------
    rows : SparseRows
        The batch.
    n_features : int
        Number of columns that exist.
    occurring : bool, default=False
        Whether to list only the columns that occur in the batch, instead of all columns.
    """

    def __init__(self, rows: SparseRows, n_features: int, *, occurring: bool = False) -> None:
        self.rows, self.n_features, self.occurring = rows, n_features, occurring
        self.row = rows.row_of_entry()
        self._found: ByColumn | None = None

    def find(self) -> ByColumn:
        """Return the entries of each column, and remember them for the next call."""
        if self._found is None:
            if not self.occurring and self.rows.columns.device.type == "cpu":
                self._found = self._count()
            else:
                self._found = self._sort()
        return self._found

    def _count(self) -> ByColumn:
        """Count entries: the time scales with the number of entries and of all columns."""
        columns = self.rows.columns.numpy()
        starts = np.append(self.rows.offsets.numpy(), columns.dtype.type(len(columns)))
        position = np.arange(len(columns), dtype=columns.dtype)
        shape = (len(starts) - 1, self.n_features)
        by_column = sparse.csr_array((position, columns, starts), shape=shape).tocsc()
        return ByColumn(
            torch.from_numpy(by_column.data), torch.from_numpy(by_column.indptr[:-1]), None
        )

    def _sort(self) -> ByColumn:
        """Sort entries: the time does not depend on the number of columns."""
        columns = self.rows.columns
        position = torch.arange(len(columns), device=columns.device)
        keys = columns.long().bitwise_left_shift(32).bitwise_or_(position)
        if keys.device.type == "cpu":
            keys.numpy().sort()  # several times as fast as torch's sort, which returns indices too
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
            (starts,) = first.nonzero(as_tuple=True)
        else:  # the same without waiting for the device
            distinct = torch.arange(1, self.rows.n_distinct + 1, device=columns.device)
            starts = torch.searchsorted(first.cumsum(0), distinct)
        return ByColumn(order, starts.to(columns.dtype), ordered.index_select(0, starts))


def weighted_sums(
    rows: SparseRows, factors: Tensor, weight: Tensor, index: ColumnIndex | None = None
) -> Tensor:
    r"""Compute :math:`\sum_{e} f_e\, w_{j(e)}` over the entries :math:`e` of each row.

    :math:`f_e` is the factor of an entry, and :math:`w_{j(e)}` the weights of its feature.

    Parameters
    ----------
    rows : SparseRows
        The batch. Its values are not used.
    factors : Tensor of shape (n_entries,)
        The factor of each entry.
    weight : Tensor of shape (n_features, n_outputs)
        The weights of each feature.
    index : ColumnIndex, optional
        The column index of the batch, if it is known. It decides whether the gradient of
        `weight` is dense, or sparse with only the columns that occur in the batch.

    Returns
    -------
    Tensor of shape (n_rows, n_outputs)
    """
    if torch.compiler.is_compiling():
        if index is not None and index.occurring and _trains(weight):
            return _with_sparse_gradient(rows, factors, weight)
        return bag(rows.columns, weight, rows.offsets, factors)
    index = index or ColumnIndex(rows, len(weight))
    if is_traced():  # transforms cannot follow the gradient of a bag
        gathered = weight.index_select(0, rows.columns) * factors[:, None]
        sums = gathered.new_zeros(len(rows.offsets), weight.shape[1])
        return sums.index_add(0, index.row, gathered)
    return _WeightedSums.apply(weight, factors, rows, index)


class _WeightedSums(torch.autograd.Function):
    """Embedding bags in both directions: of the features of each row, of the rows of each feature.

    torch's own gradient of an embedding bag is dense, and takes many times as long on a CPU.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, factors: Tensor, rows: SparseRows, index: ColumnIndex
    ) -> Tensor:
        ctx.save_for_backward(weight, factors)
        ctx.rows, ctx.index = rows, index
        return bag(rows.columns, weight, rows.offsets, factors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, factors = ctx.saved_tensors
        of_weight = of_factors = None
        row = ctx.index.row
        if ctx.needs_input_grad[0]:
            order, starts, columns = ctx.index.find()
            of_weight = differentiable_bag(
                row.index_select(0, order),
                gradient.contiguous(),
                starts,
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


def bag(members: Tensor, table: Tensor, starts: Tensor, factors: Tensor) -> Tensor:
    """Sum rows of a table with a factor each, bag after bag; `starts` is where bags start."""
    return F.embedding_bag(members, table, starts, mode="sum", per_sample_weights=factors)


def differentiable_bag(members: Tensor, table: Tensor, starts: Tensor, factors: Tensor) -> Tensor:
    """Do the same in the backward pass, whose gradients are wanted too with ``create_graph``."""
    if not torch.is_grad_enabled():
        return bag(members, table, starts, factors)
    return weighted_sums(SparseRows(factors, members, starts), factors, table)


def _trains(weight: Tensor) -> bool:
    """Whether compiled code computes a gradient; exported code is taken to predict."""
    is_exporting = getattr(torch.compiler, "is_exporting", lambda: False)  # torch >= 2.7 has it
    compiles = torch.compiler.is_dynamo_compiling() and not is_exporting()
    return compiles and weight.requires_grad and torch.is_grad_enabled()


@torch.compiler.disable
def _with_sparse_gradient(rows: SparseRows, factors: Tensor, weight: Tensor) -> Tensor:
    """Leave the compiled graph, because compiled gradients are dense."""
    return weighted_sums(rows, factors, weight, ColumnIndex(rows, len(weight), occurring=True))
