"""Scaling of rows, alike for arrays, torch tensors and sparse matrices.

Arrays and sparse matrices are treated in blocks, so that no temporary is as large as they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ._blocks import blocks
from ._observed import (
    check_stored,
    count_observed,
    count_observed_features,
    is_torch,
    missing_mask,
)
from ._scale import sparsity_scale


class Survey(NamedTuple):
    """What is observed where.

    Attributes
    ----------
    in_rows, in_features : ndarray of shape (n_rows,), (n_features,)
        How many entries of each row and of each feature are observed.
    zeros : ndarray of shape (n_features,)
        Which features have an observed zero; none of a sparse matrix, where it does not matter.
    """

    in_rows: np.ndarray
    in_features: np.ndarray
    zeros: np.ndarray


def survey(X: Any, missing_values: float) -> Survey:
    """Look at an array, a tensor, or CSR or CSC that stores exactly the observed entries."""
    if sparse.issparse(X):
        return Survey(count_observed(X), count_observed_features(X), np.zeros(X.shape[1], bool))
    if is_torch(X):
        observed, zero = ~missing_mask(X, missing_values), (X == 0).sum(axis=0) > 0
        parts = (observed.sum(axis=1), observed.sum(axis=0), zero)
        return Survey(*(part.cpu().numpy() for part in parts))
    result = Survey(
        np.empty(len(X), np.intp), np.zeros(X.shape[1], np.intp), np.zeros(X.shape[1], bool)
    )
    for part in blocks(len(X), X.shape[1]):
        observed = ~missing_mask(X[part], missing_values)
        result.in_rows[part] = count_true(observed)
        result.in_features[:] += count_true(observed.T)
        result.zeros[:] |= (X[part] == 0).any(axis=0)
    return result


def count_true(mask: np.ndarray) -> np.ndarray:
    """How many entries of each row of a bool array are true; faster than a sum of bools."""
    ones = np.ones(mask.shape[1], dtype=np.float32)
    return (mask.astype(np.float32) @ ones).astype(np.intp)


def rescale(
    X: Any, target: float, power: float, missing_values: float = np.nan, *, copy: bool
) -> Any:
    """Scale rows by ``(target / n_observed) ** power`` and put 0 where an array is missing.

    Parameters
    ----------
    X : ndarray, torch.Tensor, CSR or CSC
        The rows. Of a sparse matrix exactly the observed entries are stored, or, if it is to be
        copied, stored entries may also be NaN or, by mistake, infinite.
    target, power : float
        See :func:`sparsity_scale`.
    missing_values : float
        A further value that means missing, in arrays and tensors.
    copy : bool
        False writes into `X`.

    Returns
    -------
    ndarray, torch.Tensor, CSR or CSC
        `X`, or a new one that shares no memory with it.

    Raises
    ------
    ValueError
        If a scale overflows the type of the entries, or an entry is infinite; `X` is as it was.
    """
    if sparse.issparse(X):
        scale = finite_scale(count_observed(X), target, power, X.dtype)
        if not copy:
            return scale_stored(X, scale)
        result, all_finite = _scaled_copy(X, scale)
        if not all_finite:
            observed = check_stored(X, missing_values, drop=True)
            if observed is not X:
                return rescale(observed, target, power, copy=False)
        return result
    if is_torch(X):
        missing = missing_mask(X, missing_values)
        scale = finite_scale((~missing).sum(axis=1), target, power, X.dtype)
        X = X.clone() if copy else X
        X[missing] = 0
        X *= scale[:, None]
        return X
    with np.errstate(over="ignore", invalid="ignore"):
        scale = sparsity_scale(np.arange(X.shape[1] + 1), target, power).astype(X.dtype)
    if not np.isfinite(scale).all():  # refuse if there are rows with so few observed features
        finite_scale(survey(X, missing_values).in_rows, target, power, X.dtype)
    out = np.empty_like(X) if copy else X

    bits = out.view(np.dtype(f"i{out.itemsize}"))
    for part in blocks(len(X), X.shape[1]):
        observed = ~missing_mask(X[part], missing_values)
        np.multiply(X[part], scale[count_true(observed)][:, None], out=out[part])
        bits[part] *= observed  # 0.0 where missing, even from NaN
    return out


def scale_stored(X: Any, scale: np.ndarray) -> Any:
    """Scale the rows of CSR or CSC in place."""
    _multiply_stored(X, scale, out=X.data)
    return X


def _scaled_copy(X: Any, scale: np.ndarray) -> tuple[Any, bool]:
    """CSR or CSC with scaled rows, and whether all its entries are finite."""
    out = np.empty_like(X.data)
    all_finite = _multiply_stored(X, scale, out=out)
    result = type(X)((out, X.indices.copy(), X.indptr.copy()), shape=X.shape)
    result.has_canonical_format = True
    return result, all_finite


def _multiply_stored(X: Any, scale: np.ndarray, out: np.ndarray) -> bool:
    """Write scaled entries, and say whether all of them are finite."""
    counts, total = np.diff(X.indptr), 0.0
    by_row = X.format == "csr"
    for items in blocks(X.shape[0], X.nnz / X.shape[0]) if by_row else blocks(X.nnz):
        if by_row:
            part = slice(X.indptr[items.start], X.indptr[items.stop])
            factors = np.repeat(scale[items], counts[items])
        else:
            part = items
            factors = scale[X.indices[part]]
        np.multiply(X.data[part], factors, out=out[part])
        with np.errstate(over="ignore", invalid="ignore"):
            total += out[part].sum()
    return bool(np.isfinite(total))


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
