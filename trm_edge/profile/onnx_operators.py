"""ONNX Runtime's profile of a graph, summed up by kind of kernel."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.runtimes import open_session
from trm_edge.runtimes.base import Session
from trm_edge.specs import GraphVariant

_CONTAINERS = frozenset({"Loop", "If", "Scan"})


def graph_operators(
    bundle: Bundle, *, calls: int, threads: int | None, runtime: str = "onnxruntime"
) -> list[OperatorTime]:
    """Profile ``calls`` calls: one supervision step of a step graph or a loop graph, all steps of an unrolled one."""
    with tempfile.TemporaryDirectory() as folder:
        with open_session(bundle, runtime, threads=threads, profile=str(Path(folder, "trace"))) as session:
            inputs = _inputs(session)
            for _ in range(1 + calls):
                session.infer(inputs)
        (trace,) = Path(folder).iterdir()  # written when the graph is closed, in this process or another
        events = json.loads(trace.read_text(encoding="utf-8"))
    return _summed(events, calls)


def kernel_events(events: Sequence[dict[str, Any]]) -> Iterator[tuple[str, float, float]]:
    """Kind, start and duration, both in microseconds, of every kernel that a profile lists.

    The containers of subgraphs are left out: the kernels inside them are listed for themselves.
    """
    for event in events:
        if event["name"].endswith("_kernel_time") and event["args"]["op_name"] not in _CONTAINERS:
            yield event["args"]["op_name"], event["ts"], event["dur"]


def _inputs(session: Session) -> dict[str, NDArray[Any]]:
    manifest = session.manifest
    inputs: dict[str, NDArray[Any]] = {"tokens": np.zeros((manifest.fixed_batch or 1, manifest.seq_len), np.int32)}
    rows = len(inputs["tokens"])
    if manifest.takes_puzzle_ids:
        inputs["puzzle_ids"] = np.zeros(rows, np.int32)
    if manifest.graph is GraphVariant.LOOP:
        inputs |= {"budget": np.array(1, np.int64), "threshold": np.array(np.inf, np.float32)}
    return inputs | session.initial_carry(rows)


def _summed(events: list[dict[str, Any]], calls: int) -> list[OperatorTime]:
    """Kernels by kind."""
    ends = [event["ts"] + event["dur"] for event in events if event.get("name") == "model_run"]
    micros: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for kind, began, duration in kernel_events(events):
        run = int(np.searchsorted(ends, began))
        if not 1 <= run <= calls:
            continue
        micros.setdefault(kind, [0.0] * calls)[run - 1] += duration
        counts[kind] += 1
    times = [
        OperatorTime("graph", kind, float(np.median(runs)), counts[kind] // calls) for kind, runs in micros.items()
    ]
    return sorted(times, key=lambda time: -time.microseconds)
