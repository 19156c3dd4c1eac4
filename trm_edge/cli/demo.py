"""``trm-edge demo``: the whole road once - export, solve, compare with the float model, time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trm_edge.specs import GraphVariant

if TYPE_CHECKING:
    from rich.console import Console

    from trm_edge.bundle import Manifest
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.profile.latency import Timing
    from trm_edge.solve import Solver
    from trm_edge.tasks.base import Puzzle

FLOAT = "float model"


def demo(
    model: Annotated[str | None, typer.Argument(help="Bundled model or checkpoint; default: sudoku-9x9.")] = None,
    puzzles: Annotated[int, typer.Option(min=1, help="Puzzles to solve.")] = 24,
    steps: Annotated[int, typer.Option(min=1, help="Budget of supervision steps.")] = 16,
    threshold: Annotated[float, typer.Option(help="Halt when the halting logit is greater.")] = 2.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the puzzles.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of every runtime.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the bundles in this folder.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace bundles that lie there.")] = False,
) -> None:
    """Export a model in every graph variant, solve fresh puzzles with each, and compare."""
    import tempfile

    from rich.console import Console

    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.models_registry import resolve
    from trm_edge.optional import require

    for package, extra in (("onnx", "export"), ("onnxruntime", "onnx")):
        require(package, extra=extra)
    source = resolve(model)
    checkpoint = load_checkpoint(source)
    console = Console()
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trm-edge-demo-")))
        solvers = {FLOAT: _float_solver(stack, checkpoint, steps, threshold, threads)}
        manifests: dict[str, Manifest] = {}
        for graph in GraphVariant:
            with console.status(f"exporting the {graph} graph ..."):
                solver = _bundle_solver(stack, checkpoint, source, graph, folder, steps, threshold, threads, overwrite)
            solvers[graph.value] = solver
            manifests[graph.value] = solver.session.manifest
        chosen = _fresh_puzzles(checkpoint.task, puzzles, seed)
        _show_one(console, solvers[next(iter(manifests))], chosen[0])
        from trm_edge.profile.latency import time_solvers

        with console.status(f"solving {puzzles} puzzles with each ..."):
            timings = time_solvers(solvers, chosen)
    console.print(_table(timings, manifests, threshold))
    if out is not None:
        console.print(f"The bundles lie in {out}. Try: trm-edge inspect {out}/{next(iter(manifests.values())).name}")


def _float_solver(
    stack: ExitStack, checkpoint: Checkpoint, steps: int, threshold: float, threads: int | None
) -> Solver:
    from trm_edge.runtimes.torch_eager import TorchEagerSession
    from trm_edge.solve import Act, Solver
    from trm_edge.tasks import get_task

    session = stack.enter_context(TorchEagerSession.from_model(checkpoint.model, checkpoint.task, threads=threads))
    return Solver(session, get_task(checkpoint.task), policy=Act(threshold), budget=steps)


def _bundle_solver(
    stack: ExitStack,
    checkpoint: Checkpoint,
    source: Path,
    graph: GraphVariant,
    folder: Path,
    steps: int,
    threshold: float,
    threads: int | None,
    overwrite: bool,
) -> Solver:
    from trm_edge.bundle import read_bundle
    from trm_edge.cli.export import model_name
    from trm_edge.export.pipeline import ExportOptions, bundle_name, export_bundle
    from trm_edge.runtimes import open_session
    from trm_edge.solve import Solver
    from trm_edge.tasks import get_task

    options, name = ExportOptions(graph=graph, steps=steps, threshold=threshold), model_name(source)
    path = export_bundle(checkpoint, options, folder / bundle_name(name, options), name=name, overwrite=overwrite)
    bundle = stack.enter_context(read_bundle(path))
    session = stack.enter_context(open_session(bundle, threads=threads))
    return Solver(session, get_task(checkpoint.task), budget=steps)  # halts as the bundle says


def _fresh_puzzles(task_id: str, count: int, seed: int) -> list[Puzzle]:
    """Puzzles nobody has seen; 9x9 ones with 30 to 40 givens, as printed in newspapers."""
    import numpy as np

    from trm_edge.tasks import get_task

    rng, task = np.random.default_rng([seed, 2]), get_task(task_id)
    options = ({"givens": int(rng.integers(30, 41))} if task_id == "sudoku-9x9" else {} for _ in range(count))
    return [task.generate(rng, **chosen) for chosen in options]


def _show_one(console: Console, solver: Solver, puzzle: Puzzle) -> None:
    from rich.columns import Columns

    solution = solver.solve(puzzle)
    question = solver.task.render_text(puzzle.question)
    answer = solver.task.render_text(solution.grid, question=puzzle.question)
    console.print(Columns([question, answer], padding=(0, 4)))
    rules = {True: "the rules are kept", False: "the rules are broken", None: "this task has no rules"}[solution.solved]
    console.print(f"halted by itself after {solution.steps} supervision step(s); {rules}\n", highlight=False)


def _table(timings: dict[str, Timing], manifests: dict[str, Manifest], threshold: float) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    reference = timings[FLOAT]
    count = len(reference.solutions)
    table = Table(
        title=f"{count} fresh puzzles, one at a time, each halting by itself (ACT, logit > {threshold:g})",
        caption=f"{FLOAT}: PyTorch, uncompiled; the graphs: ONNX Runtime. Medians, in turn.",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    titles = "graph|file\nMB|nodes|solved|same\nanswer|same\nhalt|mean\nsteps|ms/\nstep|ms/\npuzzle|speed"
    for title in titles.split("|"):
        table.add_column(title, justify="left" if title == "graph" else "right", no_wrap=True)
    for name, timing in timings.items():
        pairs = list(zip(reference.solutions, timing.solutions, strict=True))
        stats = manifests[name].graph_stats if name in manifests else None
        table.add_row(
            name,
            f"{stats['file_bytes'] / 1e6:.2f}" if stats else "",
            str(stats["node_count"]) if stats else "",
            f"{timing.solved}/{count}",
            f"{sum((a.answer == b.answer).all() for a, b in pairs)}/{count}",
            f"{sum(a.steps == b.steps for a, b in pairs)}/{count}",
            f"{timing.mean_steps:.2f}",
            f"{timing.step_ms:.2f}",
            f"{timing.puzzle_ms:.2f}",
            f"{reference.puzzle_ms / timing.puzzle_ms:.1f} x",
        )
    return table
