"""Rows on their way through a trained network, in bounded memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse

from .._blocks import blocks, blocks_of_rows
from .._observed import to_container
from ._net import RowNet
from ._rows import as_rows

_ENTRIES = 1 << 20  # entries or hidden units that are held at a time, so that they fit the cache


class RowFormat(NamedTuple):
    """How a network wants its rows.

    Attributes
    ----------
    as_sparse : bool
        Whether rows are CSR matrices of observed entries instead of arrays with NaN.
    transform : callable
        Scales the entries of rows, and returns them in a type.
    """

    as_sparse: bool
    transform: Callable[[Any, Any], Any]

    def blocks(
        self,
        X: Any,
        widest: int,
        dtype: torch.dtype,
        device: torch.device,
        weights: np.ndarray | None = None,
    ) -> Iterator[Any]:
        """Yield rows as the network takes them, a block at a time.

        Parameters
        ----------
        X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
            The rows.
        widest : int
            Maximum number of numbers that are computed for a row at a time.
        dtype, device : torch.dtype, torch.device
            Type and device of the network.
        weights : ndarray of shape (n_entries,), optional
            Weight of each entry of a CSR matrix.

        Yields
        ------
        Tensor or SparseRows
        """
        kind = np.float64 if dtype == torch.float64 else np.float32
        for part in row_blocks(X, widest):
            block = self.transform(to_container(X[part], self.as_sparse), kind)
            of_block = None
            if weights is not None:
                of_block = weights[X.indptr[part.start] : X.indptr[part.stop]]
            yield as_rows(block, dtype, device, weights=of_block).take(slice(None))


def predictions(
    net: RowNet, X: Any, rows: RowFormat, decode: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Decode the outputs of a trained network, a block of rows at a time.

    Parameters
    ----------
    net : RowNet
        A trained net.
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
        The rows.
    rows : RowFormat
        How the network wants them.
    decode : callable
        Computes the predictions for outputs of shape (n_rows, n_outputs), which are float64.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_columns)
        What `decode` returns.

    Raises
    ------
    ValueError
        If an output is NaN or infinite.

    Notes
    -----
    On the CPU, everything is computed in float64, except the sums of a sparse first layer, which
    are taken row by row. In float32, the last digits of a row's prediction would depend on the
    number of rows beside it.
    """
    module = net.module_.eval()
    _, device = net.place
    on_cpu = device.type == "cpu"
    hidden = copy.deepcopy(module.hidden).double() if on_cpu else module.hidden
    in_double = on_cpu and not rows.as_sparse
    first = copy.deepcopy(module.input).double() if in_double else module.input
    n_features, n_hidden = first.weight.shape
    widest = max(64, n_hidden, net.module__n_outputs)
    if not rows.as_sparse:
        widest = max(widest, n_features * (1 + first.n_bins))
    if not sparse.issparse(X):
        widest = max(widest, n_features)
    result, start = np.empty(0), 0
    for block in rows.blocks(X, widest, first.weight.dtype, device):
        with torch.no_grad():
            z = first(block)
            output = hidden(z.double() if on_cpu else z).cpu().double().numpy()
        part = decode(finite(output, start=start))
        if not start:
            result = np.empty((X.shape[0], *part.shape[1:]), part.dtype)
        result[start : start + len(part)] = part
        start += len(part)
    return result


def finite(predicted: np.ndarray, of: str = "row", start: int = 0) -> np.ndarray:
    """Return what was computed for rows, or raise a ValueError if it is NaN or infinite.

    The error names the row, counted from `start`.
    """
    if not np.isfinite(predicted).all():
        rows = np.flatnonzero(~np.isfinite(predicted.reshape(len(predicted), -1)).all(axis=1))
        raise ValueError(
            f"The prediction for {of} {start + rows[0]} is not finite, because it overflows. Use a "
            "smaller power, or look for extreme values in X and in the training data."
        )
    return predicted


def codes_and_offsets(
    net: RowNet, X: Any, rows: RowFormat, weights: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Compute the codes and the offsets of rows by a trained autoencoder, a block at a time.

    Parameters
    ----------
    net : RowNet
        A trained net.
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
        The rows.
    rows : RowFormat
        How the network wants them.
    weights : ndarray of shape (n_entries,), optional
        Weight of each entry of a CSR matrix, in the offsets.

    Yields
    ------
    codes : ndarray of shape (n_rows, n_hidden)
        float64. On the CPU they are computed in float64, so that the code of a row does not
        depend on the rows beside it.
    offsets : ndarray of shape (n_rows,)
    """
    module, dtype, device = _in_double(net)
    n_features, n_hidden = module.weight.shape
    widest = max(64, n_hidden, 0 if rows.as_sparse else n_features)
    for block in rows.blocks(X, widest, dtype, device, weights):
        with torch.no_grad():
            codes = module.encode(block)
            offsets = module.offsets(block, codes)
        yield finite(codes.cpu().double().numpy()), finite(offsets.cpu().double().numpy())


def dense_outputs(net: RowNet, X: Any, rows: RowFormat) -> Iterator[np.ndarray]:
    """Compute the outputs of a trained network for dense rows, a block of rows at a time.

    Parameters
    ----------
    net : RowNet
        A trained net.
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
        The rows.
    rows : RowFormat
        How the network wants them.

    Yields
    ------
    ndarray of shape (n_rows, n_outputs)
        float64, and computed in float64 on the CPU.
    """
    module, dtype, device = _in_double(net)
    for block in rows.blocks(X, max(64, *module.weight.shape), dtype, device):
        with torch.no_grad():
            output = module(block)
        yield finite(output.cpu().double().numpy())


def _in_double(net: RowNet) -> tuple[Any, torch.dtype, torch.device]:
    """Return a network that predicts, in float64 on the CPU, with its type and device."""
    module = net.module_.eval()
    dtype, device = net.place
    if device.type == "cpu":
        module, dtype = copy.deepcopy(module).double(), torch.float64
    return module, dtype, device


def row_blocks(X: Any, widest: int) -> Iterable[slice]:
    """Return blocks of rows of X that are small enough for the cache."""
    if sparse.issparse(X):
        most_rows = max(1, _ENTRIES // widest)
        return blocks_of_rows(X.indptr, most_entries=_ENTRIES, most_rows=most_rows)
    return blocks(len(X), widest, most_entries=_ENTRIES)
