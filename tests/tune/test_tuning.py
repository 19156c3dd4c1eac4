from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidInput, Refused
from trm_edge.export.options import ExportOptions
from trm_edge.profile import measure as profile_measure
from trm_edge.profile.samples import Samples
from trm_edge.specs import Precision
from trm_edge.tune import tuning
from trm_edge.tune import tuning_report as report
from trm_edge.tune.exporting import Model, export_all
from trm_edge.tune.options import option_of, options_of
from trm_edge.tune.tuning import Request, Tried, Tuned, tune
from trm_edge.tune.wish import Wish

FAST = Wish(max_ms=1e6)
Measured = list[tuple[list[str], list[bytes]]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def bundles(model: Model, tmp_path: Path) -> list[Path]:
    options = ExportOptions(steps=3, golden=1)
    return list(export_all(model, [options, replace(options, precision=Precision.W8)], tmp_path / "made").bundles)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """What is measured is measured, and remembered: names of the sides, and the puzzles."""
    seen: Measured = []

    def spy(sides: Sequence[Any], puzzles: Sequence[Any], *arguments: Any, **more: Any) -> list[Samples]:
        seen.append(([side.name for side in sides], [puzzle.question.tobytes() for puzzle in puzzles]))
        return profile_measure.measure(sides, puzzles, *arguments, **more)

    monkeypatch.setattr(tuning, "measure", spy)
    return seen


def test_what_was_chosen_is_judged_on_other_puzzles(bundles: list[Path], measured: Measured) -> None:
    made = tune(Request(bundles=bundles, wish=FAST, puzzles=21, repeat=1))
    (sides, choosing), (winner, judging) = measured
    assert len(sides) == 2
    assert winner == [made.chosen.side]
    assert (len(choosing), len(judging)) == (11, 10) == (made.chosen_on, made.judged_on)
    assert not set(choosing) & set(judging)
    assert (made.chosen.way, len(made.judged.ms)) == (made.judged.way, 10)
    assert made.winner.bundle in bundles
    assert made.met


def test_the_order_of_a_file_means_nothing(bundles: list[Path], measured: Measured) -> None:
    tune(Request(bundles=bundles[:1], wish=FAST, puzzles=16, repeat=1))
    tune(Request(bundles=bundles[:1], wish=FAST, puzzles=16, repeat=1))
    assert measured[0] == measured[2]
    from trm_edge.tasks import get_task
    from trm_edge.tasks.comparison import comparison_puzzles

    as_given = [puzzle.question.tobytes() for puzzle in comparison_puzzles(get_task("sudoku-4x4"), None, 16)]
    assert measured[0][1] != as_given[:8]
    assert sorted(measured[0][1] + measured[1][1]) == sorted(as_given)


def test_threads_are_sides_of_their_own(bundles: list[Path], measured: Measured) -> None:
    tune(Request(bundles=bundles[:1], wish=FAST, puzzles=4, repeat=1, threads=(1, 2)))
    assert [name.rpartition(", ")[2] for name in measured[0][0]] == ["1 thread", "2 threads"]


def test_an_interruption_chooses_nothing(bundles: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, log: profile_measure.Log, **__: Any) -> list[Samples]:
        log.interrupted = True
        return []

    monkeypatch.setattr(tuning, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune(Request(bundles=bundles, wish=FAST, puzzles=4, repeat=1))


def test_a_bundle_that_cannot_run_is_a_remark_unless_none_can(
    bundles: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = tuning.__dict__["open_sides"], set(bundles[:1])

    def open_sides(stack: Any, paths: Sequence[Path], *arguments: Any, **more: Any) -> Any:
        if paths[0] in broken:
            raise Refused("not on this processor")
        return real(stack, paths, *arguments, **more)

    monkeypatch.setattr(tuning, "open_sides", open_sides)
    made = tune(Request(bundles=bundles, wish=FAST, puzzles=4, repeat=1))
    assert made.remarks == (f"{bundles[0]} was not tried: not on this processor",)
    broken.update(bundles)
    with pytest.raises(Refused, match="not on this processor"):
        tune(Request(bundles=bundles, wish=FAST, puzzles=4, repeat=1))


def test_answers_that_nobody_can_judge_are_refused(bundles: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_measure, "_verdict", lambda *_: None)
    with pytest.raises(InvalidInput, match="None of the answers can be judged"):
        tune(Request(bundles=bundles, wish=FAST, puzzles=4, repeat=1))


@pytest.mark.parametrize("fields", [{"puzzles": 1}, {"repeat": 0}, {"seconds": 0.0}])
def test_numbers_out_of_range(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Request(bundles=(), wish=FAST, **fields)


# -- the report -------------------------------------------------------------------------------


@pytest.fixture
def made(make_samples: Callable[..., Samples]) -> Callable[..., Tuned]:
    def make(wish: Wish, policy: str = "act", *, right_elsewhere: int = 1, promised: bool = True) -> Tuned:
        fast, slow = make_samples("fast", right_from=(1, 2, 3)), make_samples("slow", step_ms=(3.0,), right_from=(2,))
        chosen = option_of(fast, policy, 4)
        tried = (
            Tried("fast", Path("fast"), fast, chosen, last=True),
            Tried("slow", Path("slow"), slow, options_of(slow)[0], last=False),
        )
        judged = option_of(make_samples("fast", right_from=(right_elsewhere,) * 2, halts_from=(1, 1)), policy, 4)
        return Tuned(
            wish=wish,
            task="sudoku-4x4",
            data="generated",
            chosen_on=3,
            judged_on=2,
            tried=tried,
            options=tuple(options_of(fast)),
            chosen=chosen,
            promised=promised,
            judged=judged,
            winner=tried[0],
            remarks=("w8 was not tried: no",),
            date="2026-01-01T00:00:00+00:00",
            versions={"python": "3"},
        )

    return make


def test_what_was_promised_must_be_kept_elsewhere(made: Callable[..., Tuned]) -> None:
    wish = Wish(min_exact=0.9, by_estimate=True)
    assert made(wish).met
    assert report.verdict(made(wish)).startswith("fast, act, at most 4. On 2 other puzzles: 100.0 % exact")
    failed = made(wish, right_elsewhere=4)
    assert not failed.met
    assert report.verdict(failed).startswith("Nothing that was tried is sure to be at least 90 % exact, counted.")
    nearest = made(wish, promised=False)
    assert not nearest.met
    assert "The nearest is fast, act, at most 4." in report.verdict(nearest)


def test_the_document_says_what_was_tried_and_chosen(made: Callable[..., Tuned]) -> None:
    document = report.to_dict(made(Wish(max_ms=9)), "written")
    assert document["wish"] == {"max_ms": 9, "min_exact": None, "latency": "p50", "by_estimate": False}
    assert document["chosen"]["bundle"] == "written"
    assert document["chosen"]["on_other_puzzles"]["judged"] == 2
    assert [(one["side"], one["puzzles"], one["finalist"]) for one in document["tried"]] == [
        ("fast", 3, True),
        ("slow", 1, False),
    ]
    assert document["remarks"] == ["w8 was not tried: no"]


def test_the_front_names_no_point_that_another_beats(made: Callable[..., Tuned]) -> None:
    front = report.front(made(Wish(max_ms=9)))
    assert [option.way for option in front] == ["fixed:1", "act, at most 2", "act, at most 4"]


def test_the_picture_marks_the_chosen_one_and_the_page_holds_it(made: Callable[..., Tuned]) -> None:
    for tuned, mark in ((made(Wish(max_ms=9)), report.CHOSEN), (made(Wish(max_ms=9), promised=False), report.NEAREST)):
        assert f">{mark}</text>" in report.picture(tuned)
        html = report.to_html(tuned, report.to_dict(tuned))
        assert html.count("<svg ") == 1
        assert "w8 was not tried: no" in html
        assert ("good" if tuned.met else "bad") in html.partition("<p class=")[2][:20]
