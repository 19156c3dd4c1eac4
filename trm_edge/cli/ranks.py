"""A command shared by the processes that ``torchrun`` starts: each does its part, all see the whole.

The engine is PyTorch's own, as in training, imported only where there are several processes: one process alone needs
no PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.optional import require

Item = TypeVar("Item")


def _alone(value: Any) -> list[Any]:
    return [value]


@dataclass(frozen=True)
class Ranks:
    """This process, number ``rank`` of ``size``.

    Attributes:
        rank: counted from 0; the first one speaks to people and writes files.
        size: processes in all.
        gathered: gives every process what each of them gives, in the order of ranks.
    """

    rank: int = 0
    size: int = 1
    gathered: Callable[[Any], list[Any]] = _alone

    @property
    def first(self) -> bool:
        """Whether this is the one that speaks."""
        return self.rank == 0

    def share(self, items: Iterable[Item]) -> Iterator[Item]:
        """Our part: every ``size``-th item."""
        return islice(items, self.rank, None, self.size)

    def part_of(self, total: int | None) -> int | None:
        """How many of ``total`` items are ours; None stays None."""
        return None if total is None else len(range(self.rank, total, self.size))

    def whole(self, ours: Sequence[Item]) -> list[Item]:
        """What all made of their shares, one for one, in the order of the items."""
        parts = self.gathered(ours)
        return [part[row] for row in range(len(parts[0])) for part in parts if row < len(part)]


@contextmanager
def joined() -> Iterator[Ranks]:
    """Our place among the processes of ``torchrun``; alone without it.

    Raises:
        InvalidInput: ``WORLD_SIZE`` is set, but not as ``torchrun`` does.
        TrmEdgeError: the others cannot be reached, or have ended early.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield Ranks()
        return
    missing = [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    numbers = (os.environ.get("RANK", ""), os.environ["WORLD_SIZE"])
    if missing or not all(number.isascii() and number.isdigit() for number in numbers):
        what = f"{' and '.join(missing)} missing" if missing else f"RANK={numbers[0]}, WORLD_SIZE={numbers[1]}"
        raise InvalidInput(f"WORLD_SIZE asks for several processes, but {what}. Start them with torchrun, or unset it.")
    require("torch", extra="torch")
    import torch

    from trm_edge.train import ranks

    with ExitStack() as stack:
        try:
            ours, _ = stack.enter_context(ranks.joined(torch.device("cpu")))
        except RuntimeError as error:  # of the rendezvous; PyTorch has no narrower class for all of them
            raise TrmEdgeError(f"The processes of torchrun do not find each other: {error}") from None

        def gathered(value: Any) -> list[Any]:
            try:
                return ours.gathered(value)
            except RuntimeError:
                raise TrmEdgeError("Another process of torchrun has ended early: see its own message") from None

        yield Ranks(ours.rank, ours.size, gathered)
