"""Where the time of a graph goes by ONNX Runtime's own profile: kernel by kernel, nothing inferred from the graph."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rounds import Side, onnx_session

from trm_edge.profile.onnx_operators import kernel_events
from trm_edge.profile.operator_time import PRODUCTS


def kernel_times(
    source: bytes | Path, side: Callable[[Any], Side], *, threads: int, steps: int, calls: int, top: int = 8
) -> dict[str, Any]:
    """Profile a graph.

    Args:
        source: the file or its bytes.
        side: makes of a session what is to be run.
        threads: for one call.
        steps: supervision steps in one run.
        calls: runs that count, after one that does not.
        top: kernels to list.

    Returns:
        All for one supervision step: ``us`` in kernels, ``products_share`` of it, ``products`` (how many ran), and
        ``top``, the most expensive kernels with their microseconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        session = onnx_session(source, threads, trace=Path(folder, "trace"))
        run = side(session)
        for _ in range(1 + calls):
            run()
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return summarise(events, steps=steps, calls=calls, top=top)


def summarise(events: Sequence[dict[str, Any]], *, steps: int, calls: int, top: int) -> dict[str, Any]:
    """What :func:`kernel_times` returns, out of a profile of ``1 + calls`` runs."""
    runs = sorted(event["ts"] for event in events if event["name"] == "model_run")
    counted_from = runs[len(runs) // (1 + calls)]  # a step graph is called ``steps`` times a run, the others once
    microseconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for kernel, began, duration in kernel_events(events):
        if began >= counted_from:
            microseconds[kernel] += duration
            count[kernel] += 1
    total, all_steps = microseconds.total(), steps * calls
    return {
        "us": round(total / all_steps, 1),
        "products_share": round(sum(microseconds[kernel] for kernel in PRODUCTS) / total, 4),
        "products": round(sum(count[kernel] for kernel in PRODUCTS) / all_steps, 2),
        "top": {kernel: round(us / all_steps, 1) for kernel, us in microseconds.most_common(top)},
    }
