"""What became of a puzzle, for people (text, SVG, PNG) and for programs (JSON).

Knows solutions and tasks; does not know how they were come by.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.atomic import atomic_file, check_destination
from trm_edge.solve import Solution
from trm_edge.solve.voting import Voted
from trm_edge.tasks.base import Grid, Task
from trm_edge.tasks.strip import Frame, strip_png, strip_svg


class Reporter:
    """Prints solutions one after the other, as JSON lines or as drawings with a verdict.

    Args:
        task: draws and checks them.
        as_json: one JSON object a line.
        with_trace: also show the steps of a traced solution.
    """

    def __init__(self, task: Task, *, as_json: bool, with_trace: bool = False) -> None:
        self._task = task
        self._with_trace = with_trace
        self._count = self._solved = 0
        self._console = None if as_json else _console()

    def show(self, solution: Solution, voted: Voted | None = None) -> None:
        """Print one solution at once: the next may take its time. ``voted`` is the vote that it has won."""
        self._count += 1
        self._solved += bool(solution.solved)
        if not self._with_trace:
            solution = replace(solution, trace=None)  # it may have been kept for a drawing
        if self._console is None:
            more = {} if voted is None else {"vote": vote_to_dict(self._task, voted)}
            print(json.dumps(to_dict(self._task, solution) | more), flush=True)
            return
        for line in chain(_lines(self._task, solution), () if voted is None else _vote_lines(self._task, voted)):
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)
        self._console.file.flush()

    def summary(self) -> None:
        """The last line for people, where there was more than one puzzle."""
        if self._console is not None and self._count > 1:
            print(f"{self._count} puzzles, {self._solved} solved by the rules")


def to_dict(task: Task, solution: Solution) -> dict[str, Any]:
    """A solution, JSON-ready: ``puzzle`` and ``answer`` as the task's own text, ``steps``, ``q_halt``
    (the halting logit), ``halted`` (False: the budget was spent), ``solved`` (by the rules; None: there are none),
    and ``trace``, the answer and halting logit after each step, if it was kept.
    """
    document = {
        "puzzle": task.format(solution.puzzle.question),
        "answer": _text(task, solution.grid),
        "steps": solution.steps,
        "q_halt": _finite(solution.q_halt),
        "halted": solution.halted,
        "solved": solution.solved,
    }
    if solution.trace is not None:
        document["trace"] = [
            {"step": step, "answer": _text(task, task.decode(answer)), "q_halt": _finite(float(q_halt))}
            for step, (answer, q_halt) in enumerate(
                zip(solution.trace.answers, solution.trace.q_halt, strict=True), start=1
            )
        ]
    return document


def vote_to_dict(task: Task, voted: Voted) -> dict[str, Any]:
    """A vote, JSON-ready: ``starts`` made, ``votes`` of them for the answer, ``steps`` of all of them, and
    ``second``, the other answer of ``top2``, where there is one.
    """
    second = [_text(task, solution.grid) for solution in voted.answers[1:]]
    return {"starts": voted.starts, "votes": voted.votes, "steps": voted.steps} | (
        {"second": second[0]} if second else {}
    )


def verdict(task: Task, solution: Solution) -> str:
    """One line: ``solved in 4 steps (halting logit +5.12), rules: ok``."""
    how = f"in {_plural(solution.steps, 'step')} (halting logit {solution.q_halt:+.2f})"
    spent = "" if solution.halted else "; the step budget was spent"
    if solution.solved is None:
        return f"answered {how}, rules: none to check by{spent}"
    if solution.solved:
        return f"solved {how}, rules: ok{spent}"
    return f"NOT solved {how}, rules: {task.check(solution.puzzle.question, solution.grid)}{spent}"


def frames(task: Task, solution: Solution) -> list[Frame]:
    """Pictures of the question, of the steps that changed the answer (if traced), and of the answer."""
    question = solution.puzzle.question
    result = [Frame(task.picture(question, question=question), "question")]
    for step, grid, changed in _steps(task, solution):
        if step == 1 or changed.any():
            marks = None if step == 1 else changed
            result.append(Frame(task.picture(grid, question=question, changed=marks), f"step {step}"))
    ending = "not solved" if solution.solved is False else "answer"
    result.append(Frame(task.picture(solution.grid, question=question), f"{ending}, {_plural(solution.steps, 'step')}"))
    return result


class Drawings:
    """The files that ``--svg`` and ``--png`` ask for.

    Raises:
        InvalidInput: one of them exists and ``overwrite`` is False; said before any puzzle is solved.
    """

    def __init__(self, svg: Path | None, png: Path | None, *, overwrite: bool) -> None:
        self._svg, self._png, self._overwrite = svg, png, overwrite
        for path in (svg, png):
            if path is not None:
                check_destination(path, overwrite=overwrite)

    def __bool__(self) -> bool:
        return self._svg is not None or self._png is not None

    def write(self, task: Task, solution: Solution) -> None:
        """Draw one solution.

        Raises:
            MissingDependency: a PNG is asked for and Pillow is not installed.
        """
        pictures = frames(task, solution)
        if self._svg is not None:
            self._store(self._svg, strip_svg(pictures).encode())
        if self._png is not None:
            self._store(self._png, strip_png(pictures))

    def _store(self, path: Path, data: bytes) -> None:
        with atomic_file(path, overwrite=self._overwrite) as file:
            file.write(data)


def _steps(task: Task, solution: Solution) -> Iterator[tuple[int, Grid, NDArray[np.bool_]]]:
    """Of each traced step its number, its answer, and the cells that differ from the step before.

    Before the first step there is no answer to differ from: there the question stands in. Where a grid changes its
    size (ARC), only the common part is compared; the rest is the picture's business.
    """
    before = solution.puzzle.question
    for step, tokens in enumerate([] if solution.trace is None else solution.trace.answers, start=1):
        grid = task.decode(tokens)
        rows, columns = (min(sides) for sides in zip(before.shape, grid.shape, strict=True))
        changed = before[:rows, :columns] != grid[:rows, :columns]
        yield step, grid, changed if before.shape == grid.shape else _grown(changed, grid.shape)
        before = grid


def _grown(changed: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask on the whole of the new grid: cells that were not there before have changed."""
    whole = np.ones(shape, dtype=np.bool_)
    whole[: changed.shape[0], : changed.shape[1]] = changed
    return whole


def _lines(task: Task, solution: Solution) -> Iterator[Any]:
    """What a terminal shows of a solution, as rich renderables."""
    question = solution.puzzle.question
    for step, grid, changed in _steps(task, solution):
        assert solution.trace is not None
        count = "first answer" if step == 1 else f"{_plural(int(changed.sum()), 'cell')} changed"
        yield f"step {step}: {count}, halting logit {solution.trace.q_halt[step - 1]:+.2f}"
        if step == 1 or changed.any():
            yield task.render_text(grid, question=question, changed=None if step == 1 else changed)
    if solution.trace is not None:
        yield "answer:"
    yield task.render_text(solution.grid, question=question)
    yield verdict(task, solution)


def _vote_lines(task: Task, voted: Voted) -> Iterator[Any]:
    yield f"vote: {voted.votes} of {_plural(voted.starts, 'start')}, {_plural(voted.steps, 'step')} in all"
    for solution in voted.answers[1:]:
        yield "second answer:"
        yield task.render_text(solution.grid, question=solution.puzzle.question)
        yield verdict(task, solution)


def _console() -> Any:
    from rich.console import Console

    return Console()


def _text(task: Task, grid: Grid) -> str:
    return task.format(grid) if grid.size else ""  # a model may answer ARC with an empty grid


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON has no infinity


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
