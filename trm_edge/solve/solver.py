"""The loop over supervision steps: puzzles in, solutions out, in order, a bounded number in memory.

Knows tasks (to encode, decode and check) and anything shaped like a session; knows no engine.

For a ``step`` graph the batch is kept dense: a row that halts makes room at once for the next puzzle, or, when
there is none, for the last row. The carry a step returns is the carry the next one takes; only rows that change
hands are copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Manifest
from trm_edge.errors import InvalidInput, Refused
from trm_edge.solve.policies import Act, Fixed, Mask, Policy, StepState, parse_policy
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens

Arrays = dict[str, NDArray[Any]]

DEFAULT_BATCH = 32


class StepSession(Protocol):
    """What the solver asks of a session; every :class:`trm_edge.runtimes.Session` is one."""

    manifest: Manifest

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """One call of the graph."""
        ...

    def initial_carry(self, batch: int) -> Arrays:
        """The carry before the first step, by input name."""
        ...

    def puzzle_row(self, puzzle_id: int) -> int:
        """Row of the kept puzzle embeddings."""
        ...


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
        solved: whether the answer obeys the rules; False as well for tasks that have none.
        trace: the trajectory, if asked for.
    """

    puzzle: Puzzle
    answer: Tokens
    grid: Grid
    steps: int
    q_halt: float
    halted: bool
    solved: bool
    trace: Trace | None = None


class Solver:
    """Solves puzzles with one session under one halting policy.

    Args:
        session: an open session.
        task: the task the bundle was made for.
        policy: a policy or its text; None: the bundle's default.
        budget: most supervision steps a puzzle may take; None: the bundle's default.
        batch_size: most puzzles in one call; a batch size built into the graph takes its place.

    Raises:
        InvalidInput: another task than the bundle's, a budget or batch size below 1, an unreadable policy.
        Refused: the graph variant cannot do what is asked; names one that can.
    """

    def __init__(
        self,
        session: StepSession,
        task: Task,
        *,
        policy: Policy | str | None = None,
        budget: int | None = None,
        batch_size: int = DEFAULT_BATCH,
    ) -> None:
        manifest = session.manifest
        if task.id != manifest.task:
            raise InvalidInput(f"The bundle was made for the task '{manifest.task}', not '{task.id}'")
        if (task.seq_len, task.vocab_size) != (manifest.seq_len, manifest.vocab_size):
            raise InvalidInput(
                f"The bundle has {manifest.seq_len} tokens of {manifest.vocab_size} values,"
                f" the task '{task.id}' has {task.seq_len} of {task.vocab_size}"
            )
        if batch_size < 1:
            raise InvalidInput(f"batch size must be at least 1, not {batch_size}")
        if policy is None:
            policy = default_policy(manifest)
        self.session = session
        self.task = task
        self.policy = parse_policy(policy) if isinstance(policy, str) else policy
        self.budget = manifest.halting.max_steps if budget is None else budget
        self.batch_size = manifest.fixed_batch or batch_size
        if not 1 <= self.budget < 2**31:
            raise InvalidInput(f"budget must be at least 1 step, not {self.budget}")
        self._fixed_batch = manifest.fixed_batch
        self._takes_puzzle_ids = manifest.takes_puzzle_ids
        if manifest.graph is GraphVariant.UNROLLED and self.budget > manifest.steps:
            raise Refused(
                f"A budget of {self.budget} steps exceeds the {manifest.steps} of this unrolled graph."
                f" Ask for at most {manifest.steps}, or export a step graph, which has no limit."
            )
        if manifest.graph is GraphVariant.LOOP:
            _check_loop_policy(self.policy)

    def solve(self, puzzle: Puzzle, *, trace: bool = False) -> Solution:
        """Solve one puzzle."""
        return next(self._run(iter((puzzle,)), 1, trace))

    def solve_many(self, puzzles: Iterable[Puzzle], *, trace: bool = False) -> Iterator[Solution]:
        """Solve puzzles as they come and yield their solutions in the same order.

        At most ``batch_size`` puzzles are worked on and ``budget * batch_size`` finished ones wait for their turn.

        Args:
            puzzles: any iterable; it is read as rows become free.
            trace: record the trajectory of each puzzle.

        Raises:
            InvalidInput: a puzzle id that the bundle did not keep.
            Refused: ``trace`` with a loop graph, which gives only the last step away.
        """
        return self._run(iter(puzzles), self.batch_size, trace)

    def _run(self, puzzles: Iterator[Puzzle], capacity: int, trace: bool) -> Iterator[Solution]:
        match self.session.manifest.graph:
            case GraphVariant.STEP:
                return self._run_step(puzzles, capacity, trace)
            case GraphVariant.UNROLLED:
                return self._run_unrolled(puzzles, capacity, trace)
            case GraphVariant.LOOP:
                if trace:
                    raise Refused("A loop graph gives only the last step away: use a step or unrolled graph to trace")
                return self._run_loop(puzzles, capacity)

    # -- step graphs --------------------------------------------------------------------------
    def _run_step(self, puzzles: Iterator[Puzzle], capacity: int, trace: bool) -> Iterator[Solution]:
        rows = _Rows(self, self._fixed_batch or capacity, trace)
        live = 0
        for puzzle in islice(puzzles, capacity):
            rows.load(live, puzzle)
            live += 1
        fresh = self.session.initial_carry(1)
        carry = self.session.initial_carry(self._fixed_batch or live) if live else {}
        next_input = {state.output: state.input for state in self.session.manifest.carry}
        serials = list(range(live))  # place of each row's puzzle in the input
        started = live
        finished: dict[int, Solution] = {}  # waiting for the ones before them
        yielded = 0
        while live:
            width = self._fixed_batch or live
            inputs = rows.inputs(width)
            for name, array in carry.items():
                inputs[name] = array[:width]
            outputs = self.session.infer(inputs)
            carry = {name: outputs[output] for output, name in next_input.items()}
            stopped = rows.observe(outputs["logits"][:live].argmax(-1), outputs["q_halt"][:live])
            if not stopped.any():
                continue
            solutions = rows.solutions(stopped)
            for row in reversed(np.flatnonzero(stopped).tolist()):  # backwards: the last live row never is a stopped one
                finished[serials[row]] = solutions[row]
                following = next(puzzles, None)
                if following is not None:
                    rows.load(row, following)
                    serials[row] = started
                    started += 1
                    for name, array in carry.items():
                        array[row] = fresh[name][0]
                    continue
                live -= 1
                if row != live:
                    rows.move(live, row)
                    serials[row] = serials[live]
                    for array in carry.values():
                        array[row] = array[live]
            while yielded in finished:
                yield finished.pop(yielded)
                yielded += 1

    # -- unrolled graphs ----------------------------------------------------------------------
    def _run_unrolled(self, puzzles: Iterator[Puzzle], capacity: int, trace: bool) -> Iterator[Solution]:
        while True:
            rows = _Rows(self, self._fixed_batch or capacity, trace)
            live = 0
            for puzzle in islice(puzzles, capacity):
                rows.load(live, puzzle)
                live += 1
            if not live:
                return
            outputs = self.session.infer(rows.inputs(self._fixed_batch or live))
            answers = outputs["logits"][: self.budget, :live].argmax(-1)  # [budget, live, seq]
            found: dict[int, Solution] = {}
            for step in range(self.budget):
                stopped = rows.observe(answers[step], outputs["q_halt"][step, :live])
                for row, solution in rows.solutions(stopped).items():
                    found.setdefault(row, solution)  # later steps of a row that has stopped do not count
                if len(found) == live:
                    break
            for row in range(live):
                yield found[row]

    # -- loop graphs --------------------------------------------------------------------------
    def _run_loop(self, puzzles: Iterator[Puzzle], capacity: int) -> Iterator[Solution]:
        threshold, budget = np.inf, self.budget
        if isinstance(self.policy, Act):
            threshold = self.policy.threshold
        elif isinstance(self.policy, Fixed) and self.policy.steps is not None:
            budget = min(budget, self.policy.steps)
        while True:
            rows = _Rows(self, self._fixed_batch or capacity, trace=False)
            live = 0
            for puzzle in islice(puzzles, capacity):
                rows.load(live, puzzle)
                live += 1
            if not live:
                return
            inputs = rows.inputs(self._fixed_batch or live)
            inputs |= {"budget": np.array(budget, np.int64), "threshold": np.array(threshold, np.float32)}
            outputs = self.session.infer(inputs)
            rows.step[:live] = outputs["steps"][:live] - 1  # observe() counts this call as one step
            rows.observe(outputs["logits"][:live].argmax(-1), outputs["q_halt"][:live])
            yield from rows.solutions(np.ones(live, bool)).values()


class _Rows:
    """The puzzles of a batch and what has been seen of them; all arrays are allocated once, [capacity, ...]."""

    def __init__(self, solver: Solver, capacity: int, trace: bool) -> None:
        seq_len = solver.task.seq_len
        self._solver = solver
        self._puzzles: list[Puzzle | None] = [None] * capacity
        self._traces: list[list[tuple[Tokens, float]]] | None = [[] for _ in range(capacity)] if trace else None
        self.tokens = np.zeros((capacity, seq_len), np.int32)
        self.puzzle_ids = np.zeros(capacity, np.int32)
        self.step = np.zeros(capacity, np.int32)
        self.unchanged = np.zeros(capacity, np.int32)
        self.answers = np.full((capacity, seq_len), -1, np.int32)
        self._state: StepState | None = None
        self._fired: Mask | None = None


def default_policy(manifest: Manifest) -> Policy:
    """The halting policy a bundle asks for; threshold and first step apply to ``act``."""
    policy = parse_policy(manifest.halting.policy)
    if policy == Act():
        return Act(manifest.halting.threshold, manifest.halting.min_steps)
    return policy


def _check_loop_policy(policy: Policy) -> None:
    """A loop graph knows one threshold and one budget: everything else is beyond it."""
    if isinstance(policy, Fixed) or (isinstance(policy, Act) and policy.min_steps == 1):
        return
    raise Refused(
        f"A loop graph halts inside by 'act' (without min) or 'fixed' only, not by '{policy}'."
        " Use one of these, or export a step graph, which takes any policy."
    )
