"""What more steps and more starts buy: exact accuracy of the bundled 9x9 model by step budget and by number of starts.

    python benchmarks/voting.py --data CSV [--every 3] [--budgets 16 32 64] [--starts 1 2 4 8 16]

The vote is ``verified``, halting by the rules as well, on the fp32 step graph. A start with a small budget is the
beginning of one with a large budget, and a vote with few starts the beginning of one with many, so each start at a
puzzle runs once, with the largest budget; the table is read off. Steps are those of all starts of a puzzle.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import save

from trm_edge.bundle import read_bundle
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.runtimes import open_session
from trm_edge.solve import Solver
from trm_edge.solve.variants import symmetric
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.reading import read_file

MODEL = "sudoku-9x9"
NEVER = np.iinfo(np.int32).max  #: steps of a start that does not get there


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="puzzles, for example the hardest known")
    parser.add_argument("--every", type=int, default=3, help="take every N-th row")
    parser.add_argument("--budgets", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--starts", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    puzzles = list(read_file(get_task(MODEL), options.data))[:: options.every]
    with tempfile.TemporaryDirectory() as folder:
        path = export_bundle(load_checkpoint(resolve(MODEL)), ExportOptions(), Path(folder, "bundle"), name=MODEL)
        with read_bundle(path) as bundle, open_session(bundle, threads=options.threads) as session:
            solver = Solver(session, get_task(MODEL), policy="verified", budget=max(options.budgets))
            needed = steps_needed(solver, puzzles, max(options.starts), min(options.budgets))
    results = table(needed, options.budgets, options.starts)
    settings = {
        "model": MODEL,
        "data": options.data.name,
        "every": options.every,
        "puzzles": len(puzzles),
        "vote": "verified",
        "halt": "verified",
    }
    print("saved", save("voting", settings, results).name)


def steps_needed(solver: Solver, puzzles: Sequence[Puzzle], starts: int, smallest: int) -> NDArray[np.int32]:
    """Steps after which each start at each puzzle obeys the rules, [starts, puzzles].

    :data:`NEVER` where the solver's budget does not suffice, and where no start is needed, because an earlier one was
    done within the smallest budget.
    """
    variants = symmetric(solver.task, starts)
    needed = np.full((starts, len(puzzles)), NEVER, np.int32)
    for start in range(starts):
        going = np.flatnonzero((needed > smallest).all(axis=0)).tolist()
        questions = (variants(puzzles[number])[start].of(puzzles[number]) for number in going)
        for number, solution in zip(going, solver.solve_many(questions), strict=True):
            if solution.solved:
                needed[start, number] = solution.steps
        print(f"start {start + 1}: {len(going)} puzzles", flush=True)
    return needed


def table(needed: NDArray[np.int32], budgets: Sequence[int], starts: Sequence[int]) -> list[dict[str, Any]]:
    """Exact accuracy, starts and steps of a puzzle, for each budget of one start and each number of starts."""
    rows = []
    for budget in budgets:
        for count in starts:
            within = needed[:count] <= budget  # [starts, puzzles]
            solved = within.any(axis=0)
            made = np.where(solved, within.argmax(axis=0) + 1, count)
            spent = np.minimum(needed[:count], budget)
            spent = np.where(np.arange(count)[:, None] < made, spent, 0).sum(axis=0)
            row = {
                "budget": budget,
                "starts": count,
                "exact": round(float(solved.mean()), 4),
                "mean_starts": round(float(made.mean()), 3),
                "mean_steps": round(float(spent.mean()), 2),
            }
            rows.append(row)
            print(row, flush=True)
    return rows


if __name__ == "__main__":
    main()
