"""Sets of cells as big integers: bit ``i`` says that cell ``i`` is in the set."""

from __future__ import annotations

from collections.abc import Iterator


def bits(mask: int) -> Iterator[int]:
    """The set bits of a mask from the lowest, each as a mask of its own."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
