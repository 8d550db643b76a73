"""Torch modules for Sparsity Normalization, alone and with a linear map."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_constant, check_missing_value, check_power
from ._bag import ColumnIndex, weighted_sums
from ._constants import ConstantsInState
from ._mask import entries_and_scale, entries_and_scale_of_rows, refuse_mask
from ._rows import SparseRows


class SparsityNorm(ConstantsInState):
    r"""Sparsity Normalization [1]_ of each sample.

    A sample :math:`x` with :math:`n` observed entries becomes

    .. math:: \left(\frac{K}{n}\right)^{\text{power}} x

    Missing entries become zero. A sample with nothing observed becomes zeros. The module has no
    parameters.

    Parameters
    ----------
    target : float
        The constant K, usually the mean of :math:`n` over the training samples. A sample with K
        observed entries keeps its entries.
    power : float, default=1.0
        1 makes the mean of the next layer's output independent of :math:`n`. 1/2 makes its
        variance independent of n, for centred entries.
    missing_values : float, default=nan
        A further value that means missing; NaN always does. In hidden layers, use 0 for the units
        that ReLU and dropout set to zero.
    dim : int or tuple of int, default=-1
        The dimensions of a sample's entries, such as ``(1, 2, 3)`` for images.

    Notes
    -----
    The state dict holds `target` and `power`. A module that loads it takes them.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import SparsityNorm
    >>> SparsityNorm(target=2.0)(torch.tensor([[1.0, torch.nan, 3.0], [5.0, torch.nan, torch.nan]]))
    tensor([[ 1.,  0.,  3.],
            [10.,  0.,  0.]])
    """

    target: float
    needs_target = True

    def __init__(
        self,
        target: float,
        power: float = 1.0,
        *,
        missing_values: float = np.nan,
        dim: int | tuple[int, ...] = -1,
    ) -> None:
        super().__init__()
        self.target, self.power = check_constant(target), check_power(power)
        self.missing_values, self.dim = check_missing_value(missing_values), dim

    @overload
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor: ...
    @overload
    def forward(self, x: SparseRows) -> SparseRows: ...
    def forward(self, x: Any, mask: Tensor | None = None) -> Any:
        """Normalize samples.

        Parameters
        ----------
        x : Tensor, or SparseRows
            Samples with NaN where an entry is missing, or rows of observed entries.
        mask : Tensor, optional
            True, or not zero, where an entry is observed. It has the shape of `x` or broadcasts
            to it. NaN is missing whatever the mask says.

        Returns
        -------
        Tensor or SparseRows
            Of the shape, type and device of `x`, without NaN.

        Raises
        ------
        TypeError
            If `x` is not a tensor of floating point numbers.
        ValueError
            If `mask` does not fit `x`.
        """
        how = (self.target, self.power, self.missing_values)
        if isinstance(x, SparseRows):
            refuse_mask(mask)
            row = x.row_of_entry()
            entries, scale = entries_and_scale_of_rows(x, row, *how)
            return x.with_values((entries * scale.index_select(0, row)).to(entries.dtype))
        entries, scale = entries_and_scale(x, mask, *how, self.dim)
        return (entries * scale).to(x.dtype)

    def extra_repr(self) -> str:
        """Return the arguments that ``repr`` shows."""
        return f"target={self.target:g}, power={self.power:g}, dim={self.dim}"


class SNLinear(ConstantsInState, nn.Linear):
    r"""A linear map with Sparsity Normalization [1]_ of its input.

    A row :math:`x` with :math:`n` observed features becomes

    .. math:: \left(\frac{K}{n}\right)^{\text{power}} W x + b

    It replaces the first :class:`torch.nn.Linear` of a network and has the same parameters. If all
    features are observed and `target` is None, it computes the same.

    Parameters
    ----------
    in_features, out_features : int
        Width of the input and of the output.
    bias : bool, default=True
        Whether there is a bias. It is not scaled.
    target : float, optional
        The constant K. By default `in_features`.
    power : float, default=1.0
        See :class:`SparsityNorm`.
    device : torch.device, optional
        Device of the parameters.
    dtype : torch.dtype, optional
        Type of the parameters.

    Notes
    -----
    The state dict is that of :class:`torch.nn.Linear` with `target` and `power`. A module that
    loads it takes them. It keeps its own where it loads the state dict of a plain layer. A plain
    layer loads it with ``strict=False``.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import SNLinear
    >>> model = torch.nn.Sequential(SNLinear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    >>> model(torch.tensor([[1.0, torch.nan, 3.0]])).isfinite()
    tensor([[True]])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        target: float | None = None,
        power: float = 1.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        self.target = None if target is None else check_constant(target)
        self.power = check_power(power)

    @property
    def constant(self) -> float:
        """The constant K in use."""
        return float(self.in_features) if self.target is None else self.target

    def forward(self, x: Tensor | SparseRows, mask: Tensor | None = None) -> Tensor:
        """Map rows.

        Parameters
        ----------
        x : Tensor of shape (..., in_features), or SparseRows
            Rows with NaN where an entry is missing, or rows of observed entries.
        mask : Tensor, optional
            True, or not zero, where an entry is observed.

        Returns
        -------
        Tensor of shape (..., out_features), or (n_rows, out_features) for SparseRows

        Raises
        ------
        TypeError
            If `x` is not a dense tensor of floating point numbers, or not of the type of the
            weights.
        ValueError
            If `x` does not have `in_features` features, or `mask` does not fit `x`.
        """
        # Factors below 1 are applied before the sum and factors above 1 after it, so that half
        # precision overflows only if the result does.
        if isinstance(x, SparseRows):
            refuse_mask(mask)
            table = self.weight.t().contiguous()
            index = ColumnIndex(x, len(table))
            entries, scale = entries_and_scale_of_rows(x, index.row, self.constant, self.power)
            factors = entries * scale.clamp(max=1).index_select(0, index.row)
            sums = weighted_sums(x, factors.to(table.dtype), table, index)
            scale = scale[:, None]
        else:
            entries, scale = entries_and_scale(x, mask, self.constant, self.power)
            self._check_fits(x)
            sums = F.linear((entries * scale.clamp(max=1)).to(x.dtype), self.weight)
        out = sums * scale.clamp(min=1)
        return (out if self.bias is None else out + self.bias).to(sums.dtype)

    def _check_fits(self, x: Tensor) -> None:
        """Raise an error if a tensor has another width or type than the weights."""
        if not x.ndim or x.shape[-1] != self.in_features:
            raise ValueError(
                f"x must have {self.in_features} features (in_features) in its last dimension, got "
                f"the shape {tuple(x.shape)}."
            )
        if x.dtype != self.weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise TypeError(
                f"x must be of the type of the weights, {self.weight.dtype}, got {x.dtype}. Use "
                f"x.to({self.weight.dtype}), or convert the module."
            )

    def extra_repr(self) -> str:
        """Return the arguments that ``repr`` shows."""
        return f"{super().extra_repr()}, target={self.constant:g}, power={self.power:g}"
