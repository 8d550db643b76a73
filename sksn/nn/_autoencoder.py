"""An autoencoder over the observed entries of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .._formula import shrunken_mean
from ._activations import ACTIVATIONS, GAINS, dense_layer, initialize, on_device
from ._bag import ColumnIndex
from ._dropout import DrawsFromGenerator, Dropout
from ._input_layer import InputLayer
from ._mask import exact_type
from ._rows import SparseRows
from ._sampled import sampled_product

_CALM = 25.0  # decoder weights start smaller by this factor than weights that keep the variance


class SNAE(DrawsFromGenerator):
    r"""Autoencoder with Sparsity Normalization [1]_ of its input, after AutoRec [2]_.

    The entry of feature :math:`j` in row :math:`i` is predicted as

    .. math:: \hat x_{ij} = b_j + o_i + v_j^\top c_i

    where :math:`c_i` is the code of the row, computed from its set :math:`O_i` of observed
    entries. The offset :math:`o_i` is computed from them as well. It is the mean residual,
    shrunken towards zero by :math:`\lambda` (`row_offset`) further zero residuals:

    .. math:: o_i = \frac{1}{|O_i| + \lambda} \sum_{j \in O_i} (x_{ij} - b_j - v_j^\top c_i)

    Codes and offsets are not parameters, so the network predicts rows that were not in training.

    Parameters
    ----------
    n_features : int
        Width of the rows.
    hidden_layer_sizes : sequence of int, default=(300,)
        Width of each layer of the encoder. The last layer is the code. The decoder is linear.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="logistic"
        Non-linearity after each of these layers.
    target : float, default=1.0
        The constant K of Sparsity Normalization.
    power : float, default=0.5
        Rows are scaled by ``(target / n_observed) ** power``.
    input_dropout : float in [0, 1), default=0.0
        Probability that the encoder does not see an observed entry in training.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is dropped in training.
    row_offset : float, optional
        Shrinkage :math:`\lambda` of the row offsets. None: no offsets.
    baseline : Tensor of shape (n_features,), optional
        Initial values of the biases `bias`. Zeros by default.
    center : bool, default=False
        Whether the encoder sees the residuals of the entries after subtracting `baseline` and a
        row offset, instead of the entries.
    add_indicator : bool, default=False
        Whether each feature has a second weight, which is applied to 1 where the entry is
        observed (sparse rows) or missing (dense rows).
    sparse : bool, default=False
        Whether the rows are :class:`SparseRows` instead of dense tensors with NaN.
    seed : int, optional
        Seed of the initial weights. By default torch's global generator draws them.
    device : torch.device, optional
        Device of the weights. By default torch's default device.
    dtype : torch.dtype, optional
        Type of the weights and of the rows. By default torch's default type.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. "AutoRec: Autoencoders Meet Collaborative
       Filtering". WWW 2015. doi:10.1145/2740908.2742726.
    """

    baseline: Tensor

    def __init__(
        self,
        n_features: int,
        *,
        hidden_layer_sizes: Sequence[int] = (300,),
        activation: str = "logistic",
        target: float = 1.0,
        power: float = 0.5,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        row_offset: float | None = None,
        baseline: Tensor | None = None,
        center: bool = False,
        add_indicator: bool = False,
        sparse: bool = False,
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.row_offset, self.center = row_offset, center
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        widths = tuple(hidden_layer_sizes)
        with on_device(device):
            self.input = InputLayer(
                n_features,
                widths[0],
                target=target,
                power=power,
                input_dropout=input_dropout,
                indicator_features=range(n_features) if add_indicator else None,
                sparse=sparse,
                generator=generator,
            )
            layers: list[nn.Module] = [ACTIVATIONS[activation]()]
            for width, following in zip(widths[:-1], widths[1:], strict=True):
                linear = dense_layer(width, following, GAINS[activation], generator)
                layers += [Dropout(dropout), linear, ACTIVATIONS[activation]()]
            self.hidden = nn.Sequential(*layers, Dropout(dropout))
            self.weight = nn.Parameter(torch.empty(n_features, widths[-1]))
            initialize(self.weight, widths[-1], 1 / _CALM, generator)
            if baseline is None:
                baseline = torch.zeros(n_features)
            self.register_buffer("baseline", torch.as_tensor(baseline).clone())
            self.bias = nn.Parameter(self.baseline.to(torch.get_default_dtype(), copy=True))
        with torch.no_grad():
            self.input.weight.div_(math.sqrt(_CALM))
        self.to(dtype=dtype)

    def forward(
        self, rows: Tensor | SparseRows, targets: SparseRows | Tensor | None = None
    ) -> Tensor:
        """Predict entries of rows from those that are observed.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            Dense rows with NaN where an entry is missing, or rows of observed entries.
        targets : SparseRows, optional
            The entries of sparse rows to predict; by default the observed ones. All entries of
            dense rows are predicted.

        Returns
        -------
        Tensor of shape (n_rows, n_features), or (n_entries,) for sparse rows
        """
        if isinstance(rows, Tensor):
            predicted = torch.addmm(self.bias, self.encode(rows), self.decoder().T)
            if self.row_offset is None:
                return predicted
            return predicted + _offset(rows, predicted.detach(), self.row_offset)[:, None]
        index = ColumnIndex(rows, len(self.bias))
        codes = self.encode(rows, index)
        weight = self.decoder()
        own = self._predict(rows, codes, weight, index)
        predicted, row = own, index.row
        if isinstance(targets, SparseRows):
            wanted = ColumnIndex(targets, len(self.bias))
            predicted, row = self._predict(targets, codes, weight, wanted), wanted.row
        if self.row_offset is None:
            return predicted
        offset = _sparse_offset(rows, own.detach(), index, self.row_offset)
        return predicted + offset.index_select(0, row)

    def encode(self, rows: Tensor | SparseRows, index: ColumnIndex | None = None) -> Tensor:
        """Compute the codes of rows.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            Dense rows with NaN where an entry is missing, or rows of observed entries.
        index : ColumnIndex, optional
            The column index of sparse rows, if it is known.

        Returns
        -------
        Tensor of shape (n_rows, hidden_layer_sizes[-1])
        """
        if isinstance(rows, Tensor):
            return self.hidden(self.input(self._centered(rows) if self.center else rows))
        index = index or ColumnIndex(rows, len(self.bias))
        if self.center:
            rows = rows.with_values(self._sparse_centered(rows, index))
        return self.hidden(self.input(rows, index))

    def offsets(self, rows: Tensor | SparseRows, codes: Tensor) -> Tensor:
        """Compute the offset of each row from its code.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            The rows.
        codes : Tensor of shape (n_rows, n_hidden)
            Their codes.

        Returns
        -------
        Tensor of shape (n_rows,)
            Zeros if there are no row offsets.
        """
        if self.row_offset is None:
            return codes.new_zeros(len(codes))
        if isinstance(rows, Tensor):
            explained = torch.addmm(self.bias, codes, self.decoder().T)
            return _offset(rows, explained, self.row_offset)
        index = ColumnIndex(rows, len(self.bias))
        own = self._predict(rows, codes, self.decoder(), index)
        return _sparse_offset(rows, own, index, self.row_offset)

    def decoder(self) -> Tensor:
        """Return the weights of the decoder, of shape (n_features, n_hidden)."""
        return self.weight

    def _predict(
        self, rows: SparseRows, codes: Tensor, weight: Tensor, index: ColumnIndex
    ) -> Tensor:
        bias = self.bias.index_select(0, rows.columns)
        return sampled_product(rows, codes, weight, index) + bias

    def _centered(self, rows: Tensor) -> Tensor:
        left = rows - self.baseline
        if self.row_offset is None:
            return left
        return left - _offset(rows, self.baseline, self.row_offset)[:, None]

    def _sparse_centered(self, rows: SparseRows, index: ColumnIndex) -> Tensor:
        explained = self.baseline.index_select(0, rows.columns)
        left = rows.values - explained
        if self.row_offset is None:
            return left
        offset = _sparse_offset(rows, explained, index, self.row_offset)
        return left - offset.index_select(0, index.row)


def _offset(rows: Tensor, explained: Tensor, prior: float) -> Tensor:
    """Compute the shrunken mean residual of the observed entries of each dense row."""
    residuals = rows - explained
    exact = exact_type(residuals.dtype)  # sums and counts overflow half precision
    n_observed = (residuals == residuals).sum(dim=1).to(exact)
    mean = shrunken_mean(residuals.nansum(dim=1, dtype=exact), n_observed, prior)
    return mean.to(residuals.dtype)


def _sparse_offset(rows: SparseRows, explained: Tensor, index: ColumnIndex, prior: float) -> Tensor:
    """Do the same for rows of observed entries, which may have weights."""
    residuals = rows.values - explained
    kind = residuals.dtype
    exact = exact_type(kind)
    residuals = residuals.to(exact)
    n_observed = rows.n_observed().to(exact)
    if rows.weights is not None:
        weights = rows.weights.to(exact)
        residuals = residuals * weights
        n_observed = torch.zeros_like(n_observed).index_add(0, index.row, weights)
    total = residuals.new_zeros(len(n_observed)).index_add(0, index.row, residuals)
    return shrunken_mean(total, n_observed, prior).to(kind)
