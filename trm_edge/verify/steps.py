"""Supervision steps of any session laid open one by one, and the step at which each puzzle halts.

The solver stops as early as it may; a comparison needs every step, with its logits and its carry. Knows the three
graph variants; knows nothing of what the steps are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle import Manifest
from trm_edge.bundle.carry import to_real, to_stored
from trm_edge.errors import InvalidInput
from trm_edge.runtimes.base import Arrays
from trm_edge.solve import Solver, StepSession
from trm_edge.solve.rows import Rows
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Puzzle, Tokens

Steps = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Batch:
    """Puzzles of one call.

    Attributes:
        tokens: int32 [width, seq_len].
        puzzle_ids: original puzzle ids [width].
        count: rows that count; those behind are padding for a graph of a fixed batch size.
    """

    tokens: Tokens
    puzzle_ids: Sequence[int]
    count: int

    @classmethod
    def of(cls, tokens: Tokens, puzzle_ids: Sequence[int], *, width: int | None = None) -> Batch:
        """A batch, padded to ``width`` rows by repeating its own."""
        count = len(tokens)
        rows = np.arange(width or count) % count
        return cls(tokens[rows], [puzzle_ids[row] for row in rows.tolist()], count)


@dataclass(frozen=True, eq=False)
class StepResult:
    """What a graph gives away after one supervision step, without the padding.

    Attributes:
        logits: float32 [count, seq_len, vocab].
        q_halt: halting logits, float32 [count].
        carry: the next states [width, prefix + seq, hidden] by input name, padding kept, as real numbers whatever
            format the graph stores them in; empty but for step graphs.
    """

    logits: NDArray[np.float32]
    q_halt: NDArray[np.float32]
    carry: Arrays = field(default_factory=dict)

    @property
    def answers(self) -> Tokens:
        """Answer tokens, int32 [count, seq_len]."""
        tokens: Tokens = self.logits.argmax(-1).astype(np.int32)
        return tokens


def one_step(session: StepSession, batch: Batch, carry: Arrays) -> StepResult:
    """One supervision step of a step graph from ``carry``, which is rounded to the graph's own number format."""
    inputs = _inputs(session, batch)
    dtypes = {spec.name: spec.dtype for spec in session.manifest.inputs}
    for state in session.manifest.carry:
        inputs[state.input] = to_stored(state, carry[state.input], dtypes[state.input])
    outputs = session.infer(inputs)
    states = {state.input: to_real(state, outputs[state.output]) for state in session.manifest.carry}
    return StepResult(outputs["logits"][: batch.count], outputs["q_halt"][: batch.count], states)


def supervision_steps(session: StepSession, batch: Batch, budget: int) -> Iterator[StepResult]:
    """The first ``budget`` steps, without halting.

    A loop graph gives only its last step away, so it is run once for every budget up to this one.
    """
    match session.manifest.graph:
        case GraphVariant.STEP:
            stored = session.initial_carry(len(batch.tokens))
            carry: Arrays = {state.input: to_real(state, stored[state.input]) for state in session.manifest.carry}
            for _ in range(budget):
                result = one_step(session, batch, carry)
                carry = result.carry
                yield result
        case GraphVariant.UNROLLED:
            outputs = session.infer(_inputs(session, batch))
            for logits, q_halt in zip(outputs["logits"][:budget], outputs["q_halt"][:budget], strict=True):
                yield StepResult(logits[: batch.count], q_halt[: batch.count])
        case GraphVariant.LOOP:
            inputs = _inputs(session, batch) | {"threshold": np.array(np.inf, np.float32)}  # never halts
            for step in range(1, budget + 1):
                outputs = session.infer(inputs | {"budget": np.array(step, np.int64)})
                yield StepResult(outputs["logits"][: batch.count], outputs["q_halt"][: batch.count])


def halting(
    solver: Solver, puzzles: Sequence[Puzzle], answers: Tokens, q_halt: NDArray[np.float32]
) -> tuple[Steps, Tokens]:
    """Where each puzzle halts under the solver's policy, and its answer there.

    Computed from the steps already seen, but for a loop graph: it decides for itself, so it is asked.

    Args:
        solver: of the session that the steps come from; its budget is their number.
        puzzles: the puzzles [n].
        answers: answers after every step [steps, n, seq_len].
        q_halt: halting logits [steps, n].

    Returns:
        Halting steps, counted from 1 [n], and answers [n, seq_len].
    """
    if solver.session.manifest.graph is GraphVariant.LOOP:
        solutions = list(solver.solve_many(puzzles))
        return np.array([s.steps for s in solutions], np.int32), np.stack([s.answer for s in solutions])
    rows = Rows(solver.task, solver.policy, len(answers), len(puzzles), lambda puzzle_id: 0)
    rows.fill(iter(puzzles), len(puzzles))
    steps = np.zeros(len(puzzles), np.int32)
    for step, (answer, q) in enumerate(zip(answers, q_halt, strict=True), start=1):
        stopped = rows.observe(answer, q)  # all of them at the last step
        steps[stopped & (steps == 0)] = step
    return steps, answers[steps - 1, np.arange(len(puzzles))]


def check_same_model(reference: StepSession, tested: StepSession) -> None:
    """Refuse to compare sessions whose tensors cannot be compared.

    Raises:
        InvalidInput: another task, other sizes, or the reference is not a step graph.
    """
    if reference.manifest.graph is not GraphVariant.STEP:
        raise InvalidInput(f"The reference must be a step graph, not {reference.manifest.graph}")
    given, wanted = tested.manifest, reference.manifest
    pairs: list[tuple[str, object, object]] = [
        ("task", given.task, wanted.task),
        ("sequence length", given.seq_len, wanted.seq_len),
        ("vocabulary", given.vocab_size, wanted.vocab_size),
    ]
    if given.carry:  # only step graphs have one
        pairs.append(("carry", _carry(given), _carry(wanted)))
    for what, of_bundle, of_model in pairs:
        if of_bundle != of_model:
            raise InvalidInput(
                f"The bundle's {what} is {of_bundle}, the float model's is {of_model}: "
                "name the checkpoint that the bundle was exported from"
            )


def _carry(manifest: Manifest) -> str:
    states = ", ".join(f"{state.input} of {len(state.init)}" for state in manifest.carry)
    return f"{states}, {manifest.puzzle_prefix_len} positions of prefix"


def _inputs(session: StepSession, batch: Batch) -> dict[str, NDArray[Any]]:
    inputs: dict[str, NDArray[Any]] = {"tokens": batch.tokens}
    if session.manifest.takes_puzzle_ids:
        inputs["puzzle_ids"] = np.array([session.puzzle_row(number) for number in batch.puzzle_ids], np.int32)
    return inputs
