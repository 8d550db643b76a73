"""The types of options name the values that the rules allow."""

from typing import get_args

import pytest

from sksn import SNClassifier, SNRegressor
from sksn._targets import LOSSES
from sksn._training import _options
from sksn._training._input_scaling import INPUT_SCALINGS
from sksn.nn._activations import ACTIVATIONS
from sksn.nn._mlp import HIDDEN_NORMS


def values(alias):
    """The strings of a type, those of its parts included; None for NoneType."""
    found = set()
    for part in get_args(alias):
        found |= values(part) if get_args(part) else {None if part is type(None) else part}
    return found


@pytest.mark.parametrize(
    ("alias", "allowed"),
    [
        (_options.Activation, ACTIVATIONS),
        (_options.HiddenNorm, HIDDEN_NORMS),
        (_options.InputScaling, INPUT_SCALINGS),
        (_options.Loss, LOSSES),
        (_options.Target, ("mean", "median", float)),
        (_options.DType, ("float32", "float64")),
    ],
)
def test_types_and_rules_agree(alias, allowed):
    assert values(alias) == set(allowed)


@pytest.mark.parametrize("estimator", [SNClassifier, SNRegressor])
def test_every_option_of_a_type_is_accepted(estimator):
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    names = {"activation": _options.Activation, "hidden_norm": _options.HiddenNorm}
    for name, alias in names.items():
        for value in values(alias):
            estimator(max_epochs=1, **{name: value}).fit(X, y)
