"""Signs that the machine was busy with something else, or changed its clock, while it measured.

They are read from the samples alone, so that a file of another machine is judged like one's own. Each sign says what
was seen; whether it matters is the reader's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import numpy as np

from trm_edge.profile.samples import Samples
from trm_edge.profile.summary import round_seconds

WORK_SPREAD = 0.10  #: of the fixed work between rounds, (p90 - p10) / median
ROUND_SPREAD = 0.15  #: of a side's rounds against each other, (greatest - least) / median
BUSY = 0.5  #: load average over the number of processors, before anything was measured
HOT = 85.0  #: degrees Celsius
_FEWEST = 3  #: rounds that can differ by more than chance


def warnings(sides: Sequence[Samples]) -> list[str]:
    """What was seen, in sentences."""
    return [*_work(sides), *_rounds(sides), *dict.fromkeys(sign for side in sides for sign in _state(side))]


def _work(sides: Sequence[Samples]) -> Iterator[str]:
    """Whether work that never changes took the same time in every round."""
    seen = []
    for side in sides:
        if len(side.reference_seconds) >= _FEWEST:
            low, middle, high = (1e6 * float(end) for end in np.percentile(side.reference_seconds, (10, 50, 90)))
            if middle > 0 and (high - low) / middle > WORK_SPREAD:
                seen.append(f"{low:.0f} to {high:.0f} us beside {side.name}")
    if seen:
        yield f"The machine was noisy: a piece of work that never changes took {', '.join(seen)}."


def _rounds(sides: Sequence[Samples]) -> Iterator[str]:
    """Whether the rounds of a side resemble each other."""
    seen = []
    for side in sides:
        rounds = [1e3 * seconds for seconds in round_seconds(side)]
        low, middle, high = min(rounds), float(np.median(rounds)), max(rounds)
        if len(rounds) >= _FEWEST and (high - low) / middle > ROUND_SPREAD:
            seen.append(f"{side.name} takes {low:.2f} to {high:.2f} ms for a puzzle")
    if seen:
        yield f"The rounds differ: {', '.join(seen)}. Measure more rounds, or on a quieter machine."


def _state(side: Samples) -> Iterator[str]:
    """What the machine said of itself."""
    load, cores = side.machine.get("load_before"), side.machine.get("cores")
    if _is_number(load) and _is_number(cores) and load > BUSY * cores:
        yield f"Other programs were running: load average {load:.1f} on {cores:.0f} processors before the measurement."
    heat = side.machine.get("celsius_after")
    if _is_number(heat) and heat > HOT:
        yield f"The machine was hot: {heat:.0f} degrees Celsius after the measurement; it may have slowed itself down."
    throttling = side.machine.get("throttling_after", side.machine.get("throttling"))
    if throttling not in (None, "none"):
        yield f"The device said that it slows itself down for heat ({throttling})."


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
