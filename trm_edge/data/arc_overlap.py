"""What ARC tasks have in common: which pairs of grids are equal, as they are or up to symmetry.

Knows tasks and pairs, not files or options. An official dataset trains on the demonstrations of the tasks it holds
out; the pairs that it asks of them are what training must not meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trm_edge.data.arc_source import ArcPuzzle, Pair
from trm_edge.tasks.arc_augment import COLOURS
from trm_edge.tasks.symmetry import EVERY, Dihedral

PairKey = Callable[[Pair], bytes]  #: equal for pairs that count as equal: :func:`pair_bytes` or :func:`pair_orbit`
_SIZE = 128  # sizes are stored above all colours, so that a translation of colours leaves them alone
_OTHERS = bytes(range(COLOURS, 256))


def pair_bytes(pair: Pair) -> bytes:
    """Sizes and colours of both grids: equal for equal pairs only."""
    return b"".join(bytes((_SIZE + grid.shape[0], _SIZE + grid.shape[1])) + grid.tobytes() for grid in pair)


def pair_orbit(pair: Pair) -> bytes:
    """Equal for pairs that an :class:`~trm_edge.tasks.arc_augment.ArcAugmentation` maps to each other, and only those.

    The least of the eight dihedral images, in each of which the colours 1 to 9 are renamed in the order they appear.
    """
    question, answer = pair
    turns = (Dihedral(number) for number in EVERY)
    return min(_renamed(pair_bytes((turn.apply(question), turn.apply(answer)))) for turn in turns)


def translation(colors: Iterable[int]) -> bytes:
    """The table by which ``bytes.translate`` replaces the colours in :func:`pair_bytes`."""
    return bytes(colors) + _OTHERS


def _renamed(pair: bytes) -> bytes:
    table = [0] * COLOURS
    for new, old in enumerate(sorted(range(1, COLOURS), key=pair.find), start=1):  # absent ones (-1) come first
        table[old] = new
    return pair.translate(translation(table))


@dataclass(frozen=True)
class Overlap:
    """What a train and a test split have in common.

    Attributes:
        asked: held-out tasks with a test pair that the train split holds too: in a training task, or among the
            demonstrations of a held-out task, its own included.
        shared: training tasks that have a pair in common with held-out tasks, and the names of those.
        repeated: training tasks all of whose pairs an earlier training task has, and the name of that.
    """

    asked: list[str]
    shared: dict[str, list[str]]
    repeated: dict[str, str]

    @property
    def droppable(self) -> set[str]:
        """Training tasks that a set without overlap does not have: all of ``shared`` and ``repeated``."""
        return {*self.shared, *self.repeated}


def find_overlap(training: Sequence[ArcPuzzle], held_out: Sequence[ArcPuzzle], key: PairKey) -> Overlap:
    """Compare all pairs of all tasks, but for the tests of a task that has one without a known output.

    Args:
        training: tasks that the train split holds with their tests.
        held_out: tasks whose tests make the test split.
        key: what counts as equal.
    """
    keys = {id(puzzle): _keys(puzzle, key) for puzzle in (*training, *held_out)}
    asking: dict[bytes, list[str]] = defaultdict(list)  # held-out tasks by their pairs
    trained: set[bytes] = set()
    for puzzle in held_out:
        for part, found in keys[id(puzzle)].items():
            if part == "train":
                trained |= found
            for one in found:
                asking[one].append(puzzle.name)

    shared: dict[str, list[str]] = {}
    repeated: dict[str, str] = {}
    owners: dict[bytes, set[str]] = defaultdict(set)  # training tasks by their pairs
    for puzzle in training:
        pairs = set().union(*keys[id(puzzle)].values())
        if names := {name for one in pairs for name in asking.get(one, ())}:
            shared[puzzle.name] = sorted(names)
        if earlier := set.intersection(*(owners[one] for one in pairs)):
            repeated[puzzle.name] = min(earlier)
        for one in pairs:
            owners[one].add(puzzle.name)
        trained |= pairs
    asked = [puzzle.name for puzzle in held_out if keys[id(puzzle)]["test"] & trained]
    return Overlap(asked, shared, repeated)


def _keys(puzzle: ArcPuzzle, key: PairKey) -> Mapping[str, set[bytes]]:
    known = {part: pairs for part, pairs in puzzle.pairs.items() if part == "train" or not puzzle.unanswered}
    return {"test": set()} | {part: {key(pair) for pair in pairs} for part, pairs in known.items()}
