"""What a network predicts: classes or numbers. Both encode y, decode outputs and name the loss."""

from ._classes import ClassTargets
from ._numbers import NumberTargets, check_numbers, r2_of_known
from ._regression import LOSSES, QUANTILE, number_targets

__all__ = [
    "LOSSES",
    "QUANTILE",
    "ClassTargets",
    "NumberTargets",
    "check_numbers",
    "number_targets",
    "r2_of_known",
]
