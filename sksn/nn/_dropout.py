"""Dropout of hidden units and of observed inputs, from a generator of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._mask import exact_type


class Random(nn.Module):
    """A module that draws from the attribute `generator`, or from torch's if that is None.

    The generator is neither part of the state dict nor pickled.
    """

    generator: torch.Generator | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "generator": None}


class Dropout(Random):
    r"""Dropout of hidden units.

    In training, each unit becomes 0 with probability :math:`p`.

    Parameters
    ----------
    p : float in [0, 1)
        Probability :math:`p` that a unit is dropped.
    rescale : bool, default=True
        Whether to divide the other units by :math:`1 - p`.
    """

    def __init__(self, p: float, *, rescale: bool = True) -> None:
        super().__init__()
        self.p, self.rescale = p, rescale

    def forward(self, x: Tensor) -> Tensor:
        """Drop units in training, and return `x` otherwise."""
        if not self.training or not self.p:
            return x
        kept = keep(x, self.p, self.generator)
        return x * (kept.div_(1 - self.p) if self.rescale else kept)


class DrawsFromGenerator(nn.Module):
    """A network whose dropout layers can be given a generator."""

    def use_generator(self, generator: torch.Generator | None) -> None:
        """Set the generator from which dropout masks are drawn.

        Parameters
        ----------
        generator : torch.Generator or None
            The generator. None: torch's global one.
        """
        for module in self.modules():
            if isinstance(module, Random):
                module.generator = generator


def keep(x: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Return a tensor like `x` that is 0 with probability `p` and 1 otherwise."""
    draws: dict[str, Any] = {"dtype": exact_type(x.dtype), "device": x.device}
    if generator is not None:  # a compiler accepts no generator, not even None
        draws["generator"] = generator
    return torch.rand(x.shape, **draws).ge_(p).to(x.dtype)
