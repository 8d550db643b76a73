"""Give a torch model Sparsity Normalization, and take it away again."""

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
_TURNED = (*_FORMS, *_PLAIN)  # what can be given a target and a power, first or anew


def sparsity_normalize_(
    model: Model,
    target: float | None = None,
    *,
    power: float = 1.0,
    layers: Iterable[str] | None = None,
) -> Model:
    """Turn the first layers of a model into their Sparsity-Normalized form, in place.

    The layer keeps its parameters, hooks and place, so that optimisers and state dicts are none
    the wiser; the model then takes NaN for what is missing.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    target : float, optional
        The constant K. By default all entries that there are, so that the model is the same
        where all is observed.
    power : float, default=1.0
        See :class:`SparsityNorm`.
    layers : iterable of str, optional
        Names of the layers to turn, as ``model.named_modules()`` has them: those that the input
        goes into, each a :class:`torch.nn.Linear` or :class:`torch.nn.Conv2d`. By default the
        first layer with parameters, in the order in which the model defines its modules; where
        that is not the order in which it runs them, name them.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError
        If `model` is no module.
    ValueError
        If there is no such layer; or the first one, or one that is named, is of another kind: a
        subclass, a lazy layer, one with weight normalisation. The model is then as it was.

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
    """Turn all Sparsity-Normalized layers of a model into plain ones, in place.

    Parameters
    ----------
    model : torch.nn.Module
        The model; its parameters stay what they are.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    TypeError
        If `model` is no module.
    ValueError
        If a layer has been given something since, such as weight normalisation, that has to be
        taken away first. The model is then as it was.
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
    """The first layer with parameters, if it has a Sparsity-Normalized form.

    A later one would be given the NaN that this one makes of missing entries.
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
