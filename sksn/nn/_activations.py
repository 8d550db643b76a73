"""Non-linearities by name, and the initial weights that suit them."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
# 1 / sqrt(E f(z)^2) for standard normal z: weights that keep second moments from layer to layer.
GAINS = {
    "identity": 1.0,
    "logistic": 1.8462,
    "tanh": 1.5925,
    "relu": math.sqrt(2),
    "gelu": 1.5335,
    "silu": 1.6765,
}


def on_device(device: torch.device | str | None) -> Any:
    """Return a context in which tensors are made on a device, or on torch's default device."""
    return nullcontext() if device is None else torch.device(device)


def initialize(
    weight: Tensor, fan_in: float, gain: float, generator: torch.Generator | None
) -> None:
    r"""Draw weights from :math:`\mathcal{N}(0, \text{gain}^2 / \text{fan\_in})`, in place."""
    if weight.is_meta:
        return
    with torch.no_grad():
        if generator is None:
            weight.normal_(0, gain / math.sqrt(fan_in))
        else:  # a seed gives the same weights on every device, whatever torch's default type
            drawn = torch.empty(weight.shape, dtype=torch.float32, device=generator.device)
            weight.copy_(drawn.normal_(0, gain / math.sqrt(fan_in), generator=generator))


def dense_layer(
    width: int, following: int, gain: float, generator: torch.Generator | None
) -> nn.Linear:
    """Return a linear layer with initial weights of this gain and biases of zero."""
    device = torch.get_default_device()  # else skip_init would take the CPU
    linear = nn.utils.skip_init(nn.Linear, width, following, device=device)
    initialize(linear.weight, width, gain, generator)
    nn.init.zeros_(linear.bias)
    return linear
