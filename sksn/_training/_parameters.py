"""What the parameters of the neural estimators may be; checked once, in ``fit``."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from .._observed import check_missing_values
from .._scale import check_power, check_target, is_flag, is_real
from ..nn._mlp import ACTIVATIONS, HIDDEN_NORMS
from ._scaling import ENTRY_SCALINGS, INPUT_SCALINGS


def _share(value: Any) -> bool:
    return is_real(value) and 0 <= value < 1


def _integer(value: Any, least: int) -> bool:
    return is_real(value, numbers.Integral) and value >= least


def _count(value: Any) -> bool:
    return _integer(value, 1)


def _one_of(*allowed: Any) -> tuple[Callable[[Any], bool], str]:
    def is_allowed(value: Any) -> bool:
        if is_flag(value) or value is None:
            return any(value is a for a in allowed) or (
                value is not None and bool(value) in allowed
            )
        return isinstance(value, str) and value in allowed

    return is_allowed, "one of " + ", ".join(map(repr, allowed))


def _auto_or(is_allowed: Callable[[Any], bool], expected: str) -> tuple[Callable[[Any], bool], str]:
    return lambda v: (isinstance(v, str) and v == "auto") or is_allowed(v), f"'auto' or {expected}"


def _layer_sizes(value: Any) -> bool:
    return _count(value) or (
        isinstance(value, (tuple, list, np.ndarray)) and all(_count(size) for size in value)
    )


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hidden_layer_sizes": (_layer_sizes, "a positive integer or a sequence of them"),
    "activation": _one_of(*ACTIVATIONS),
    "input_dropout": (_share, "a number in [0, 1)"),
    "dropout": (_share, "a number in [0, 1)"),
    "hidden_norm": _one_of(*HIDDEN_NORMS),
    "input_scaling": _one_of(*INPUT_SCALINGS),
    "add_indicator": _one_of("auto", True, False),
    "center": (is_flag, "True or False"),
    "row_offset": (
        lambda v: v is None or (is_real(v) and 0 <= v < np.inf),
        "None or a number in [0, inf)",
    ),
    "keep_observed": (is_flag, "True or False"),
    "refit": (is_flag, "True or False"),
    "history": (is_flag, "True or False"),
    "n_estimators": (_count, "a positive integer"),
    "orientation": _one_of("item", "user", "both"),
    "n_bins": _auto_or(lambda v: _integer(v, 0), "an integer that is not negative"),
    "lr": (lambda v: is_real(v) and 0 < v < np.inf, "a positive number"),
    "alpha": (lambda v: is_real(v) and 0 <= v < np.inf, "a number in [0, inf)"),
    "batch_size": (_count, "a positive integer"),
    "max_epochs": _auto_or(_count, "a positive integer"),
    "early_stopping": (is_flag, "True or False"),
    "validation_fraction": (lambda v: is_real(v) and 0 < v < 1, "a number in (0, 1)"),
    "n_iter_no_change": (_count, "a positive integer"),
    "warm_start": (is_flag, "True or False"),
    "dtype": _one_of("float32", "float64"),
    "callbacks": (
        lambda v: v is None or isinstance(v, (list, tuple)),
        "a list of skorch callbacks or None",
    ),
    "verbose": (lambda v: isinstance(v, numbers.Integral), "True or False"),
}


# What differs where it is the entries of rows that are predicted.
ENTRY_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hidden_layer_sizes": (
        lambda v: _layer_sizes(v) and np.size(v) > 0,
        "a positive integer or a sequence of at least one",
    ),
    "activation": _one_of("auto", *ACTIVATIONS),
    "input_scaling": _one_of(*ENTRY_SCALINGS),
    "add_indicator": (is_flag, "True or False"),
    "batch_size": _auto_or(_count, "a positive integer"),
    "max_epochs": (_count, "a positive integer"),
}


def check_parameters(estimator: Any, rules: dict | None = None) -> None:
    """Raise a ValueError that names the first parameter of `estimator` that is out of range.

    `rules` take the place of the common ones where a parameter means something else.
    """
    parameters = estimator.get_params(deep=False)
    check_power(estimator.power)
    check_target(parameters.get("target", "mean"))
    check_missing_values(parameters.get("missing_values", np.nan))
    for name, (is_allowed, expected) in (_RULES | (rules or {})).items():
        if name not in parameters:
            continue
        value = parameters[name]
        if not is_allowed(value):
            raise ValueError(f"{name} must be {expected}, got {value!r}.")


def layer_sizes(value: Any) -> tuple[int, ...]:
    """``hidden_layer_sizes`` as a tuple; one integer is one layer."""
    return (int(value),) if isinstance(value, numbers.Integral) else tuple(int(s) for s in value)
