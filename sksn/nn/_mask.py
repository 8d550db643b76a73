"""Masks and counts of the observed entries of tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .._formula import sparsity_scale
from ._rows import SparseRows


def observed_entries(
    x: Tensor, mask: Tensor | None = None, missing_values: float = np.nan
) -> Tensor:
    """Return a bool tensor like `x` that is true where an entry is observed."""
    if not isinstance(x, Tensor) or x.layout != torch.strided or not x.is_floating_point():
        _refuse(x)
    if mask is not None and not isinstance(mask, Tensor):
        raise TypeError(f"mask must be a tensor or None, got {type(mask).__name__}.")
    observed = x == x  # not NaN
    if missing_values == missing_values:
        observed = observed & (x != missing_values)
    if mask is None:
        return observed
    if len(mask.shape) > len(x.shape) or any(
        m not in (1, n) for m, n in zip(mask.shape[::-1], x.shape[::-1], strict=False)
    ):
        raise ValueError(
            f"mask must have the shape of x, {tuple(x.shape)}, or one that broadcasts to it; got "
            f"{tuple(mask.shape)}."
        )
    return observed & (mask if mask.dtype == torch.bool else mask != 0)


def _refuse(x: object) -> None:
    """Raise a TypeError that says what to pass instead."""
    got, hint = type(x).__name__, " Use torch.as_tensor(x)."
    if isinstance(x, Tensor):
        is_sparse = x.layout != torch.strided
        got, hint = str(x.layout if is_sparse else x.dtype), "" if is_sparse else " Use x.float()."
    if hasattr(x, "tocsr") or (isinstance(x, Tensor) and x.layout != torch.strided):
        hint = (
            " Pass the rows of a sparse matrix as sksn.nn.SparseRows(values, columns, offsets): "
            "tensors of the data, indices and indptr[:-1] of its CSR form."
        )
    raise TypeError(f"x must be a dense tensor of floating point numbers, got {got}.{hint}")


def count(observed: Tensor, dtype: torch.dtype, dim: int | tuple[int, ...]) -> Tensor:
    """Count observed entries in a type that counts exactly; `dim` stays, with size 1."""
    return observed.sum(dim=dim, keepdim=True).to(exact_type(dtype))


def exact_type(dtype: torch.dtype) -> torch.dtype:
    """Return a type that counts exactly, for entries of type `dtype`."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def count_entries(rows: SparseRows, observed: Tensor, row: Tensor) -> Tensor:
    """Count the observed entries of each row, in a type that counts exactly.

    `observed` is 1 or True for an observed entry, and `row` is the row of each entry.
    """
    kind = exact_type(rows.values.dtype)
    counts = torch.zeros(len(rows.offsets), dtype=kind, device=rows.values.device)
    return counts.index_add(0, row, observed.to(kind))


def entries_and_scale(
    x: Tensor,
    mask: Tensor | None,
    target: float,
    power: float,
    missing_values: float = np.nan,
    dim: int | tuple[int, ...] = -1,
) -> tuple[Tensor, Tensor]:
    """Return entries with 0 where missing, and the factor of each sample, of size 1 in `dim`."""
    observed = observed_entries(x, mask, missing_values)
    scale = sparsity_scale(count(observed, x.dtype, dim), target, power)
    return torch.where(observed, x, 0), scale


def entries_and_scale_of_rows(
    rows: SparseRows,
    row: Tensor,
    target: float,
    power: float,
    missing_values: float = np.nan,
) -> tuple[Tensor, Tensor]:
    """Return entries with 0 where missing, and the factor of each row.

    `row` is the row of each entry.
    """
    observed = observed_entries(rows.values, None, missing_values)
    scale = sparsity_scale(count_entries(rows, observed, row), target, power)
    return torch.where(observed, rows.values, 0), scale


def refuse_mask(mask: Tensor | None) -> None:
    """Raise a ValueError if there is a mask."""
    if mask is not None:
        raise ValueError("mask must be None for SparseRows, whose entries are all observed.")
