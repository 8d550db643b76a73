"""Predictions as products of vectors of rows and columns, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from .._blocks import blocks, products_of_pairs

_PREDICTED = 1 << 22  # entries that are predicted at a time


class Vectors(NamedTuple):
    r"""A model of a matrix: :math:`\hat x_{ij} = u_i^\top v_j + a_i + b_j`.

    Attributes
    ----------
    rows, columns : ndarray of shape (n_rows, n_factors), (n_columns, n_factors)
        The vectors :math:`u` and :math:`v`. float32 halves their memory: products are summed in
        float64.
    row_offsets, column_offsets : ndarray of shape (n_rows,), (n_columns,)
        The offsets :math:`a` and :math:`b`.
    """

    rows: np.ndarray
    columns: np.ndarray
    row_offsets: np.ndarray
    column_offsets: np.ndarray

    @classmethod
    def blend(cls, parts: Sequence[Self], weights: Sequence[float]) -> Self:
        """Return the model that predicts a weighted sum of the predictions of several models."""
        kept = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight]
        rows = np.hstack([part.rows for part, _ in kept])
        start = 0
        for part, weight in kept:  # in place, because rows may fill most of the memory
            rows[:, start : start + part.rows.shape[1]] *= weight
            start += part.rows.shape[1]
        return cls(
            rows,
            np.hstack([part.columns for part, _ in kept]),
            np.sum([weight * part.row_offsets for part, weight in kept], axis=0),
            np.sum([weight * part.column_offsets for part, weight in kept], axis=0),
        )

    @property
    def transposed(self) -> Vectors:
        """The same model of the transposed matrix."""
        return Vectors(self.columns, self.rows, self.column_offsets, self.row_offsets)

    def predict_pairs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Predict single entries, given by positions; shape (n_pairs,)."""
        out = products_of_pairs(self.rows, self.columns, rows, columns)
        out += self.row_offsets[rows] + self.column_offsets[columns]
        return out

    def predict_rows(self, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Predict all entries of rows, given by positions, a block of them at a time."""
        columns = self.columns.astype(np.float64, copy=False).T
        for part in blocks(len(rows), len(self.columns), most_entries=_PREDICTED):
            at = rows[part]
            with np.errstate(over="ignore", invalid="ignore"):  # the caller checks
                predicted = self.rows[at] @ columns
                predicted += self.row_offsets[at, None] + self.column_offsets
            yield part, predicted
