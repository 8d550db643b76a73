"""Figures and pictures of how much a model depends on how much of a row is observed."""

from ._activations import (
    ActivationRecorder,
    ActivationStatistics,
    activation_statistics,
)
from ._bias import SparsityBias, sparsity_bias
from ._displays import ActivationDisplay, SparsityBiasDisplay

__all__ = [
    "ActivationDisplay",
    "ActivationRecorder",
    "ActivationStatistics",
    "SparsityBias",
    "SparsityBiasDisplay",
    "activation_statistics",
    "sparsity_bias",
]
