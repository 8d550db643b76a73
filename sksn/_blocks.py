"""Large arrays in blocks that fit a cache, so that no temporary is as large as the array.

Threads were tried on these blocks and did not pay: one core all but fills the memory bus, and two
wait for each other's page faults (``benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Iterator

_ENTRIES = 1 << 17


def blocks(n: int, entries: float = 1.0) -> Iterator[slice]:
    """Split a range of `n` items, behind each of which there are so many entries on average."""
    size = max(1, int(_ENTRIES / max(entries, 1.0)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
