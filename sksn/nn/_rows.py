"""Batches of rows: rows of observed entries, and dense rows that are normalized already."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.export import register_dataclass


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A batch of rows of observed entries, row after row.

    Its length is the number of rows, and an index, a slice, a list, a mask or a tensor of indices
    selects rows.

    Parameters
    ----------
    values : Tensor of shape (n_entries,)
        The observed entries; floating point numbers.
    columns : Tensor of shape (n_entries,)
        The feature of each entry; int32 or int64.
    offsets : Tensor of shape (n_rows,)
        Where each row starts in `values`; of the type of `columns`.
    n_distinct : int, optional
        Number of different features that occur, if it is known. This avoids a wait for the GPU.
    weights : Tensor of shape (n_entries,), optional
        Weight of each entry in a loss over entries; 1 if not given.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import SparseRows
    >>> rows = SparseRows.from_torch(torch.tensor([[torch.nan, 2.0], [3.0, 0.0], [1.0, torch.nan]]))
    >>> len(rows), rows[1].values, rows[[0, 2]].values
    (3, tensor([3., 0.]), tensor([2., 1.]))
    """

    values: Tensor
    columns: Tensor
    offsets: Tensor
    n_distinct: int | None = None
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        parts = (self.values, self.columns, self.offsets)
        if not all(isinstance(part, Tensor) for part in parts) or is_traced():
            return  # torch passes other things through the tree that it makes of an argument
        for name, part in (("columns", self.columns), ("weights", self.weights)):
            if part is not None and np.shape(part) != tuple(self.values.shape):
                raise ValueError(
                    f"{name} must have one entry for each of values, which has the shape "
                    f"{tuple(self.values.shape)}, got the shape {tuple(np.shape(part))}."
                )
        if self.values.ndim != 1 or self.offsets.ndim != 1:
            raise ValueError(
                "values and offsets must have one dimension, got the shapes "
                f"{tuple(self.values.shape)} and {tuple(self.offsets.shape)}."
            )

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: Any) -> SparseRows:
        n_rows = len(self)
        if np.ndim(index) == 0 and not isinstance(index, slice):
            if not hasattr(index, "__index__") or isinstance(index, bool):
                raise TypeError(f"rows are selected by integers, got {type(index).__name__}.")
            row = operator.index(index)
            if not -n_rows <= row < n_rows:
                raise IndexError(f"row {row} of {n_rows} rows")
            index = [row]
        elif isinstance(index, slice):
            index = range(n_rows)[index]
        every = torch.arange(n_rows, device=self.offsets.device)
        chosen = every[list(index) if isinstance(index, range) else index]
        if chosen.ndim != 1:
            raise IndexError(f"rows must be selected along one dimension, got {chosen.ndim}.")
        counts = self.n_observed()[chosen]
        sizes = self.offsets[chosen], counts, int(counts.sum())
        return gather_rows(self.values, self.columns, self.weights, *sizes)

    @classmethod
    def from_scipy(cls, X: Any, *, dtype: torch.dtype | None = None) -> SparseRows:
        """Return the rows of a SciPy matrix.

        Parameters
        ----------
        X : sparse matrix or array of shape (n_rows, n_features)
            Its stored entries are observed, zeros included; NaN is missing. Duplicates are summed.
        dtype : torch.dtype, optional
            Type of the values. By default torch's default type.

        Returns
        -------
        SparseRows
            On the CPU.

        Raises
        ------
        TypeError
            If X is no sparse matrix.

        Examples
        --------
        >>> from scipy.sparse import csr_array
        >>> from sksn.nn import SparseRows
        >>> SparseRows.from_scipy(csr_array([[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]])).n_observed()
        tensor([1, 2], dtype=torch.int32)
        """
        if not sparse.issparse(X):
            raise TypeError(f"X must be a sparse matrix of SciPy, got {type(X).__name__}.")
        X = sparse.csr_array(X)
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        values, columns, starts = X.data, X.indices, X.indptr
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        if missing.any():
            kept_before = np.concatenate([[0], np.cumsum(~missing)])
            values, columns, starts = values[~missing], columns[~missing], kept_before[starts]
        kind = np.int32 if max(len(values), *X.shape) < 2**31 else np.int64
        return cls(
            torch.as_tensor(np.array(values), dtype=dtype or torch.get_default_dtype()),
            torch.as_tensor(np.array(columns, dtype=kind)),
            torch.as_tensor(np.array(starts[:-1], dtype=kind)),
        )

    @classmethod
    def from_torch(cls, X: Tensor) -> SparseRows:
        """Return the rows of a torch tensor.

        Parameters
        ----------
        X : Tensor of shape (n_rows, n_features)
            A sparse tensor, whose stored entries are observed, or a dense one. NaN is missing in
            both. Gradients flow to the values.

        Returns
        -------
        SparseRows
            On the device of X.

        Raises
        ------
        ValueError
            If X does not have two dimensions.

        Examples
        --------
        >>> import torch
        >>> from sksn.nn import SparseRows
        >>> SparseRows.from_torch(torch.tensor([[torch.nan, 2.0], [3.0, 0.0]])).columns
        tensor([1, 0, 1])
        """
        if X.ndim != 2:
            raise ValueError(f"X must have two dimensions, got a tensor of shape {tuple(X.shape)}.")
        if X.layout == torch.strided:
            row, columns = (X == X).nonzero(as_tuple=True)
            values = X[row, columns]
        else:
            X = X.to_sparse_coo().coalesce()
            row, columns = X.indices()
            observed = X.values() == X.values()
            values, row, columns = X.values()[observed], row[observed], columns[observed]
        rows = torch.arange(X.shape[0], device=X.device)
        return cls(values, columns, torch.searchsorted(row, rows))

    def n_observed(self) -> Tensor:
        """Count the observed entries of each row; integers of shape (n_rows,)."""
        end = self.offsets.new_full((1,), len(self.values))
        return torch.diff(self.offsets, append=end)

    def row_of_entry(self) -> Tensor:
        """Return the row of each entry, of shape (n_entries,) and the type of `offsets`."""
        rows = torch.arange(len(self.offsets), dtype=self.offsets.dtype, device=self.offsets.device)
        return repeat_each(rows, self.n_observed(), len(self.values))

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> SparseRows:
        """Return the same batch on another device."""
        return self.map(lambda part: part.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> SparseRows:
        """Return the same batch in pinned memory, for data loaders."""
        return self.map(torch.Tensor.pin_memory)

    def with_values(self, values: Tensor) -> SparseRows:
        """Return the same batch with other values.

        Parameters
        ----------
        values : Tensor of shape (n_entries,)
            The values.

        Returns
        -------
        SparseRows
        """
        return SparseRows(values, self.columns, self.offsets, self.n_distinct, self.weights)

    def split(self, n_rows: int) -> list[SparseRows]:
        """Split the batch into parts of at most so many rows, which share its memory.

        Parameters
        ----------
        n_rows : int
            Maximum number of rows in a part.

        Returns
        -------
        list of SparseRows
        """
        starts = [*self.offsets[::n_rows].tolist(), len(self.values)]
        parts = []
        for i, (start, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
            entries = slice(start, stop)
            parts.append(
                SparseRows(
                    self.values[entries],
                    self.columns[entries],
                    self.offsets[i * n_rows : (i + 1) * n_rows] - start,
                    weights=None if self.weights is None else self.weights[entries],
                )
            )
        return parts

    def map(self, function: Callable[[Tensor], Tensor]) -> SparseRows:
        """Apply a function to each tensor of the batch.

        Parameters
        ----------
        function : callable
            Takes and returns a tensor.

        Returns
        -------
        SparseRows
        """
        return SparseRows(
            function(self.values),
            function(self.columns),
            function(self.offsets),
            self.n_distinct,
            None if self.weights is None else function(self.weights),
        )


register_dataclass(SparseRows)


def gather_rows(
    values: Tensor,
    columns: Tensor,
    weights: Tensor | None,
    starts: Tensor,
    counts: Tensor,
    n_entries: int,
    n_distinct: int | None = None,
) -> SparseRows:
    """Return rows of observed entries, in any order.

    Parameters
    ----------
    values, columns, weights, n_distinct : object
        See :class:`SparseRows`.
    starts, counts : Tensor of shape (n_rows,)
        Where each row starts in `values`, and its number of entries.
    n_entries : int
        Sum of `counts`.

    Returns
    -------
    SparseRows
    """
    offsets = counts.cumsum(0, dtype=counts.dtype) - counts
    position = torch.arange(n_entries, dtype=counts.dtype, device=counts.device)
    position += repeat_each(starts - offsets, counts, n_entries)
    return SparseRows(
        values.index_select(0, position),
        columns.index_select(0, position),
        offsets,
        n_distinct,
        None if weights is None else weights.index_select(0, position),
    )


class NormalizedRows(NamedTuple):
    """A batch of dense rows after Sparsity Normalization, as the first layer multiplies them.

    Attributes
    ----------
    entries : Tensor of shape (n_rows, n_features)
        Scaled entries; 0 where missing.
    filled : Tensor of shape (n_rows, n_features * n_bins) or None
        Scaled shares of bins, if there are bins.
    missing : Tensor of shape (n_rows, n_indicators) or None
        1 where an entry is missing and 0 elsewhere, if there are indicators.
    n_observed : Tensor of shape (n_rows,)
        Number of observed entries of each row.
    categories : Tensor of int64 of shape (n_rows, n_categorical_features) or None
        The category of each entry among those of all features, if there are categorical features.
    category_factors : Tensor of shape (n_rows, n_categorical_features) or None
        The factor of its weights; 0 where missing.
    """

    entries: Tensor
    filled: Tensor | None
    missing: Tensor | None
    n_observed: Tensor
    categories: Tensor | None = None
    category_factors: Tensor | None = None

    def take(self, index: Tensor | slice) -> NormalizedRows:
        """Return the rows at `index`."""
        return NormalizedRows._make(None if part is None else take(part, index) for part in self)


def take(rows: Tensor, index: Tensor | slice) -> Tensor:
    """Return the rows at `index`."""
    return rows[index] if isinstance(index, slice) else rows.index_select(0, index)


def is_traced() -> bool:
    """Whether a compiler or a transform of torch.func follows what is computed.

    Neither can follow NumPy, nor gradients that are written by hand.
    """
    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()


def repeat_each(values: Tensor, counts: Tensor, total: int) -> Tensor:
    """Repeat each of `values` as often as its count says, `total` in all, without waiting."""
    if values.device.type == "cpu" and not is_traced():  # much faster
        return torch.from_numpy(np.repeat(values.numpy(), counts.numpy()))
    return values.repeat_interleave(counts, output_size=total)
