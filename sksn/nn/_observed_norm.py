"""A torch module that standardizes samples by their observed entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor, nn

from .._checks import check_count, check_flag, check_missing_value, check_not_negative
from ._mask import count, count_entries, observed_entries, refuse_mask
from ._rows import SparseRows


class ObservedNorm(nn.Module):
    r"""Standardize each sample by the mean and variance of its observed entries.

    An observed entry :math:`x` becomes

    .. math:: g \frac{x - m}{\sqrt{v + \epsilon}} + b

    with :math:`m` and :math:`v` the mean and the variance (divisor n) of the :math:`n` observed
    entries of the sample, and :math:`g` and :math:`b` the feature's gain and bias. A missing entry
    becomes zero. In layer normalization of zero-imputed rows, mean and variance depend on n; here
    they do not. A single observed entry becomes the bias. A sample with nothing observed becomes
    zeros.

    Parameters
    ----------
    n_features : int
        Width of the samples.
    affine : bool, default=True
        Whether each feature has a gain and a bias, which are learned.
    missing_values : float, default=nan
        A further value that means missing; NaN always does. In hidden layers, use 0 for the units
        that ReLU and dropout set to zero.
    eps : float, default=1e-5
        :math:`\epsilon`, in the units of the variance.
    device : torch.device, optional
        Device of the parameters.
    dtype : torch.dtype, optional
        Type of the parameters.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import ObservedNorm
    >>> ObservedNorm(3, affine=False, eps=0)(torch.tensor([[1.0, torch.nan, 3.0]]))
    tensor([[-1.,  0.,  1.]])
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        n_features: int,
        *,
        affine: bool = True,
        missing_values: float = np.nan,
        eps: float = 1e-5,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_count("n_features", n_features)
        check_flag("affine", affine)
        self.n_features, self.eps = int(n_features), check_not_negative("eps", eps)
        self.missing_values = check_missing_value(missing_values)
        for name in ("weight", "bias"):
            values = torch.empty(n_features, device=device, dtype=dtype) if affine else None
            self.register_parameter(name, None if values is None else nn.Parameter(values))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set gains to 1 and biases to 0."""
        if self.weight is not None and self.bias is not None:
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    @overload
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor: ...
    @overload
    def forward(self, x: SparseRows) -> SparseRows: ...
    def forward(self, x: Any, mask: Tensor | None = None) -> Any:
        """Standardize samples.

        Parameters
        ----------
        x : Tensor of shape (..., n_features), or SparseRows
            Samples with NaN where an entry is missing, or rows of observed entries.
        mask : Tensor, optional
            True, or not zero, where an entry is observed.

        Returns
        -------
        Tensor or SparseRows
            Of the shape, type and device of `x`, without NaN.

        Raises
        ------
        TypeError
            If `x` is not a tensor of floating point numbers.
        ValueError
            If `mask` does not fit `x`, or `x` does not have `n_features`.
        """
        if isinstance(x, SparseRows):
            refuse_mask(mask)
            return self._sparse(x)
        observed = observed_entries(x, mask, self.missing_values)
        if x.shape[-1:] != (self.n_features,):
            raise ValueError(
                f"x must have {self.n_features} features in its last dimension, got shape "
                f"{tuple(x.shape)}."
            )
        n_observed = count(observed, x.dtype, -1).clamp(min=1)
        entries = torch.where(observed, x, 0).to(n_observed.dtype)

        def mean_of_row(values: Tensor) -> Tensor:
            return torch.where(observed, values, 0).sum(dim=-1, keepdim=True) / n_observed

        out = self._standardized(entries, mean_of_row)
        if self.weight is not None and self.bias is not None:
            out = out * self.weight + self.bias
        return torch.where(observed, out, 0).to(x.dtype)

    def _sparse(self, x: SparseRows) -> SparseRows:
        observed = observed_entries(x.values, None, self.missing_values)
        row = x.row_of_entry()
        n_observed = count_entries(x, observed, row)
        entries = torch.where(observed, x.values, 0).to(n_observed.dtype)

        def mean_of_row(values: Tensor) -> Tensor:
            values = torch.where(observed, values, 0)
            total = torch.zeros_like(n_observed).index_add(0, row, values)
            return (total / n_observed.clamp(min=1)).index_select(0, row)

        out = self._standardized(entries, mean_of_row)
        if self.weight is not None and self.bias is not None:
            out = out * self.weight.index_select(0, x.columns)
            out = out + self.bias.index_select(0, x.columns)
        return x.with_values(torch.where(observed, out, 0).to(x.values.dtype))

    def _standardized(self, entries: Tensor, mean_of_row: Callable[[Tensor], Tensor]) -> Tensor:
        """Subtract the mean, and divide by the root of the variance if it is not zero.

        The mean is subtracted twice. If all entries are equal, the first subtraction leaves only
        its rounding error, which would otherwise be scaled up.
        """
        mean = mean_of_row(entries)
        left = entries - mean
        left = left - mean_of_row(left)
        variance = mean_of_row(left.square()) + self.eps
        none = variance <= (torch.finfo(entries.dtype).eps * mean).square()
        return left * torch.rsqrt(variance + none)

    def extra_repr(self) -> str:
        """Return the arguments that ``repr`` shows."""
        return f"{self.n_features}, affine={self.weight is not None}, eps={self.eps:g}"
