"""What machines tell, and that nothing is made up where they tell nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trm_edge.profile.devices.facts import SCRIPT, before_and_after, parse_facts
from trm_edge.profile.samples import Fact

PI = """\
processor\t: 0
CPU implementer\t: 0x41
CPU part\t: 0xd0b
processor\t: 1
CPU implementer\t: 0x41
CPU part\t: 0xd0b
processor\t: 2
CPU implementer\t: 0x51
CPU part\t: 0x001
"""


def ask(root: Path) -> dict[str, Fact]:
    done = subprocess.run(["sh", "-c", SCRIPT, "sh", str(root)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return parse_facts(done.stdout)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert set(ask(tmp_path)) <= {"os", "architecture"}


def test_a_board(tmp_path: Path) -> None:
    write(tmp_path / "proc/cpuinfo", PI)
    write(tmp_path / "proc/loadavg", "0.52 0.40 0.30 1/200 4242\n")
    write(tmp_path / "proc/device-tree/model", "Raspberry Pi 5 Model B\n")
    for core, governor, most in (("cpu0", "ondemand", 2_400_000), ("cpu1", "ondemand", 1_800_000)):
        write(tmp_path / f"sys/devices/system/cpu/{core}/cpufreq/scaling_governor", f"{governor}\n")
        write(tmp_path / f"sys/devices/system/cpu/{core}/cpufreq/cpuinfo_max_freq", f"{most}\n")
        write(tmp_path / f"sys/devices/system/cpu/{core}/cpufreq/scaling_cur_freq", "1500000\n")
    (tmp_path / "sys/devices/system/cpu/cpu2").mkdir()  # without cpufreq
    (tmp_path / "sys/devices/system/cpu/cpufreq").mkdir()  # no core
    for zone, (name, temperature) in enumerate((("cpu-thermal", "51100"), ("off", "-273000"), ("wrong", "999999"))):
        write(tmp_path / f"sys/class/thermal/thermal_zone{zone}/type", f"{name}\n")
        write(tmp_path / f"sys/class/thermal/thermal_zone{zone}/temp", f"{temperature}\n")
    write(tmp_path / "sys/class/power_supply/BAT0/type", "Battery\n")
    write(tmp_path / "sys/class/power_supply/BAT0/capacity", "64\n")
    write(tmp_path / "sys/class/power_supply/BAT0/status", "Discharging\n")
    write(tmp_path / "sys/class/power_supply/AC/type", "Mains\n")
    facts = ask(tmp_path)
    assert {name: facts[name] for name in facts if name not in ("os", "architecture")} == {
        "cpu": "2 x Cortex-A76, 1 x arm 0x51/0x001",
        "cores": 3.0,
        "board": "Raspberry Pi 5 Model B",
        "governor": "ondemand",
        "mhz": 1500.0,
        "most_mhz": 2400.0,
        "load": 0.52,
        "celsius": 51.1,
        "hottest": "cpu-thermal",
        "battery_percent": 64.0,
        "battery": "Discharging",
    }


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("cpuinfo\tmodel name : Some CPU @ 3 GHz\n", {"cpu": "Some CPU @ 3 GHz"}),
        ("zone\t38 soc\n", {"celsius": 38.0, "hottest": "soc"}),  # some drivers tell whole degrees
        ("maker\tsamsung\nmodel\tSM-S918B\n", {"model": "samsung SM-S918B"}),
        ("maker\tGoogle\nmodel\tGoogle Pixel\n", {"model": "Google Pixel"}),
        ("thermalservice\tThermal Status: 9\n", {}),
        ("load\tnan\nkhz\t1e99\nzone\tx y\nbattery_percent\t\n", {}),
        ("no tab\n\t\nos\tLi\x1b[31mnux\n", {"os": "Li[31mnux"}),
    ],
)
def test_what_is_said_is_read_with_care(said: str, facts: dict[str, Fact]) -> None:
    assert parse_facts(said) == facts


def test_both_ends_of_a_measurement() -> None:
    before: dict[str, Fact] = {"cpu": "C", "celsius": 40.0, "load": 0.1}
    after: dict[str, Fact] = {"cpu": "C", "celsius": 71.5, "throttling": "light"}
    expected = {
        "cpu": "C",
        "celsius_before": 40.0,
        "celsius_after": 71.5,
        "load_before": 0.1,
        "throttling_after": "light",
    }
    assert before_and_after(before, after) == expected
