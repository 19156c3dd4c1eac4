"""What the host copies of the carry between two steps: of floats, of integers, with and without IO binding.

    python benchmarks/carry_copies.py [--threads 1] [--rounds 15] [--steps 4]

The step graph of sudoku-9x9, one puzzle, on the CPU in fp32 and wholly in integers on Qualcomm's NPU (its simulator on
x86-64, whose times say nothing of the NPU's; left out where it is not installed). Copies are counted from the arrays:
one that shares no memory with what it was made from is a copy. What a runtime does inside a call is not seen.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import save
from rounds import Side, in_turn, onnx_session, step_times

from trm_edge.bundle import CarrySpec, read_bundle
from trm_edge.bundle.carry import to_real, to_stored
from trm_edge.export.options import ExportOptions
from trm_edge.export.pipeline import export_bundle
from trm_edge.export.targets import get_target
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import Session, open_session
from trm_edge.specs import Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many

MODEL = "sudoku-9x9"
Handed = Callable[[CarrySpec, NDArray[Any]], list[NDArray[Any]]]
"""What the host makes of a state between two steps: every array on the way, the last one for the graph."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    for target, precision, ways in (
        ("cpu", Precision.FP32, {"handed on": handed_on, "copied": copied}),
        ("qualcomm-npu", Precision.W8A16, {"handed on": handed_on, "through floats": through_floats}),
    ):
        if not get_target(target).installed():
            print(target, "is not installed: left out")
            continue
        rows |= measure(target, precision, ways, options)
    for name, row in rows.items():
        print(name.ljust(40), row)
    print("saved", save("carry_copies", vars(options), rows).name)


def handed_on(state: CarrySpec, stored: NDArray[Any]) -> list[NDArray[Any]]:
    """As the solver does: the output is the next input."""
    return [stored]


def copied(state: CarrySpec, stored: NDArray[Any]) -> list[NDArray[Any]]:
    """As a host does that keeps its own carry."""
    return [stored.copy()]


def through_floats(state: CarrySpec, stored: NDArray[Any]) -> list[NDArray[Any]]:
    """As a host does whose carry is float while the graph's is not."""
    real = to_real(state, stored)
    return [real, to_stored(state, real, str(stored.dtype))]


def measure(
    target: str, precision: Precision, ways: Mapping[str, Handed], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Every way to carry one bundle's states; on the CPU also with IO binding."""
    checkpoint = load_checkpoint(resolve(MODEL))
    task = get_task(checkpoint.task)
    tokens = task.encode(next(iter(generate_many(task, 1, 0))).question)[None].astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        chosen = ExportOptions(target=target, precision=precision)
        path = export_bundle(checkpoint, chosen, Path(folder, "bundle"), name=MODEL)
        with read_bundle(path) as bundle, open_session(bundle, threads=options.threads) as session:
            sides: dict[str, Side] = {}
            facts: dict[str, dict[str, Any]] = {}
            for way, handed in ways.items():
                name = f"{target} {precision}, {way}"
                sides[name] = side(session, tokens, options.steps, handed)
                facts[name] = copies(session, tokens, handed)
            if target == "cpu":
                name = f"{target} {precision}, IO binding"
                sides[name] = bound_side(bundle.model_path, session, tokens, options)
                facts[name] = {**facts[f"{target} {precision}, handed on"], "host_copies_bytes": 0}
            first = next(iter(sides))
            times = step_times(in_turn(sides, options.rounds), options.steps, {"handed_on": first})
            return {name: {"provider": session.provider, **facts[name], **times[name]} for name in sides}


def copies(session: Session, tokens: NDArray[np.int32], handed: Handed) -> dict[str, Any]:
    """Bytes of the carry, and what the host copies of it between two steps."""
    outputs = session.infer({"tokens": tokens, **session.initial_carry(1)})
    crossing = made = 0
    owned = False
    for state in session.manifest.carry:
        array = outputs[state.output]
        crossing += array.nbytes
        owned |= array.flags.owndata
        before = array
        for after in handed(state, array):
            made += 0 if np.shares_memory(before, after) else after.nbytes
            before = after
    return {"carry_bytes": crossing, "host_copies_bytes": made, "outputs_copied_by_runtime": owned}


def side(session: Session, tokens: NDArray[np.int32], steps: int, handed: Handed) -> Side:
    """``steps`` supervision steps, the carry handed over as ``handed`` says."""
    start = session.initial_carry(1)

    def run() -> None:
        carry = start
        for _ in range(steps):
            outputs = session.infer({"tokens": tokens, **carry})
            carry = {state.input: handed(state, outputs[state.output])[-1] for state in session.manifest.carry}

    return run


def bound_side(path: Path, session: Session, tokens: NDArray[np.int32], options: argparse.Namespace) -> Side:
    """The same with two sets of buffers that take turns, bound to the graph: nothing is allocated between steps."""
    graph = onnx_session(path, options.threads)
    manifest = session.manifest
    start = session.initial_carry(1)
    turns = [{state.input: np.empty_like(start[state.input]) for state in manifest.carry} for _ in range(2)]
    shapes = {spec.name: [size if isinstance(size, int) else 1 for size in spec.shape] for spec in manifest.outputs}
    heads = {name: np.empty(shapes[name], np.float32) for name in ("logits", "q_halt")}
    binding = graph.io_binding()

    def run() -> None:
        carry = start
        for step in range(options.steps):
            following = turns[step % 2]
            for name, array in {"tokens": tokens, **carry}.items():
                binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            outputs = heads | {state.output: following[state.input] for state in manifest.carry}
            for name, array in outputs.items():
                binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            graph.run_with_iobinding(binding)
            carry = following

    return run


if __name__ == "__main__":
    main()
