"""The loop over supervision steps: puzzles in, solutions out, in order, a bounded number in memory.

Knows tasks (to encode, decode and check) and anything shaped like a session; knows no engine.

For a ``step`` graph the batch is kept dense: a row that halts makes room at once for the next puzzle, or, when
there is none, for the last row. The carry a step returns is the carry the next one takes; only rows that change
hands are copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Manifest
from trm_edge.errors import InvalidInput, Refused
from trm_edge.solve.policies import Act, Fixed, Policy, parse_policy
from trm_edge.solve.rows import Rows, Solution
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Puzzle, Task

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

    def _rows(self, capacity: int, *, trace: bool = False) -> Rows:
        return Rows(
            self.task,
            self.policy,
            self.budget,
            self._fixed_batch or capacity,
            self.session.puzzle_row,
            trace=trace,
        )

    def _inputs(self, rows: Rows, width: int) -> Arrays:
        inputs = {"tokens": rows.tokens[:width]}
        if self._takes_puzzle_ids:
            inputs["puzzle_ids"] = rows.puzzle_rows[:width]
        return inputs

    # -- step graphs --------------------------------------------------------------------------
    def _run_step(self, puzzles: Iterator[Puzzle], capacity: int, trace: bool) -> Iterator[Solution]:
        rows = self._rows(capacity, trace=trace)
        started = rows.fill(puzzles, capacity)
        numbers = list(range(started))  # place in the input of each row's puzzle
        fresh = self.session.initial_carry(1)
        carry = self.session.initial_carry(self._fixed_batch or started)
        output_of = {state.input: state.output for state in self.session.manifest.carry}
        finished: dict[int, Solution] = {}  # waiting for the ones before them
        yielded = 0
        while rows.live:
            width = self._fixed_batch or rows.live
            inputs = self._inputs(rows, width)
            for name, array in carry.items():
                inputs[name] = array[:width]
            outputs = self.session.infer(inputs)
            carry = {name: outputs[output] for name, output in output_of.items()}
            stopped = rows.observe(outputs["logits"][: rows.live].argmax(-1), outputs["q_halt"][: rows.live])
            if not stopped.any():
                continue
            solutions = rows.solutions(stopped)
            finished |= {numbers[row]: solution for row, solution in solutions.items()}
            while yielded in finished:  # before the next puzzle is asked for, which may take its time to come
                yield finished.pop(yielded)
                yielded += 1
            # backwards, so that the row that is moved into a gap is never one that has stopped
            for row in reversed(solutions):
                puzzle = next(puzzles, None)
                if puzzle is not None:
                    rows.load(row, puzzle)
                    numbers[row] = started
                    started += 1
                    for name, array in carry.items():
                        array[row] = fresh[name][0]
                else:
                    last = rows.drop(row)
                    numbers[row] = numbers[last]
                    for array in carry.values():
                        array[row] = array[last]

    # -- unrolled graphs ----------------------------------------------------------------------
    def _run_unrolled(self, puzzles: Iterator[Puzzle], capacity: int, trace: bool) -> Iterator[Solution]:
        while True:
            rows = self._rows(capacity, trace=trace)
            live = rows.fill(puzzles, capacity)
            if not live:
                return
            outputs = self.session.infer(self._inputs(rows, self._fixed_batch or live))
            finished: dict[int, Solution] = {}
            going = np.ones(live, bool)
            for logits, q_halt in zip(outputs["logits"][:, :live], outputs["q_halt"][:, :live], strict=True):
                stopped = rows.observe(logits.argmax(-1), q_halt) & going
                finished |= rows.solutions(stopped)
                going &= ~stopped
                if not going.any():
                    break
            for row in range(live):
                yield finished[row]

    # -- loop graphs --------------------------------------------------------------------------
    def _run_loop(self, puzzles: Iterator[Puzzle], capacity: int) -> Iterator[Solution]:
        threshold, budget = np.inf, self.budget
        if isinstance(self.policy, Act):
            threshold = self.policy.threshold
        elif isinstance(self.policy, Fixed) and self.policy.steps is not None:
            budget = min(budget, self.policy.steps)
        limits: Arrays = {"budget": np.array(budget, np.int64), "threshold": np.array(threshold, np.float32)}
        while True:
            rows = self._rows(capacity)
            live = rows.fill(puzzles, capacity)
            if not live:
                return
            outputs = self.session.infer(self._inputs(rows, self._fixed_batch or live) | limits)
            rows.step[:live] = outputs["steps"][:live] - 1  # observe() counts the call as one step more
            rows.observe(outputs["logits"][:live].argmax(-1), outputs["q_halt"][:live])
            yield from rows.solutions(np.ones(live, bool)).values()


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
