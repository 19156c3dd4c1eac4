"""Making the puzzles of one dataset with several processes, as ``torchrun`` starts them.

No process talks to another: each writes its parts into a folder that all of them see (on several hosts, on a shared
file system), whole or not at all, and the process of rank 0 takes them up in order. Knows files and ranks, not puzzles.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trm_edge.atomic import atomic_file
from trm_edge.data.chunks import Chunk
from trm_edge.errors import InvalidInput, TrmEdgeError

PATIENCE = 1800.0  #: seconds that rank 0 waits for a part of another rank
_POLL = 0.1

Make = Callable[[int], Chunk]
"""Makes the part of a number."""


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int = 0
    world: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Ranks:
        """From ``RANK`` and ``WORLD_SIZE``; one process where they are not set.

        Raises:
            InvalidInput: they are no numbers, or do not fit together.
        """
        rank, world = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
        if not (rank.isdecimal() and world.isdecimal() and int(rank) < int(world)):
            raise InvalidInput(f"RANK={rank} and WORLD_SIZE={world} are not what torchrun sets (0 <= rank < world).")
        return cls(int(rank), int(world))


class Parts:
    """The parts of a dataset, shared out among ranks: part k is made by rank ``k % world``.

    Parts depend on nothing but their number and what ``folder`` is named after. Those that a killed run left there
    are good, and are taken.

    Args:
        folder: where parts lie while they wait; the same for all ranks.
        ranks: this process and how many there are.
        patience: seconds without the part that is next after which rank 0 gives up.
    """

    def __init__(self, folder: Path, ranks: Ranks, *, patience: float = PATIENCE) -> None:
        self._folder, self._ranks, self._patience = folder, ranks, patience

    def collect(self, split: str, count: int, make: Make) -> Iterator[Chunk]:
        """All parts of a split in order; for rank 0, which makes its own on the way.

        Raises:
            TrmEdgeError: another rank did not deliver.
        """
        for number in range(count):
            mine = number % self._ranks.world == self._ranks.rank
            yield make(number) if mine else self._wait(split, number)

    def contribute(self, split: str, count: int, make: Make) -> None:
        """Make and store this rank's parts of a split; for ranks other than 0."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(self._ranks.rank, count, self._ranks.world):
            path = self._path(split, number)
            if path.exists():
                continue
            chunk = make(number)
            if not self._folder.is_dir():
                raise TrmEdgeError(f"{self._folder} is gone: the process of rank 0 has ended.")
            with atomic_file(path) as file:
                np.savez(file, questions=chunk.questions, answers=chunk.answers, ratings=chunk.ratings)

    def remove(self) -> None:
        """Remove the folder and what lies there; for rank 0, when it has ended in whichever way."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, split: str, number: int) -> Chunk:
        path = self._path(split, number)
        deadline = time.monotonic() + self._patience
        while not path.exists():
            if time.monotonic() > deadline:
                raise TrmEdgeError(
                    f"Rank {number % self._ranks.world} of {self._ranks.world} has not delivered {path.name} within "
                    f"{self._patience:g} s. Is it running, and does it see {self._folder}?"
                )
            time.sleep(_POLL)
        try:
            with np.load(path, allow_pickle=False) as file:
                return Chunk(file["questions"], file["answers"], file["ratings"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise TrmEdgeError(f"{path} is no part of a dataset ({error}). Remove {self._folder}.") from None

    def _path(self, split: str, number: int) -> Path:
        return self._folder / f"{split}-{number:08}.npz"
