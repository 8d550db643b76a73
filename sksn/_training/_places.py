"""Places of single entries in a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._observed import row_of_entry, select_entries, to_container


def check_places(rows: Any, cols: Any, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Check positions of entries, and return them as arrays."""
    checked = []
    for name, index, size in (("rows", rows, shape[0]), ("cols", cols, shape[1])):
        index = np.asarray(index)
        if index.size == 0:
            index = index.astype(np.intp)
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be a one-dimensional array of integers, got an array of shape "
                f"{index.shape} and dtype {index.dtype}."
            )
        outside = (index < 0) | (index >= size)
        if outside.any():
            raise ValueError(f"{name} must lie in [0, {size}), got {index[outside][0]}.")
        checked.append(index)
    if len(checked[0]) != len(checked[1]):
        raise ValueError(
            f"rows and cols must be of the same length, got {len(checked[0])} and "
            f"{len(checked[1])}."
        )
    return checked[0], checked[1]


def entries_beside(more: Any, X: Any) -> Any:
    """Return CSR of the entries of `more` that `X` does not have."""
    if more.shape != X.shape:
        raise ValueError(f"hidden must be of the shape of X, {X.shape}, got {more.shape}.")
    more, X = to_container(more, True), to_container(X, True)
    keys, known = (row_of_entry(M).astype(np.int64) * M.shape[1] + M.indices for M in (more, X))
    return select_entries(more, ~np.isin(keys, known))
