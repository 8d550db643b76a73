"""Conversion of torch models to Sparsity Normalization, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from torch import nn

from .._checks import check_constant, check_power
from ._conv import SNConv2d
from ._norm import SNLinear

Model = TypeVar("Model", bound=nn.Module)
_FORMS: dict[type[nn.Module], type[nn.Module]] = {nn.Linear: SNLinear, nn.Conv2d: SNConv2d}
_PLAIN = {form: plain for plain, form in _FORMS.items()}
_TURNED = (*_FORMS, *_PLAIN)  # layers that take a target and a power


def sparsity_normalize_(
    model: Model,
    target: float | None = None,
    *,
    power: float = 1.0,
    layers: Iterable[str] | None = None,
) -> Model:
    """Convert the first layers of a model to Sparsity Normalization, in place.

    The layers keep their parameters, hooks and places, so optimizers are not affected. The model
    then accepts NaN for missing entries. It still loads earlier state dicts. Its own hold the
    constants too.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    target : float, optional
        The constant K. By default the number of all entries, so that the model computes the same
        if everything is observed.
    power : float, default=1.0
        See :class:`SparsityNorm`.
    layers : iterable of str, optional
        Names of the layers to convert, as in ``model.named_modules()``: the layers that read the
        input, each a :class:`torch.nn.Linear` or :class:`torch.nn.Conv2d`. By default the first
        layer with parameters, in the order in which the model defines its modules. If the model
        runs them in another order, name the layers.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError
        If `model` is not a module.
    ValueError
        If there is no such layer, or a layer to convert is of another kind: a subclass, a lazy
        layer, or one with weight normalization. The model is then unchanged.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import remove_sparsity_normalization_, sparsity_normalize_
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    >>> sparsity_normalize_(model, target=2.0)
    Sequential(
      (0): SNLinear(in_features=3, out_features=2, bias=True, target=2, power=1)
      (1): ReLU()
    )
    >>> remove_sparsity_normalization_(model)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): ReLU()
    )
    """
    _check_module(model)
    target = None if target is None else check_constant(target)
    power = check_power(power)
    if layers is None:
        chosen = [_first_layer(model)]
    else:
        chosen = _named_layers(model, [layers] if isinstance(layers, str) else list(layers))
    for module in chosen:
        _turn(module, target, power)
    return model


def remove_sparsity_normalization_(model: Model) -> Model:
    """Convert all layers with Sparsity Normalization back to plain layers, in place.

    Parameters
    ----------
    model : torch.nn.Module
        The model. Its parameters do not change.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError
        If `model` is not a module.
    ValueError
        If a layer has a parametrization, such as weight normalization, that must be removed
        first. The model is then unchanged.
    """
    _check_module(model)
    for name, module in model.named_modules():
        if isinstance(module, tuple(_PLAIN)) and type(module) not in _PLAIN:
            raise ValueError(
                f"model has {name!r}, a {type(module).__name__}, which cannot be turned back while "
                "it is one; take away its parametrizations first."
            )
    for module in model.modules():
        if type(module) in _PLAIN:
            module.__class__ = _PLAIN[type(module)]
            for name in ("target", "power", "return_mask"):
                module.__dict__.pop(name, None)
    return model


def _check_module(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")


def _first_layer(model: nn.Module) -> nn.Module:
    """Return the first layer with parameters, if it can be converted.

    A later layer would see the NaN that this layer computes from missing entries.
    """
    for name, module in model.named_modules():
        is_layer = isinstance(module, tuple(_FORMS)) or not list(module.children())
        if not is_layer or not list(module.parameters()):
            continue
        if type(module) in _TURNED:
            return module
        raise ValueError(
            f"model begins with {name!r}, a {type(module).__name__}, which has no "
            "Sparsity-Normalized form; torch.nn.Linear and torch.nn.Conv2d have. Name the layers "
            "that the input goes into by layers=[...]."
        )
    raise ValueError(
        f"model must hold a torch.nn.Linear or torch.nn.Conv2d; {type(model).__name__} holds none."
    )


def _named_layers(model: nn.Module, names: list[str]) -> list[nn.Module]:
    modules = dict(model.named_modules(remove_duplicate=False))
    if not names:
        raise ValueError("layers must name at least one layer, got none.")
    for name in names:
        if name not in modules:
            raise ValueError(f"layers names {name!r}, but the model has no such module.")
        if type(modules[name]) not in _TURNED:
            raise ValueError(
                f"layers names {name!r}, which is a {type(modules[name]).__name__}; expected a "
                "torch.nn.Linear or torch.nn.Conv2d."
            )
    return [modules[name] for name in names]


def _turn(module: nn.Module, target: float | None, power: float) -> None:
    if type(module) in _FORMS:
        module.__class__ = _FORMS[type(module)]
        if isinstance(module, SNConv2d):
            module.return_mask = False
    module.target, module.power = target, power  # type: ignore[assignment]
