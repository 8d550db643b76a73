"""Where a warning points: to the code that calls this package."""

from __future__ import annotations

import sys

# `fit` and `transform` of our classes are wrapped or called by these modules of scikit-learn.
_BETWEEN = ("sklearn.callback", "sklearn.base", "sklearn.utils._set_output")


def levels_to_caller() -> int:
    """Return how far the caller of this package is above the function that asks."""
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and _is_passed(frame.f_globals["__name__"]):
        frame, levels = frame.f_back, levels + 1
    return levels


def _is_passed(module: str) -> bool:
    return module == "sksn" or module.startswith(("sksn.", *_BETWEEN))
