"""Hooks on the layers of a network that record its pre-activations, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..nn._input_layer import InputLayer
from ._row_groups import row_groups

_NON_LINEAR = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Hardsigmoid, nn.Tanh, nn.Hardtanh, nn.Softplus, nn.Softsign),
    *(nn.Hardswish, nn.Tanhshrink),
)
_LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, InputLayer)
_SATURATED = 0.05


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """Statistics of the pre-activations of each layer, by groups (bins) of rows.

    Attributes
    ----------
    layers : list of str
        Names of the layers, in the order in which the network computes them. These are the modules
        of its non-linearities, whose inputs are measured, or, if it has none, its linear maps and
        convolutions, whose outputs are measured. A module that runs several times is several
        layers: "relu", "relu (2)" and so on.
    n_observed : ndarray of shape (n_bins,)
        Mean number of observed features in each bin.
    count : ndarray of int, shape (n_bins,)
        Number of rows in each bin.
    mean, variance : ndarray of shape (n_layers, n_bins)
        Mean and variance over the rows of the bin and the units of the layer.
    saturated : ndarray of shape (n_layers, n_bins)
        Share of the pre-activations at which the derivative of the non-linearity is less than
        5 % of its maximum: the flat ends of a sigmoid, or the zero side of ReLU. NaN if the layer
        is not a non-linearity.
    """

    layers: list[str]
    n_observed: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    saturated: np.ndarray


class Watch:
    """Hooks that record, for each row and layer, three means over the layer's units."""

    def __init__(self, module: nn.Module, layers: list[str] | None) -> None:
        self.active = True
        self.found: dict[str, list[np.ndarray]] = {}
        self.calls: Counter[str] = Counter()
        self.wanted, self.named = _chosen(module, layers), layers is not None
        # A pass begins with the network, or with its first layer: prediction calls the parts of a
        # network by themselves, a block of rows at a time.
        begins = [module, *(part for part in module.children() if isinstance(part, InputLayer))]
        self.handles: list[Any] = [
            part.register_forward_pre_hook(lambda *_: self.calls.clear(), prepend=True)
            for part in begins
        ]
        for name, layer in self.wanted.items():
            if isinstance(layer, _NON_LINEAR):
                handle: Any = layer.register_forward_pre_hook(self._before(name, layer))
            else:
                handle = layer.register_forward_hook(self._after(name))
            self.handles.append(handle)

    def _before(self, name: str, layer: nn.Module) -> Callable:
        saturated = _Saturation(layer)
        return lambda _, inputs: self._keep(name, inputs[0], saturated)

    def _after(self, name: str) -> Callable:
        return lambda _, inputs, output: self._keep(name, output, None)

    def _keep(self, name: str, z: Any, saturated: _Saturation | None) -> None:
        if not self.active:
            return
        z = (z[0] if isinstance(z, tuple) else z).detach().flatten(1)
        share = torch.full_like(z[:, 0], torch.nan) if saturated is None else saturated(z)
        z = z.double() if z.device.type != "mps" else z.float()
        rows = torch.stack([z.mean(dim=1), z.square().mean(dim=1), share.to(z.dtype)])
        self.calls[name] += 1
        if self.calls[name] > 1:
            name = f"{name} ({self.calls[name]})"
        self.found.setdefault(name, []).append(rows.cpu().numpy())

    def clear(self) -> None:
        self.found = {}

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def statistics(self, n_observed: np.ndarray, n_bins: int) -> ActivationStatistics:
        by_layer = {name: np.concatenate(parts, axis=1) for name, parts in self.found.items()}
        counts = {name: part.shape[1] for name, part in by_layer.items()}
        for name in self.wanted:
            n_rows = counts.get(name, 0)
            if self.named and n_rows != len(n_observed):
                raise ValueError(
                    f"layers names {name!r}, which the network ran on {n_rows} samples where there "
                    f"are {len(n_observed)}; name modules that run once for each sample."
                )
        by_layer = {k: part for k, part in by_layer.items() if counts[k] == len(n_observed)}
        if not by_layer:
            raise ValueError(
                f"None of {', '.join(map(repr, self.wanted))} runs once for each sample; choose "
                "others by layers=[...]."
            )
        bins = row_groups(n_observed, n_bins)
        means = np.array(
            [[part[:, rows].mean(axis=1) for rows in bins] for part in by_layer.values()]
        )
        mean, square, saturated = np.moveaxis(means, 2, 0)
        return ActivationStatistics(
            list(by_layer),
            np.array([n_observed[rows].mean() for rows in bins]),
            np.array([len(rows) for rows in bins]),
            mean,
            np.maximum(square - mean**2, 0),  # rounding may make it negative
            saturated,
        )


class _Saturation:
    """Computes the share of each row's entries at which a non-linearity is flat."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer
        around = torch.linspace(-8, 8, 1601, dtype=torch.float64)
        self.flat = _SATURATED * float(_derivative(layer, around).abs().max())

    def __call__(self, z: Tensor) -> Tensor:
        return (_derivative(self.layer, z).abs() < self.flat).to(z.dtype).mean(dim=1)


def _derivative(layer: nn.Module, z: Tensor) -> Tensor:
    with torch.enable_grad():
        z = z.detach().clone().requires_grad_()
        value = type(layer).forward(layer, z.clone())  # avoids the hooks; some layers work in place
        return torch.autograd.grad(value.sum(), z)[0]


@contextmanager
def watched(module: nn.Module, layers: list[str] | None) -> Iterator[Watch]:
    watch = Watch(module, layers)
    try:
        yield watch
    finally:
        watch.remove()


def _chosen(module: nn.Module, layers: list[str] | None) -> dict[str, nn.Module]:
    modules: dict[str, nn.Module] = dict(module.named_modules())
    if layers is not None:
        layers = [layers] if isinstance(layers, str) else list(layers)
        if not layers:
            raise ValueError("layers must name at least one module, got none.")
        for name in layers:
            if name not in modules:
                raise ValueError(
                    f"layers names {name!r}, but the network has no such module; it has "
                    f"{', '.join(map(repr, filter(None, modules)))}."
                )
        return {name: modules[name] for name in layers}
    kinds: Any  # else the type of a dict of some of them would be the union of all
    for kinds in (_NON_LINEAR, _LINEAR):
        found: dict[str, nn.Module] = {
            name: m for name, m in modules.items() if isinstance(m, kinds)
        }
        if found:
            return found
    raise ValueError(f"{type(module).__name__} has neither non-linearities nor linear maps.")
