"""What a trained autoencoder says of rows, in bounded memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._blocks import blocks
from ._entries import EntryNet
from ._outputs import as_container, row_blocks
from ._rows import as_rows

_PRODUCTS = 1 << 22  # numbers gathered at a time for products of single entries


class Decoder(NamedTuple):
    """What turns codes into entries, as arrays."""

    weight: np.ndarray
    bias: np.ndarray


def decoder(net: EntryNet) -> Decoder:
    """The decoder of a trained net, in float64."""
    module = net.module_
    weight, bias = (p.detach().cpu().double().numpy() for p in (module.weight, module.bias))
    return Decoder(weight, bias)


def encode_blocks(
    net: EntryNet, X: Any, *, as_sparse: bool, transform: Callable[[Any, Any], Any]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Codes and offsets of rows, a block of rows at a time.

    Parameters
    ----------
    net : EntryNet
        A trained net.
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_samples, n_features)
        The rows.
    as_sparse : bool
        The container in which the net was trained and wants its rows.
    transform : callable
        Scales the entries of rows, and gives them in a type.

    Yields
    ------
    codes : ndarray of shape (n_rows, n_hidden)
        float64; computed in float64 on the CPU, so that a row's code does not depend on the rows
        beside it.
    offsets : ndarray of shape (n_rows,)
    """
    module = net.module_.eval()
    device = module.weight.device
    if device.type == "cpu":
        module = copy.deepcopy(module).double()
    dtype = module.weight.dtype
    kind = np.float64 if dtype == torch.float64 else np.float32
    n_features, n_hidden = module.weight.shape
    for block in row_blocks(X, max(64, n_hidden, 0 if as_sparse else n_features)):
        block = transform(as_container(block, as_sparse), kind)
        with torch.no_grad():
            rows = as_rows(block, dtype, device).take(slice(None))
            codes = module.encode(rows)
            offsets = module.offsets(rows, codes)
        yield _as_array(codes), _as_array(offsets)


def encode_all(net: EntryNet, X: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes and offsets of all rows; see :func:`encode_blocks`."""
    parts = list(encode_blocks(net, X, **options))
    codes, offsets = (np.concatenate(part) for part in zip(*parts, strict=True))
    return codes, offsets


def products_at(
    left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """``(left @ right.T)[rows, columns]`` without the full product; shape (n_entries,)."""
    out = np.empty(len(rows))
    for part in blocks(len(rows), left.shape[1], most_entries=_PRODUCTS):
        out[part] = np.einsum("ij,ij->i", left[rows[part]], right[columns[part]])
    return out


def _as_array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().double().numpy()
