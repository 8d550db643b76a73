"""Entries that leave the range of a network's numbers are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from .._blocks import largest_of
from .._moments import Entries, standardize


def in_range(
    entries: Iterable[Entries], mean: np.ndarray | None, scale: np.ndarray, hint: str = ""
) -> Iterator[Entries]:
    """Yield further entries, and refuse those that the scale of the earlier ones cannot take.

    They would hide all entries so far.
    """
    for block in entries:
        with np.errstate(over="ignore"):
            check_range(standardize(block.values, mean, scale, block.columns), hint)
        yield block


def check_range(entries: np.ndarray, hint: str = "") -> np.ndarray:
    """Raise a ValueError if an entry becomes infinite in the precision of a network."""
    extreme = largest_of(entries)
    if extreme > float(np.finfo(np.float32).max):
        raise ValueError(
            f"X holds {extreme:.4g} in absolute value (after scaling, if any), beyond the "
            f"range of float32; look for extreme entries (ratings, for a recommender){hint}."
        )
    return entries
