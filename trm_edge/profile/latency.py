"""How long solving takes: several solvers over the same puzzles, in turn, so that noise hits them alike.

Runtimes keep their threads spinning for a moment after a call, which slows whoever runs next (a float model beside ONNX
Runtime by an order of magnitude). So the turns are whole rounds of puzzles, each after a pause and an uncounted puzzle.

Knows solvers and clocks; does not know where a session comes from.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trm_edge.solve import Solution, Solver
from trm_edge.tasks.base import Puzzle

PAUSE = 0.1  #: seconds before a turn


@dataclass(frozen=True, eq=False)
class Timing:
    """What one solver did.

    Attributes:
        seconds: [repeats, puzzles], wall time from puzzle to solution.
        solutions: one for each puzzle.
    """

    seconds: NDArray[np.float64]
    solutions: Sequence[Solution]

    @property
    def puzzle_ms(self) -> float:
        """Median milliseconds for one puzzle."""
        return 1e3 * float(np.median(self.seconds))

    @property
    def step_ms(self) -> float:
        """Median milliseconds for one supervision step, the host's share included."""
        steps = np.array([solution.steps for solution in self.solutions])
        return 1e3 * float(np.median(self.seconds / steps))

    @property
    def mean_steps(self) -> float:
        """Mean number of supervision steps until a puzzle halted."""
        return float(np.mean([solution.steps for solution in self.solutions]))

    @property
    def solved(self) -> int:
        """Puzzles whose answer obeys the rules."""
        return sum(solution.solved is True for solution in self.solutions)


def time_solvers(solvers: Mapping[str, Solver], puzzles: Sequence[Puzzle], *, repeats: int = 3) -> dict[str, Timing]:
    """Solve the puzzles one by one, with every solver in turn, ``repeats`` times after a warm-up.

    Args:
        solvers: by name, at least one.
        puzzles: at least one.
        repeats: counted rounds.

    Returns:
        A :class:`Timing` for each solver, under its name.
    """
    seconds = {name: np.zeros((repeats, len(puzzles))) for name in solvers}
    solutions: dict[str, list[Solution]] = {name: [s.solve(p) for p in puzzles] for name, s in solvers.items()}
    for repeat in range(repeats):
        for name, solver in solvers.items():
            time.sleep(PAUSE)
            solver.solve(puzzles[0])
            for number, puzzle in enumerate(puzzles):
                began = time.perf_counter()
                solver.solve(puzzle)
                seconds[name][repeat, number] = time.perf_counter() - began
    return {name: Timing(seconds[name], solutions[name]) for name in solvers}
