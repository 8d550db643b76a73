"""The implicit-feedback term of SVD++, for an autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._autoencoder import SNAE
from ._bag import ColumnIndex, weighted_sums
from ._rows import SparseRows

_SCALE = 0.17  # of the term; chosen on validation ratings of MovieLens-100K


class ImplicitFeedbackAE(SNAE):
    r"""An :class:`~sksn.nn.SNAE` whose decoder has the implicit-feedback term of SVD++ [1]_.

    Let :math:`R_j` be the set of training rows in which feature :math:`j` is observed. In
    training, the decoder's weights of the feature are

    .. math:: v_j + \frac{0.17}{\sqrt{|R_j|}} \sum_{i \in R_j} y_i

    with one vector :math:`y_i` for each training row. Where features are users and rows are
    items, the sum depends on which items a user has rated, and not on the ratings.
    :meth:`settle` adds the term to :math:`v_j` after training. Rows that were not in training are
    encoded like any other.

    Parameters
    ----------
    n_features : int
        Width of the rows.
    n_rows : int
        Number of training rows.
    **options
        See :class:`~sksn.nn.SNAE`.

    References
    ----------
    .. [1] Y. Koren. "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering
       Model". KDD 2008. doi:10.1145/1401890.1401944.
    """

    def __init__(self, n_features: int, *, n_rows: int, **options: Any) -> None:
        super().__init__(n_features, **options)
        self.implicit = nn.Parameter(self.weight.new_zeros(n_rows, self.weight.shape[1]))
        self._index: ColumnIndex | None = None

    def observe(self, rows: SparseRows) -> None:
        """Set the rows in which each feature is observed.

        Parameters
        ----------
        rows : SparseRows
            The transposed training rows: one row a feature, whose columns are the training rows.
        """
        share = torch.as_tensor(inverse_root(rows.n_observed().cpu().numpy()))
        share = share.to(rows.values.device, rows.values.dtype)
        values = share.index_select(0, rows.row_of_entry())
        self._index = ColumnIndex(rows.with_values(values), len(self.implicit))

    def decoder(self) -> Tensor:
        """Return the decoder's weights, with the implicit-feedback term until it is settled."""
        if self._index is None:
            return self.weight
        rows: SparseRows = self._index.rows
        return self.weight + weighted_sums(rows, rows.values, self.implicit, self._index)

    def settle(self) -> None:
        """Add the implicit-feedback term to the decoder's weights, for good."""
        with torch.no_grad():
            self.weight.copy_(self.decoder())
        self._index = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_index": None}


def inverse_root(counts: np.ndarray) -> np.ndarray:
    """Return the factor of the term for sums of so many vectors."""
    return _SCALE / np.sqrt(np.maximum(counts, 1))


def implicit_feedback(X: Any, vectors: np.ndarray) -> np.ndarray:
    """Compute the implicit-feedback term of new features.

    Parameters
    ----------
    X : CSR matrix of shape (n_new_features, n_rows)
        The rows in which each feature is observed.
    vectors : ndarray of shape (n_rows, n_hidden)
        The vectors of the rows.

    Returns
    -------
    ndarray of shape (n_new_features, n_hidden)
    """
    counts = np.diff(X.indptr)
    share = np.repeat(inverse_root(counts), counts)
    return type(X)((share, X.indices, X.indptr), shape=X.shape) @ vectors
