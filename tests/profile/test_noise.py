from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from trm_edge.profile.noise import warnings
from trm_edge.profile.samples import Fact, Samples

Timed = Callable[..., Samples]


def test_a_quiet_machine_gives_no_warning(timed: Timed) -> None:
    quiet = replace(
        timed([10, 10.2, 10.1], [1, 1.01, 1]), machine={"load_before": 0.2, "cores": 8, "throttling": "none"}
    )
    assert warnings([quiet]) == []


def test_each_sign_is_told_once(timed: Timed) -> None:
    hot: dict[str, Fact] = {"load_before": 3.0, "cores": 2, "celsius_after": 91.5, "throttling": "severe"}
    noisy = replace(timed([10, 14, 10], [1, 1.5, 1]), machine=hot)
    found = warnings([noisy, replace(noisy, name="other")])
    assert len(found) == 5
    work, rounds, load, heat, throttling = found
    assert "1000000 to 1400000 us beside side, 1000000 to 1400000 us beside other" in work
    assert "side takes 10.00 to 14.00 ms for a puzzle, other takes" in rounds
    assert "load average 3.0 on 2 processors" in load
    assert "92 degrees" in heat
    assert "(severe)" in throttling


def test_two_rounds_are_too_few_to_judge(timed: Timed) -> None:
    assert warnings([timed([10, 20], [1, 2])]) == []


def test_facts_of_another_kind_are_passed_over(timed: Timed) -> None:
    assert warnings([replace(timed([10]), machine={"load_before": "much", "cores": True, "celsius_after": None})]) == []


def test_throttling_of_a_device_is_told_by_its_end(timed: Timed) -> None:
    machine: dict[str, Fact] = {"throttling_before": "none", "throttling_after": "light"}
    (warning,) = warnings([replace(timed([10]), machine=machine)])
    assert "(light)" in warning
