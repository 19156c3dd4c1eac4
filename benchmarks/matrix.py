"""Every kind of model in every format, graph and precision, under every kind of halting policy: what works, what is
refused and why.

    python benchmarks/matrix.py [--puzzles 64]

Runs on the tiny trained models of ``tests/fixtures/tiny``. ``tests/test_matrix.py`` goes through the same combinations
with the same code and says how far a bundle may be from its float model; here it is measured and kept.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from record import save

from trm_edge.bundle import read_bundle
from trm_edge.errors import Refused
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import Checkpoint, load_checkpoint
from trm_edge.runtimes import Session, open_session
from trm_edge.runtimes.torch_eager import TorchEagerSession
from trm_edge.solve import Solution, Solver
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.comparison import with_kept_ids
from trm_edge.tasks.generating import generate_many
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import verify_bundle

MODELS = Path(__file__).parents[1] / "tests" / "fixtures" / "tiny"
TASK = "sudoku-4x4"
KINDS = ("mlp", "rope", "learned", "puzzles", "hrm")
BACKENDS = {Format.ONNX: ("",), Format.EXECUTORCH: ("xnnpack", "portable")}
POLICIES = ("fixed:3", "act", "act:threshold=2", "stable:2", "verified", "any(act:min=2,stable:2)")
GIVENS = 8  #: of every puzzle; the models are worse with fewer
STEPS = 6  #: depth of unrolled graphs and budget of the others
BATCH = 4  #: puzzles a call of an ExecuTorch program, which has it built in
KEPT = (2, 0)  #: puzzle embeddings that stay, of four and out of order
COMPARED, GOLDEN, CALIBRATED = range(3)  #: seeds of three lots of puzzles


@dataclass(frozen=True)
class Combination:
    """What to export.

    Attributes:
        kind: of the model, a name in :data:`KINDS`.
        format: of the graph's file.
        backend: ExecuTorch only, else empty.
        graph: layout of the recursion.
        precision: number format.
    """

    kind: str
    format: Format
    backend: str
    graph: GraphVariant
    precision: Precision

    def __str__(self) -> str:
        return "-".join(filter(None, (self.kind, self.format, self.backend, self.graph, self.precision)))

    @property
    def options(self) -> ExportOptions:
        """Small where small is enough."""
        options = ExportOptions(
            graph=self.graph,
            precision=self.precision,
            steps=STEPS,
            puzzles=KEPT if self.kind == "puzzles" else None,
            format=self.format,
        )
        return replace(options, backend=self.backend, batch=BATCH) if self.backend else options


@dataclass(frozen=True)
class Halting:
    """How a bundle ran under one halting policy.

    Attributes:
        refusal: why it would not, else None.
        answers: puzzles that it answers as the float model does, each side where it halts.
        steps: puzzles on which it halts where the float model does.
    """

    refusal: str | None = None
    answers: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a combination.

    Attributes:
        refusal: why it was not exported, else None.
        violations: bounds of ``trm-edge verify`` that were not kept, one line each.
        policies: by halting policy, see :data:`POLICIES`.
    """

    refusal: str | None = None
    violations: Sequence[str] = ()
    policies: Mapping[str, Halting] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reference:
    """A float model and what it answers.

    Attributes:
        checkpoint: the model.
        session: the same, to run.
        puzzles: what to compare on.
        solutions: to these, by halting policy.
    """

    checkpoint: Checkpoint
    session: Session
    puzzles: Sequence[Puzzle]
    solutions: Mapping[str, Sequence[Solution]]


def combinations() -> Iterator[Combination]:
    """All of them, the refused ones too."""
    for kind, format, graph, precision in product(KINDS, Format, GraphVariant, Precision):
        for backend in BACKENDS[format]:
            yield Combination(kind, format, backend, graph, precision)


def open_kind(kind: str, count: int) -> Reference:
    """The float model of a kind, run over ``count`` puzzles under every policy."""
    checkpoint = load_checkpoint(MODELS / f"{kind}.safetensors")
    session = TorchEagerSession.from_model(checkpoint.model, checkpoint.task, name=kind)
    chosen = puzzles(kind, count, COMPARED)
    solutions = {policy: solve(session, chosen, policy) for policy in POLICIES}
    return Reference(checkpoint, session, chosen, solutions)


def puzzles(kind: str, count: int, seed: int) -> list[Puzzle]:
    """Fresh ones, with the puzzle embeddings that stay in turn."""
    fresh = generate_many(get_task(TASK), count, seed, {"givens": GIVENS})
    return list(with_kept_ids(fresh, KEPT if kind == "puzzles" else ()))


def solve(session: Session, given: Sequence[Puzzle], policy: str) -> list[Solution]:
    """Run under a policy.

    Raises:
        Refused: the graph cannot halt by it.
    """
    return list(Solver(session, get_task(TASK), policy=policy, budget=STEPS).solve_many(given))


def run(combination: Combination, reference: Reference) -> Outcome:
    """Export, verify, and solve under every policy.

    Raises:
        TrmEdgeError: anything but a refusal; then the combination is broken.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = export_bundle(
                reference.checkpoint,
                combination.options,
                Path(folder) / "bundle",
                name=combination.kind,
                puzzles=puzzles(combination.kind, 4, GOLDEN),
                calibration=puzzles(combination.kind, 16, CALIBRATED),
            )
        except Refused as refusal:
            return Outcome(str(refusal))
        with read_bundle(path) as bundle, open_session(bundle, threads=1) as session:
            found = verify_bundle(
                bundle,
                session,
                DEFAULT_BOUNDS[combination.precision],
                reference=reference.session,
                puzzles=reference.puzzles,
            )
            policies = {policy: compare(session, reference, policy) for policy in POLICIES}
    return Outcome(None, tuple(found.violations), policies)


def compare(session: Session, reference: Reference, policy: str) -> Halting:
    """A bundle beside its float model under one policy."""
    try:
        solutions = solve(session, reference.puzzles, policy)
    except Refused as refusal:
        return Halting(str(refusal))
    pairs = list(zip(solutions, reference.solutions[policy], strict=True))
    return Halting(
        answers=sum(bool((ours.answer == theirs.answer).all()) for ours, theirs in pairs),
        steps=sum(ours.steps == theirs.steps for ours, theirs in pairs),
    )


def main() -> None:
    """Run all of them, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--puzzles", type=int, default=64)
    options = parser.parse_args()
    references = {kind: open_kind(kind, options.puzzles) for kind in KINDS}
    rows: list[dict[str, Any]] = []
    for combination in combinations():
        outcome = run(combination, references[combination.kind])
        rows.append({**asdict(combination), **asdict(outcome)})
        print(combination, outcome.refusal or outcome.violations or "ok", flush=True)
    settings = {**vars(options), "steps": STEPS, "policies": POLICIES}
    print("saved", save("matrix", settings, rows).name)


if __name__ == "__main__":
    main()
