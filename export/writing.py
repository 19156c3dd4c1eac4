"""What a writer of graphs is given, and what it gives back: one module a kind of file.

Targets name the writers of their formats (:attr:`trm_edge.export.targets.base.Target.writers`); each is loaded when it
is asked for, so that a writer's libraries are needed by those only who use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from trm_edge.bundle import GoldenVectors
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import Progress
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import TensorSpec
from trm_edge.tasks.base import Puzzle, Task


@dataclass(frozen=True, eq=False)
class Job:
    """One graph to write.

    Attributes:
        model: the float model.
        task: of the model.
        options: what is wanted; the target runs it.
        kept: puzzle ids whose embeddings are kept.
        puzzles: to calibrate on; None generates some.
        progress: hears how far calibration and search are.
        vectors: the golden vectors of the bundle.
    """

    model: RecursiveModel
    task: Task
    options: ExportOptions
    kept: tuple[int, ...]
    puzzles: Sequence[Puzzle] | None
    progress: Progress
    vectors: GoldenVectors


@dataclass(frozen=True, eq=False)
class Written:
    """A graph as a file.

    Attributes:
        data: its bytes.
        inputs: its inputs, in order.
        outputs: its outputs, in order.
        stats: what was counted in it, JSON-ready.
        more: other files of the bundle, by name.
        scales: scale and zero point of the states that the graph stores in integers, by the name of the input.
    """

    data: bytes
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    stats: dict[str, Any]
    more: Mapping[str, bytes] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, int]] = field(default_factory=dict)


class Writer(Protocol):
    """A module that writes one kind of file."""

    def prepare(self, options: ExportOptions) -> None:
        """Refuse, before any work, what cannot be written, and say which package is missing."""
        ...

    def write(self, job: Job) -> Written:
        """Write the graph."""
        ...


def load_writer(module: str) -> Writer:
    """The writer of a name in a target's table."""
    writer: Writer = import_module(module)
    return writer
