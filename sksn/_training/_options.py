"""Types of the options of estimators, by which editors find misspelt values."""

from __future__ import annotations

from typing import Literal, TypeAlias

Activation: TypeAlias = Literal["identity", "logistic", "tanh", "relu", "gelu", "silu"]
Auto: TypeAlias = Literal["auto"]
DType: TypeAlias = Literal["float32", "float64"]
HiddenNorm: TypeAlias = Literal["batch", "layer", "sparsity", "observed"] | None
InputScaling: TypeAlias = Literal["auto", "observed"] | None
Loss: TypeAlias = Literal[
    "squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile"
]
Target: TypeAlias = Literal["mean", "median"] | float
