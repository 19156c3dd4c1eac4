"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from trm_edge.export.planning import Progress

Item = TypeVar("Item")

LINE_EVERY = 50  #: steps between two lines where there is no terminal


@contextmanager
def counted(items: Iterable[Item], *, total: int | None, what: str) -> Iterator[Iterable[Item]]:
    """Hand on ``items``, with a bar that counts them; nothing where there is no terminal.

    Of several processes on one terminal the first has the bar.
    """
    if not sys.stderr.isatty() or os.environ.get("RANK", "0") != "0":
        yield items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress.track(items, total=total)


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a number that grows, to ``total`` where that is known: call what is given with how much is new.

    Nothing without a terminal.
    """
    if not sys.stderr.isatty() or os.environ.get("RANK", "0") != "0":
        yield lambda new: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    growing = (SpinnerColumn(), TextColumn(what), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    columns = growing if total is None else (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda new: progress.advance(task, new)


@contextmanager
def training(total: int) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """Show a training run of ``total`` steps: call what is given with the step and its metrics."""
    began = time.monotonic()

    def described(metrics: Mapping[str, float]) -> str:
        return (
            f"loss {metrics['loss']:.3f}  exact {metrics['exact']:.0%}  "
            f"halting steps {metrics['halting_steps']:.1f}  {(time.monotonic() - began) / 60:.1f} min"
        )

    def print_line(step: int, metrics: Mapping[str, float]) -> None:
        if step % LINE_EVERY == 0 or step == total:
            print(f"step {step}/{total}  {described(metrics)}", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():
        yield print_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("first step", total=total)
        yield lambda step, metrics: progress.update(bar, completed=step, description=described(metrics))


@contextmanager
def planning(samples: int) -> Iterator[Progress]:
    """Show how far the calibration and the search of an export are; nothing where there is no terminal."""
    from trm_edge.export.planning import Progress

    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("calibrating on puzzles", total=samples)
        yield Progress(
            calibrated=lambda puzzles: bar.advance(task, puzzles),
            tried=lambda trial: bar.update(task, description=f"judging {trial}"),
        )


@contextmanager
def saying(what: str) -> Iterator[Callable[[str], None]]:
    """Show what a slow program says, line over line; each line on its own where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda line: print(f"{what}: {line}", file=sys.stderr, flush=True)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(what) as status:
        yield lambda line: status.update(f"{what}: {line[: max(10, console.width - len(what) - 6)]}")
