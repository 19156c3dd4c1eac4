"""What was tried and chosen as JSON, tables, a picture and a page. Knows the outcome; decides nothing."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import Any

from trm_edge.profile import pareto
from trm_edge.profile.pareto import Point
from trm_edge.report import page, table
from trm_edge.report.table import Table, percent
from trm_edge.tune.tuning import Tried, Tuned
from trm_edge.tune.wish import Option

SCHEMA_VERSION = 1
CHOSEN, NEAREST = "the chosen one", "the nearest"  #: names of a series in the picture

_CAPTION = (
    "Share of exact answers against the mean time for one puzzle, on the puzzles for choosing: of the sides that saw "
    "all of them the budgets and thresholds that none of their own beats, of the others their best point. The stairs "
    "join the points that no other beats."
)


def to_dict(made: Tuned, bundle: str | None = None) -> dict[str, Any]:
    """Everything, JSON-ready. ``bundle``: where the winner was written."""
    wish = made.wish
    return {
        "kind": "trm-edge tune",
        "schema_version": SCHEMA_VERSION,
        "task": made.task,
        "wish": {
            "max_ms": wish.max_ms,
            "min_exact": wish.min_exact,
            "latency": wish.quantile,
            "by_estimate": wish.by_estimate,
        },
        "met": made.met,
        "data": made.data,
        "puzzles": {"chosen_on": made.chosen_on, "judged_on": made.judged_on},
        "chosen": {
            **_option_dict(made.chosen),
            "target": made.winner.samples.target,
            "evidence": made.winner.samples.evidence,
            "threads": made.winner.samples.threads,
            "source": str(made.winner.bundle),
            "bundle": bundle,
            "on_other_puzzles": _option_dict(made.judged),
        },
        "front": [_option_dict(option) for option in front(made)],
        "tried": [_tried_dict(one) for one in made.tried],
        "remarks": list(made.remarks),
        "date": made.date,
        "environment": {"system": platform.system(), "machine": platform.machine()},
        "versions": made.versions,
    }


def latency(made: Tuned) -> dict[str, Any]:
    """What a manifest should say about the chosen point: measured on the puzzles that it was not chosen on."""
    samples, judged = made.winner.samples, made.judged
    return {
        "target": samples.target,
        "evidence": samples.evidence,
        "runtime": samples.runtime,
        "threads": samples.threads,
        "policy": made.chosen.policy,
        "budget": made.chosen.budget,
        "puzzles": made.judged_on,
        "mean_ms": judged.mean_ms,
        "p50_ms": judged.quantile(0.5),
        "p90_ms": judged.quantile(0.9),
        "mean_steps": judged.steps,
        "right": judged.right,
        "judged": judged.judged,
        "date": made.date,
    }


def front(made: Tuned) -> list[Option]:
    """Ways to run the finalists that no other beats in accuracy and mean time, fastest first.

    Of several that are equal in both, the one that leaves hard puzzles the most steps.
    """
    return _front(made.options)


def verdict(made: Tuned) -> str:
    """What to take, or what comes nearest, in one sentence or two."""
    judged = f"On {made.judged_on} other puzzles: {_said(made.judged)}"
    if made.met:
        return f"{made.chosen.name}. {judged}."
    if made.promised:
        return (
            f"Nothing that was tried is sure to be {made.wish}. {made.chosen.name} was, on {made.chosen_on} puzzles, "
            f"but not elsewhere. {judged}."
        )
    return f"Nothing that was tried is {made.wish}. The nearest is {made.chosen.name}. {judged}."


def tables(made: Tuned) -> list[Table]:
    """What was tried, and the front."""
    heads = ("side", "policy", "puz-\nzles", "exact\n%", "95 % in-\nterval", "mean\nms", "p50", "p90", "mean\nsteps")
    return [
        Table("tried; each by what suits the wish best", heads, [_figures(one.best) for one in made.tried], words=2),
        Table("the front of accuracy against time", heads, [_figures(option) for option in front(made)], words=2),
    ]


def lines(made: Tuned) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    yield f"{made.task}: {len(made.tried)} sides raced on {made.chosen_on} puzzles; wished: {made.wish}"
    yield from map(table.to_rich, tables(made))
    yield from made.remarks
    yield verdict(made)


def picture(made: Tuned) -> str:
    """Accuracy against time as an SVG document, the chosen point in a series of its own."""
    points = []
    for one in made.tried:
        if one.last:
            own = _front([option for option in made.options if option.side == one.side])
            points += [Point(*_coordinates(option, _title(option)), series=one.side) for option in own]
        else:
            points.append(Point(*_coordinates(one.best, _title(one.best)), competes=False, series=one.side))
    chosen = CHOSEN if made.met else NEAREST  # last, so that it lies above the mark of its side
    points.append(Point(*_coordinates(made.chosen, f"{chosen}: {_title(made.chosen)}"), series=chosen))
    return pareto.draw_series(points, title=f"{made.task}: exact answers against time")


def to_html(made: Tuned, document: dict[str, Any]) -> str:
    """Everything as one self-contained page; ``document`` is that of :func:`to_dict`."""
    circumstances = {"date": made.date, **document["environment"], **made.versions}
    parts = [
        page.verdict(verdict(made), good=made.met),
        page.paragraph(
            f"Wished: {made.wish}. Puzzles of {made.task}, {made.data}: {made.chosen_on} to choose on, "
            f"{made.judged_on} others to state what was chosen."
        ),
        page.section("Accuracy against time", page.figure(picture(made), _CAPTION)),
        page.section("What was tried", *map(table.to_html, tables(made))),
        page.section("What was not", page.listing(made.remarks)) if made.remarks else "",
        page.section("Circumstances", page.facts(circumstances), _machine(made.tried)),
    ]
    return page.page(f"Tuned: {made.task}", parts)


def _machine(tried: Sequence[Tried]) -> str:
    facts = tried[0].samples.machine
    return page.facts({name: value for name, value in facts.items() if isinstance(value, str | float | int)})


def _tried_dict(one: Tried) -> dict[str, Any]:
    samples = one.samples
    words = ("format", "graph", "precision", "target", "evidence", "runtime", "provider", "threads")
    return {
        "side": one.side,
        "bundle": str(one.bundle),
        **{name: getattr(samples, name) for name in words},
        "puzzles": samples.puzzles,
        "finalist": one.last,
        "best": _option_dict(one.best),
    }


def _option_dict(option: Option) -> dict[str, Any]:
    low, high = option.interval
    return {
        "side": option.side,
        "policy": option.policy,
        "budget": option.budget,
        "right": option.right,
        "judged": option.judged,
        "exact": option.exact,
        "exact_low": low,
        "exact_high": high,
        "mean_ms": option.mean_ms,
        "p50_ms": option.quantile(0.5),
        "p90_ms": option.quantile(0.9),
        "mean_steps": option.steps,
    }


def _figures(option: Option) -> tuple[str, ...]:
    return (
        option.side,
        option.way,
        str(len(option.ms)),
        percent(option.exact).removesuffix(" %") if option.judged else "-",
        " - ".join(f"{100 * end:.0f}" for end in option.interval),
        *(f"{ms:.2f}" for ms in (option.mean_ms, option.quantile(0.5), option.quantile(0.9))),
        f"{option.steps:.2f}",
    )


def _said(option: Option) -> str:
    low, high = option.interval
    return (
        f"{percent(option.exact)} exact ({100 * low:.1f} to {100 * high:.1f}), {option.quantile(0.5):.2f} ms a puzzle "
        f"(p50; p90 {option.quantile(0.9):.2f}; mean {option.mean_ms:.2f}), {option.steps:.1f} steps"
    )


def _front(options: Sequence[Option]) -> list[Option]:
    distinct = {(option.mean_ms, option.exact): option for option in reversed(options)}  # the first one stays
    by_name = {option.name: option for option in distinct.values()}
    points = [Point(*_coordinates(option, option.name)) for option in by_name.values()]
    return [by_name[point.name] for point in pareto.front(points)]


def _title(option: Option) -> str:
    """What tells options apart goes first: long names are cut in the middle."""
    return f"{option.way}, {option.side}"


def _coordinates(option: Option, name: str) -> tuple[str, float, float, float, float]:
    return name, option.mean_ms, option.exact, *option.interval
