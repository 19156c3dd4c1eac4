"""What Python makes of puzzles with the bundles, and what its solver refuses: the sections of ``runs.json``.

Knows sessions and the solver; where the bundles come from is the business of ``make.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import read_bundle
from trm_edge.errors import InvalidInput
from trm_edge.runtimes import Session, open_session
from trm_edge.solve import Solver
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task

SURE = 0.02  #: what decides a run must be clearer than this; in fp32, engines differ by a thousandth of it
EXACT = (1e-3, 0.0)

# how far q_halt of other engines may be (None: not compared), and what share of the puzzles may differ
TOLERANCES: dict[Precision, tuple[float | None, float]] = {
    Precision.FP32: EXACT,
    Precision.FP16: (0.25, 0.25),
    Precision.W8A8: (None, 0.25),  # 8-bit kernels of processors round differently, and rounding feeds on itself
    Precision.W8A16: (None, 0.25),
}


@dataclass(frozen=True)
class Run:
    """Puzzles to solve. ``givens`` makes Sudokus easier or harder; what is None is left to the bundle."""

    name: str
    bundle: str
    count: int
    policy: str | None = None
    budget: int | None = None
    batch: int | None = None
    givens: int | None = None


STEP, LOOP = "sudoku-4x4.fp32.onnx-step", "sudoku-4x4.fp32.onnx-loop"
UNROLLED, LARGE = "sudoku-4x4.fp32.onnx-unrolled", "sudoku-9x9.fp32.onnx-step"

RUNS = (
    Run("sudoku-4x4 step", STEP, 8),
    Run("sudoku-4x4 step from a zip", f"{STEP}.zip", 2),
    Run("sudoku-4x4 step, a fixed number of steps", STEP, 3, policy="fixed:3"),
    Run("sudoku-4x4 step, the budget is spent", STEP, 3, policy="fixed", budget=2),
    Run("sudoku-4x4 step, more steps than the default", STEP, 1, policy="fixed", budget=20),
    Run("sudoku-4x4 step, a stable answer", STEP, 3, policy="stable:2"),
    Run("sudoku-4x4 step, the rules", STEP, 5, policy="verified", givens=4),
    Run("sudoku-4x4 loop", LOOP, 8, batch=3),
    Run("sudoku-4x4 loop, a fixed number of steps", LOOP, 3, policy="fixed:3"),
    Run("sudoku-4x4 loop, the budget is spent", LOOP, 3, policy="fixed", budget=2),
    Run("sudoku-4x4 unrolled", UNROLLED, 8, batch=3),
    Run("sudoku-4x4 unrolled, any of two", UNROLLED, 3, policy="any(stable:2,act:threshold=9)"),
    Run("sudoku-4x4 in half precision", "sudoku-4x4.fp16.onnx-step", 6),
    Run("sudoku-4x4 in int8", "sudoku-4x4.w8a8.onnx-step", 8),
    Run("sudoku-4x4 by executorch", "sudoku-4x4.fp32.executorch-step", 4),
    Run("attention", "rope.fp32.onnx-step", 10, batch=3),
    Run("attention, all of two", "rope.fp32.onnx-step", 4, policy="all(act:threshold=-1,stable:1)"),
    Run("two puzzle embeddings", "puzzles.fp32.onnx-step", 8, batch=3),
    Run("two networks, rows are replaced", "hrm.fp32.onnx-step", 14, batch=3, givens=4),
    Run("two networks, all at once", "hrm.fp32.onnx-step", 14, givens=4),
    Run("two networks, loop", "hrm.fp32.onnx-loop", 8, policy="act:threshold=0.5", batch=4, givens=4),
    Run("integer states", "mlp.w8a16.onnx-step.qualcomm-npu", 8),
    Run("a maze", "maze-5x6.fp32.onnx-step", 6, policy="any(verified,stable:1)", batch=4),
    Run("no rules", "arc-5x5.fp32.onnx-step", 6, batch=4),
    Run("no rules, the policy that needs some", "arc-5x5.fp32.onnx-step", 2, policy="verified", budget=3),
    Run("no rules, loop", "arc-5x5.fp32.onnx-loop", 6, policy="act:threshold=0.25"),
    Run("sudoku-9x9 step, rows are replaced", LARGE, 12, batch=4),
    Run("sudoku-9x9 step, one at a time", LARGE, 2, batch=1),
    Run("sudoku-9x9 step, too few steps", LARGE, 4, policy="act:threshold=1", budget=2, givens=26),
    Run("sudoku-9x9 step, a stable answer that obeys the rules", LARGE, 3, policy="all(stable:1,verified)"),
    Run("sudoku-9x9 in int8", "sudoku-9x9.w8a8.onnx-step", 8, batch=4, givens=34),
)

QUESTION = {"question": "1...2.......3..4", "puzzle_id": 0}

REFUSED: tuple[dict[str, Any], ...] = (
    {"name": "no budget", "bundle": STEP, "budget": 0, "says": "budget must be at least 1 step, not 0"},
    {"name": "a negative budget", "bundle": STEP, "budget": -1, "says": "budget must be at least 1 step, not -1"},
    {"name": "no policy", "bundle": STEP, "policy": "act:max=3", "says": "'max=3'"},
    {
        "name": "more steps than an unrolled graph has",
        "bundle": UNROLLED,
        "budget": 5,
        "says": "budget of 5 steps exceeds the 4",
    },
    {"name": "another policy in a loop graph", "bundle": LOOP, "policy": "stable:2", "says": "not by 'stable:2'"},
    {"name": "a first step in a loop graph", "bundle": LOOP, "policy": "act:min=2", "says": "not by 'act:min=2'"},
    {"name": "the rules in a loop graph", "bundle": LOOP, "policy": "any(act,verified)", "says": "'any(act,verified)'"},
    {
        "name": "a puzzle embedding that was not kept",
        "bundle": "puzzles.fp32.onnx-step",
        "puzzles": [{**QUESTION, "puzzle_id": 2}],
        "says": "Puzzle id 2 is not in this bundle. Kept: 3, 1",
    },
    {"name": "weights of NaN", "bundle": "nan", "puzzles": [QUESTION], "says": "NaN in 'logits'"},
    {"name": "another graph than the manifest says", "bundle": "loop-as-step", "says": "its manifest says"},
    {"name": "other number formats than the manifest says", "bundle": "fp16-as-fp32", "says": "its manifest says"},
    {"name": "no graph", "bundle": "no-graph", "says": "cannot load"},
)


class Listening:
    """A session that remembers how sure its answers were: the least lead of a token over the second best."""

    def __init__(self, session: Session) -> None:
        self.manifest = session.manifest
        self.initial_carry = session.initial_carry
        self.puzzle_row = session.puzzle_row
        self.lead = np.inf
        self._session = session

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """One call of the graph."""
        outputs = self._session.infer(inputs)
        best = np.sort(outputs["logits"], axis=-1)
        self.lead = min(self.lead, float((best[..., -1] - best[..., -2]).min()))
        return outputs


def puzzles_of(task: Task, kept: tuple[int, ...], run: Run) -> Iterator[Puzzle]:
    """Generated puzzles without end, the same for all runs of a task and a number of givens."""
    rng = np.random.default_rng(1)
    options = {} if run.givens is None else {"givens": run.givens}
    while True:
        for puzzle_id in kept or (0,):
            yield replace(task.generate(rng, **options), puzzle_id=puzzle_id)


def is_clear(session: Session, task: Task, run: Run, puzzle: Puzzle) -> bool:
    """Whether no rounding decides the run: neither a token nor whether a halting logit is above a threshold."""
    listening = Listening(session)
    last = Solver(listening, task, policy=run.policy, budget=run.budget)
    if session.manifest.graph is GraphVariant.LOOP:  # tells of one step only: stop it after each
        steps = range(1, last.solve(puzzle).steps + 1)
        solvers = [Solver(listening, task, policy="fixed", budget=step) for step in steps]
        q_halt = [solver.solve(puzzle).q_halt for solver in solvers]
    else:
        trace = last.solve(puzzle, trace=True).trace
        q_halt = [] if trace is None else trace.q_halt.tolist()
    thresholds = [0.0, *(float(number) for number in re.findall(r"threshold=([^,)]+)", str(last.policy)))]
    return listening.lead > SURE and min(abs(q - threshold) for q in q_halt for threshold in thresholds) > SURE


def clear_puzzles(session: Session, task: Task, run: Run) -> list[Puzzle]:
    """The first puzzles that are clear; where engines differ by more than rounding, simply the first."""
    stream = puzzles_of(task, session.manifest.puzzles, run)
    exact = TOLERANCES[session.manifest.precision] == EXACT
    found: list[Puzzle] = []
    for _ in range(10 * run.count):
        puzzle = next(stream)
        if not exact or is_clear(session, task, run, puzzle):
            found.append(puzzle)
        if len(found) == run.count:
            return found
    raise SystemExit(f"run '{run.name}': too few puzzles are clear; change its puzzles or its model")


def replayed(run: Run, folder: Path) -> dict[str, Any]:
    """One case of ``runs``."""
    with read_bundle(folder / run.bundle) as bundle, open_session(bundle, target="cpu", threads=1) as session:
        task = get_task(bundle.manifest.task)
        tolerance, share = TOLERANCES[bundle.manifest.precision]
        puzzles = clear_puzzles(session, task, run)
        settings = {} if run.batch is None else {"batch_size": run.batch}
        solver = Solver(session, task, policy=run.policy, budget=run.budget, **settings)
        solutions = list(solver.solve_many(puzzles))
    case: dict[str, Any] = {
        **{"name": run.name, "bundle": run.bundle, "policy": run.policy, "budget": run.budget, "batch": run.batch},
        "puzzles": [{"question": task.format(p.question), "puzzle_id": p.puzzle_id} for p in puzzles],
        "expect": [
            {
                "answer": task.format(solution.grid) if solution.grid.size else "",  # of ARC it may be empty
                "tokens": solution.answer.tolist(),
                "steps": solution.steps,
                "halted": solution.halted,
                "solved": solution.solved,
                "q_halt": solution.q_halt,
            }
            for solution in solutions
        ],
        "q_halt_tolerance": tolerance,
        "forgive": round(share * len(puzzles)),
    }
    if bundle.manifest.format is Format.EXECUTORCH:
        case |= {"only": ["python"], "reason": "ExecuTorch has no build for the JVM of a desktop, nor for browsers"}
    return case


def refused(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One case of ``refused``, after seeing that it is."""
    case = {"policy": None, "budget": None, "puzzles": []} | case
    try:
        with read_bundle(folder / case["bundle"]) as bundle, open_session(bundle, threads=1) as session:
            task = get_task(bundle.manifest.task)
            solver = Solver(session, task, policy=case["policy"], budget=case["budget"])
            for puzzle in case["puzzles"]:
                solver.solve(replace(task.parse(puzzle["question"]), puzzle_id=puzzle["puzzle_id"]))
    except InvalidInput as error:
        if case["says"] not in str(error) or "\n" in str(error):
            raise SystemExit(f"'{case['name']}' is refused, but says: {error}") from None
        return case
    raise SystemExit(f"'{case['name']}' is not refused")


def make(bundles: Path) -> dict[str, list[dict[str, Any]]]:
    """The sections of ``runs.json``, from the bundles in a folder."""
    return {
        "runs": [replayed(run, bundles) for run in RUNS],
        "refused": [refused(case, bundles) for case in REFUSED],
    }
