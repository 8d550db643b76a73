"""Axes for displays."""

from __future__ import annotations

from typing import Any


def new_axes(needed_by: str, n: int = 1) -> Any:
    """Return new axes, or raise an ImportError that says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{needed_by}.plot needs matplotlib; install it, or sksn with it: "
            "pip install 'sksn[plot]'. The figures behind the picture need none: "
            "sparsity_bias, partial_dependence and activation_statistics."
        ) from error
    _, axes = plt.subplots(1, n, figsize=(5 * n, 4), layout="constrained")
    return axes
