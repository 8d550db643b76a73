"""How the skorch net of an estimator is built."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import nn

from ._batches import BatchLoader
from ._device import resolve_device
from ._net import RowNet

_NUMBERS = {"power", "input_dropout", "dropout"}


def build_net(
    net: type[RowNet],
    module: type[nn.Module],
    parameters: Mapping[str, Any],
    *,
    seed: int,
    of_module: Mapping[str, Any],
    **options: Any,
) -> RowNet:
    """Build an initialized, untrained net.

    Parameters
    ----------
    net : type
        The class of the net.
    module : type
        The class of its network.
    parameters : mapping
        Parameters of an estimator. Those that the network, or its base class, has as well are
        handed on to it.
    seed : int
        Seed of the initial weights.
    of_module : mapping
        Further arguments of the network, which take precedence.
    **options
        Further options of the net.

    Returns
    -------
    RowNet
    """
    device = resolve_device(parameters["device"])
    accepted = {name for cls in module.__mro__[:2] for name in signature(cls).parameters}
    shared = {name: parameters[name] for name in accepted & parameters.keys()}
    given = {
        "hidden_layer_sizes": layer_sizes(parameters["hidden_layer_sizes"]),
        **{name: float(parameters[name]) for name in _NUMBERS - of_module.keys()},
        "dtype": getattr(torch, parameters["dtype"]),
        "seed": seed,
        "device": "cpu",  # where weights are drawn, before skorch moves them
    }
    arguments = shared | given | dict(of_module)
    return net(
        module,
        **{f"module__{name}": value for name, value in arguments.items()},
        optimizer__fused=device.type in ("cpu", "cuda"),
        lr=float(parameters["lr"]),
        iterator_train=BatchLoader,
        iterator_valid=BatchLoader,
        train_split=None,
        callbacks=parameters["callbacks"],
        device=str(device),
        verbose=0,
        **options,
    ).initialize()


def layer_sizes(value: Any) -> tuple[int, ...]:
    """Return ``hidden_layer_sizes`` as a tuple; one integer is one layer."""
    return tuple(int(size) for size in np.atleast_1d(np.asarray(value, dtype=np.int64)))
