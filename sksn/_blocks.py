"""Blocks of large arrays that fit a core's cache, so that entries travel from memory once."""

from __future__ import annotations

from collections.abc import Iterator

_ENTRIES = 1 << 17


def blocks(n: int, entries: float = 1.0) -> Iterator[slice]:
    """Split a range of `n` items, behind each of which there are so many entries on average."""
    size = max(1, int(_ENTRIES / max(entries, 1.0)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
