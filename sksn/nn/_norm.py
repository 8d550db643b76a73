"""Normalisation of rows by what is observed of them, as modules for networks of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._observed import check_count, check_missing_values, is_flag
from .._scale import check_power, is_real, sparsity_scale
from ._bag import weighted_sums
from ._rows import SparseRows


class SparsityNorm(nn.Module):
    r"""Sparsity Normalization [1]_ of each sample: :math:`x\,(K / n)^{\text{power}}`.

    :math:`n` is how many entries of the sample are observed. Missing entries become zero, and so
    does a sample of which nothing is observed. Nothing is learned.

    Parameters
    ----------
    target : float
        The constant K, usually the mean of :math:`n` over the training samples: what is multiplied
        by 1.
    power : float, default=1.0
        1 keeps the mean of what the next layer computes free of :math:`n`, 1/2 its variance where
        entries are centred.
    missing_values : float, default=nan
        A further value that means missing; NaN always does. In hidden layers, 0 for the zeros
        that ReLU and dropout leave.
    dim : int or tuple of int, default=-1
        The dimensions that a sample's entries fill, such as ``(1, 2, 3)`` for images.

    Notes
    -----
    `target` and `power` are arguments, not part of the state dict: give a module that loads one the
    same.

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
        self.missing_values, self.dim = check_missing_values(missing_values), dim

    @overload
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor: ...
    @overload
    def forward(self, x: SparseRows) -> SparseRows: ...
    def forward(self, x: Any, mask: Tensor | None = None) -> Any:
        """Normalise samples.

        Parameters
        ----------
        x : Tensor, or SparseRows
            Samples with NaN where an entry is missing; or rows of observed entries.
        mask : Tensor, optional
            True, or not zero, where an entry is observed; has the shape of `x` or one that
            broadcasts to it. NaN is missing whatever the mask says.

        Returns
        -------
        Tensor or SparseRows
            Shape, type and device of `x`; no NaN.

        Raises
        ------
        TypeError
            If `x` is no tensor of floating point numbers.
        ValueError
            If `mask` does not fit `x`.
        """
        entries, scale = _parts(x, mask, self.target, self.power, self.missing_values, self.dim)
        if isinstance(x, SparseRows):
            scaled = entries * scale.index_select(0, x.row_of_entry())
            return x._replace(values=scaled.to(entries.dtype))
        return (entries * scale).to(x.dtype)

    def extra_repr(self) -> str:
        """What ``repr`` says of the module."""
        return f"target={self.target:g}, power={self.power:g}, dim={self.dim}"


class SNLinear(nn.Linear):
    r"""Sparsity Normalization [1]_ and a linear map: :math:`W x\,(K / n)^{\text{power}} + b`.

    Takes the place of a network's first :class:`torch.nn.Linear`, whose parameters it has. Where
    all features are observed, and K is left alone, it is the same map.

    Parameters
    ----------
    in_features, out_features : int
        Width of the input and of the output.
    bias : bool, default=True
        Whether there is a bias; it is not scaled.
    target : float, optional
        The constant K; by default `in_features`.
    power : float, default=1.0
        See :class:`SparsityNorm`.
    device : torch.device, optional
        Where the parameters are.
    dtype : torch.dtype, optional
        Their type.

    Notes
    -----
    `target` and `power` are arguments, not part of the state dict, which is that of
    :class:`torch.nn.Linear`: give a module that loads one the same.

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
            If `x` is no tensor of floating point numbers.
        ValueError
            If `mask` does not fit `x`.
        """
        entries, scale = _parts(x, mask, self.constant, self.power)
        # What shrinks a row does so before the sum, what enlarges it after: neither overflows
        # half precision unless the result does.
        before, after = scale.clamp(max=1), scale.clamp(min=1)
        if isinstance(x, SparseRows):
            table = self.weight.t().contiguous()
            factors = entries * before.index_select(0, x.row_of_entry())
            sums = weighted_sums(x, factors.to(table.dtype), table)
            after = after[:, None]
        else:
            sums = F.linear((entries * before).to(x.dtype), self.weight)
        out = sums * after if self.bias is None else sums * after + self.bias
        return out.to(sums.dtype)

    def extra_repr(self) -> str:
        """What ``repr`` says of the module."""
        return f"{super().extra_repr()}, target={self.constant:g}, power={self.power:g}"


class ObservedNorm(nn.Module):
    r"""Standardise each sample by the mean and variance of its observed entries alone.

    An observed entry becomes :math:`(x - m) / \sqrt{v + \epsilon} \cdot g + b`, with :math:`m` and
    :math:`v` the mean and the variance of the :math:`n` observed entries of its sample (divided by
    :math:`n`), and :math:`g` and :math:`b` the feature's gain and bias; a missing one becomes
    zero. What depends on how much is observed, as in layer normalisation of zero-imputed rows,
    are neither mean nor variance then. Of a single observed entry the bias is left, and a sample
    of which nothing is observed becomes zeros.

    Parameters
    ----------
    n_features : int
        Width of the samples.
    affine : bool, default=True
        Whether each feature has a gain and a bias, which are learned.
    missing_values : float, default=nan
        A further value that means missing; NaN always does. In hidden layers, 0 for the zeros
        that ReLU and dropout leave.
    eps : float, default=1e-5
        :math:`\epsilon`, in the units of the variance.
    device : torch.device, optional
        Where the parameters are.
    dtype : torch.dtype, optional
        Their type.

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
        if not is_real(eps) or not 0 <= eps < np.inf:
            raise ValueError(f"eps must be a number in [0, inf), got {eps!r}.")
        if not is_flag(affine):
            raise ValueError(f"affine must be True or False, got {affine!r}.")
        self.n_features, self.eps = int(n_features), float(eps)
        self.missing_values = check_missing_values(missing_values)
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
        """Standardise samples.

        Parameters
        ----------
        x : Tensor of shape (..., n_features), or SparseRows
            Samples with NaN where an entry is missing, or rows of observed entries.
        mask : Tensor, optional
            True, or not zero, where an entry is observed.

        Returns
        -------
        Tensor or SparseRows
            Shape, type and device of `x`; no NaN.

        Raises
        ------
        TypeError
            If `x` is no tensor of floating point numbers.
        ValueError
            If `mask` does not fit `x`, or `x` has not `n_features`.
        """
        if isinstance(x, SparseRows):
            _refuse_mask(mask)
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

        out = self._standardised(entries, mean_of_row)
        if self.weight is not None and self.bias is not None:
            out = out * self.weight + self.bias
        return torch.where(observed, out, 0).to(x.dtype)

    def _sparse(self, x: SparseRows) -> SparseRows:
        observed = observed_entries(x.values, None, self.missing_values)
        row, n_observed = x.row_of_entry(), _counts(x, observed)
        entries = torch.where(observed, x.values, 0).to(n_observed.dtype)

        def mean_of_row(values: Tensor) -> Tensor:
            values = torch.where(observed, values, 0)
            total = torch.zeros_like(n_observed).index_add(0, row, values)
            return (total / n_observed.clamp(min=1)).index_select(0, row)

        out = self._standardised(entries, mean_of_row)
        if self.weight is not None and self.bias is not None:
            out = out * self.weight.index_select(0, x.columns)
            out = out + self.bias.index_select(0, x.columns)
        return x._replace(values=torch.where(observed, out, 0).to(x.values.dtype))

    def _standardised(self, entries: Tensor, mean_of_row: Callable[[Tensor], Tensor]) -> Tensor:
        """What is left of the mean, by the root of the variance, if there is any.

        The mean is taken twice, since a rounding error of the first one would be all that is
        left of equal entries.
        """
        mean = mean_of_row(entries)
        left = entries - mean
        left = left - mean_of_row(left)
        variance = mean_of_row(left.square()) + self.eps
        none = variance <= (torch.finfo(entries.dtype).eps * mean).square()
        return left * torch.rsqrt(variance + none)

    def extra_repr(self) -> str:
        """What ``repr`` says of the module."""
        return f"{self.n_features}, affine={self.weight is not None}, eps={self.eps:g}"


def observed_entries(
    x: Tensor, mask: Tensor | None = None, missing_values: float = np.nan
) -> Tensor:
    """Where entries are observed; bool, shape of `x`."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(
            "x must be a tensor of floating point numbers, got "
            f"{x.dtype if isinstance(x, Tensor) else type(x).__name__}."
        )
    if mask is not None and not isinstance(mask, Tensor):
        raise TypeError(f"mask must be a tensor or None, got {type(mask).__name__}.")
    observed = x == x  # not NaN
    if missing_values == missing_values:
        observed = observed & (x != missing_values)
    if mask is None:
        return observed
    if len(mask.shape) > len(x.shape) or any(
        m not in (1, n) for m, n in zip(mask.shape[::-1], x.shape[::-1], strict=False)
    ):
        raise ValueError(
            f"mask must have the shape of x, {tuple(x.shape)}, or one that broadcasts to it; got "
            f"{tuple(mask.shape)}."
        )
    return observed & (mask if mask.dtype == torch.bool else mask != 0)


def count(observed: Tensor, dtype: torch.dtype, dim: int | tuple[int, ...]) -> Tensor:
    """How many are observed, in a type that counts exactly; dimensions are kept, at size 1."""
    return observed.sum(dim=dim, keepdim=True).to(exact_type(dtype))


def exact_type(dtype: torch.dtype) -> torch.dtype:
    """A type that counts exactly beside entries of type `dtype`."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_constant(target: Any) -> float:
    """Return the constant K as a float, or say why it cannot be one."""
    try:
        value = float(target)
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if is_flag(target) or isinstance(target, str) or not 0 < value < np.inf:
        raise ValueError(f"target must be a positive number, got {target!r}.")
    return value


def _counts(rows: SparseRows, observed: Tensor) -> Tensor:
    """How many entries of each row are observed, in a type that counts exactly."""
    kind = exact_type(rows.values.dtype)
    counts = torch.zeros(len(rows.offsets), dtype=kind, device=rows.values.device)
    return counts.index_add(0, rows.row_of_entry(), observed.to(kind))


def _parts(
    x: Any,
    mask: Tensor | None,
    target: float,
    power: float,
    missing_values: float = np.nan,
    dim: int | tuple[int, ...] = -1,
) -> tuple[Tensor, Tensor]:
    """Entries with zeros where they are missing, and the factor of each sample.

    The factors of a tensor broadcast to it; of sparse rows there is one for each row.
    """
    if isinstance(x, SparseRows):
        _refuse_mask(mask)
        observed = observed_entries(x.values, None, missing_values)
        scale = sparsity_scale(_counts(x, observed), target, power)
        return torch.where(observed, x.values, 0), scale
    observed = observed_entries(x, mask, missing_values)
    scale = sparsity_scale(count(observed, x.dtype, dim), target, power)
    return torch.where(observed, x, 0), scale


def _refuse_mask(mask: Tensor | None) -> None:
    if mask is not None:
        raise ValueError("mask must be None for SparseRows, whose entries are all observed.")
