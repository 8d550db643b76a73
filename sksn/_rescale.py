"""Scaling of rows, alike for arrays, torch tensors and sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._observed import count_observed, drop_stored_missing, is_torch, missing_mask
from ._scale import sparsity_scale


def measure(X: Any, missing_values: float) -> tuple[Any, Any, Any]:
    """X (sparse: observed entries only), where it is missing (dense), observed per row."""
    if sparse.issparse(X):
        X = drop_stored_missing(X, missing_values)
        return X, None, count_observed(X)
    missing = missing_mask(X, missing_values)
    return X, missing, (~missing).sum(axis=1)


def rescale(X: Any, missing: Any, scale: Any) -> Any:
    """Scale the rows of X in place and put 0 where it is missing."""
    if sparse.issparse(X):
        return scale_stored(X, scale)
    X[missing] = 0
    X *= scale[:, None]
    return X


def scale_stored(X: Any, scale: np.ndarray) -> Any:
    """Scale the rows of a CSR or CSC matrix in place."""
    if X.format == "csr":
        X.data *= np.repeat(scale, np.diff(X.indptr))
    else:
        X.data *= scale[X.indices]
    return X


def finite_scale(n_observed: Any, target: float, power: float, dtype: Any) -> Any:
    """The scale of each row in the type of the entries, or an error where it overflows."""
    if is_torch(n_observed):
        wide = n_observed if n_observed.device.type == "mps" else n_observed.double()
        scale = sparsity_scale(wide, target, power).to(dtype)
    else:
        with np.errstate(over="ignore"):
            scale = sparsity_scale(n_observed, target, power).astype(dtype, copy=False)
    if not (abs(scale) < float("inf")).all():
        raise ValueError(
            f"power={power} is too large: (K / n) ** power overflows {dtype} for K = {target} and "
            f"n = {int(n_observed[n_observed > 0].min())}."
        )
    return scale


def reciprocal(scale: Any) -> Any:
    """1 / scale, and 0 for rows without observed entries, whose scale is 0."""
    return (scale > 0) / (scale + (scale == 0))


def hstack(X: Any, indicator: Any) -> Any:
    """X with its indicators beside it, in the type and container of X."""
    if sparse.issparse(X):
        return sparse.hstack([X, indicator], format=X.format)
    if is_torch(X):
        import torch

        return torch.cat([X, indicator.to(X.dtype)], dim=1)
    return np.hstack([X, indicator.astype(X.dtype)])


def to_numpy(x: Any) -> np.ndarray:
    """A tensor of counts as an array; an array as it is."""
    return x.cpu().numpy() if is_torch(x) else x
