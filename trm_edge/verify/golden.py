"""Replay of a bundle's golden vectors: does this runtime, here, answer as the float model did?

Needs neither the float model nor the exporter, only the bundle and a session.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from trm_edge.bundle import GoldenVectors
from trm_edge.runtimes.base import Session
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.verify.steps import Batch, halting, supervision_steps


@dataclass(frozen=True)
class GoldenReport:
    """How a session replayed the golden vectors.

    Attributes:
        puzzles: how many there are.
        answers: puzzles whose answer at the halting step equals the float model's, cell by cell.
        last_answers: the same after the last step.
        halting_steps: puzzles that halt at the float model's step.
        q_halt_error: largest absolute error of the halting logit after each step [steps].
    """

    puzzles: int
    answers: int
    last_answers: int
    halting_steps: int
    q_halt_error: tuple[float, ...]

    @property
    def answer_agreement(self) -> float:
        """Share of equal answers at the halting step."""
        return self.answers / self.puzzles

    @property
    def halting_agreement(self) -> float:
        """Share of equal halting steps."""
        return self.halting_steps / self.puzzles

    def __str__(self) -> str:
        return (
            f"{self.answers} of {self.puzzles} answers and {self.halting_steps} of {self.puzzles} halting steps equal, "
            f"halting logits within {max(self.q_halt_error):.1e}"
        )


def check_golden(session: Session, vectors: GoldenVectors) -> GoldenReport:
    """Run the golden puzzles through ``session`` with the bundle's default halting policy.

    Raises:
        InvalidBundle: the graph answers NaN, or not what the manifest says.
    """
    task = get_task(session.manifest.task)
    budget = len(vectors.q_halt)
    solver = Solver(session, task, budget=budget)
    width = session.manifest.fixed_batch or len(vectors)
    equal = Counter[str]()
    q_error = np.zeros(budget)
    for low in range(0, len(vectors), width):
        rows = slice(low, low + width)
        ids = vectors.puzzle_ids[rows].tolist()
        batch = Batch.of(vectors.tokens[rows], ids, width=width)
        results = list(supervision_steps(session, batch, budget))
        answers, q_halt = np.stack([r.answers for r in results]), np.stack([r.q_halt for r in results])
        grids = map(task.decode, vectors.tokens[rows])
        puzzles = [Puzzle(grid, puzzle_id=number) for grid, number in zip(grids, ids, strict=True)]
        steps, halted = halting(solver, puzzles, answers, q_halt)
        equal["answers"] += int((halted == vectors.answers[rows]).all(-1).sum())
        equal["last_answers"] += int((answers[-1] == vectors.last_answers[rows]).all(-1).sum())
        equal["halting_steps"] += int((steps == vectors.halting_steps[rows]).sum())
        q_error = np.maximum(q_error, np.abs(q_halt - vectors.q_halt[:, rows]).max(-1))
    return GoldenReport(puzzles=len(vectors), q_halt_error=tuple(q_error.tolist()), **equal)
