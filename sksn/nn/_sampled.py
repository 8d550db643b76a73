"""Single entries of the product of two tall matrices."""

from __future__ import annotations

import warnings
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from ._bag import ColumnIndex, differentiable_bag
from ._mask import exact_type
from ._rows import SparseRows, is_traced

_GATHERED = 1 << 18  # numbers gathered at a time on devices without a sampled product
_LOCK = Lock()
_is_warning_used_up = False


def sampled_product(
    rows: SparseRows, left: Tensor, right: Tensor, index: ColumnIndex | None = None
) -> Tensor:
    """Compute the entries of ``left @ right.T`` at the places of a batch's own entries.

    Time and memory scale with the number of these entries, not with rows times columns.

    Parameters
    ----------
    rows : SparseRows
        The places. Its values are not used.
    left : Tensor of shape (n_rows, n_hidden)
        One vector for each row.
    right : Tensor of shape (n_features, n_hidden)
        One vector for each feature.
    index : ColumnIndex, optional
        The column index of the batch, if it is known. It must list all columns.

    Returns
    -------
    Tensor of shape (n_entries,)
    """
    index = index or ColumnIndex(rows, len(right))
    kind = torch.promote_types(left.dtype, right.dtype)  # autocast makes them differ
    if is_traced():
        return _gathered(rows.columns, index.row, left.to(kind), right.to(kind))
    exact = exact_type(kind)  # torch has no sampled product in half precision
    return _SampledProduct.apply(left.to(exact), right.to(exact), rows, index).to(kind)


class _SampledProduct(torch.autograd.Function):
    """Its gradients are embedding bags: of each row's features, and of each feature's rows."""

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, rows: SparseRows, index: ColumnIndex
    ) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.rows, ctx.index = rows, index
        if left.device.type in ("cpu", "cuda"):
            return _by_sparse_product(rows, left, right)
        return _by_gathering(rows, index.row, left, right)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        left, right = ctx.saved_tensors
        rows, index = ctx.rows, ctx.index
        of_left = of_right = None
        if ctx.needs_input_grad[0]:
            of_left = differentiable_bag(rows.columns, right, rows.offsets, gradient)
        if ctx.needs_input_grad[1]:
            order, starts, _ = index.find()
            members = index.row.index_select(0, order)
            of_right = differentiable_bag(members, left, starts, gradient.index_select(0, order))
        return of_left, of_right, None, None


def _by_sparse_product(rows: SparseRows, left: Tensor, right: Tensor) -> Tensor:
    end = rows.offsets.new_full((1,), len(rows.columns))
    _use_up_warning()
    pattern = torch.sparse_csr_tensor(
        torch.cat([rows.offsets, end]),
        rows.columns,
        left.new_zeros(len(rows.columns)),
        (len(left), len(right)),
        check_invariants=False,
    )
    return torch.sparse.sampled_addmm(pattern, left, right.T, beta=0).values()


def _use_up_warning() -> None:
    """Use up the warning that torch's CSR tensors are in beta; torch warns once in a process."""
    global _is_warning_used_up
    if _is_warning_used_up:
        return
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 1], [0], [0.0], (1, 1), check_invariants=False)
        _is_warning_used_up = True


def _by_gathering(rows: SparseRows, row: Tensor, left: Tensor, right: Tensor) -> Tensor:
    size = max(1, _GATHERED // max(1, left.shape[1]))
    parts = [
        _gathered(rows.columns[start : start + size], row[start : start + size], left, right)
        for start in range(0, len(row), size)
    ]
    return torch.cat(parts) if parts else left.new_empty(0)


def _gathered(columns: Tensor, row: Tensor, left: Tensor, right: Tensor) -> Tensor:
    return torch.linalg.vecdot(left.index_select(0, row), right.index_select(0, columns))
