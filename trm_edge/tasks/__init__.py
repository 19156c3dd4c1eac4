"""The tasks by id. A new task is one module and one line in ``_TASKS``; nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trm_edge.errors import InvalidInput, unknown

if TYPE_CHECKING:
    from trm_edge.tasks.base import Task

_TASKS = {
    "sudoku": "trm_edge.tasks.sudoku:SudokuTask",
    "maze": "trm_edge.tasks.maze:MazeTask",
    "arc": "trm_edge.tasks.arc:ArcTask",
}

_EXAMPLES = (
    "sudoku-4x4",
    "sudoku-6x6",
    "sudoku-9x9",
    "sudoku-16x16",
    "maze-10x10",
    "maze-30x30",
    "arc-10x10",
    "arc-30x30",
)


def task_ids() -> tuple[str, ...]:
    """Ids of every family at its usual sizes; :func:`get_task` takes other sizes too."""
    return _EXAMPLES


def get_task(id: str) -> Task:
    """The task of an id such as ``"sudoku-9x9"``, ``"maze-12x20"`` or ``"arc-30x30"``.

    Raises:
        InvalidInput: no such family, a malformed size, or a size the family does not have.
    """
    family = id.partition("-")[0]
    if family not in _TASKS:
        raise InvalidInput(unknown("task", id, _EXAMPLES))
    module, _, name = _TASKS[family].partition(":")
    task_class: type[Task] = getattr(import_module(module), name)
    return task_class.from_id(id)
