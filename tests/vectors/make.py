"""Write the bundles that every language solves and refuses, with what Python made of them: ``make.py OUT``.

``OUT`` must not exist; it appears when all of it is written. Knows exporters, runtimes and the solver; what the damaged
bundles are is the business of ``hostile.py`` beside it, and ``README.md`` says how the files are read.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import torch
from numpy.typing import NDArray

from trm_edge.bundle import read_bundle
from trm_edge.errors import InvalidInput
from trm_edge.export.pipeline import ExportOptions, bundle_name, export_bundle
from trm_edge.model.checkpoint import Checkpoint, load_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.models_registry import resolve
from trm_edge.runtimes import Session, open_session
from trm_edge.solve import Solver
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task

TINY = Path(__file__).parents[1] / "fixtures" / "tiny"
SURE = 0.02  #: engines differ by a thousandth of that; what decides a run must be clearer

# how far q_halt of other engines may be, and what share of the puzzles may differ, by precision
TOLERANCES: dict[Precision, tuple[float | None, float]] = {
    Precision.FP32: (1e-3, 0.0),
    Precision.FP16: (0.25, 0.25),
    Precision.W8A8: (None, 0.25),
}


@dataclass(frozen=True)
class Fixture:
    """A bundle to write: a model by name, how it is exported, and whether it is wanted as a ``.zip``, too."""

    model: str
    options: ExportOptions
    zipped: bool = False


@dataclass(frozen=True)
class Run:
    """Puzzles to solve. ``bundle`` begins the name of a bundle; ``givens`` makes Sudokus easier or harder."""

    name: str
    bundle: str
    count: int
    policy: str | None = None
    budget: int | None = None
    batch: int | None = None
    givens: int | None = None


STEP, LOOP, UNROLLED = GraphVariant.STEP, GraphVariant.LOOP, GraphVariant.UNROLLED

FIXTURES = (
    Fixture("sudoku-4x4", ExportOptions(graph=STEP, steps=8), zipped=True),
    Fixture("sudoku-4x4", ExportOptions(graph=LOOP, steps=8)),
    Fixture("sudoku-4x4", ExportOptions(graph=UNROLLED, steps=4)),
    Fixture("sudoku-4x4", ExportOptions(graph=STEP, steps=8, precision=Precision.W8A8)),
)

RUNS = (
    Run("sudoku-4x4 step", "sudoku-4x4.fp32.onnx-step", 8),
    Run("sudoku-4x4 step from a zip", "sudoku-4x4.fp32.onnx-step.zip", 2),
    Run("sudoku-4x4 step, a fixed number of steps", "sudoku-4x4.fp32.onnx-step", 3, policy="fixed:3"),
    Run("sudoku-4x4 step, the budget is spent", "sudoku-4x4.fp32.onnx-step", 3, policy="fixed", budget=2),
    Run("sudoku-4x4 step, a stable answer", "sudoku-4x4.fp32.onnx-step", 3, policy="stable:2"),
    Run("sudoku-4x4 step, the rules", "sudoku-4x4.fp32.onnx-step", 5, policy="verified", givens=4),
    Run("sudoku-4x4 loop", "sudoku-4x4.fp32.onnx-loop", 8),
    Run("sudoku-4x4 loop, a fixed number of steps", "sudoku-4x4.fp32.onnx-loop", 3, policy="fixed:3"),
    Run("sudoku-4x4 loop, the budget is spent", "sudoku-4x4.fp32.onnx-loop", 3, policy="fixed", budget=2),
    Run("sudoku-4x4 unrolled", "sudoku-4x4.fp32.onnx-unrolled", 8, batch=3),
    Run("sudoku-4x4 unrolled, any of two", "sudoku-4x4.fp32.onnx-unrolled", 3, policy="any(stable:2,act:threshold=4)"),
    Run("sudoku-4x4 in int8", "sudoku-4x4.w8a8.onnx-step", 8),
)

REFUSED: tuple[dict[str, Any], ...] = (
    {
        "name": "more steps than an unrolled graph has",
        "bundle": "sudoku-4x4.fp32.onnx-unrolled",
        "budget": 5,
        "says": "budget of 5 steps exceeds the 4",
    },
    {
        "name": "a policy that a loop graph does not know",
        "bundle": "sudoku-4x4.fp32.onnx-loop",
        "policy": "stable:2",
        "says": "not by 'stable:2'",
    },
    {
        "name": "a first step in a loop graph",
        "bundle": "sudoku-4x4.fp32.onnx-loop",
        "policy": "act:min=2",
        "says": "not by 'act:min=2'",
    },
    {"name": "no budget", "bundle": "sudoku-4x4.fp32.onnx-step", "budget": 0, "says": "at least 1 step"},
    {"name": "no policy", "bundle": "sudoku-4x4.fp32.onnx-step", "policy": "act:max=3", "says": "'max=3'"},
)


# -- bundles ------------------------------------------------------------------------------------


def checkpoint_of(model: str) -> Checkpoint:
    """A bundled model, one of ``tests/fixtures/tiny``, or for a task's id a random one."""
    if (TINY / f"{model}.safetensors").is_file():
        return load_checkpoint(TINY / f"{model}.safetensors")
    if not model.startswith("sudoku"):
        return random_checkpoint(model)
    return load_checkpoint(resolve(model))


def random_checkpoint(task: str) -> Checkpoint:
    """An untrained model with attention. Its recursion contracts: others are chaotic, and no two engines agree."""
    torch.manual_seed(0)
    sizes = {"vocab_size": get_task(task).vocab_size, "seq_len": get_task(task).seq_len}
    shape: dict[str, Any] = {"hidden_size": 32, "num_heads": 2, "H_cycles": 2, "L_cycles": 2, "mlp_t": False}
    model = RecursiveModel(ModelConfig(**sizes, **shape, pos_encodings="rope")).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "_level." in name:
                parameter.mul_(0.5)
        torch.nn.init.normal_(model.q_head.weight)
        torch.nn.init.normal_(model.q_head.bias)
    return Checkpoint(model, task)


def write_bundles(folder: Path) -> None:
    """All bundles, each in a folder of its name."""
    for fixture in FIXTURES:
        name = bundle_name(fixture.model, fixture.options)
        export_bundle(checkpoint_of(fixture.model), fixture.options, folder / name, name=fixture.model)
        if fixture.zipped:
            hostile.zip_folder(folder / name, folder / f"{name}.zip")


# -- runs ---------------------------------------------------------------------------------------


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


def puzzles_of(task: Task, ids: tuple[int, ...], run: Run) -> Iterator[Puzzle]:
    """Generated puzzles without end, the same for all runs of a task and a number of givens."""
    rng = np.random.default_rng(1)
    options = {} if run.givens is None else {"givens": run.givens}
    while True:
        for puzzle_id in ids or (0,):
            yield replace(task.generate(rng, **options), puzzle_id=puzzle_id)


def clear_puzzles(session: Session, task: Task, run: Run) -> list[Puzzle]:
    """The first puzzles that no rounding decides: neither an answer nor whether a halting logit is above a threshold.

    For number formats in which engines differ by more than rounding, simply the first.
    """
    stream = puzzles_of(task, session.manifest.puzzles, run)
    found: list[Puzzle] = []
    for _ in range(8 * run.count):
        puzzle = next(stream)
        listening = Listening(session)
        loop = session.manifest.graph is LOOP
        solver = Solver(listening, task, policy=run.policy, budget=run.budget)
        solution = solver.solve(puzzle, trace=not loop)
        q_halt = [solution.q_halt] if solution.trace is None else solution.trace.q_halt
        threshold = getattr(solver.policy, "threshold", 0.0)
        sure = listening.lead > SURE and min(abs(q - threshold) for q in q_halt) > SURE
        if sure or session.manifest.precision is not Precision.FP32:
            found.append(puzzle)
        if len(found) == run.count:
            return found
    raise SystemExit(f"run '{run.name}': too few puzzles are clear; change its puzzles or its model")


def replayed(run: Run, folder: Path) -> dict[str, Any]:
    """One case of ``runs.json``."""
    with read_bundle(folder / run.bundle) as bundle, open_session(bundle) as session:
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
                "answer": text_of(task, solution.grid),
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


def text_of(task: Task, grid: NDArray[np.int8]) -> str:
    """An answer as text; an ARC answer may be empty, which has no text form."""
    return task.format(grid) if grid.size else ""


def refused(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One case of what a solver refuses, after seeing that it does."""
    case = {"policy": None, "budget": None, "puzzles": []} | case
    try:
        with read_bundle(folder / case["bundle"]) as bundle, open_session(bundle) as session:
            task = get_task(bundle.manifest.task)
            solver = Solver(session, task, policy=case["policy"], budget=case["budget"])
            for puzzle in case["puzzles"]:
                solver.solve(replace(task.parse(puzzle["question"]), puzzle_id=puzzle["puzzle_id"]))
    except InvalidInput as error:
        if case["says"] not in str(error):
            raise SystemExit(f"'{case['name']}' is refused, but says: {error}") from None
        return case
    raise SystemExit(f"'{case['name']}' is not refused")


# -- writing ------------------------------------------------------------------------------------


def write_json(path: Path, **sections: Any) -> None:
    """Sections of a vector file; arrays one case a line."""
    lines = []
    for name, value in sections.items():
        cases = ",\n    ".join(json.dumps(case) for case in value) if isinstance(value, list) else None
        lines.append(f'  "{name}": ' + (json.dumps(value) if cases is None else f"[\n    {cases}\n  ]"))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def make(out: Path) -> None:
    """Everything below ``out``."""
    bundles = out / "bundles"
    bundles.mkdir()
    for what, work in stages(out, bundles):
        started = time.monotonic()
        work()
        print(f"{what}: {time.monotonic() - started:.1f} s", file=sys.stderr)


def stages(out: Path, bundles: Path) -> Iterable[tuple[str, Any]]:
    """What is done, in order."""
    yield "bundles", lambda: write_bundles(bundles)
    yield (
        "runs",
        lambda: write_json(
            out / "runs.json",
            runs=[replayed(run, bundles) for run in RUNS],
            refused=[refused(case, bundles) for case in REFUSED],
        ),
    )


def main(arguments: list[str]) -> None:
    """Write beside ``OUT`` and rename: nobody reads half of it."""
    if len(arguments) != 1:
        raise SystemExit("Usage: python tests/vectors/make.py OUT (a folder that does not exist yet)")
    out = Path(arguments[0]).absolute()
    if out.exists():
        raise SystemExit(f"{out} exists: remove it, or name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        make(building)
        building.chmod(0o755)
        os.rename(building, out)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
