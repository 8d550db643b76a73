"""An autoencoder that corrects a completion of its rows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._autoencoder import SNAE
from ._bag import ColumnIndex
from ._rows import SparseRows


class RefiningAE(SNAE):
    r"""An :class:`~sksn.nn.SNAE` that reads a completion of each row as well, and corrects it.

    Let :math:`\tilde x_i` be a row whose missing entries were replaced. The entry of feature
    :math:`j` is predicted as

    .. math:: \hat x_{ij} = \tilde x_{ij} + b_j + v_j^\top c_i

    The first layer adds products of the observed entries, which Sparsity Normalization scales,
    and products of :math:`\tilde x_i`, which is not scaled.

    Parameters
    ----------
    n_features : int
        Width of the rows.
    **options
        See :class:`~sksn.nn.SNAE`; row offsets, `center` and sparse rows cannot be used.
    """

    def __init__(self, n_features: int, **options: Any) -> None:
        super().__init__(n_features, **options)
        first = self.input.weight.detach()[:n_features]
        self.input_completed = nn.Parameter(first.clone())

    def forward(self, rows: Tensor, targets: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Predict all entries of rows.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, 2 * n_features)
            Rows with NaN where an entry is missing, beside their completions.
        targets : None
            Ignored.

        Returns
        -------
        Tensor of shape (n_rows, n_features)
        """
        completed = rows[:, len(self.bias) :]
        return completed + torch.addmm(self.bias, self.encode(rows), self.decoder().T)

    def encode(self, rows: Tensor | SparseRows, index: ColumnIndex | None = None) -> Tensor:
        """Compute the codes of rows beside their completions."""
        assert isinstance(rows, Tensor)
        observed, completed = rows.split(len(self.bias), dim=1)
        return self.hidden(torch.addmm(self.input(observed), completed, self.input_completed))
