"""Several ways to put one puzzle to a model: each a symmetry of the puzzle, and the puzzle embedding that goes with it.

Knows puzzles and symmetries; does not know what is made of the answers (:mod:`trm_edge.solve.voting`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trm_edge.errors import InvalidInput
from trm_edge.tasks.arc_augment import SEPARATOR, ArcAugmentation
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.tasks.symmetry import IDENTITY, Symmetry

MAX_BYTES = 256 << 20  #: of an identifiers.json; the official one of ARC-AGI-2 is about 50 MB


@dataclass(frozen=True, slots=True)
class Variant:
    """One way.

    Attributes:
        symmetry: maps the puzzle to the one that the model sees.
        puzzle_id: puzzle embedding of that one; None: the puzzle's own.
    """

    symmetry: Symmetry = IDENTITY
    puzzle_id: int | None = None

    def of(self, puzzle: Puzzle) -> Puzzle:
        """What the model sees of ``puzzle``; the answer stays behind."""
        puzzle_id = puzzle.puzzle_id if self.puzzle_id is None else self.puzzle_id
        return replace(puzzle, question=self.symmetry.apply(puzzle.question), answer=None, puzzle_id=puzzle_id)


Variants = Callable[[Puzzle], Sequence[Variant]]
"""The ways to put a puzzle, the one to try first in front; at least one."""


def symmetric(task: Task, count: int, *, seed: int = 0) -> Variants:
    """The puzzle as it is and ``count - 1`` random images of it, fewer where the task has fewer symmetries.

    The symmetries are drawn once: start k of one puzzle is turned like start k of any other. All share the puzzle's
    own embedding.
    """
    variants = [Variant(symmetry) for symmetry in task.symmetries(np.random.default_rng(seed), count)]
    return lambda puzzle: variants


def named(identifiers: Sequence[str], kept: Collection[int]) -> Variants:
    """The versions of an ARC task that a model was trained on, each with its own puzzle embedding.

    A task is found by ``puzzle.source``; its plain version comes first, the others in the order of their ids.

    Args:
        identifiers: official names by puzzle id, ``task`` or ``task|||t3|||0213456789``.
        kept: puzzle ids that the bundle has.

    Returns:
        Variants that raise InvalidInput for a task that has no version in the bundle.

    Raises:
        InvalidInput: a name of a kept puzzle is not readable, or the bundle has an id beyond the names.
    """
    if not kept:
        raise InvalidInput("The bundle has no puzzle embeddings for --identifiers to name: leave it out")
    if max(kept) >= len(identifiers):
        raise InvalidInput(
            f"The bundle has the puzzle id {max(kept)}, the identifiers end at {len(identifiers) - 1}:"
            " they belong to another data set"
        )
    of_task: dict[str, list[Variant]] = {}
    for puzzle_id in sorted(kept):
        task, augmentation = ArcAugmentation.parse(identifiers[puzzle_id])
        variants = of_task.setdefault(task, [])
        plain = SEPARATOR not in identifiers[puzzle_id]
        variants.insert(0 if plain else len(variants), Variant(augmentation, puzzle_id))

    def variants_of(puzzle: Puzzle) -> Sequence[Variant]:
        try:
            return of_task[puzzle.source]
        except KeyError:
            raise InvalidInput(
                f"No puzzle embedding in this bundle is named after the task '{puzzle.source}'."
                " Export it again with that task's ids, and give puzzles as a JSON map from names to tasks."
            ) from None

    return variants_of


def read_identifiers(path: Path) -> list[str]:
    """The names in the ``identifiers.json`` of a data set, by puzzle id.

    Raises:
        InvalidInput: not readable, too large, or not a list of names.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_BYTES >> 20} MB: is it an identifiers.json?")
        names = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InvalidInput(f"{path} is not readable as JSON") from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f"{path} is not a list of names by puzzle id, as data set builders write it")
    return names
