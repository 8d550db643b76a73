"""What a network predicts: classes or numbers. Both encode y, decode outputs and name the loss."""

from ._classes import ClassTargets
from ._numbers import NumberTargets, check_numbers

__all__ = ["ClassTargets", "NumberTargets", "check_numbers"]
