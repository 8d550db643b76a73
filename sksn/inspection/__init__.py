"""How a model's predictions and activations depend on what is observed."""

from ._activation_display import ActivationDisplay
from ._activations import ActivationRecorder, activation_statistics
from ._bias import SparsityBias, sparsity_bias
from ._bias_display import SparsityBiasDisplay
from ._dependence import PartialDependence, partial_dependence
from ._dependence_display import PartialDependenceDisplay
from ._importance import OcclusionImportance, occlusion_importance
from ._watch import ActivationStatistics

__all__ = [
    "ActivationDisplay",
    "ActivationRecorder",
    "ActivationStatistics",
    "OcclusionImportance",
    "PartialDependence",
    "PartialDependenceDisplay",
    "SparsityBias",
    "SparsityBiasDisplay",
    "activation_statistics",
    "occlusion_importance",
    "partial_dependence",
    "sparsity_bias",
]
