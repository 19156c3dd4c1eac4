"""What a training run shows: its curves as SVG and PNG, and one page with everything, in the run's own folder.

Knows the folder of a run, finished or not; no PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trm_edge.atomic import atomic_file
from trm_edge.errors import InvalidInput, MissingDependency
from trm_edge.report import page, png, table
from trm_edge.report.chart import Chart, Line, draw, draw_stacked
from trm_edge.report.held_out import MOST_GROUPS, PERCENT, score_table, step_charts
from trm_edge.report.run import Run, duration, read_run
from trm_edge.report.scale import Scale, linear, ratios
from trm_edge.report.table import percent
from trm_edge.train.evaluations import HeldOut, Score

SVG, PNG, HTML = "curve.svg", "curve.png", "report.html"
_POINTS = 60  #: of a line over many lines of the log: each is a mean of neighbours, and of
_NEIGHBOURS = 3  #: at least so many, unless that leaves fewer than
_FEWEST = 20  #: points
_BAND = (10, 90)  #: percentiles of those neighbours, between which the band lies
_CAPTION = (
    "Over optimizer steps, with the time spent below them. Lines are means of neighbouring lines of the log; most of "
    "those lie in the band."
)


@dataclass(frozen=True)
class Written:
    """What :func:`write_training_report` left.

    Attributes:
        files: written, in the run's folder.
        remarks: why others were not.
    """

    files: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def write_training_report(folder: Path) -> Written:
    """Write ``curve.svg``, ``curve.png`` and ``report.html`` of the run in ``folder`` into it, in place of older ones.

    Raises:
        InvalidInput: there is no run, or a file of it is damaged.
    """
    run = read_run(folder)
    if not run.training:
        return Written((), (f"There is nothing to draw yet: {folder / 'log.csv'} has no line about training.",))
    curve = curves(run)
    contents, remarks = {HTML: to_html(run).encode(), SVG: curve.encode()}, []
    try:
        contents[PNG] = png.draw(curve)
    except MissingDependency as error:  # a training of hours must not end in an error over a picture
        remarks.append(f"No {PNG}: {error}")
    for name, content in contents.items():
        with atomic_file(folder / name, overwrite=True) as file:
            file.write(content)
    return Written(tuple(folder / name for name in contents), tuple(remarks))


def curves(run: Run, *, title: str | None = None) -> str:
    """Everything that changes with training, as one SVG document.

    Args:
        run: at least one line of its log is about training.
        title: above the charts; None: the run's name.

    Raises:
        InvalidInput: there is nothing to draw.
    """
    if not run.training:
        raise InvalidInput(f"There is nothing to draw yet: the log of {run.name} has no line about training.")
    return draw_stacked(charts(run), title=f"Training of {run.name}" if title is None else title)


def charts(run: Run) -> list[Chart]:
    """One chart for each question that people ask of a run."""
    loss = [_line(run, "loss", "loss", banded=True), _line(run, "of which cells", "token_loss")]
    training = [
        _line(run, "exact when halting", "exact", 100, banded=True),
        _line(run, "cells", "cells", 100),
        _line(run, "halting logit", "q_accuracy", 100),
    ]
    rate = _line(run, "of matrices", "lr")
    values = [y for line in loss for y in (*(y for _, y in line.points), *(y for _, *ends in line.band for y in ends))]
    return [
        _chart(run, "Loss", "logarithmic scale", loss, ratios(values)),
        _chart(run, "Right on training puzzles", "% right", training, PERCENT),
        *_held_out(run),
        _chart(run, "Halting step", "mean step", _halting(run)),
        _chart(run, "Learning rate", "learning rate", [rate], linear([0.0, *(y for _, y in rate.points)])),
    ]


def to_html(run: Run) -> str:
    """Everything as one self-contained page."""
    return page.page(f"Training of {run.name}", _parts(run))


def headline(run: Run) -> str:
    """One sentence: how far it came, and what it solves."""
    of_all = "" if run.steps is None else f" of {run.steps:,}"
    text = f"Step {run.step:,}{of_all} after {duration(run.minutes)} of training"
    if run.evaluations:
        step, found = run.evaluations[-1]
        text += f"; at step {step:,}: {summary(found)}"
    return text


def summary(found: HeldOut) -> str:
    """One evaluation in words."""
    total = found.total
    return (
        f"{percent(total.exact)} of {total.puzzles:,} held-out puzzles exact after {len(total.exact_by_step)} steps, "
        f"{percent(total.exact_at_halt)} when halting ({total.mean_steps:.2f} steps)"
    )


def _parts(run: Run) -> Iterator[str]:
    failure = run.file.reason if run.file else ""
    yield page.verdict(f"{headline(run)}.", good=not failure)
    if failure:
        yield page.paragraph(f"The run failed: {failure}")
    last = run.training[-1]
    yield page.facts(
        {"task": run.task or None, "training time": duration(run.minutes), "last loss": f"{last['loss']:.3g}"}
    )
    yield page.section("Curves", *(page.figure(draw(chart), f"{chart.title}. {_CAPTION}") for chart in charts(run)))
    if run.evaluations:
        step, found = run.evaluations[-1]
        yield page.section(
            "Held-out puzzles",
            page.paragraph(f"The last evaluation, at step {step:,}."),
            table.to_html(score_table(found)),
            *(page.figure(draw(chart), f"{chart.title}, at step {step:,}.") for chart in step_charts(found)),
        )
    if run.recipe:
        settings = {name: value if isinstance(value, str) else json.dumps(value) for name, value in run.recipe.items()}
        yield page.section("Recipe", page.facts(settings))


def _held_out(run: Run) -> Iterator[Chart]:
    """Accuracy on held-out puzzles, in all and by group."""
    if not run.evaluations:
        logged = [(step, 100 * share) for step, share in run.series("held_out_exact")]
        if logged:
            yield _chart(run, "Right on held-out puzzles", "% of puzzles", [Line("exact", logged)], PERCENT)
        return
    steps = len(run.evaluations[-1][1].total.exact_by_step)
    scores = [(step, found.total) for step, found in run.evaluations]
    lines = [
        Line(f"exact after {steps} steps", [(step, 100 * score.exact) for step, score in scores]),
        Line("exact when halting", [(step, 100 * score.exact_at_halt) for step, score in scores]),
    ]
    yield _chart(run, "Right on held-out puzzles", "% of puzzles", lines, PERCENT)
    for by, groups in run.evaluations[-1][1].by().items():
        if 1 < len(groups) <= MOST_GROUPS:
            lines = [Line(g.label, [(s, 100 * score.exact) for s, score in _of(run, by, g.label)]) for g in groups]
            yield _chart(run, f"Held-out puzzles by {by}: exact after {steps} steps", "% of puzzles", lines, PERCENT)


def _of(run: Run, by: str, label: str) -> Iterator[tuple[int, Score]]:
    """The scores of one group over the evaluations."""
    for step, found in run.evaluations:
        for group in found.groups:
            if (group.by, group.label) == (by, label):
                yield step, group.score


def _halting(run: Run) -> list[Line]:
    lines = [_line(run, "training puzzles", "halting_steps", banded=True)]
    if run.evaluations:
        lines.append(Line("held-out puzzles", [(step, found.total.mean_steps) for step, found in run.evaluations]))
    return lines


def _chart(run: Run, title: str, y_label: str, lines: Sequence[Line], scale: Scale | None = None) -> Chart:
    return Chart(
        lines,
        title,
        "optimizer step, and time spent",
        y_label,
        logarithmic=False,
        y_scale=scale,
        x_ends=(0, run.step),
        x_notes=lambda step: duration(run.minutes_at(step)),
    )


def _line(run: Run, name: str, column: str, factor: float = 1, *, banded: bool = False) -> Line:
    """A column of the log, thinned out: means of neighbours at the last step of each lot, and what most lie between."""
    series = run.series(column)
    count = min(_POINTS, max(_FEWEST, len(series) // _NEIGHBOURS), len(series))
    lots = np.array_split(np.array(series), count) if count else []
    points, band = [], []
    for lot in lots:
        step, values = float(lot[-1, 0]), factor * lot[:, 1]
        points.append((step, float(values.mean())))
        low, high = np.percentile(values, _BAND)
        band.append((step, float(low), float(high)))
    return Line(name, points, band if banded and len(series) >= _NEIGHBOURS * count else ())
