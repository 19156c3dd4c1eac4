"""Puzzles made by our own generators, each a function of the seed and its number: no files, no download."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import trm_edge
from trm_edge.data.build_options import BuildOptions
from trm_edge.data.chunks import Chunk
from trm_edge.data.parts import Parts, Ranks
from trm_edge.errors import InvalidInput

FIRST_TEST = 1 << 40  #: number of the first test puzzle: no train split is so long that it would run into them
MOST_TEST = 1000  #: test puzzles, where their number is not given: a tenth of the others, at most so many

MakeMany = Callable[[int, int], Chunk]
"""``make(first, count)``: the puzzles numbered ``first`` to ``first + count - 1``."""


class GeneratedSource:
    """Fresh train and test puzzles.

    Args:
        options: numbers of puzzles, options of the generator, seed, and ``out``, beside which parts wait.
        make: the generator.
        chunk: puzzles that are made together; the share of a rank is dealt out in such pieces.
        task_id: id of the task.
        generator: options of the generator with all defaults filled in.

    Raises:
        InvalidInput: fewer than one puzzle, or an option that only files have a use for.
    """

    def __init__(
        self, options: BuildOptions, make: MakeMany, *, chunk: int, task_id: str, generator: Mapping[str, Any]
    ) -> None:
        train = options.generate or 0
        test = min(MOST_TEST, -(-train // 10)) if options.generate_test is None else options.generate_test
        if train < 1 or test < 0:
            raise InvalidInput(f"--generate {train} --generate-test {test}: at least 1 and 0 are needed.")
        for name in ("source", "train", "test", "repo", "subsample_size", "min_difficulty"):
            if getattr(options, name) is not None:
                raise InvalidInput(f"--generate makes puzzles: leave --{name.replace('_', '-')} out.")
        self._counts = {"test": test, "train": train} if test else {"train": train}
        self._make, self._chunk, self._task_id = make, chunk, task_id
        self._description = {"generated": self._counts, "seed": options.seed or 0, **generator}
        self._parts = Parts(self._folder(options.out), Ranks.from_environment())

    @property
    def splits(self) -> tuple[str, ...]:
        """``test`` and ``train``."""
        return tuple(self._counts)

    def chunks(self, split: str) -> Iterator[Chunk]:
        """The puzzles of a split, in order."""
        return self._parts.collect(split, self._pieces(split), self._maker(split))

    def contribute(self) -> None:
        """Make this rank's share of all splits, for rank 0 to collect."""
        for split in self._counts:
            self._parts.contribute(split, self._pieces(split), self._maker(split))

    def close(self) -> None:
        """Remove the parts of other ranks."""
        self._parts.remove()

    def describe(self) -> dict[str, Any]:
        """What was generated, for a report."""
        return dict(self._description)

    def _pieces(self, split: str) -> int:
        return -(-self._counts[split] // self._chunk)

    def _maker(self, split: str) -> Callable[[int], Chunk]:
        first = FIRST_TEST if split == "test" else 0

        def make(number: int) -> Chunk:
            start = number * self._chunk
            return self._make(first + start, min(self._chunk, self._counts[split] - start))

        return make

    def _folder(self, out: Path) -> Path:
        """Named after all that parts depend on, so that no others are found there."""
        said = json.dumps([self._task_id, self._description, self._chunk, trm_edge.__version__], sort_keys=True)
        return out.absolute().parent / f".{out.name}.{hashlib.sha256(said.encode()).hexdigest()[:16]}.parts"
