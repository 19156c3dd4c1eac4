from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from trm_edge.errors import InvalidInput, ParityFailure, TooSlow
from trm_edge.profile import gate
from trm_edge.profile.gate import Change, parse_limit
from trm_edge.profile.results import Results
from trm_edge.profile.samples import Samples, Whole
from trm_edge.profile.summary import Estimate

Timed = Callable[..., Samples]


def results(*sides: Samples) -> Results:
    return Results(sides=sides, data="2 generated", date="2026-11-24")


def test_a_slow_machine_is_no_slow_bundle(timed: Timed) -> None:
    """Everything takes three times as long today, the fixed work included."""
    then = results(timed([10, 10.1, 9.9], [1, 1, 1]))
    now = results(timed([30, 30.2, 29.9], [3, 3, 3]))
    (change,) = gate.against_results(now, then)
    assert change.ratio.value == pytest.approx(1, abs=0.01)
    assert change.ratio.low < 1 < change.ratio.high
    gate.check([change], 0.1)


def test_a_slower_bundle_is_found_out(timed: Timed) -> None:
    then = results(timed([10, 10.1, 9.9], [1, 1, 1]), timed([1, 1, 1], [1, 1, 1], name="other"))
    now = results(timed([13, 13.1, 12.9], [1, 1, 1]), timed([1, 1, 1], [1, 1, 1], name="other"))
    changes = gate.against_results(now, then)
    assert changes[0].ratio.value == pytest.approx(1.3, abs=0.01)
    with pytest.raises(TooSlow, match=r"Slower by more than 10%: side takes 1\.300 times as long") as failed:
        gate.check(changes, 0.1)
    assert "other" not in str(failed.value)
    assert isinstance(failed.value, ParityFailure)
    gate.check(changes, 0.5)


def test_what_chance_explains_is_no_failure(timed: Timed) -> None:
    """Thirty per cent slower in the middle, but the rounds differ by more than that."""
    then = results(timed([10, 14, 7], [1, 1, 1]))
    now = results(timed([13, 18, 9], [1, 1, 1]))
    changes = gate.against_results(now, then)
    assert changes[0].ratio.value > 1.2
    gate.check(changes, 0.1)


def test_a_baseline_shares_the_noise_of_its_rounds(timed: Timed) -> None:
    """Rounds differ threefold, but both take their turns in them."""
    ours, theirs = timed([13, 39, 26.1]), timed([10, 30, 20], name="baseline")
    (change,) = gate.against_baseline([ours], [replace(theirs, threads=2), theirs])
    assert change.ratio.value == pytest.approx(1.3, abs=0.01)
    with pytest.raises(TooSlow, match=r"side takes 1\.30. times as long as baseline"):
        gate.check([change], 0.1)
    with pytest.raises(InvalidInput, match="not profiled with the threads and the batch of side"):
        gate.against_baseline([ours], [replace(theirs, threads=2)])


def test_one_round_proves_nothing(timed: Timed) -> None:
    with pytest.raises(InvalidInput, match="side: 1 rounds that can be compared are too few"):
        gate.against_baseline([timed([13])], [timed([10])])
    with pytest.raises(InvalidInput, match="'reference_seconds'"):
        gate.against_results(results(timed([10, 10])), results(timed([10, 10], [1, 1])))


def test_what_does_not_compare(timed: Timed) -> None:
    one = timed([10, 10], [1, 1])
    with pytest.raises(InvalidInput, match="hold other, none of side"):
        gate.against_results(results(one), results(replace(one, name="other")))
    with pytest.raises(InvalidInput, match=r"halts by act within 2 steps, .* by verified within 2"):
        gate.against_results(results(one), results(timed([10, 10], [1, 1], policy="verified")))
    fewer = tuple(one[:1] for one in one.whole[0].rounds)
    with pytest.raises(InvalidInput, match=r"timed on 2 puzzles, .* on 1"):
        gate.against_results(results(one), results(replace(one, whole=(Whole("act", 2, fewer),))))


@pytest.mark.parametrize(("text", "limit"), [("10%", 0.1), (" 2.5 %", 0.025), ("0%", 0), ("150%", 1.5)])
def test_a_limit(text: str, limit: float) -> None:
    assert parse_limit(text) == pytest.approx(limit)


@pytest.mark.parametrize("text", ["10", "0.1", "-5%", "ten", "%", "1e3%", "nan%"])
def test_no_limit(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a percentage\. Write --fail-if-slower 10%"):
        parse_limit(text)


def test_the_whole_interval_must_be_beyond() -> None:
    assert not Change("a", Estimate(1.5, 1.09, 2), "b").slower_by_more_than(0.1)
    assert Change("a", Estimate(1.5, 1.11, 2), "b").slower_by_more_than(0.1)
    assert math.isfinite(Change("a", Estimate(1.5, 1.11, 2), "b").ratio.high)
