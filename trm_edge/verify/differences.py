"""The difference of two sides after one supervision step, puzzle by puzzle, and its summary over puzzles.

Knows arrays only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trm_edge.verify.steps import StepResult

Measured = dict[str, NDArray[np.float64]]
"""Measure -> its value of every puzzle [n]."""


@dataclass(frozen=True)
class CarryError:
    """Error of one recurrent state after a step.

    Attributes:
        max: largest absolute error over puzzles, positions and channels.
        cosine: lowest cosine over puzzles, each state taken as one vector.
    """

    max: float
    cosine: float


@dataclass(frozen=True)
class StepError:
    """Errors after one supervision step, over all puzzles.

    Attributes:
        step: counted from 1.
        logits_max: largest absolute error of a logit.
        logits_mean: mean absolute error of the logits.
        q_halt_max: largest absolute error of the halting logit.
        q_halt_mean: its mean.
        cells: cells that are answered differently.
        identical: share of puzzles that are answered identically.
        carries: by name of the state; empty where the graph shows none.
    """

    step: int
    logits_max: float
    logits_mean: float
    q_halt_max: float
    q_halt_mean: float
    cells: int
    identical: float
    carries: Mapping[str, CarryError] = field(default_factory=dict)


def measure(expected: StepResult, given: StepResult) -> Measured:
    """Errors of every puzzle of a batch; NaN where a side overflowed, which keeps no bound."""
    count = len(expected.q_halt)
    with np.errstate(invalid="ignore", over="ignore"):
        logits = np.abs(_wide(given.logits, count) - _wide(expected.logits, count))
        measured = {
            "logits_max": logits.max(-1),
            "logits_mean": logits.mean(-1),
            "q_halt": np.abs(given.q_halt.astype(np.float64) - expected.q_halt),
            "cells": (given.answers != expected.answers).sum(-1).astype(np.float64),
        }
        for name, state in given.carry.items():
            ours, theirs = _wide(state, count), _wide(expected.carry[name], count)
            measured[f"{name} max"] = np.abs(ours - theirs).max(-1)
            measured[f"{name} cosine"] = _cosine(ours, theirs)
    return measured


def summarise(step: int, batches: list[Measured]) -> StepError:
    """One step's measures of all batches as one row of a report."""
    all_of = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    states = [name.removesuffix(" cosine") for name in all_of if name.endswith(" cosine")]
    return StepError(
        step=step,
        logits_max=float(all_of["logits_max"].max()),
        logits_mean=float(all_of["logits_mean"].mean()),
        q_halt_max=float(all_of["q_halt"].max()),
        q_halt_mean=float(all_of["q_halt"].mean()),
        cells=int(all_of["cells"].sum()),
        identical=float((all_of["cells"] == 0).mean()),
        carries={
            name: CarryError(float(all_of[f"{name} max"].max()), float(all_of[f"{name} cosine"].min()))
            for name in states
        },
    )


def _wide(array: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """The rows that count, flattened, in a format that adds no error of its own: [count, numbers]."""
    return array[:count].reshape(count, -1).astype(np.float64)


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row; 1 where both are zero."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    equal = (a == b).all(1)
    result: NDArray[np.float64] = np.where(equal, 1.0, (a * b).sum(1) / np.where(norms > 0, norms, 1.0))
    return result
