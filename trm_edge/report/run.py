"""A training run as its folder tells it, while it goes on and afterwards: log, evaluations, recipe.

Reads files and nothing else; no PyTorch.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trm_edge.errors import InvalidInput
from trm_edge.train.evaluations import HeldOut, read_evaluations
from trm_edge.train.run_file import RunFile, read_run_file

LOG = "log.csv"
MAX_BYTES = 1 << 28  #: of a log; a line takes a hundred
MAX_INDEX = 16 << 20
_STATES = "state-*/index.json"  #: files that name the recipe as well


@dataclass(frozen=True, eq=False)
class Run:
    """What is known of a run.

    Attributes:
        name: of its folder.
        file: what its ``run.json`` says, or None.
        recipe: settings, empty where they are not known.
        log: lines of ``log.csv`` with their numbers by column, ``step`` among them; what is empty or not finite is
            left out.
        evaluations: on held-out puzzles, each with its step.
    """

    name: str
    file: RunFile | None
    recipe: Mapping[str, Any]
    log: list[dict[str, float]]
    evaluations: list[tuple[int, HeldOut]]

    @property
    def task(self) -> str:
        """Its task's id, or nothing."""
        return str(self.recipe.get("task", ""))

    @property
    def training(self) -> list[dict[str, float]]:
        """Lines of the log about training, not about held-out puzzles."""
        return [row for row in self.log if "loss" in row]

    @property
    def step(self) -> int:
        """The last step of the log."""
        return int(self.log[-1]["step"]) if self.log else 0

    @property
    def steps(self) -> int | None:
        """How many there are to be, or None where it is not known."""
        steps = self.recipe.get("steps")
        return steps if isinstance(steps, int) and steps > 0 else None

    @property
    def minutes(self) -> float:
        """Training time up to the last line, over all chunks."""
        return max((row["minutes"] for row in self.log if "minutes" in row), default=0.0)

    @property
    def finished(self) -> bool:
        """Whether the last step is done."""
        return self.steps is not None and self.step >= self.steps

    def series(self, column: str) -> list[tuple[float, float]]:
        """(step, value) of a column of the log."""
        return [(row["step"], row[column]) for row in self.log if column in row]

    def minutes_at(self, step: float) -> float:
        """Training time at a step, between two lines in proportion."""
        known = np.array([(0.0, 0.0), *self.series("minutes")])
        return float(np.interp(step, known[:, 0], known[:, 1]))


def read_run(folder: Path) -> Run:
    """Read the run in ``folder`` as it is now.

    Raises:
        InvalidInput: there is no run, or a file of it is damaged.
    """
    path = folder / LOG
    if not path.is_file():
        raise InvalidInput(
            f"{folder} holds no training run: it has no {LOG}. Start one: trm-edge train --recipe NAME --out DIR"
        )
    log = list(_rows(path))
    until = int(log[-1]["step"]) if log else 0
    file = read_run_file(folder)
    recipe = file.recipe if file else _recipe_of_state(folder)
    return Run(folder.absolute().name, file, recipe, log, read_evaluations(folder, until))


def _rows(path: Path) -> Iterator[dict[str, float]]:
    """Whole lines of a log that may be growing; one cut off, by a kill or because it is being written, is left out."""
    if path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes; this is not a log of ours.")
    try:
        whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    except ValueError:
        raise InvalidInput(f"{path} is not UTF-8 text.") from None
    for row in csv.DictReader(whole.splitlines()):
        numbers = {str(name): number for name, text in row.items() if (number := _number(text)) is not None}
        if numbers.get("halting_steps") == 0:  # nobody halted in this step: nothing is known of those who did
            del numbers["halting_steps"]
            numbers.pop("exact", None)
        if "step" in numbers:
            yield numbers


def _number(text: object) -> float | None:
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _recipe_of_state(folder: Path) -> dict[str, Any]:
    """The recipe that the saved state names, for a run without ``run.json``."""
    for path in sorted(folder.glob(_STATES), reverse=True):
        try:
            if path.stat().st_size <= MAX_INDEX:
                return dict(json.loads(path.read_text(encoding="utf-8"))["metadata"]["recipe"])
        except (OSError, KeyError, TypeError, ValueError, RecursionError):  # being removed, or not ours
            continue
    return {}


def duration(minutes: float) -> str:
    """A time for people: in seconds, minutes, hours or days."""
    if minutes < 1.995:
        return f"{60 * minutes:.0f} s"
    if minutes < 119.5:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 72 * 60 else f"{minutes / 1440:.1f} d"
