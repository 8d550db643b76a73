"""Rows to learn from, with what is to be predicted of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """Rows, encoded y and weights.

    Attributes
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or CSR matrix of labels
        Encoded y.
    weights : ndarray of shape (n_rows,) or None
        Weight of each row.
    """

    X: Any
    y: Any
    weights: np.ndarray | None

    def take(self, index: Any) -> Table:
        """Return the rows at an index."""
        weights = None if self.weights is None else self.weights[index]
        return Table(self.X[index], self.y[index], weights)
