from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from trm_edge.profile.samples import Samples
from trm_edge.tune.race import Raced, race
from trm_edge.tune.wish import Wish

MakeSamples = Callable[..., Samples]


@dataclass(frozen=True)
class Side:
    """As much of a candidate as the race looks at."""

    name: str
    step_ms: float
    right_from: int


@dataclass
class Track:
    """Measures by table, and remembers what was asked for."""

    make: MakeSamples
    asked: list[tuple[list[str], int]]

    def __call__(self, sides: Sequence[Any], puzzles: Sequence[Any]) -> list[Samples]:
        self.asked.append(([side.name for side in sides], len(puzzles)))
        return [
            self.make(side.name, right_from=(side.right_from,) * len(puzzles), step_ms=(side.step_ms,))
            for side in sides
        ]


SIDES = [Side(f"{ms} ms", ms, 2) for ms in (7.0, 3.0, 5.0, 1.0, 2.0)] + [Side("wrong", 0.1, 9)]


@pytest.fixture
def track(make_samples: MakeSamples) -> Track:
    return Track(make_samples, [])


def run(track: Track, wish: Wish, puzzles: int = 64, **options: Any) -> Raced:
    return race(SIDES, list(range(puzzles)), wish, track, **options)  # type: ignore[arg-type]


def test_hopeless_sides_stop_early_and_nothing_is_measured_twice(track: Track) -> None:
    dropped: list[str] = []
    raced = run(track, Wish(min_exact=0.5), dropped=lambda side: dropped.append(side.name))
    assert [(len(names), puzzles) for names, puzzles in track.asked] == [(6, 16), (3, 16), (2, 32)]
    assert track.asked[2][0] == ["1.0 ms", "2.0 ms"]
    assert [side.name for side in raced.finalists] == ["1.0 ms", "2.0 ms"]
    assert {name: one.puzzles for name, one in raced.samples.items()} == {
        "1.0 ms": 64,
        "2.0 ms": 64,
        "3.0 ms": 32,
        "5.0 ms": 16,
        "7.0 ms": 16,
        "wrong": 16,
    }
    assert list(raced.samples)[-1] == "wrong"
    assert set(dropped) == {"3.0 ms", "5.0 ms", "7.0 ms", "wrong"}
    assert {option.side for option in raced.options} == {"1.0 ms", "2.0 ms"}


def test_for_a_latency_the_most_accurate_within_it_stay(track: Track) -> None:
    raced = run(track, Wish(max_ms=4.5))
    assert [side.name for side in raced.finalists] == ["1.0 ms", "2.0 ms"]
    assert list(raced.samples)[-1] == "7.0 ms"  # not even its first step is fast enough


def test_few_puzzles_are_seen_by_all(track: Track) -> None:
    raced = run(track, Wish(min_exact=0.5), puzzles=3)
    assert [(len(names), puzzles) for names, puzzles in track.asked] == [(6, 3)]
    assert len(raced.finalists) == 2


def test_when_the_time_is_over_the_field_is_what_it_is(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 60))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    raced = run(track, Wish(min_exact=0.5), seconds=30)
    assert len(track.asked) == 1
    assert len(raced.finalists) == 6
    assert raced.finalists[0].name == "1.0 ms"
    assert raced.remarks == ("After 30 s the choice was made: on 16 of 64 puzzles.",)
