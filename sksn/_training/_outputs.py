"""What a trained network says of rows of any number, in bounded memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .._blocks import blocks, blocks_of_rows
from ._net import RowNet
from ._rows import as_rows

_ENTRIES = 1 << 20  # entries or hidden units that prediction holds at a time: they fit the cache


def outputs(
    net: RowNet, X: Any, *, as_sparse: bool, transform: Callable[[Any, Any], Any]
) -> np.ndarray:
    """Outputs of the network for rows of any number, in bounded memory.

    Parameters
    ----------
    net : RowNet
        A trained net.
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
        The rows.
    as_sparse : bool
        The container in which the net was trained and wants its rows.
    transform : callable
        Scales the entries of rows in that container, and gives them in a type.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
        float64.

    Notes
    -----
    On the CPU everything but the sums of a sparse first layer, which are taken row by row, is
    computed in float64: in float32 a row's prediction would depend, by its last digits, on the
    number of rows beside it.
    """
    module = net.module_.eval()
    weight = module.input.weight
    on_cpu = weight.device.type == "cpu"
    hidden = copy.deepcopy(module.hidden).double() if on_cpu else module.hidden
    first = copy.deepcopy(module.input).double() if on_cpu and not as_sparse else module.input
    dtype = first.weight.dtype
    n_bins = module.input.bin_lower.shape[1] if module.input.has_bins else 0
    widest = max(64, weight.shape[1], 0 if as_sparse else X.shape[1] * (1 + n_bins))
    if not sparse.issparse(X):
        widest = max(widest, X.shape[1])
    parts = []
    with torch.no_grad():
        for block in row_blocks(X, widest):
            block = transform(
                as_container(block, as_sparse),
                np.float64 if dtype == torch.float64 else np.float32,
            )
            z = first(as_rows(block, dtype, weight.device).take(slice(None)))
            parts.append(hidden(z.double() if on_cpu else z).cpu().double().numpy())
    return np.concatenate(parts)


def row_blocks(X: Any, widest: int) -> Iterator[Any]:
    """Rows of X, so few at a time that they and what is computed of them stay small."""
    if sparse.issparse(X):
        most_rows = max(1, _ENTRIES // widest)
        parts = blocks_of_rows(X.indptr, most_entries=_ENTRIES, most_rows=most_rows)
    else:
        parts = blocks(len(X), widest, most_entries=_ENTRIES)
    for part in parts:
        yield X[part]


def as_container(X: Any, as_sparse: bool) -> Any:
    """Rows as CSR of observed entries, or as a dense array with NaN."""
    if sparse.issparse(X) == as_sparse:
        return X
    if as_sparse:
        row, column = np.nonzero(~np.isnan(X))
        return sparse.csr_array((X[row, column], (row, column)), shape=X.shape)
    dense = np.full(X.shape, np.nan, dtype=X.dtype)
    X = X.tocoo()
    dense[X.row, X.col] = X.data
    return dense
