"""Convolutions of images with missing pixels."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_constant, check_flag, check_power
from .._formula import sparsity_scale
from ._constants import ConstantsInState
from ._mask import exact_type, observed_entries

_AUTOCAST = ("cpu", "cuda", "mps", "xpu")  # devices that have it; torch cannot trace the question


class SNConv2d(ConstantsInState, nn.Conv2d):
    r"""A convolution with Sparsity Normalization [1]_ of each window.

    With :math:`O` the observed entries of a window, in all channels that are summed, and :math:`n`
    their number, the output is

    .. math:: \left(\frac{K}{n}\right)^{\text{power}} \sum_{j \in O} w_j x_j + b

    and 0 for a window in which nothing is observed, as in partial convolution [2]_.

    It replaces a :class:`torch.nn.Conv2d` and has the same parameters. If everything is observed
    and `target` is None, it computes the same, also at the borders. The exception is a window that
    lies completely in the padding.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        See :class:`torch.nn.Conv2d`.
    target : float, optional
        The constant K. By default the number of entries of the window inside the image. With
        ``in_channels / groups`` times the size of the kernel, and `power` 1, the layer is a
        partial convolution, which treats the padding as missing.
    power : float, default=1.0
        See :class:`SparsityNorm`.
    return_mask : bool, default=False
        Whether to return a pair: the output, and the mask for the next layer.
    device, dtype
        See :class:`torch.nn.Conv2d`.

    Notes
    -----
    The state dict holds `target` and `power`, but not `return_mask`. A module that loads it takes
    them. In half precision, the sum over a window must be within range before it is scaled, as in
    :class:`torch.nn.Conv2d`.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] G. Liu, F. A. Reda, K. J. Shih, T.-C. Wang, A. Tao, B. Catanzaro. "Image Inpainting for
       Irregular Holes Using Partial Convolutions". ECCV 2018. arXiv:1804.07723.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import SNConv2d
    >>> x = torch.ones(1, 1, 4, 4)
    >>> x[..., :2] = torch.nan
    >>> layer = SNConv2d(1, 1, 2, bias=False, return_mask=True)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> sums, mask = layer(x)
    >>> sums[0, 0, 0].tolist()
    [0.0, 4.0, 4.0]
    >>> mask[0, 0, 0]
    tensor([False,  True,  True])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        target: float | None = None,
        power: float = 1.0,
        return_mask: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,  # type: ignore[arg-type]
            device=device,
            dtype=dtype,
        )
        check_flag("return_mask", return_mask)
        self.target = None if target is None else check_constant(target)
        self.power, self.return_mask = check_power(power), return_mask

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        """Convolve images.

        Parameters
        ----------
        x : Tensor of shape ([n_samples,] in_channels, height, width)
            Images with NaN where an entry is missing.
        mask : Tensor, optional
            True, or not zero, where an entry is observed. It broadcasts to the shape of `x`.

        Returns
        -------
        Tensor of shape ([n_samples,] out_channels, new height, new width)
            The output. With `return_mask`, a pair of the output and a bool mask that is true for
            windows in which something is observed. The mask has the shape of the output, or one
            channel if `groups` is 1.

        Raises
        ------
        ValueError
            If `mask` does not fit `x`.
        """
        observed = observed_entries(x, mask)
        sums = self._conv_forward(torch.where(observed, x, 0), self.weight, None)
        exact = exact_type(x.dtype)
        n_observed = self._count(observed, exact)
        if self.target is None:
            full = self._count(torch.ones_like(observed[:1] if x.ndim == 4 else observed), exact)
        else:
            full = torch.full_like(n_observed, self.target)
        anything = n_observed > 0
        scale = sparsity_scale(n_observed, full, self.power)
        if self.groups > 1:
            repeats = self.out_channels // self.groups
            scale = scale.repeat_interleave(repeats, dim=-3)
            anything = anything.repeat_interleave(repeats, dim=-3)
        out = sums * scale
        if self.bias is not None:
            out = out + self.bias[:, None, None] * anything
        out = out.to(sums.dtype)
        return (out, anything) if self.return_mask else out

    def _count(self, observed: Tensor, dtype: torch.dtype) -> Tensor:
        """Count the observed entries of each window; one channel for each group."""
        channels = self.in_channels // self.groups
        by_group = observed.unflatten(-3, (self.groups, channels)).sum(dim=-3).to(dtype)
        ones = torch.ones(self.groups, 1, *self.kernel_size, dtype=dtype, device=observed.device)
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            mode, sides = self.padding_mode, self._reversed_padding_repeated_twice
            by_group, padding = F.pad(by_group, sides, mode=mode), 0
        kind = observed.device.type
        exactly = torch.autocast(kind, enabled=False) if kind in _AUTOCAST else nullcontext()
        with exactly:
            return F.conv2d(
                by_group, ones, None, self.stride, padding, self.dilation, self.groups
            ).round()

    def extra_repr(self) -> str:
        """Return the arguments that ``repr`` shows."""
        target = "" if self.target is None else f", target={self.target:g}"
        return f"{super().extra_repr()}{target}, power={self.power:g}"
