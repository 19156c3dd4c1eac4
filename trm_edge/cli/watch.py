"""``trm-edge train --watch``: follows a run that another process trains, from the files it writes.

A live view on a terminal; elsewhere a line for each new line of the log. Changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trm_edge.errors import TrmEdgeError
from trm_edge.report.blocks import EIGHTHS, PLAIN, columns
from trm_edge.report.held_out import PERCENT, score_table
from trm_edge.report.run import LOG, Run, duration, read_run
from trm_edge.report.scale import Scale, ratios
from trm_edge.report.table import to_rich
from trm_edge.report.training import summary
from trm_edge.train.run_file import ENDED, FAILED

EVERY = 2.0  #: seconds between two looks at the files
GONE = 30.0  #: seconds without a new line after which a process that is not there is believed to be gone
_RECENT = 20  #: lines of the log that say how fast it goes
_WIDTH, _HEIGHT = 30, 3  #: characters of a curve
_BAR = 60  #: characters of the progress bar
_METRICS = (  # of a line of the log
    ("loss", "loss {:.3f}"),
    ("exact", "exact {:.0%}"),
    ("cells", "cells {:.1%}"),
    ("halting_steps", "halting steps {:.1f}"),
    ("q_accuracy", "q right {:.0%}"),
    ("lr", "lr {:.2g}"),
)


def watch_run(folder: Path, *, every: float = EVERY, wait: Callable[[float], None] = time.sleep) -> None:
    """Show the run in ``folder`` until it ends; Ctrl-C ends the watching only.

    Args:
        folder: of the run.
        every: seconds between two looks.
        wait: how to pass them.

    Raises:
        InvalidInput: there is no run.
        TrmEdgeError: the run failed.
    """
    with _view() as show:
        run = read_run(folder)
        while True:
            quiet = max(0.0, time.time() - (folder / LOG).stat().st_mtime)
            show(run, quiet)
            ending = _ending(run, quiet)
            if ending:
                break
            wait(every)
            run = read_run(folder)
    if run.file and run.file.state == FAILED:
        raise TrmEdgeError(ending)
    print(ending)


def _ending(run: Run, quiet: float) -> str | None:
    """Why there is nothing more to wait for, or None."""
    where = f"at step {run.step:,}" + (f" of {run.steps:,}" if run.steps else "")
    if run.file is None:  # of an older version: only its last step tells
        return f"The run has ended {where}." if run.finished else None
    if run.file.state == FAILED:
        return f"The run failed {where}: {run.file.reason}"
    if run.file.state == ENDED:
        return f"The run has ended {where}." + ("" if run.finished else " To resume, give its command again.")
    if run.file.was_killed and quiet > GONE:
        return f"The run was killed {where}: its process is not there any more. To resume, give its command again."
    return None


def minutes_left(run: Run) -> float | None:
    """Training time to the last step at the pace of the last lines, or None where that is not known."""
    recent = run.training[-_RECENT:]
    if run.steps is None or len(recent) < 2:
        return None
    done, took = (recent[-1][name] - recent[0].get(name, 0.0) for name in ("step", "minutes"))
    return max(0.0, run.steps - run.step) * took / done if done > 0 and took > 0 else None


@contextmanager
def _view() -> Iterator[Callable[[Run, float], None]]:
    """How to show a run, with the seconds since its last line."""
    if not sys.stdout.isatty():
        yield _Lines().show
        return
    from rich.console import Console
    from rich.live import Live

    console = Console()
    glyphs = EIGHTHS if "utf" in console.encoding.lower() else PLAIN
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        yield lambda run, quiet: live.update(_picture(run, quiet, glyphs), refresh=True)


class _Lines:
    """A run as lines of text: at first where it stands, then what is new."""

    def __init__(self) -> None:
        self._step = self._evaluated = -1

    def show(self, run: Run, quiet: float) -> None:
        """Print what was not there before. A run that went on from an earlier step prints those steps again."""
        if self._step > run.step:
            self._step = self._evaluated = run.step
        new = [row for row in run.training if row["step"] > self._step]
        evaluations = [(step, found) for step, found in run.evaluations if step > self._evaluated]
        if self._step < 0:
            new, evaluations = new[-1:], evaluations[-1:]
        for row in new:
            print(f"step {row['step']:.0f}/{run.steps or '?'}  {_metrics(row)}  {_times(run)}")
        for step, found in evaluations:
            print(f"evaluation at step {step}: {summary(found)}")
        self._step = run.step
        self._evaluated = max([self._evaluated, *(step for step, _ in evaluations)])
        sys.stdout.flush()


def _picture(run: Run, quiet: float, glyphs: str) -> Any:
    """A run as one rich renderable, for 80 columns."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    task = f" ({run.task})" if run.task and run.task != run.name else ""
    of_all = f" of {run.steps:,}" if run.steps else ""
    parts: list[Any] = [Text(f"{run.name}{task}: step {run.step:,}{of_all}, {_times(run)}", style="bold")]
    if run.steps:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=run.steps, completed=run.step, width=_BAR), f"{run.step / run.steps:.0%}")
        parts.append(bar)
    training = run.training
    parts += [Text(_metrics(training[-1]) if training else "No line of the log yet."), Text("")]
    curves = Table.grid(padding=(0, 3))
    curves.add_row(*_curves(run, glyphs))
    parts.append(curves)
    if run.evaluations:
        step, found = run.evaluations[-1]
        parts += [Text(""), to_rich(score_table(found, title=f"held-out puzzles at step {step:,}"))]
    parts.append(
        Text(f"Last line of the log {duration(quiet / 60)} ago. Ctrl-C ends watching, not the run.", style="dim")
    )
    return Group(*parts)


def _curves(run: Run, glyphs: str) -> Iterator[Any]:
    """Loss and held-out accuracy, as far as there are any."""
    losses = [value for _, value in run.series("loss")]
    if losses:
        yield _curve("loss, logarithmic", losses, ratios(losses), glyphs)
    solved = [100 * found.total.exact for _, found in run.evaluations]
    solved = solved or [100 * share for _, share in run.series("held_out_exact")]
    if solved:
        yield _curve("held-out puzzles exact, %", solved, PERCENT, glyphs)


def _curve(name: str, values: Sequence[float], scale: Scale, glyphs: str) -> Any:
    """A curve under its name, with the ends of its scale beside it."""
    from rich.text import Text

    beside = [scale.labels[-1], *[""] * (_HEIGHT - 2), scale.labels[0]]
    rows = columns([scale.share(value) for value in values], width=_WIDTH, height=_HEIGHT, glyphs=glyphs)
    return Text("\n".join([name, *(f"{label:>6} {row}" for label, row in zip(beside, rows, strict=True))]))


def _metrics(row: dict[str, float]) -> str:
    return "  ".join(text.format(row[name]) for name, text in _METRICS if name in row)


def _times(run: Run) -> str:
    left = minutes_left(run)
    return f"{duration(run.minutes)} spent" + (f", about {duration(left)} to go" if left else "")
