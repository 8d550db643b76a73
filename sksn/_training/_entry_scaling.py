"""The units in which autoencoders see and predict entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks
from .._moments import Entries, Moments, standardize, unstandardize
from .._observed import observed_blocks, with_entries
from ._ranges import check_range, in_range

ENTRY_SCALINGS = ("auto", "observed", "global")


class EntryScaling:
    """The units in which an autoencoder sees and predicts entries.

    Parameters
    ----------
    kind : {"auto", "observed", "global"}
        "observed" centres and scales each feature by its observed entries. "global" divides all
        entries by their one standard deviation, or by the entry if all are the same. "auto" is
        "global" for sparse rows, whose entries are usually of one kind (ratings, counts), and
        "observed" for dense rows.
    is_sparse : bool
        Whether the rows are sparse.
    """

    moments: Moments | None = None

    def __init__(self, kind: str, *, is_sparse: bool) -> None:
        self.kind = ("global" if is_sparse else "observed") if kind == "auto" else kind

    @property
    def n_entries(self) -> float:
        """Number of the entries that were learned from."""
        return 0.0 if self.moments is None else float(self.moments.count.sum())

    def partial_fit(self, X: Any) -> EntryScaling:
        """Learn from array rows with NaN, or CSR rows of observed entries."""
        is_global = self.kind == "global"
        moments = self.moments or Moments(1 if is_global else X.shape[1])
        entries = observed_blocks(X)
        if is_global:
            entries = (
                Entries(block.values, np.zeros(len(block.values), dtype=np.intp))
                for block in entries
            )
        if self.n_entries:
            mean, scale, _ = self._statistics(slice(None))
            entries = in_range(entries, mean, scale)
        self.moments = moments.updated(entries)
        return self

    def transform(self, X: Any, dtype: Any = np.float64) -> Any:
        """Scale rows. A CSR result shares its index arrays with `X`."""
        if not sparse.issparse(X):
            dense = np.empty(X.shape, dtype)
            for rows in blocks(len(X), X.shape[1]):
                dense[rows] = self._scaled(X[rows], slice(None))
            return dense
        scaled = np.empty(X.nnz, dtype)
        for part in blocks(X.nnz):
            scaled[part] = self._scaled(X.data[part], X.indices[part])
        return with_entries(X, scaled)

    def _scaled(self, values: np.ndarray, columns: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = standardize(values, *self._statistics(columns))
        return check_range(scaled)

    def inverse(self, values: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """Restore the units of the data; `columns` are the features along the last axis."""
        with np.errstate(over="ignore"):
            return unstandardize(values, *self._statistics(columns))

    @property
    def unit(self) -> float:
        """What "global" divides by: the standard deviation of all entries, or a constant entry."""
        assert self.moments is not None
        assert self.kind == "global"
        if self.moments.is_constant[0]:
            return float(abs(self.moments.mean[0])) or 1.0
        return float(self.moments.scale[0])

    def _statistics(self, columns: Any) -> tuple[np.ndarray | None, np.ndarray, Any]:
        assert self.moments is not None
        if self.kind == "global":
            return None, np.array([self.unit]), 0
        return self.moments.mean, self.moments.scale, columns
