"""Which puzzles of a dataset are there twice: in one split, or in both, as they are or up to symmetry.

Puzzles are compared by keys of 64 bits. That two different ones among ten million have the same key happens once in
four hundred thousand datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.data.build_options import DEDUPLICATE
from trm_edge.data.chunks import Chunk
from trm_edge.errors import InvalidInput, unknown

Keys = NDArray[np.uint64]
KeysOf = Callable[[Chunk], Keys]


def keys_of(rows: NDArray[Any]) -> Keys:
    """A key for the bytes of each row, uint64 [n]."""
    digests = b"".join(blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def question_keys(chunk: Chunk) -> Keys:
    """Keys of the questions as they are."""
    return keys_of(chunk.questions)


class KeySet:
    """A growing set of keys: 8 bytes each, in sorted runs that are merged when they have become alike in length."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of ``keys`` are in the set, [n]."""
        found = np.zeros(len(keys), dtype=np.bool_)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            found |= run[place] == keys
        return found

    def add(self, keys: Keys) -> NDArray[np.bool_]:
        """Put ``keys`` in, and say which of them are new, [n]; of equal ones the first is."""
        first = np.zeros(len(keys), dtype=np.bool_)
        first[np.unique(keys, return_index=True)[1]] = True
        new = first & ~self.holds(keys)
        if new.any():
            self._runs.append(np.sort(keys[new]))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.concatenate((self._runs[-1], last))
            self._runs[-1].sort(kind="stable")  # two sorted runs: this only merges them
        return new

    def count_common(self, other: KeySet) -> int:
        """How many keys are in both."""
        return sum(int(other.holds(run).sum()) for run in self._runs)


class Census:
    """Counts what a dataset holds twice, without its augmentations.

    Args:
        orbits: keys that are equal where a symmetry maps one puzzle to the other.
    """

    def __init__(self, orbits: KeysOf) -> None:
        self._levels: dict[str, KeysOf] = {"exact": question_keys, "symmetry": orbits}
        self._puzzles: dict[str, int] = {}
        self._seen: dict[str, dict[str, KeySet]] = {}

    def add(self, split: str, chunk: Chunk) -> None:
        """Count puzzles of a split."""
        seen = self._seen.setdefault(split, {level: KeySet() for level in self._levels})
        self._puzzles[split] = self._puzzles.get(split, 0) + len(chunk)
        for level, keys in self._levels.items():
            seen[level].add(keys(chunk))

    def keys(self, split: str, level: str) -> KeySet:
        """The keys of a split, ``exact`` or up to ``symmetry``; none where it has no puzzles."""
        return self._seen[split][level] if split in self._seen else KeySet()

    def report(self) -> dict[str, Any]:
        """What was found, JSON-ready: puzzles of each split, those that repeat an earlier one of it, and the
        different test puzzles that the train split holds, too; each exactly and up to symmetry.
        """
        return {
            "puzzles": dict(self._puzzles),
            "repeated": {
                split: {level: self._puzzles[split] - len(keys) for level, keys in seen.items()}
                for split, seen in self._seen.items()
            },
            "test_in_train": {
                level: self.keys("test", level).count_common(self.keys("train", level)) for level in self._levels
            },
        }


class Deduplicator:
    """Drops train puzzles that are test puzzles, or repeat an earlier train puzzle.

    Args:
        level: ``none``, ``exact`` or ``symmetry``.
        orbits: as for :class:`Census`.
        test: keys of the test puzzles at that level.

    Attributes:
        dropped: how many were, in the last stream.

    Raises:
        InvalidInput: there is no such level.
    """

    def __init__(self, level: str, orbits: KeysOf, test: KeySet) -> None:
        if level not in DEDUPLICATE:
            raise InvalidInput(unknown("--deduplicate", level, DEDUPLICATE))
        self._keys = {"none": None, "exact": question_keys, "symmetry": orbits}[level]
        self._test = test
        self.dropped = 0

    def kept(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The stream without what is dropped; may be called again for another stream. No chunk is empty."""
        self.dropped = 0
        seen = KeySet()
        for chunk in chunks:
            if self._keys is not None:
                keys = self._keys(chunk)
                new = ~self._test.holds(keys)
                new[new] = seen.add(keys[new])
                self.dropped += len(chunk) - int(new.sum())
                chunk = chunk.take(new)
            if len(chunk):
                yield chunk
