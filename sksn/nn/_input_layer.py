"""The first layer: input dropout, Sparsity Normalization and a map of the observed entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .._formula import sparsity_scale
from ._activations import initialize
from ._bag import ColumnIndex, weighted_sums
from ._constants import ConstantsInState
from ._dropout import Random, keep
from ._mask import count_entries, exact_type
from ._rows import NormalizedRows, SparseRows, is_traced

_SMALL = 0.3  # initial weights of categories, relative to others: most of them stay noise


class InputLayer(ConstantsInState, Random):
    r"""Input dropout, Sparsity Normalization and a linear map of the observed entries.

    With :math:`O` the observed features of a row that input dropout has kept, and :math:`n` their
    number, a row :math:`x` becomes

    .. math:: b + \left(\frac{K}{n}\right)^{\text{power}} \sum_{j \in O} x_j w_j

    and more terms for bins, categories and indicators.

    Parameters
    ----------
    n_features, n_outputs : int
        Width of the rows and of the output.
    target : float
        The constant K.
    power : float
        The power of Sparsity Normalization.
    input_dropout : float in [0, 1)
        Probability that an observed entry is dropped in training, before n is counted.
    indicator_features, indicator_shares, indicator_gain : object
        See :class:`SNMLP`.
    bins : tuple of ndarray or None
        See :class:`SNMLP`.
    n_categories, category_gain, part_of : sequence or None
        See :class:`SNMLP`.
    sparse, sparse_grad : bool
        See :class:`SNMLP`.
    generator : torch.Generator or None
        Draws the initial weights.
    """

    needs_target = True
    indicator_features: Tensor
    indicator_shares: Tensor
    indicator_gain: Tensor
    indicator_position: Tensor
    bin_lower: Tensor
    bin_width: Tensor
    categorical_features: Tensor
    category_starts: Tensor
    category_gain: Tensor
    whole_of: Tensor

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        target: float,
        power: float,
        input_dropout: float,
        generator: torch.Generator | None,
        indicator_features: Sequence[int] | None = None,
        indicator_shares: Sequence[float] | None = None,
        indicator_gain: float | Sequence[float] = 1.0,
        bins: tuple[np.ndarray, np.ndarray] | None = None,
        n_categories: Sequence[int] | None = None,
        category_gain: float | Sequence[float] = 1.0,
        part_of: Sequence[int] | None = None,
        sparse: bool = False,
        sparse_grad: bool = False,
    ) -> None:
        super().__init__()
        self.target, self.power, self.input_dropout = target, power, input_dropout
        self.sparse, self.sparse_grad = sparse, sparse_grad
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs))
        initialize(self.weight, n_features, 1.0, generator)
        self.has_indicator = indicator_features is not None and len(indicator_features) > 0
        if indicator_features is not None and self.has_indicator:
            self._add_indicators(indicator_features, indicator_shares, indicator_gain, generator)
        self.has_bins = bins is not None
        if bins is not None:
            lower, width = (torch.as_tensor(part, dtype=torch.float64) for part in bins)
            self.register_buffer("bin_lower", lower)
            self.register_buffer("bin_width", width)
            self.bin_weight = nn.Parameter(torch.zeros(lower.numel(), n_outputs))
        self.has_categories = n_categories is not None and bool(np.any(n_categories))
        if n_categories is not None and self.has_categories:
            self._add_categories(n_categories, category_gain, generator)
        self.n_parts = 0 if part_of is None else len(part_of)
        if self.n_parts:
            whole = [*range(n_features - self.n_parts), *(part_of or ())]
            self.register_buffer("whole_of", torch.as_tensor(whole), persistent=False)

    def _add_categories(
        self,
        n_categories: Sequence[int],
        category_gain: float | Sequence[float],
        generator: torch.Generator | None,
    ) -> None:
        sizes = np.asarray(n_categories)
        chosen = np.flatnonzero(sizes)
        starts = np.cumsum(sizes[chosen]) - sizes[chosen]
        gain = np.broadcast_to(np.asarray(category_gain, dtype=np.float64), sizes.sum())
        self.register_buffer("categorical_features", torch.as_tensor(chosen))
        self.register_buffer("category_starts", torch.as_tensor(starts))
        self.register_buffer("category_gain", torch.as_tensor(gain.copy()))
        n_features, n_outputs = self.weight.shape
        self.category_weight = nn.Parameter(torch.zeros(len(gain), n_outputs))
        seen = self.category_weight.new_empty(int(np.count_nonzero(gain)), n_outputs)
        initialize(seen, n_features, _SMALL, generator)  # categories that nobody sees draw none
        with torch.no_grad():
            self.category_weight[torch.as_tensor(np.flatnonzero(gain))] = seen
            self.weight[self.categorical_features] = 0  # their codes are not multiplied

    def _add_indicators(
        self,
        features: Sequence[int],
        shares: Sequence[float] | None,
        gain: float | Sequence[float],
        generator: torch.Generator | None,
    ) -> None:
        n_features, n_outputs = self.weight.shape
        chosen = torch.as_tensor(features, dtype=torch.int64)
        subtracted = np.zeros(len(chosen)) if shares is None else shares
        self.register_buffer("indicator_features", chosen)
        self.register_buffer("indicator_shares", torch.as_tensor(subtracted, dtype=torch.float64))
        self.register_buffer("indicator_gain", torch.as_tensor(gain, dtype=torch.float64))
        if self.sparse and len(chosen) < n_features:
            position = torch.full((n_features,), -1)
            position[chosen] = torch.arange(len(chosen))
            self.register_buffer("indicator_position", position, persistent=False)
        self.indicator_weight = nn.Parameter(torch.empty(len(chosen), n_outputs))
        initialize(self.indicator_weight, n_features, 1.0, generator)

    @property
    def n_bins(self) -> int:
        """Number of bins of each feature."""
        return self.bin_lower.shape[1] if self.has_bins else 0

    def forward(
        self, rows: Tensor | SparseRows | NormalizedRows, index: ColumnIndex | None = None
    ) -> Tensor:
        """Map rows. `index` is the column index of sparse rows, if it is known."""
        if isinstance(rows, SparseRows):
            index = index or ColumnIndex(rows, len(self.weight), occurring=self.sparse_grad)
            return self._forward_sparse(rows, index)
        if not isinstance(rows, NormalizedRows):
            rows = self.normalize(rows)
        out = torch.addmm(self.bias, rows.entries, self.weight)
        if rows.filled is not None:
            out = torch.addmm(out, rows.filled, self.bin_weight)
        if rows.missing is not None:
            out = torch.addmm(out, rows.missing, self.indicator_weight)
        if rows.categories is not None and rows.category_factors is not None:
            out = out + self._category_sums(rows.categories, rows.category_factors)
        return out

    def _category_sums(self, categories: Tensor, factors: Tensor) -> Tensor:
        """Sum the weights of the categories of each row, with a factor each."""
        starts = torch.arange(len(categories), device=categories.device) * categories.shape[1]
        cells = SparseRows(factors.flatten(), categories.flatten(), starts)
        n_categories = len(self.category_weight)
        index = ColumnIndex(cells, n_categories, occurring=self.sparse_grad)
        return weighted_sums(cells, cells.values, self.category_weight, index)

    def normalize(self, rows: Tensor, target: float | None = None) -> NormalizedRows:
        """Compute the inputs of the weights, with the constant K of the layer or another one.

        Without input dropout, they depend on the rows and on K alone.
        """
        missing = rows != rows
        entries = rows.masked_fill(missing, 0)
        observed = (~missing[:, : rows.shape[1] - self.n_parts]).to(rows.dtype)
        if self.training and self.input_dropout:
            observed *= keep(observed, self.input_dropout, self.generator)
        n_observed = observed.sum(dim=1, dtype=exact_type(rows.dtype))
        if self.n_parts:
            observed = observed.index_select(1, self.whole_of)
        constant = self.target if target is None else target
        scale = sparsity_scale(n_observed, constant, self.power).to(rows.dtype)
        factors = observed * scale[:, None]
        filled = unobserved = categories = category_factors = None
        if self.has_categories:
            codes = entries.index_select(1, self.categorical_features).long()
            categories = codes + self.category_starts
            category_factors = factors.index_select(1, self.categorical_features)
            category_factors = category_factors * self.category_gain[categories].to(rows.dtype)
            entries = entries.index_fill(1, self.categorical_features, 0)
        if self.has_bins:
            filled = (entries[:, :, None] - self.bin_lower).div_(self.bin_width).clamp_(0, 1)
            filled = filled.mul_(factors[:, :, None]).flatten(1)
        if self.has_indicator:
            unobserved = missing.index_select(1, self.indicator_features).to(rows.dtype)
            unobserved.sub_(self.indicator_shares).mul_(self.indicator_gain)
        return NormalizedRows(
            entries * factors, filled, unobserved, n_observed, categories, category_factors
        )

    def _forward_sparse(self, rows: SparseRows, index: ColumnIndex) -> Tensor:
        kept = None
        if self.training and self.input_dropout:
            kept = keep(rows.values, self.input_dropout, self.generator)
            n_observed = count_entries(rows, kept, index.row)
        else:
            n_observed = rows.n_observed().to(exact_type(rows.values.dtype))
        scale = sparsity_scale(n_observed, self.target, self.power).to(rows.values.dtype)
        scale = scale.index_select(0, index.row)
        if kept is not None:
            scale *= kept
        out = weighted_sums(rows, rows.values * scale, self.weight, index) + self.bias
        if self.has_indicator:
            out = out + self._indicator_sums(rows, scale * self.indicator_gain, index)
        return out

    def _indicator_sums(self, rows: SparseRows, factors: Tensor, index: ColumnIndex) -> Tensor:
        """Sum the indicator weights of the entries of each row, with a factor each."""
        if len(self.indicator_features) == len(self.weight):
            return weighted_sums(rows, factors, self.indicator_weight, index)
        position = self.indicator_position.index_select(0, rows.columns.long())
        chosen = position >= 0
        if is_traced():  # an exported program must not depend on how many are chosen
            indicated = SparseRows(rows.values, position.clamp(min=0), rows.offsets.long())
            return weighted_sums(indicated, factors * chosen, self.indicator_weight, index)
        n_chosen = torch.zeros_like(rows.offsets)
        n_chosen.index_add_(0, index.row.long(), chosen.to(n_chosen.dtype))
        indicated = SparseRows(
            rows.values[chosen],
            position[chosen].to(rows.columns.dtype),
            n_chosen.cumsum(0, dtype=n_chosen.dtype) - n_chosen,
        )
        n_indicators = len(self.indicator_weight)
        index = ColumnIndex(indicated, n_indicators, occurring=self.sparse_grad)
        return weighted_sums(indicated, factors[chosen], self.indicator_weight, index)
