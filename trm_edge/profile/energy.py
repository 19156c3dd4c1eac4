"""Energy that the processor's own counters show: RAPL, under Linux's ``/sys/class/powercap``.

They count whole packages, with everything else that runs there and with idling; and many systems let only root read
them. Where there is nothing to read, there is no figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
_PACKAGES = "intel-rapl:[0-9]*"  #: AMD's are called so, too; sub-zones (intel-rapl:0:0) are parts of these


@dataclass(frozen=True)
class Counters:
    """Counters at one moment.

    Attributes:
        microjoules: by package.
        ranges: where each begins again from 0.
    """

    microjoules: dict[str, int]
    ranges: dict[str, int]


def read_counters(root: Path = POWERCAP) -> Counters | None:
    """The counters now; None where there are none that may be read."""
    microjoules, ranges = {}, {}
    for zone in sorted(root.glob(_PACKAGES)):
        if zone.name.count(":") != 1:
            continue
        try:
            microjoules[zone.name] = int((zone / "energy_uj").read_text(encoding="ascii"))
            ranges[zone.name] = int((zone / "max_energy_range_uj").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None  # half of the packages would be no figure
    return Counters(microjoules, ranges) if microjoules else None


def joules(before: Counters | None, after: Counters | None) -> float | None:
    """Energy between two moments, counters that have begun again once included; None where either has none."""
    if before is None or after is None or before.microjoules.keys() != after.microjoules.keys():
        return None
    spent = 0
    for name, then in before.microjoules.items():
        now = after.microjoules[name]
        spent += now - then + (after.ranges[name] if now < then else 0)
    return spent / 1e6
