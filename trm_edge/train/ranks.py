"""Training by several processes that ``torchrun`` starts: who we are among them, and what we say to each other.

A batch belongs to all processes together: process ``rank`` computes the rows ``ranks.rows(batch)`` of it. Random
draws are made for the whole batch by everybody, so that a run gives the same losses whatever the number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from trm_edge.errors import InvalidInput


@dataclass(frozen=True)
class Ranks:
    """This process, number ``rank`` of ``size``; one alone needs no ``torchrun``."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks to people."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """Our rows of a batch; sizes differ by one where it does not divide evenly."""
        return slice(batch * self.rank // self.size, batch * (self.rank + 1) // self.size)

    def sum(self, value: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def whole(self, ours: Tensor, batch: int) -> Tensor:
        """The whole batch, [batch, ...], of which ``ours`` are our rows."""
        if self.size == 1:
            return ours
        most = -(-batch // self.size)  # rows of the longest share: all have to send the same number
        padded = ours.new_zeros(most, *ours.shape[1:])
        padded[: len(ours)] = ours
        wide = padded.view(torch.uint8) if ours.dtype is torch.bool else padded  # gloo cannot send booleans
        parts = [torch.empty_like(wide) for _ in range(self.size)]
        dist.all_gather(parts, wide)
        shares = [Ranks(rank, self.size).rows(batch) for rank in range(self.size)]
        found = torch.cat([part[: share.stop - share.start] for part, share in zip(parts, shares, strict=True)])
        return found.view(torch.bool) if ours.dtype is torch.bool else found

    def gathered(self, value: Any) -> list[Any]:
        """What every process gives, in the order of ranks."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            dist.barrier()

    def parallel(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are the mean over all processes."""
        return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False) if self.size > 1 else module


ALONE = Ranks()


def without_sync(module: nn.Module) -> AbstractContextManager[Any]:
    """In this context a module of :meth:`Ranks.parallel` keeps its gradients to itself (all but the last part)."""
    no_sync = getattr(module, "no_sync", None)
    return nullcontext() if no_sync is None else no_sync()


@contextmanager
def joined(device: torch.device | None) -> Iterator[tuple[Ranks, torch.device]]:
    """Our place among the processes of ``torchrun``, and the device to train on; alone without ``torchrun``.

    Raises:
        InvalidInput: the batch cannot be shared so, or a device was named that all processes would share.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks(), device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return
    if device is not None and device.index is not None:
        raise InvalidInput(f"--device {device} is one device for {size} processes. Write {device.type}.")
    kind = device.type if device is not None else "cuda" if torch.cuda.is_available() else "cpu"
    where = torch.device(kind, int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(where)
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size()), where
    finally:
        dist.destroy_process_group()
