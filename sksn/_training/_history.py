"""An autoencoder that learns from which rows a feature is observed in, beside what it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..nn._autoencoder import SNAE
from ..nn._bag import ColumnIndex, weighted_sums
from ..nn._rows import SparseRows
from ._rows import CSRRows

_SCALE = 0.17  # of what rows add to a feature; chosen by validation on MovieLens-100K


class HistoryAE(SNAE):
    """An :class:`~sksn.nn.SNAE` whose features are known by the rows that have them.

    In training, the decoder's weights of a feature are its own plus a sum of vectors, one for each
    row in which the feature is observed, over the root of how many these are: what a user has
    rated says something of the user, however the ratings are (SVD++ [1]_). :meth:`settle` makes
    that the feature's own weights. Rows that were not in training are encoded like any other.

    Parameters
    ----------
    n_features : int
        Width of the rows.
    n_rows : int
        How many rows there are in training.
    **options
        See :class:`~sksn.nn.SNAE`.

    References
    ----------
    .. [1] Y. Koren. "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering
       Model". KDD 2008. doi:10.1145/1401890.1401944.
    """

    def __init__(self, n_features: int, *, n_rows: int, **options: Any) -> None:
        super().__init__(n_features, **options)
        self.history = nn.Parameter(self.weight.new_zeros(n_rows, self.weight.shape[1]))
        self._index: ColumnIndex | None = None

    def remember(self, X: Any) -> None:
        """Take note of which entries of the CSR matrix of all training rows are observed."""
        transposed = X.tocsc().T  # CSR, one row a feature
        device, dtype = self.weight.device, self.weight.dtype
        rows = CSRRows(transposed, dtype, device).take(slice(None))
        share = inverse_root(np.diff(transposed.indptr))
        values = torch.as_tensor(np.repeat(share, np.diff(transposed.indptr)))
        rows = rows._replace(values=values.to(device, dtype))
        self._index = ColumnIndex(rows, len(self.history))

    def decoder(self) -> Tensor:
        """The weights of the decoder, with what rows add to them until they are settled."""
        if self._index is None:
            return self.weight
        rows: SparseRows = self._index.rows
        return self.weight + weighted_sums(rows, rows.values, self.history, self._index)

    def settle(self) -> None:
        """Make what rows add to a feature its own weights, for good."""
        with torch.no_grad():
            self.weight.copy_(self.decoder())
        self._index = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_index": None}


def inverse_root(counts: np.ndarray) -> np.ndarray:
    """What the vector of each row is multiplied with in the sum of so many of them."""
    return _SCALE / np.sqrt(np.maximum(counts, 1))


def added_by_rows(X: Any, history: np.ndarray) -> np.ndarray:
    """What the rows in which new features are observed add to them.

    Parameters
    ----------
    X : CSR matrix of shape (n_new_features, n_rows)
        Where they are observed.
    history : ndarray of shape (n_rows, n_hidden)
        The vectors of the rows.

    Returns
    -------
    ndarray of shape (n_new_features, n_hidden)
    """
    counts = np.diff(X.indptr)
    share = np.repeat(inverse_root(counts), counts)
    return type(X)((share, X.indices, X.indptr), shape=X.shape) @ history
