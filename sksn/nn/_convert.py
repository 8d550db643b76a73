"""Give a torch model Sparsity Normalization, and take it away again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from torch import nn

from .._scale import check_power
from ._conv import SNConv2d
from ._norm import SNLinear, check_constant

Model = TypeVar("Model", bound=nn.Module)
_FORMS: dict[type[nn.Module], type[nn.Module]] = {nn.Linear: SNLinear, nn.Conv2d: SNConv2d}
_PLAIN = {form: plain for plain, form in _FORMS.items()}


def sparsity_normalize_(
    model: Model,
    target: float | None = None,
    *,
    power: float = 1.0,
    layers: Iterable[str] | None = None,
) -> Model:
    """Turn the first layer of a model into its Sparsity-Normalized form, in place.

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
        Names of the layers to turn, as ``model.named_modules()`` has them; those that the input
        goes into. By default the first :class:`torch.nn.Linear` or :class:`torch.nn.Conv2d` in
        that order.

    Returns
    -------
    torch.nn.Module
        `model`.

    Raises
    ------
    ValueError
        If there is no such layer, or a named one is none of these.

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
    target = None if target is None else check_constant(target)
    power = check_power(power)
    modules = dict(model.named_modules())
    if layers is None:
        first = next((name for name, m in modules.items() if type(m) in (*_FORMS, *_PLAIN)), None)
        if first is None:
            raise ValueError(
                f"model must hold a torch.nn.Linear or torch.nn.Conv2d; {type(model).__name__} "
                "holds none."
            )
        layers = [first]
    names = [layers] if isinstance(layers, str) else list(layers)
    for name in names:
        if name not in modules:
            raise ValueError(f"layers names {name!r}, but the model has no such module.")
        if type(modules[name]) not in (*_FORMS, *_PLAIN):
            raise ValueError(
                f"layers names {name!r}, which is a {type(modules[name]).__name__}; expected a "
                "torch.nn.Linear or torch.nn.Conv2d."
            )
    for name in names:
        _turn(modules[name], target, power)
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
    """
    for module in model.modules():
        if type(module) in _PLAIN:
            module.__class__ = _PLAIN[type(module)]
            for name in ("target", "power", "return_mask"):
                module.__dict__.pop(name, None)
    return model


def _turn(module: nn.Module, target: float | None, power: float) -> None:
    if type(module) in _FORMS:
        module.__class__ = _FORMS[type(module)]
        if isinstance(module, SNConv2d):
            module.return_mask = False
    module.target, module.power = target, power  # type: ignore[assignment]
