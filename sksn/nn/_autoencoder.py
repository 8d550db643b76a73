"""An autoencoder over the observed entries of rows with holes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._bag import ColumnIndex
from ._mlp import ACTIVATIONS, GAINS, Dropout, InputLayer, initialise
from ._rows import SparseRows
from ._sampled import sampled_product

_CALM = 25.0  # how much smaller decoder weights start than would reproduce unit variance
_LEAST = 1e-30  # a sum of nothing over nothing is 0


class SNAE(nn.Module):
    """Autoencoder with Sparsity Normalization [1]_ of its input, after AutoRec [2]_.

    An entry is predicted as ``bias[column] + offset(row) + weight[column] @ code(row)``. The code
    is computed from the row's observed entries. So is the offset, which is no parameter: it is
    the mean of what the rest leaves unexplained of them, shrunk towards zero. Rows that were
    never trained on therefore have one as well.

    Parameters
    ----------
    n_features : int
        Width of the rows.
    hidden_layer_sizes : sequence of int, default=(300,)
        Width of each layer of the encoder; the last one is the code. The decoder is linear.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="logistic"
        Non-linearity after each of these layers.
    target : float, default=1.0
        The constant K of Sparsity Normalization.
    power : float, default=0.5
        Rows are scaled by ``(target / n_observed) ** power``.
    input_dropout : float in [0, 1), default=0.0
        Share of the observed entries that the encoder does not see in training.
    dropout : float in [0, 1), default=0.0
        Share of the hidden units that is dropped in training.
    row_offset : float, optional
        How many entries with nothing left to explain are counted in beside those of a row in the
        mean that is its offset. None: no offsets.
    baseline : Tensor of shape (n_features,), optional
        What `bias` begins with; zeros by default.
    center : bool, default=False
        Whether the encoder sees what `baseline` and a row offset on top of it leave of the
        entries, instead of the entries.
    add_indicator : bool, default=False
        Whether each feature has a second weight, applied to 1 where the entry is observed (sparse
        rows) or missing (dense rows).
    sparse : bool, default=False
        Whether the rows are :class:`SparseRows` instead of dense tensors with NaN.
    seed : int, optional
        Seed of the initial weights; by default torch's global generator draws them.
    dtype : torch.dtype, optional
        Type of the weights and of the rows; torch's default if not given.

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
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.row_offset, self.center = row_offset, center
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        widths = tuple(hidden_layer_sizes)
        self.input = InputLayer(
            n_features,
            widths[0],
            target=target,
            power=power,
            input_dropout=input_dropout,
            indicator_features=range(n_features) if add_indicator else None,
            bins=None,
            sparse=sparse,
            sparse_grad=False,
            generator=generator,
        )
        layers: list[nn.Module] = [ACTIVATIONS[activation]()]
        for width, following in zip(widths[:-1], widths[1:], strict=True):
            linear = nn.utils.skip_init(nn.Linear, width, following)
            initialise(linear.weight, width, GAINS[activation], generator)
            nn.init.zeros_(linear.bias)
            layers += [Dropout(dropout), linear, ACTIVATIONS[activation]()]
        self.hidden = nn.Sequential(*layers, Dropout(dropout))
        self.weight = nn.Parameter(torch.empty(n_features, widths[-1]))
        initialise(self.weight, widths[-1], 1 / _CALM, generator)
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
            Which entries of sparse rows to predict; by default those that are observed. Of dense
            rows all entries are predicted.

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
        own = self._at(rows, codes, weight, index)
        predicted, row = own, index.row
        if isinstance(targets, SparseRows):
            wanted = ColumnIndex(targets, len(self.bias))
            predicted, row = self._at(targets, codes, weight, wanted), wanted.row
        if self.row_offset is None:
            return predicted
        offset = _sparse_offset(rows, own.detach(), index, self.row_offset)
        return predicted + offset.index_select(0, row)

    def encode(self, rows: Tensor | SparseRows, index: ColumnIndex | None = None) -> Tensor:
        """The codes of rows.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            Dense rows with NaN where an entry is missing, or rows of observed entries.
        index : ColumnIndex, optional
            The index of sparse rows, where it is known.

        Returns
        -------
        Tensor of shape (n_rows, hidden_layer_sizes[-1])
        """
        if isinstance(rows, Tensor):
            return self.hidden(self.input(self._centered(rows) if self.center else rows))
        index = index or ColumnIndex(rows, len(self.bias))
        if self.center:
            rows = rows._replace(values=self._sparse_centered(rows, index))
        return self.hidden(self.input(rows, index))

    def offsets(self, rows: Tensor | SparseRows, codes: Tensor) -> Tensor:
        """The offset of each row, given its code; zeros where there are none.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            The rows.
        codes : Tensor of shape (n_rows, n_hidden)
            Their codes.

        Returns
        -------
        Tensor of shape (n_rows,)
        """
        if self.row_offset is None:
            return codes.new_zeros(len(codes))
        if isinstance(rows, Tensor):
            explained = torch.addmm(self.bias, codes, self.decoder().T)
            return _offset(rows, explained, self.row_offset)
        index = ColumnIndex(rows, len(self.bias))
        own = self._at(rows, codes, self.decoder(), index)
        return _sparse_offset(rows, own, index, self.row_offset)

    def decoder(self) -> Tensor:
        """The weights of the decoder; shape (n_features, n_hidden)."""
        return self.weight

    def use_generator(self, generator: torch.Generator | None) -> None:
        """Draw dropout masks from this generator; None for torch's global one."""
        for module in self.modules():
            if isinstance(module, (Dropout, InputLayer)):
                module.generator = generator

    def _at(self, rows: SparseRows, codes: Tensor, weight: Tensor, index: ColumnIndex) -> Tensor:
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
    """Shrunken mean of what is left of the observed entries of each row."""
    left = rows - explained
    n_observed = (left == left).sum(dim=1).to(left.dtype)
    return left.nansum(dim=1) / (n_observed + prior).clamp(min=_LEAST)


def _sparse_offset(rows: SparseRows, explained: Tensor, index: ColumnIndex, prior: float) -> Tensor:
    """The same for rows of observed entries, which may have weights."""
    left = rows.values - explained
    n_observed = rows.n_observed().to(left.dtype)
    if rows.weights is not None:
        left = left * rows.weights
        n_observed = torch.zeros_like(n_observed).index_add_(0, index.row, rows.weights)
    total = left.new_zeros(len(n_observed)).index_add_(0, index.row, left)
    return total / (n_observed + prior).clamp(min=_LEAST)
