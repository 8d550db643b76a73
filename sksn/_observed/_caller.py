"""Where a warning points: to the code that calls this package."""

from __future__ import annotations

import sys

_OURS = ("sksn", "sklearn.callback")  # whose decorator is around `fit`


def levels_to_caller() -> int:
    """Return how far the caller of this package is above the function that asks."""
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(_OURS):
        frame, levels = frame.f_back, levels + 1
    return levels
