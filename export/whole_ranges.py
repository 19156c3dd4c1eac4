"""Ranges of every tensor of a float graph along whole trajectories of real puzzles.

:mod:`trm_edge.export.calibration` watches the products of the float model; a graph wholly in integers needs the range
of everything. So the graph itself is run, by the reference evaluator of the ``onnx`` package, puzzle by puzzle and step
by step until each halts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from trm_edge.errors import InvalidCheckpoint
from trm_edge.export.ranges import METHODS, Histogram, Range
from trm_edge.tasks.base import Tokens

Carry = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Watched:
    """What was seen.

    Attributes:
        method: how the ranges were chosen.
        puzzles: how many were run.
        steps: supervision steps of all of them together.
        ranges: of every float tensor that the graph computes and of its states, by name.
    """

    method: str
    puzzles: int
    steps: int
    ranges: dict[str, Range]


def watch(
    model: onnx.ModelProto,
    tokens: Tokens,
    rows: Sequence[int],
    *,
    carry: Carry,
    steps: int,
    threshold: float,
    method: str,
    progress: Callable[[int], None] = lambda puzzles: None,
) -> Watched:
    """Run a step graph of batch size 1 over puzzles, halting as on the device.

    Args:
        model: the graph, in float32.
        tokens: puzzles, int32 [n, seq_len], at least one.
        rows: their rows of the kept puzzle embeddings [n].
        carry: the states before the first step, by input name; outputs are named ``<input>_next``.
        steps: budget of supervision steps.
        threshold: a puzzle halts when its halting logit is greater.
        method: out of :data:`~trm_edge.export.ranges.METHODS`.
        progress: called with the number of puzzles just done.

    Raises:
        InvalidCheckpoint: a tensor holds NaN or infinity.
    """
    shown = _showing_everything(model)
    names = [value.name for value in shown.graph.output]
    inputs = {value.name for value in shown.graph.input}
    evaluator = ReferenceEvaluator(shown)
    seen = {name: _Seen(counted=method != "min-max") for name in (*names, *carry)}
    made = 0
    for row, puzzle in zip(rows, tokens, strict=True):
        feeds: dict[str, Any] = {"tokens": puzzle[None], **carry}
        if "puzzle_ids" in inputs:
            feeds["puzzle_ids"] = np.array([row], np.int32)
        for step in range(1, steps + 1):
            outputs = dict(zip(names, evaluator.run(None, feeds), strict=True))
            made += 1
            for name, array in (outputs | {state: feeds[state] for state in carry}).items():
                if not seen[name].add(array):
                    raise InvalidCheckpoint(
                        f"The weights give NaN or infinity at supervision step {step}; train them again."
                    )
            feeds |= {state: outputs[f"{state}_next"] for state in carry}
            if outputs["q_halt"][0] > threshold:
                break
        progress(1)
    return Watched(method, len(tokens), made, {name: one.range(method) for name, one in seen.items()})


class _Seen:
    """Smallest and largest value of one tensor, and how often those between occur."""

    def __init__(self, *, counted: bool) -> None:
        self.low, self.high = math.inf, -math.inf
        self.histogram = Histogram() if counted else None

    def add(self, array: NDArray[Any]) -> bool:
        """Take in one look; False if there is no telling."""
        low, high = float(array.min()), float(array.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self.histogram is not None:
            self.histogram.add(torch.from_numpy(np.ascontiguousarray(array, np.float32)), low, high)
        return True

    def range(self, method: str) -> Range:
        """What its integers should cover."""
        seen = self.low, self.high
        return METHODS[method](self.histogram or Histogram(), seen)


def _showing_everything(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with every tensor that it computes among its outputs; all of them are float."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    known = {value.name for value in shown.graph.output}
    computed = (name for node in shown.graph.node for name in node.output)
    more = [onnx.ValueInfoProto(name=name) for name in computed if name not in known]
    shown.graph.output.extend(more)
    return shown
