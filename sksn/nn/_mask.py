"""What is observed of tensors and of rows of entries, and how many that are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._scale import is_flag, sparsity_scale
from ._rows import SparseRows


def observed_entries(
    x: Tensor, mask: Tensor | None = None, missing_values: float = np.nan
) -> Tensor:
    """Where entries are observed; bool, shape of `x`."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(
            "x must be a tensor of floating point numbers, got "
            f"{x.dtype if isinstance(x, Tensor) else type(x).__name__}."
        )
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


def count(observed: Tensor, dtype: torch.dtype, dim: int | tuple[int, ...]) -> Tensor:
    """How many are observed, in a type that counts exactly; dimensions are kept, at size 1."""
    return observed.sum(dim=dim, keepdim=True).to(exact_type(dtype))


def exact_type(dtype: torch.dtype) -> torch.dtype:
    """A type that counts exactly beside entries of type `dtype`."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def count_entries(rows: SparseRows, observed: Tensor, row: Tensor) -> Tensor:
    """How many entries of each row are observed, in a type that counts exactly.

    `observed` is 1 or True for those that are, and `row` the row of each entry.
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
    """Entries with zeros where they are missing, and the factors of samples, of size 1 in `dim`."""
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
    """Entries with zeros where they are missing, and the factor of each row.

    `row` is the row of each entry.
    """
    observed = observed_entries(rows.values, None, missing_values)
    scale = sparsity_scale(count_entries(rows, observed, row), target, power)
    return torch.where(observed, rows.values, 0), scale


def refuse_mask(mask: Tensor | None) -> None:
    if mask is not None:
        raise ValueError("mask must be None for SparseRows, whose entries are all observed.")


def check_constant(target: Any) -> float:
    """Return the constant K as a float, or say why it cannot be one."""
    try:
        value = float(target)
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if is_flag(target) or isinstance(target, str) or not 0 < value < np.inf:
        raise ValueError(f"target must be a positive number, got {target!r}.")
    return value
