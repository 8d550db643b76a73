"""Sparsity Normalization of arrays, torch tensors and sparse matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ._blocks import blocks, blocks_of_rows, largest_of
from ._checks import is_torch
from ._formula import sparsity_scale
from ._observed import Markers, complete_columns, missing_mask, row_counts


class Survey(NamedTuple):
    """How much of a matrix is observed.

    Attributes
    ----------
    row_counts : ndarray of shape (n_rows,)
        Number of observed entries of each row.
    complete : ndarray of int
        The features that are observed in all rows, in ascending order.
    zeros : ndarray of int
        The features that have an observed zero, in ascending order. None of a sparse matrix, in
        which zeros can be told from missing entries.
    """

    row_counts: np.ndarray
    complete: np.ndarray
    zeros: np.ndarray


def survey(X: Any, markers: Markers) -> Survey:
    """Survey an array, a tensor, or CSR or CSC that stores exactly the observed entries."""
    if sparse.issparse(X):
        return Survey(row_counts(X), complete_columns(X), np.zeros(0, np.intp))
    if is_torch(X):
        observed, zero = ~missing_mask(X, markers), (X == 0).sum(axis=0) > 0
        parts = (observed.sum(axis=1), observed.all(axis=0), zero)
        counts, complete, zeros = (part.cpu().numpy() for part in parts)
        return Survey(counts, np.flatnonzero(complete), np.flatnonzero(zeros))
    counts = np.empty(len(X), np.intp)
    complete, zeros = np.ones(X.shape[1], bool), np.zeros(X.shape[1], bool)
    for part in blocks(len(X), X.shape[1]):
        observed = ~missing_mask(X[part], markers)
        counts[part] = count_true(observed)
        complete &= observed.all(axis=0)
        zeros |= (X[part] == 0).any(axis=0)
    return Survey(counts, np.flatnonzero(complete), np.flatnonzero(zeros))


def count_true(mask: np.ndarray) -> np.ndarray:
    """Count the true entries of each row of a bool array, faster than a sum of bools does."""
    exact = np.float32 if mask.shape[1] <= 1 << 24 else np.float64
    with np.errstate(invalid="ignore"):  # some BLAS raise it for registers that they fill by half
        return (mask.astype(exact) @ np.ones(mask.shape[1], exact)).astype(np.intp)


def rescale(
    X: Any,
    target: float,
    power: float,
    markers: Markers = (),
    *,
    copy: bool,
    out: np.ndarray | None = None,
) -> Any:
    """Scale rows by ``(target / n_observed) ** power`` and put 0 where an array is missing.

    Parameters
    ----------
    X : ndarray, torch.Tensor, or CSR or CSC that stores exactly the observed entries
        The rows.
    target, power : float
        See :func:`sparsity_scale`.
    markers : tuple of float
        Further values that mean missing, in arrays and tensors.
    copy : bool
        False writes into `X`.
    out : ndarray, optional
        Where to write the result for an array, with `copy`.

    Returns
    -------
    ndarray, torch.Tensor, CSR or CSC
        `X`, `out`, or a new one that shares no memory with it.

    Raises
    ------
    ValueError
        If a factor or an entry overflows the type of the entries. `X` is then unchanged.
    """
    if sparse.issparse(X):
        scale = finite_scale(row_counts(X), target, power, X.dtype)
        if not copy and _may_overflow(X.data, scale):
            scale_stored(X, scale, copy=True)  # raises an error if it does
        return scale_stored(X, scale, copy=copy)
    if is_torch(X):
        return _rescale_tensor(X, target, power, markers, copy=copy)
    with np.errstate(over="ignore", invalid="ignore"):
        scale = sparsity_scale(np.arange(X.shape[1] + 1), target, power).astype(X.dtype)
    if not np.isfinite(scale).all():  # an error only if a row has so few observed features
        finite_scale(survey(X, markers).row_counts, target, power, X.dtype)
    if not copy and _may_overflow(X, scale):
        rescale(X, target, power, markers, copy=True)  # raises an error if it does
    if out is None:
        out = np.empty_like(X) if copy else X

    bits = out.view(np.dtype(f"i{out.itemsize}"))
    for part in blocks(len(X), X.shape[1]):
        observed = ~missing_mask(X[part], markers)
        if copy:
            out[part] = X[part]
        bits[part] *= observed  # 0.0 where missing, even from NaN
        factors = scale[count_true(observed)][:, None]
        with overflow_refused(X.dtype):
            out[part] *= factors
    return out


@contextmanager
def overflow_refused(dtype: Any) -> Iterator[None]:
    """Raise a ValueError if a product of an entry and the factor of its row overflows."""
    try:
        with np.errstate(over="raise"):
            yield
    except FloatingPointError as error:
        raise ValueError(
            f"X has entries that overflow {dtype} when their row is multiplied by its factor, a "
            "power of K / n; divide X by a constant first."
        ) from error


def _may_overflow(values: np.ndarray, scale: np.ndarray) -> bool:
    """Whether the largest entry, with the largest factor of all, would overflow."""
    with np.errstate(over="ignore"):
        return not np.isfinite(values.dtype.type(largest_of(values)) * scale.max(initial=0))


def _rescale_tensor(X: Any, target: float, power: float, markers: Markers, *, copy: bool) -> Any:
    missing = missing_mask(X, markers)
    scale = finite_scale((~missing).sum(axis=1), target, power, X.dtype)
    scaled = X.masked_fill(missing, 0)
    scaled *= scale[:, None]
    with overflow_refused(X.dtype):
        if not scaled.isfinite().all():
            raise FloatingPointError
    return scaled if copy else X.copy_(scaled)


def scale_stored(X: Any, scale: np.ndarray, *, copy: bool) -> Any:
    """Scale the rows of CSR or CSC, in place or in a copy; raise if an entry overflows."""
    data, indptr, counts = X.data, X.indptr, np.diff(X.indptr)
    out = np.empty_like(data) if copy else data
    with overflow_refused(data.dtype):
        if X.format == "csr":
            for rows in blocks_of_rows(indptr):
                part = slice(indptr[rows.start], indptr[rows.stop])
                alone = rows.stop == rows.start + 1  # one row, which may be long
                factors = scale[rows] if alone else np.repeat(scale[rows], counts[rows])
                np.multiply(data[part], factors, out=out[part])
        else:
            for part in blocks(X.nnz):
                np.multiply(data[part], scale[X.indices[part]], out=out[part])
    if not copy:
        return X
    result = type(X)((out, X.indices.copy(), indptr.copy()), shape=X.shape)
    result.has_canonical_format = True
    return result


def finite_scale(n_observed: Any, target: float, power: float, dtype: Any) -> Any:
    """Return the factor of each row in the type of the entries, or raise if it overflows."""
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
    """Return 1 / scale, and 0 for rows without observed entries, whose scale is 0."""
    return (scale > 0) / (scale + (scale == 0))
