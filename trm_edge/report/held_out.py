"""An evaluation on held-out puzzles as a table and as charts over supervision steps. Knows what was found, no model."""

from __future__ import annotations

from trm_edge.report.chart import Chart, Line
from trm_edge.report.scale import linear
from trm_edge.report.table import Table, percent
from trm_edge.train.evaluations import HeldOut, Score

PERCENT = linear([0.0, 100.0])
MOST_GROUPS = 6  #: that a chart can tell apart


def score_table(found: HeldOut, *, title: str = "held-out puzzles") -> Table:
    """How all puzzles fared, and those of each group."""
    rows = [_row("all", found.total)]
    for groups in found.by().values():
        if len(groups) > 1:
            rows += [_row(group.label, group.score) for group in groups]
    steps = len(found.total.exact_by_step)
    heads = ("puzzles", "count", f"exact,\n{steps} steps", "exact when\nhalting", "mean\nsteps")
    return Table(title, heads, rows, words=1)


def step_charts(found: HeldOut) -> list[Chart]:
    """What each supervision step adds: exact answers, in all and for each grouping by group, and where puzzles halt."""
    halting = [Line("puzzles", list(enumerate(map(float, found.total.halting), start=1)))]
    return [
        _chart("Exact answers after each step", [_by_step("all", found.total)]),
        *(
            _chart(f"Exact answers after each step, by {by}", [_by_step(g.label, g.score) for g in groups])
            for by, groups in found.by().items()
            if 1 < len(groups) <= MOST_GROUPS
        ),
        Chart(halting, "Where puzzles halt", "supervision step", "puzzles", logarithmic=False),
    ]


def _chart(title: str, lines: list[Line]) -> Chart:
    return Chart(lines, title, "supervision step", "% of puzzles", y_scale=PERCENT)


def _by_step(name: str, score: Score) -> Line:
    return Line(name, [(step, 100 * share) for step, share in enumerate(score.exact_by_step, start=1)])


def _row(name: str, score: Score) -> tuple[str, ...]:
    return (name, f"{score.puzzles:,}", percent(score.exact), percent(score.exact_at_halt), f"{score.mean_steps:.2f}")
