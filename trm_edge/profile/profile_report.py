"""Results of a profile as JSON, CSV, tables, pictures and a page. Made of the results alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trm_edge.errors import InvalidInput
from trm_edge.profile import bars, pareto
from trm_edge.profile.noise import warnings
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.profile.pareto import Point
from trm_edge.profile.results import Results
from trm_edge.profile.samples import Samples
from trm_edge.profile.summary import Accuracy, Estimate, Figures, OperatingPoint, Spread, figures, points
from trm_edge.report import page, table
from trm_edge.report.table import Table, percent

TOP = 8  #: operators of a side in the picture; the rest are one bar

_PICTURE = (
    "Share of exact answers, with its 95 % interval, against the mean time for one puzzle: every side at every "
    "number of supervision steps and at several halting thresholds. The stairs join the points that no other beats in "
    "both; thresholds and budgets follow from steps that were timed one by one."
)
_HALTING = "Puzzles by the supervision step they halted at, under each side's own policy."
_OPERATORS = (
    "Where the time of one call of the graph goes, by kernel, as the runtime's own tracer sees it. Tracing slows small "
    "kernels down: compare the bars with each other, not with the times above."
)


@dataclass(frozen=True)
class Report:
    """Results, and what follows from them; made once, for that takes a moment.

    Attributes:
        results: measured or imported.
        figures: of each side.
        points: of all sides.
        front: the points that no other beats in accuracy and time, fastest first.
        warnings: signs of noise.
    """

    results: Results
    figures: Sequence[Figures]
    points: Sequence[OperatingPoint]
    front: Sequence[OperatingPoint]
    warnings: Sequence[str]


def report(results: Results) -> Report:
    """Work out what the results say.

    Raises:
        InvalidInput: a side without any time.
    """
    found = [point for side in results.sides for point in points(side)]
    by_name = {_name(point): point for point in found}
    front = [by_name[best.name] for best in pareto.front(_drawn(found))]
    return Report(results, [figures(side) for side in results.sides], found, front, warnings(results.sides))


# -- for programs -----------------------------------------------------------------------------


def to_dict(made: Report) -> dict[str, Any]:
    """The results, which can be imported again, and what follows from them, which an import passes over."""
    return {
        **made.results.to_dict(),
        "warnings": list(made.warnings),
        "summary": [_figures_dict(one) for one in made.figures],
        "points": [_point_dict(point, made) for point in made.points],
    }


def to_csv(made: Report) -> str:
    """One line a point of the picture, with what is known of its side; nothing where nothing was measured."""
    sheet = io.StringIO()
    sides = {side.name: side for side in made.results.sides}
    summaries = {one.name: one for one in made.figures}
    rows = [
        {**_side_cells(sides[p.side], summaries[p.side]), **_flat(_point_dict(p, made), leave=("side",))}
        for p in made.points
    ]
    writer = csv.DictWriter(sheet, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue()


# -- pictures ---------------------------------------------------------------------------------


def picture(made: Report) -> str:
    """Accuracy against time as an SVG document.

    Raises:
        InvalidInput: there is no accuracy to draw.
    """
    drawn = _drawn(made.points)
    if not drawn:
        raise InvalidInput(f"There is nothing to draw. {verdict(made)}.")
    return pareto.draw_series(drawn, title=f"{made.results.task}: exact answers against time")


def halting_picture(made: Report) -> str:
    """Puzzles by halting step, as an SVG document."""
    groups = [
        bars.Group(
            f"{one.name}: {one.policy}, at most {one.budget}",
            [bars.Bar(f"step {step}", count, str(count)) for step, count in one.steps.items()],
        )
        for one in made.figures
    ]
    return bars.draw(groups, title="Steps until a puzzle halted")


def operator_picture(made: Report) -> str:
    """Time by operator, as an SVG document; the cheap ones together."""
    groups = [bars.Group(name, _operator_bars(times)) for name, times in made.results.operators.items()]
    return bars.draw(groups, title="Time by operator")


# -- for people -------------------------------------------------------------------------------


def tables(made: Report) -> list[Table]:
    """What fits a terminal: answers, times, cost of a start, the front."""
    found = made.figures
    steps = [(one.name, one.step_ms) for one in found if one.step_ms is not None]
    return [
        Table(
            "answers under each side's own policy",
            ("side", "exact", "95 %\ninterval", "mean\nsteps", "puzzles/s", "95 %\ninterval"),
            [
                (
                    one.name,
                    *_accuracy_cells(one.accuracy),
                    f"{one.mean_steps.value:.2f}",
                    f"{one.per_second.value:.1f}",
                    f"{one.per_second.low:.1f} - {one.per_second.high:.1f}",
                )
                for one in found
            ],
            words=1,
        ),
        _times("one supervision step: milliseconds, 95 % interval", steps),
        _times("one puzzle: milliseconds, 95 % interval", [(one.name, one.puzzle_ms) for one in found]),
        _cost(made),
        Table(
            "the front of accuracy against time",
            ("side", "policy", "mean\nms", "exact", "mean\nsteps"),
            [
                (p.side, p.policy, f"{p.ms.value:.2f}", percent(_share(p.accuracy)), f"{p.steps:.2f}")
                for p in made.front
            ],
            words=2,
        ),
    ]


def verdict(made: Report) -> str:
    """One sentence: who is on the front."""
    if not made.front:
        return (
            "No answer can be judged, neither by a known one nor by rules: there is no front of accuracy against time"
        )
    best = max(made.front, key=lambda p: (_share(p.accuracy), -p.ms.value))
    return (
        f"The most exact, {percent(_share(best.accuracy))}: {best.side} under {best.policy}, "
        f"{best.ms.value:.2f} ms a puzzle"
    )


def lines(made: Report) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    yield _subject(made)
    yield from (table.to_rich(one) for one in tables(made) if one.rows)
    yield from made.results.remarks
    yield from (f"warning: {sign}" for sign in made.warnings)
    yield verdict(made)


def to_html(made: Report) -> str:
    """Everything as one self-contained page."""
    results = made.results
    parts = [
        page.verdict(verdict(made), good=True),
        page.paragraph(f"{_subject(made)}. Puzzles: {results.data}."),
        page.listing([*results.remarks, *made.warnings]),
        page.section("Accuracy against time", page.figure(picture(made), _PICTURE)) if _drawn(made.points) else "",
        page.section("Figures", *(table.to_html(one) for one in tables(made) if one.rows)),
        page.section("Halting", page.figure(halting_picture(made), _HALTING)),
        page.section("Operators", page.figure(operator_picture(made), _OPERATORS)) if results.operators else "",
        page.section("All points", table.to_html(_all_points(made))),
        page.section("Circumstances", page.facts({"date": results.date, **results.versions}), *_circumstances(made)),
    ]
    return page.page(f"Profile: {results.task}", parts)


def _subject(made: Report) -> str:
    count, puzzles = len(made.results.sides), sorted({side.puzzles for side in made.results.sides})
    of = " or ".join(map(str, puzzles))
    return f"{made.results.task}: {count} side{'s' if count > 1 else ''} on {of} puzzles"


def _times(title: str, rows: Sequence[tuple[str, Spread]]) -> Table:
    return Table(
        title,
        ("side", "p50", "p90", "p99", "min"),
        [(name, _ms(t.p50), _ms(t.p90), _ms(t.p99), f"{t.least:.2f}") for name, t in rows],
        words=1,
    )


def _cost(made: Report) -> Table:
    pairs = list(zip(made.results.sides, made.figures, strict=True))
    return Table(
        "start and size: milliseconds (median), megabytes; energy",
        ("side", "load", "cold\nstart", "file", "resident", "peak", "mJ/puzzle"),
        [
            (
                side.name,
                *("-" if time is None else f"{time.value:.0f}" for time in (one.load_ms, one.cold_ms)),
                *(_megabytes(size) for size in (side.file_bytes, side.resident_bytes, side.peak_bytes)),
                "-" if one.joules is None else f"{1e3 * one.joules:.1f}",
            )
            for side, one in pairs
        ],
        words=1,
    )


def _all_points(made: Report) -> Table:
    front = made.front
    return Table(
        "every point of the picture: milliseconds for one puzzle",
        ("side", "policy", "front", "how", "mean", "p50", "p90", "exact", "95 % interval", "mean steps"),
        [
            (
                p.side,
                p.policy,
                "yes" if p in front else "",
                "measured" if p.measured else "from steps",
                _ms(p.ms),
                f"{p.p50_ms:.2f}",
                f"{p.p90_ms:.2f}",
                *_accuracy_cells(p.accuracy),
                f"{p.steps:.2f}",
            )
            for p in made.points
        ],
        words=4,
    )


def _circumstances(made: Report) -> Iterator[str]:
    """Where each side ran; the evidence says whether its times mean anything."""
    heads = ("side", "target", "evidence", "runtime", "provider", "threads", "batch", "rounds", "machine")
    rows = [
        (
            side.name,
            side.target,
            side.evidence,
            side.runtime,
            side.provider,
            "its choice" if side.threads is None else str(side.threads),
            str(side.batch),
            str(max([len(side.runs), *(len(whole.rounds) for whole in side.whole)])),
            ", ".join(f"{name} {_shown(value)}" for name, value in side.machine.items() if value is not None),
        )
        for side in made.results.sides
    ]
    yield table.to_html(Table("where each side ran", heads, rows, words=len(heads)))


# -- cells ------------------------------------------------------------------------------------


def _drawn(chosen: Sequence[OperatingPoint]) -> list[Point]:
    return [
        Point(_name(p), p.ms.value, p.accuracy.share, *p.accuracy.interval, series=p.side, curve=_curve(p))
        for p in sorted(chosen, key=lambda p: p.steps)
        if p.accuracy is not None
    ]


def _name(point: OperatingPoint) -> str:
    return f"{point.policy}, {point.side}"


def _curve(point: OperatingPoint) -> str:
    """Fixed budgets are a curve, and so are thresholds; what was measured for itself is a point."""
    return "" if point.measured else point.policy.partition(":")[0]


def _operator_bars(times: Sequence[OperatorTime]) -> list[bars.Bar]:
    ordered = sorted(times, key=lambda time: -time.microseconds)
    total = sum(time.microseconds for time in times) or 1.0
    shown = [
        (time.operator if time.method == "graph" else f"{time.method}: {time.operator}", time.microseconds)
        for time in ordered[:TOP]
    ]
    if ordered[TOP:]:
        shown.append((f"{len(ordered) - TOP} others", sum(time.microseconds for time in ordered[TOP:])))
    return [bars.Bar(name, micros, f"{micros:.0f} us, {micros / total:.0%}") for name, micros in shown]


def _figures_dict(one: Figures) -> dict[str, Any]:
    cells = {name: value for name, value in asdict(one).items() if name not in ("accuracy", "steps")}
    steps = [{"step": step, "puzzles": count} for step, count in one.steps.items()]
    return {**cells, "steps": steps, **_accuracy_dict(one.accuracy)}


def _point_dict(point: OperatingPoint, made: Report) -> dict[str, Any]:
    cells = {name: value for name, value in asdict(point).items() if name != "accuracy"}
    return {**cells, **_accuracy_dict(point.accuracy), "front": point in made.front}


def _accuracy_dict(accuracy: Accuracy | None) -> dict[str, Any]:
    low, high = accuracy.interval if accuracy else (None, None)
    return {
        "judged": accuracy.judged if accuracy else 0,
        "right": accuracy.right if accuracy else 0,
        "exact": accuracy.share if accuracy else None,
        "exact_low": low,
        "exact_high": high,
    }


def _side_cells(side: Samples, one: Figures) -> dict[str, Any]:
    """What is the same for all points of a side."""
    words = ("task", "format", "graph", "precision", "target", "evidence", "runtime", "provider", "threads", "batch")
    sizes = ("file_bytes", "resident_bytes", "peak_bytes")
    return {
        "side": side.name,
        **{name: getattr(side, name) for name in (*words, *sizes)},
        "load_ms": one.load_ms.value if one.load_ms else None,
        "cold_ms": one.cold_ms.value if one.cold_ms else None,
        "step_ms_p50": one.step_ms.p50.value if one.step_ms else None,
        "joules": one.joules,
    }


def _flat(cells: dict[str, Any], *, leave: Sequence[str]) -> dict[str, Any]:
    """Nested values under joined names, for a sheet."""
    flat: dict[str, Any] = {}
    for name, value in cells.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": item for inner, item in value.items()}
        elif name not in leave:
            flat[name] = value
    return flat


def _share(accuracy: Accuracy | None) -> float:
    return accuracy.share if accuracy else 0.0


def _accuracy_cells(accuracy: Accuracy | None) -> tuple[str, str]:
    if accuracy is None:
        return "-", "-"
    return percent(accuracy.share), " - ".join(f"{100 * end:.1f}" for end in accuracy.interval)


def _ms(estimate: Estimate) -> str:
    return f"{estimate.value:.2f}\n({estimate.low:.2f} - {estimate.high:.2f})"  # a terminal has no room beside it


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.2f}"


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
