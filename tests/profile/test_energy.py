from __future__ import annotations

from pathlib import Path

import pytest

from trm_edge.profile.energy import joules, read_counters


def write(root: Path, zone: str, energy: object, most: int = 1_000_000) -> None:
    (root / zone).mkdir(exist_ok=True)
    (root / zone / "energy_uj").write_text(f"{energy}\n")
    (root / zone / "max_energy_range_uj").write_text(f"{most}\n")


def test_packages_are_added_and_their_parts_are_not(tmp_path: Path) -> None:
    for zone in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        write(tmp_path, zone, 100)
    before = read_counters(tmp_path)
    write(tmp_path, "intel-rapl:0", 400_100)
    write(tmp_path, "intel-rapl:1", 200_100)
    write(tmp_path, "intel-rapl:0:0", 300_100)
    assert joules(before, read_counters(tmp_path)) == pytest.approx(0.6)


def test_a_counter_that_began_again(tmp_path: Path) -> None:
    write(tmp_path, "intel-rapl:0", 900_000)
    before = read_counters(tmp_path)
    write(tmp_path, "intel-rapl:0", 100_000)
    assert joules(before, read_counters(tmp_path)) == pytest.approx(0.2)


def test_no_counters_no_figure(tmp_path: Path) -> None:
    assert read_counters(tmp_path / "nothing") is None
    assert read_counters(tmp_path) is None
    write(tmp_path, "intel-rapl:0", 1)
    seen = read_counters(tmp_path)
    write(tmp_path, "intel-rapl:1", "not a number")
    assert read_counters(tmp_path) is None, "half of the packages would be no figure"
    assert joules(seen, None) is joules(None, seen) is None
