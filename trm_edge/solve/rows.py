"""The rows of a batch: which puzzle each holds, what has been seen of it, and the solution made of it.

Knows tasks and policies; does not know where logits come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.solve.policies import Mask, Policy, StepState
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """The trajectory of one puzzle up to the step it stopped at.

    Attributes:
        answers: answers after each step, int32 [steps, seq_len].
        q_halt: halting logits, float32 [steps].
    """

    answers: Tokens
    q_halt: NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """What became of one puzzle.

    Attributes:
        puzzle: the puzzle.
        answer: answer tokens, int32 [seq_len].
        grid: the answer in the task's own symbols.
        steps: supervision steps used.
        q_halt: halting logit of the last of them.
        halted: True: the policy fired; False: the budget was spent.
        solved: whether the answer obeys the rules; None for a task whose ``has_rules`` is False.
        trace: the trajectory, if asked for.
    """

    puzzle: Puzzle
    answer: Tokens
    grid: Grid
    steps: int
    q_halt: float
    halted: bool
    solved: bool | None
    trace: Trace | None = None


class Rows:
    """A batch of at most ``capacity`` puzzles; the live ones are the first. Arrays are allocated once.

    Args:
        task: the task of the puzzles.
        policy: decides which rows halt.
        budget: most steps of a row.
        capacity: rows to make room for.
        puzzle_row: original puzzle id -> row of the kept embeddings.
        trace: keep trajectories.
    """

    def __init__(
        self,
        task: Task,
        policy: Policy,
        budget: int,
        capacity: int,
        puzzle_row: Callable[[int], int],
        *,
        trace: bool = False,
    ) -> None:
        self._task = task
        self._policy = policy
        self._budget = budget
        self._puzzle_row = puzzle_row
        self._puzzles: list[Puzzle] = []
        self._traces: list[list[tuple[Tokens, float]]] | None = [[] for _ in range(capacity)] if trace else None
        self._state: StepState | None = None
        self._fired: Mask = np.zeros(0, bool)
        self._has_rules: bool = task.has_rules
        # zeros are tokens too: rows that are not live may be computed where the batch size is fixed
        self.tokens = np.zeros((capacity, task.seq_len), np.int32)
        self.puzzle_rows = np.zeros(capacity, np.int32)
        self.step = np.zeros(capacity, np.int32)
        self._unchanged = np.zeros(capacity, np.int32)
        self._answers = np.empty((capacity, task.seq_len), np.int32)
        self._previous = np.empty((capacity, task.seq_len), np.int32)

    @property
    def live(self) -> int:
        """Rows that hold a puzzle."""
        return len(self._puzzles)

    def fill(self, puzzles: Iterator[Puzzle], count: int) -> int:
        """Load up to ``count`` puzzles behind the live rows; returns how many are live then."""
        for puzzle in islice(puzzles, count):
            self._puzzles.append(puzzle)
            self.load(self.live - 1, puzzle)
        return self.live

    def load(self, row: int, puzzle: Puzzle) -> None:
        """Start ``puzzle`` in a live row.

        Raises:
            InvalidInput: its puzzle id is not kept in the bundle.
        """
        self.puzzle_rows[row] = self._puzzle_row(puzzle.puzzle_id)
        self.tokens[row] = self._task.encode(puzzle.question)
        self._puzzles[row] = puzzle
        self.step[row] = 0
        self._answers[row] = -1  # equals no answer: the first step repeats nothing
        if self._traces is not None:
            self._traces[row] = []

    def drop(self, row: int) -> int:
        """End a row by moving the last live row into its place; returns where that one was."""
        last = self.live - 1
        self._puzzles[row] = self._puzzles[last]
        self._puzzles.pop()
        if row != last:
            for array in (self.tokens, self.puzzle_rows, self.step, self._unchanged, self._answers):
                array[row] = array[last]
            if self._traces is not None:
                self._traces[row] = self._traces[last]
        return last

    def observe(self, answers: NDArray[Any], q_halt: NDArray[np.float32]) -> Mask:
        """Take in one supervision step of the live rows and say which stop after it [live].

        Args:
            answers: answers after the step, whole numbers [live, seq_len].
            q_halt: halting logits [live].
        """
        live = self.live
        self._answers, self._previous = self._previous, self._answers
        self._answers[:live] = answers
        self.step[:live] += 1
        unchanged = self._unchanged[:live]
        unchanged += 1
        unchanged *= (self._answers[:live] == self._previous[:live]).all(axis=1)
        self._state = StepState(
            task=self._task,
            tokens=self.tokens[:live],
            step=self.step[:live],
            answers=self._answers[:live],
            previous=self._previous[:live],
            unchanged=unchanged,
            q_halt=q_halt,
        )
        if self._traces is not None:
            for row in range(live):
                self._traces[row].append((self._answers[row].copy(), float(q_halt[row])))
        self._fired = self._policy.halted(self._state)
        return self._fired | (self.step[:live] >= self._budget)

    def solutions(self, stopped: Mask) -> dict[int, Solution]:
        """Solutions of the rows ``stopped`` [live], by row, as of the last observed step."""
        state = self._state
        assert state is not None, "solutions() comes after observe()"
        rows = np.flatnonzero(stopped)
        if not self._has_rules:
            solved = [None] * len(rows)
        elif state.rules_checked:
            solved = state.solved()[rows].tolist()
        else:
            solved = self._task.solved(state.tokens[rows], state.answers[rows]).tolist()
        return {row: self._solution(state, row, ok) for row, ok in zip(rows.tolist(), solved, strict=True)}

    def _solution(self, state: StepState, row: int, solved: bool | None) -> Solution:
        answer = state.answers[row].copy()
        trace = None
        if self._traces is not None:
            answers, q_halt = zip(*self._traces[row], strict=True)
            trace = Trace(np.array(answers), np.array(q_halt, np.float32))
        return Solution(
            puzzle=self._puzzles[row],
            answer=answer,
            grid=self._task.decode(answer),
            steps=int(state.step[row]),
            q_halt=float(state.q_halt[row]),
            halted=bool(self._fired[row]),
            solved=solved,
            trace=trace,
        )
