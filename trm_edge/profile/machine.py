"""The machine that a measurement runs on: what it says of itself, and how long a fixed piece of work takes on it.

The work is the yardstick of times that were not measured together: a machine that is slow today is slow at this, too.
Knows nothing of bundles. Systems without a shell tell their name only.
"""

from __future__ import annotations

import platform
import subprocess
import time
from statistics import median

import numpy as np

from trm_edge.profile.devices.facts import SCRIPT, parse_facts
from trm_edge.profile.samples import Fact

_SECONDS = 10  #: the facts are given up after
_SIDE = 64  #: of the fixed work: about 0.2 ms on a processor of 2020
_TIMES, _MOST_PIECES = 15, 500
_FACTORS = np.arange(_SIDE * _SIDE, dtype=np.int32).reshape(_SIDE, _SIDE) % 251


def machine_facts() -> dict[str, Fact]:
    """What this machine tells: ``cpu``, ``os``, ``cores``, ``governor``, ``mhz``, ``celsius``, ``load`` ...; flat.

    The names are those of :func:`trm_edge.profile.devices.facts.parse_facts`.
    """
    try:
        done = subprocess.run(
            ["sh", "-c", SCRIPT], capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
        facts = parse_facts(done.stdout)
    except (OSError, subprocess.TimeoutExpired):  # no shell, or a file of /sys that hangs
        facts = {}
    named = {"os": f"{platform.system()} {platform.release()}", "architecture": platform.machine()}
    return {**named, **facts}


def reference_seconds(like: float = 0.0) -> float:
    """Time the fixed work, a product of integer matrices on one thread: median seconds of one piece.

    Integers, because numpy hands floats to a library whose threads would go on spinning into what is measured next.

    Args:
        like: seconds that what is held against it takes. As many pieces are timed in one go, for a busy machine takes
            its share of what is long, while what is short often gets through between two turns of other programs.
    """
    pieces, done = 1, _piece()
    if done > 0:
        pieces = min(max(1, round(like / done)), _MOST_PIECES)
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        for _ in range(pieces):
            _piece()
        times.append((time.perf_counter() - began) / pieces)
    return median(times)


def _piece() -> float:
    """One piece of the work, and how long it took."""
    began = time.perf_counter()
    _FACTORS @ _FACTORS
    return time.perf_counter() - began
