"""Numbers of a carry, as the graph stores them and as they are meant: integers with a scale, or floats as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle.contract import CARRY_INTEGERS
from trm_edge.bundle.manifest import CarrySpec


def to_stored(state: CarrySpec, values: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Real numbers as a graph of that ``dtype`` takes them; what lies outside the range of integers is clipped.

    Integers that :func:`to_real` gave back come out as they were.
    """
    if state.scale is None or state.zero_point is None:
        return values.astype(dtype)
    integers = np.rint(values / np.float32(state.scale)) + state.zero_point
    return integers.clip(0, CARRY_INTEGERS[dtype]).astype(dtype)


def to_real(state: CarrySpec, stored: NDArray[Any]) -> NDArray[Any]:
    """What the numbers of a carry mean: float32 where it is stored in integers, else as they are."""
    if state.scale is None or state.zero_point is None:
        return stored
    return (stored.astype(np.float32) - np.float32(state.zero_point)) * np.float32(state.scale)
