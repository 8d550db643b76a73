"""How a model's predictions and activations depend on the number of observed features."""

from ._activation_display import ActivationDisplay
from ._activations import ActivationRecorder, activation_statistics
from ._bias import SparsityBias, sparsity_bias
from ._bias_display import SparsityBiasDisplay
from ._watch import ActivationStatistics

__all__ = [
    "ActivationDisplay",
    "ActivationRecorder",
    "ActivationStatistics",
    "SparsityBias",
    "SparsityBiasDisplay",
    "activation_statistics",
    "sparsity_bias",
]
