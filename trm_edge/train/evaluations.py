"""What a model solves of held-out puzzles, as plain data, and the file of a run that gathers it.

``evaluations.jsonl`` holds one JSON object a line, one line an evaluation, in rising order of the step. It is always
written whole: what a killed run left behind is dropped when the next line comes. Knows no model (standard library
only); :mod:`trm_edge.train.held_out` measures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trm_edge.atomic import atomic_file
from trm_edge.errors import InvalidInput

FILE = "evaluations.jsonl"
MAX_BYTES = 64 << 20  #: of the file; an evaluation takes a few thousand


@dataclass(frozen=True)
class Score:
    """How some puzzles fared.

    Attributes:
        puzzles: how many.
        exact: share of whole answers that are right after the last step.
        exact_at_halt: share that is right where the model halts by itself.
        mean_steps: mean of the steps at which it halts; the last, where it never does.
        halting: puzzles that halt at each step, from the first to the last.
        exact_by_step: share of whole answers that are right after each step.
    """

    puzzles: int
    exact: float
    exact_at_halt: float
    mean_steps: float
    halting: tuple[int, ...]
    exact_by_step: tuple[float, ...]


@dataclass(frozen=True)
class GroupScore:
    """The score of puzzles of like difficulty.

    Attributes:
        by: what they are grouped by: ``givens``, ``path length``, ``rating``.
        label: which of these groups.
        score: how they fared.
    """

    by: str
    label: str
    score: Score


@dataclass(frozen=True)
class HeldOut:
    """One evaluation.

    Attributes:
        total: all puzzles.
        cells: share of cells that are right after the last step.
        groups: the same puzzles by difficulty; the groups of one ``by`` follow each other in rising order.
    """

    total: Score
    cells: float
    groups: tuple[GroupScore, ...] = ()

    def by(self) -> dict[str, list[GroupScore]]:
        """The groups of each grouping."""
        found: dict[str, list[GroupScore]] = {}
        for group in self.groups:
            found.setdefault(group.by, []).append(group)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> HeldOut:
        """The reverse of :meth:`to_dict`.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, unknown or of another type.
        """
        groups = tuple(GroupScore(str(g["by"]), str(g["label"]), _score(g["score"])) for g in values["groups"])
        return cls(_score(values["total"]), float(values["cells"]), groups)


def append_evaluation(folder: Path, step: int, found: HeldOut) -> None:
    """Add the evaluation at ``step`` to the run in ``folder``; those of this step and later ones are replaced.

    The file is written anew under another name and renamed: a kill leaves it with the line or without, never with
    half of it.
    """
    lines = [line for at, line in _lines(folder / FILE) if at < step]
    lines.append(json.dumps({"step": step, **found.to_dict()}, allow_nan=False))
    with atomic_file(folder / FILE, overwrite=True) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())


def read_evaluations(folder: Path, until_step: int | None = None) -> list[tuple[int, HeldOut]]:
    """The evaluations of the run in ``folder``, each with its step; none, where there is no file.

    Args:
        folder: of the run.
        until_step: leave out what came later (of a run that was killed and went on from an earlier step).

    Raises:
        InvalidInput: a line is no evaluation (which is named), or the file is too large to be ours.
    """
    found = []
    for number, (step, line) in enumerate(_lines(folder / FILE), start=1):
        if until_step is not None and step > until_step:
            continue
        try:
            found.append((step, HeldOut.from_dict(json.loads(line))))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _damaged(folder / FILE, number) from None
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Whole lines with their steps; one without an end is left out."""
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= MAX_BYTES else ""
    except FileNotFoundError:
        return
    except ValueError:
        raise InvalidInput(f"{path} is not UTF-8 text. Move it away to go on.") from None
    if size > MAX_BYTES:
        raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes. Move it away to go on.")
    whole, _, _ = text.rpartition("\n")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            step = json.loads(line)["step"]
        except (KeyError, TypeError, ValueError, RecursionError):
            raise _damaged(path, number) from None
        if not isinstance(step, int):
            raise _damaged(path, number)
        yield step, line


def _damaged(path: Path, number: int) -> InvalidInput:
    return InvalidInput(f"{path}, line {number} is not an evaluation. Remove the line, or move the file away.")


def _score(values: dict[str, Any]) -> Score:
    return Score(
        puzzles=int(values["puzzles"]),
        exact=float(values["exact"]),
        exact_at_halt=float(values["exact_at_halt"]),
        mean_steps=float(values["mean_steps"]),
        halting=tuple(map(int, values["halting"])),
        exact_by_step=tuple(map(float, values["exact_by_step"])),
    )
