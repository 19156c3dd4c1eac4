"""From puzzles of one grid to the splits of a dataset: choose, drop, count, augment, write.

The road that Sudoku and mazes share. Everything streams, a thousand puzzles at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.build_options import Advance, BuildOptions
from trm_edge.data.chunks import Chunk, rated_at_least, subsample
from trm_edge.data.csv_source import CsvSource, download
from trm_edge.data.grids import GridGame
from trm_edge.data.overlap import Census, Deduplicator
from trm_edge.data.writer import DatasetWriter
from trm_edge.errors import InvalidInput

MAX_ROWS = 1 << 15  #: rows, augmentations counted, that are in memory together


class Source(Protocol):
    """Where puzzles come from."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits it has."""
        ...

    def chunks(self, split: str) -> Iterator[Chunk]:
        """The puzzles of a split, from the beginning at every call."""
        ...

    def describe(self) -> dict[str, Any]:
        """For a report, JSON-ready."""
        ...

    def close(self) -> None:
        """Remove what it keeps on disk."""
        ...


Images = NDArray[np.int8]
"""Grids of puzzles and of their augmentations, [puzzles, images, rows, columns]; the puzzle itself is image 0."""

Augment = Callable[[np.random.RandomState, Chunk], tuple[Images, Images]]
"""Questions and answers of the images of each puzzle of a chunk."""


def csv_source(options: BuildOptions, game: GridGame, repo: str | None) -> CsvSource:
    """The files that the options name, or those of the hub.

    Args:
        options: ``source``, ``train``, ``test``, ``repo``, ``check``.
        game: of the puzzles.
        repo: the official repository; None where there is none for this size.

    Raises:
        InvalidInput: files that contradict each other or are missing, or no place to take puzzles from.
        TrmEdgeError: no download.
    """
    given = [name for name in ("source", "train", "repo") if getattr(options, name) is not None]
    if len(given) > 1:
        raise InvalidInput(f"--{given[0]} and --{given[1]} both say where puzzles come from: give one of them.")
    if options.train is not None:
        paths = {"train": options.train} | ({} if options.test is None else {"test": options.test})
    elif options.test is not None:
        raise InvalidInput("--test FILE needs --train FILE, too.")
    elif options.source is not None:
        paths = {split: Path(options.source) / f"{split}.csv" for split in ("train", "test")}
    else:
        name = options.repo or repo
        if name is None:
            raise InvalidInput(f"The hub has no {game.task.id}: give files (--train, --test) or --generate N.")
        paths = download(name, ("train", "test"))
    return CsvSource(game, paths, check=options.check)


def write_splits(
    game: GridGame,
    source: Source,
    options: BuildOptions,
    dataset: DatasetWriter,
    advance: Advance,
    *,
    images: int,
    augment: Augment,
) -> dict[str, Any]:
    """Fill ``dataset``; train puzzles are augmented, each with its images a group of its own.

    Args:
        game: of the puzzles.
        source: where they come from.
        options: ``subsample_size``, ``min_difficulty``, ``seed``, ``deduplicate``.
        dataset: to fill.
        advance: told of what has been written.
        images: images of a train puzzle that ``augment`` makes, itself included.
        augment: makes them.

    Returns:
        The report: ``task``, ``source``, what is there twice (:meth:`Census.report`) and what was dropped.
    """
    rng = np.random.RandomState(options.seed or 0)
    census = Census(game.orbits)

    def write(name: str, chunk: Chunk) -> None:
        census.add(name, chunk)
        copies = images if name == "train" else 1
        for piece in chunk.pieces(max(1, MAX_ROWS // copies)):
            whole = (piece.questions[:, None], piece.answers[:, None])
            questions, answers = augment(rng, piece) if copies > 1 else whole
            writers[name].append(game.tokens(questions), game.tokens(answers), group_sizes=np.full(len(piece), copies))
            advance(len(piece) * copies)

    writers = {
        name: dataset.split(
            name, seq_len=game.task.seq_len, vocab_size=game.task.vocab_size, total_puzzles_counts_groups=True
        )
        for name in source.splits
    }
    try:
        if "test" in writers:  # first, so that train puzzles can be held against it
            for chunk in rated_at_least(source.chunks("test"), options.min_difficulty):
                write("test", chunk)
        test_keys = census.keys("test", "symmetry" if options.deduplicate == "symmetry" else "exact")
        unique = Deduplicator(options.deduplicate, game.orbits, test_keys)

        def candidates() -> Iterator[Chunk]:
            return unique.kept(rated_at_least(source.chunks("train"), options.min_difficulty))

        for chunk in subsample(candidates, options.subsample_size, rng):
            write("train", chunk)
        found = {**census.report(), "dropped_from_train": unique.dropped}
        return {"task": game.task.id, "source": source.describe(), **found}
    finally:
        source.close()
