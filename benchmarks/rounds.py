"""Sides of a comparison and the rounds they run in: each side once a round, in turn, so that noise hits all alike.

Knows sessions of ONNX Runtime, PyTorch models and clocks; what is compared is the scripts' to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes.onnxruntime import load_onnxruntime
from trm_edge.specs import GraphVariant

PAUSE = 0.1  #: seconds between two sides, so that one's threads have stopped spinning before the other starts

Array = NDArray[Any]
Side = Callable[[], object]


def onnx_session(source: bytes | Path, threads: int, *, trace: Path | None = None) -> Any:
    """A graph in ONNX Runtime, on the CPU.

    Args:
        source: the file or its bytes.
        threads: for one call.
        trace: where the runtime's own profile goes (it adds date and ``.json``); None: no profile.
    """
    ort = load_onnxruntime()
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    if trace is not None:
        settings.enable_profiling, settings.profile_file_prefix = True, str(trace)
    model = source if isinstance(source, bytes) else str(source)
    return ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def eager_side(model: RecursiveModel, tokens: Array, steps: int) -> Side:
    """``steps`` supervision steps of the float model, from the initial carry."""
    carry, given = model.initial_carry(len(tokens)), torch.from_numpy(tokens)

    def run() -> None:
        z_H, z_L = carry
        for _ in range(steps):
            z_H, z_L, _, _ = model.step(z_H, z_L, given)

    return run


def step_side(session: Any, model: RecursiveModel, tokens: Array, steps: int) -> Side:
    """``steps`` calls of a step graph whose inputs are tokens, ``z_H`` and ``z_L`` in this order, looped over here."""
    carry = [z.numpy().copy() for z in model.initial_carry(len(tokens))]
    names = [value.name for value in session.get_inputs()]

    def run() -> None:
        z_H, z_L = carry
        for _ in range(steps):
            _, _, z_H, z_L = session.run(None, dict(zip(names, (tokens, z_H, z_L), strict=True)))

    return run


def graph_side(session: Any, graph: GraphVariant, model: RecursiveModel, tokens: Array, steps: int) -> Side:
    """``steps`` supervision steps of one of our graphs, whatever its layout; a loop graph is told not to halt."""
    if graph is GraphVariant.STEP:
        return step_side(session, model, tokens, steps)
    feeds = {"tokens": tokens}
    if graph is GraphVariant.LOOP:
        feeds |= {"budget": np.array(steps), "threshold": np.array(np.inf, dtype=np.float32)}
    return lambda: session.run(None, feeds)


def in_turn(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """Seconds of every side in every round, after one uncounted run of each."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            time.sleep(PAUSE)
            began = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def median_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Median of the rounds' own ratios."""
    return round(float(np.median(np.divide(values, others))), 4)


def step_times(seconds: Mapping[str, list[float]], steps: int, references: Mapping[str, str]) -> dict[str, Any]:
    """Milliseconds a supervision step of every side, and its time over that of the references.

    Args:
        seconds: of every round, from :func:`in_turn`.
        steps: supervision steps in one round.
        references: short name -> side; gives ``ratio_to_<short name>``.
    """
    return {
        name: {
            "ms_per_step": round(1e3 * float(np.median(values)) / steps, 2),
            "ms_per_step_min": round(1e3 * min(values) / steps, 2),
            **{f"ratio_to_{short}": median_ratio(values, seconds[other]) for short, other in references.items()},
        }
        for name, values in seconds.items()
    }
