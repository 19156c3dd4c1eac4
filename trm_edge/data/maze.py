"""Builds ``maze-hard``, or the same for another size, in the official layout.

From the official files and under the same seed, byte for byte what ``dataset/build_maze_dataset.py`` of
TinyRecursiveModels writes. (That script sets no seed; only its subsample is random.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.build_options import Advance, BuildOptions
from trm_edge.data.chunks import Chunk
from trm_edge.data.generated import GeneratedSource
from trm_edge.data.grids import GridGame
from trm_edge.data.overlap import Keys, keys_of
from trm_edge.data.splits import Images, Source, csv_source, write_splits
from trm_edge.data.writer import DatasetWriter
from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_one
from trm_edge.tasks.maze import MazeTask
from trm_edge.tasks.symmetry import EVERY, KEEP_SHAPE, Dihedral

REPO = "sapientinc/maze-30x30-hard-1k"
OFFICIAL_TASK = "maze-30x30"
GENERATED_TOGETHER = 16
HARD = {"min_length": 111, "loops": 0.02}
"""The generator's options for the official size: the shortest path takes more than 110 steps (HRM paper, maze-hard).
With so few loops four mazes in ten are long enough; with the usual 0.05 it is one in fifty."""

_SYMBOLS = {1: "#", 2: " ", 3: "S", 4: "G", 5: "o"}


def game(task_id: str) -> GridGame:
    """Mazes of any size.

    Raises:
        InvalidInput: ``task_id`` names no maze.
    """
    task = _maze(task_id)
    turns = _turns(task)

    def orbits(chunk: Chunk) -> Keys:
        images = _images(chunk.questions, turns)
        keys = keys_of(images.reshape(-1, task.seq_len)).reshape(len(chunk), len(turns))
        least: Keys = keys.min(axis=1)  # a maze and its images have the same images
        return least

    return GridGame(task=task, shape=(task.rows, task.columns), symbols=_SYMBOLS, first_token=0, orbits=orbits)


def build(options: BuildOptions, dataset: DatasetWriter, advance: Advance) -> dict[str, Any]:
    """A :data:`~trm_edge.data.build_options.Builder`; ``aug`` stores all images of a maze that keep its shape."""
    kind = game(options.task or OFFICIAL_TASK)
    task = _maze(kind.task.id)
    turns = _turns(task) if options.aug else (0,)

    def augment(rng: np.random.RandomState, chunk: Chunk) -> tuple[Images, Images]:
        return _images(chunk.questions, turns), _images(chunk.answers, turns)

    repo = REPO if task.id == OFFICIAL_TASK else None
    source: Source = generated(options) if options.generate is not None else csv_source(options, kind, repo)
    return write_splits(kind, source, options, dataset, advance, images=len(turns), augment=augment)


def generated(options: BuildOptions) -> GeneratedSource:
    """The source behind ``--generate``; options of the generator are ``min_length`` and ``loops``."""
    task = _maze(options.task or OFFICIAL_TASK)
    settings = {**(HARD if task.id == OFFICIAL_TASK else {}), **options.generator}
    seed = options.seed or 0

    def make(first: int, count: int) -> Chunk:
        numbers = range(first, first + count)
        puzzles = [generate_one(task, np.random.default_rng([seed, number]), settings) for number in numbers]
        ratings = [np.nan if puzzle.rating is None else puzzle.rating for puzzle in puzzles]
        answers = [puzzle.answer for puzzle in puzzles if puzzle.answer is not None]
        return Chunk(np.stack([puzzle.question for puzzle in puzzles]), np.stack(answers), np.array(ratings))

    return GeneratedSource(options, make, chunk=GENERATED_TOGETHER, task_id=task.id, generator=settings)


def _turns(task: MazeTask) -> tuple[int, ...]:
    return EVERY if task.rows == task.columns else KEEP_SHAPE


def _images(grids: NDArray[np.int8], turns: tuple[int, ...]) -> Images:
    return np.stack([[Dihedral(turn).apply(grid) for turn in turns] for grid in grids])


def _maze(task_id: str) -> MazeTask:
    task = get_task(task_id)
    if not isinstance(task, MazeTask):
        raise InvalidInput(f"maze-hard cannot be made of {task_id}: name a maze, such as --task maze-12x12.")
    return task
