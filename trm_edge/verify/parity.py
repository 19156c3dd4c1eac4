"""A bundle against the float model it was made from: errors by depth, answers, halting steps.

Two ways to look at depth. *Trajectory*: each side runs on its own carry, so that an error may accumulate, as it does
on the device. *Local*: the bundle makes one step from the float model's carry, so that what is seen is the error of
the graph alone. The distinction matters because a model that has not learnt to settle amplifies any rounding, its own
included, a thousandfold a step, while a trained one contracts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from trm_edge.errors import InvalidInput
from trm_edge.runtimes.base import Arrays
from trm_edge.solve import Policy, Solver, StepSession
from trm_edge.tasks.base import Puzzle, Task, Tokens
from trm_edge.tasks.comparison import is_right
from trm_edge.verify.differences import Measured, StepError, measure, summarise
from trm_edge.verify.steps import Batch, StepResult, check_same_model, halting, one_step, supervision_steps

DEFAULT_BATCH = 16
GROWTH = 100.0  #: an error that ends more than this many times above its first step's has not settled


@dataclass(frozen=True)
class HaltingStep:
    """Puzzles that halt at one step: under the float model, under the bundle, under both."""

    step: int
    of_float: int
    of_bundle: int
    of_both: int


@dataclass(frozen=True)
class ParityReport:
    """What a comparison found.

    Attributes:
        puzzles: how many were compared.
        policy: halting policy of both sides, as text.
        trajectory: errors after each step, each side on its own carry.
        local: errors of single steps from the float model's carry. Graphs that show no carry make one: the first.
        answers: puzzles with identical answers, each side's at its own halting step.
        last_answers: puzzles with identical answers after the last step.
        halted: puzzles on which the float model halts before its last step.
        halted_answers: of those, the ones with identical answers.
        halting_steps: puzzles that halt at the same step.
        confusion: (float model's halting step, bundle's) -> puzzles.
        judged: puzzles whose answers can be judged: by the known answer, else by the rules of the task.
        float_right: of those, the ones that the float model answers rightly at its halting step.
        bundle_right: the same of the bundle.
        lost: of those, the ones that the float model answers rightly and the bundle does not.
        unsettled: puzzles whose trajectory error of the logits ends more than :data:`GROWTH` times above the first.
    """

    puzzles: int
    policy: str
    trajectory: tuple[StepError, ...]
    local: tuple[StepError, ...]
    answers: int
    last_answers: int
    halted: int
    halted_answers: int
    halting_steps: int
    confusion: Mapping[tuple[int, int], int]
    judged: int
    float_right: int
    bundle_right: int
    lost: int
    unsettled: int

    @property
    def answer_agreement(self) -> float:
        """Share of identical answers at the halting steps."""
        return self.answers / self.puzzles

    @property
    def last_answer_agreement(self) -> float:
        """Share of identical answers after the last step."""
        return self.last_answers / self.puzzles

    @property
    def halting_agreement(self) -> float:
        """Share of equal halting steps."""
        return self.halting_steps / self.puzzles

    @property
    def logits_error(self) -> float:
        """Largest local error of a logit, the one that bounds apply to; NaN counts as the largest."""
        return float(np.max([error.logits_max for error in self.local]))

    @property
    def carry_cosine(self) -> float | None:
        """Lowest local cosine of a carry; NaN counts as the lowest, None where the graph shows no carry."""
        found = [carry.cosine for error in self.local for carry in error.carries.values()]
        return float(np.min(found)) if found else None

    @property
    def float_accuracy(self) -> float | None:
        """Share of judged puzzles that the float model answers rightly; None where none can be judged."""
        return self.float_right / self.judged if self.judged else None

    @property
    def bundle_accuracy(self) -> float | None:
        """Share of judged puzzles that the bundle answers rightly; None where none can be judged."""
        return self.bundle_right / self.judged if self.judged else None

    @property
    def drop(self) -> float | None:
        """Percentage points of exact accuracy that the bundle loses; below 0 where it gains."""
        return 100 * (self.float_right - self.bundle_right) / self.judged if self.judged else None

    @property
    def gained(self) -> int:
        """Puzzles that the bundle answers rightly and the float model does not."""
        return self.bundle_right - self.float_right + self.lost

    def halting_table(self) -> list[HaltingStep]:
        """How many puzzles halt at each step at which one does."""
        ours, theirs = Counter[int](), Counter[int]()
        for (of_float, of_bundle), count in self.confusion.items():
            ours[of_float] += count
            theirs[of_bundle] += count
        return [
            HaltingStep(step, ours[step], theirs[step], self.confusion.get((step, step), 0))
            for step in sorted(ours | theirs)
        ]


def compare(
    reference: StepSession,
    tested: StepSession,
    task: Task,
    puzzles: Iterable[Puzzle],
    *,
    policy: Policy | str | None = None,
    budget: int | None = None,
    batch_size: int = DEFAULT_BATCH,
) -> ParityReport:
    """Run both sides over ``puzzles``, which are read batch by batch.

    Args:
        reference: the float model, a step session.
        tested: a session of any graph variant.
        task: the task of both.
        puzzles: at least one.
        policy: halting policy; None: the bundle's default.
        budget: supervision steps to compare; None: the bundle's default.
        batch_size: puzzles in one call; a batch size built into the graph takes its place.

    Raises:
        InvalidInput: no puzzles, models of different sizes, a puzzle id that one side does not know.
        Refused: a policy or budget that the graph cannot follow.
    """
    check_same_model(reference, tested)
    solver = Solver(tested, task, policy=policy, budget=budget, batch_size=batch_size)
    model = Solver(reference, task, policy=solver.policy, budget=solver.budget)
    tally = _Tally(solver.budget)
    source = iter(puzzles)
    while chunk := list(islice(source, solver.batch_size)):
        _compare_batch(model, solver, chunk, tally)
    if not tally.trajectory[0]:
        raise InvalidInput("There are no puzzles to compare the bundle on")
    return tally.report(str(solver.policy))


def remarks(report: ParityReport) -> list[str]:
    """What the numbers mean where that is not plain to see, in sentences."""
    first, last = report.trajectory[0], report.trajectory[-1]
    said = []
    if report.unsettled:
        said.append(
            f"On {report.unsettled} of {report.puzzles} puzzles the logits error grew more than {GROWTH:.0f}-fold "
            f"without settling (largest after step 1: {first.logits_max:.1e}, after step {last.step}: "
            f"{last.logits_max:.1e}). There the model amplifies rounding instead of contracting it, as it does where "
            "it finds no answer and as an untrained model always does; the local errors are those of the graph."
        )
    if len(report.local) < len(report.trajectory):
        said.append("This graph does not show its carry: the local error is that of the first step.")
    return said


@dataclass
class _Tally:
    """What batches add up to."""

    budget: int
    answers: int = 0
    last_answers: int = 0
    halted: int = 0
    halted_answers: int = 0
    judged: int = 0
    float_right: int = 0
    bundle_right: int = 0
    lost: int = 0
    confusion: Counter[tuple[int, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.trajectory: list[list[Measured]] = [[] for _ in range(self.budget)]
        self.local: list[list[Measured]] = [[] for _ in range(self.budget)]

    def report(self, policy: str) -> ParityReport:
        first, last = (
            np.concatenate([batch["logits_max"] for batch in self.trajectory[step]]) for step in (0, self.budget - 1)
        )
        settled = last <= GROWTH * np.maximum(first, np.finfo(np.float32).eps)  # NaN has not settled
        return ParityReport(
            puzzles=len(first),
            policy=policy,
            trajectory=tuple(summarise(step, found) for step, found in enumerate(self.trajectory, start=1)),
            local=tuple(summarise(step, found) for step, found in enumerate(self.local, start=1) if found),
            answers=self.answers,
            last_answers=self.last_answers,
            halted=self.halted,
            halted_answers=self.halted_answers,
            halting_steps=sum(count for (ours, theirs), count in self.confusion.items() if ours == theirs),
            confusion=dict(sorted(self.confusion.items())),
            judged=self.judged,
            float_right=self.float_right,
            bundle_right=self.bundle_right,
            lost=self.lost,
            unsettled=int((~settled).sum()),
        )


def _compare_batch(model: Solver, solver: Solver, puzzles: Sequence[Puzzle], tally: _Tally) -> None:
    tokens = np.stack([solver.task.encode(puzzle.question) for puzzle in puzzles]).astype(np.int32)
    batch = Batch.of(tokens, [p.puzzle_id for p in puzzles], width=solver.session.manifest.fixed_batch)
    expected_answers, expected_q, answers, q_halt = [], [], [], []
    for step, (expected, given, alone) in enumerate(_lockstep(model.session, solver.session, batch, solver.budget)):
        tally.trajectory[step].append(measure(expected, given))
        if alone is not None:
            tally.local[step].append(measure(expected, alone))
        expected_answers.append(expected.answers)
        expected_q.append(expected.q_halt)
        answers.append(given.answers)
        q_halt.append(given.q_halt)
    expected_steps, expected_halted = halting(model, puzzles, np.stack(expected_answers), np.stack(expected_q))
    steps, halted = halting(solver, puzzles, np.stack(answers), np.stack(q_halt))
    same, early = (halted == expected_halted).all(-1), expected_steps < solver.budget
    tally.answers += int(same.sum())
    tally.last_answers += int((answers[-1] == expected_answers[-1]).all(-1).sum())
    tally.halted += int(early.sum())
    tally.halted_answers += int((same & early).sum())
    tally.confusion.update(zip(expected_steps.tolist(), steps.tolist(), strict=True))
    expected_right, right = (_right(solver.task, puzzles, tokens, found) for found in (expected_halted, halted))
    for ours, theirs in zip(expected_right, right, strict=True):
        if ours is not None and theirs is not None:
            tally.judged += 1
            tally.float_right += ours
            tally.bundle_right += theirs
            tally.lost += ours and not theirs


def _right(task: Task, puzzles: Sequence[Puzzle], tokens: Tokens, answers: Tokens) -> list[bool | None]:
    """Whether each answer [n, seq_len] is right; None where nobody can tell."""
    lawful = task.solved(tokens, answers).tolist() if task.has_rules else [None] * len(puzzles)
    return [is_right(p, task.decode(a), kept) for p, a, kept in zip(puzzles, answers, lawful, strict=True)]


def _lockstep(
    reference: StepSession, tested: StepSession, batch: Batch, budget: int
) -> Iterator[tuple[StepResult, StepResult, StepResult | None]]:
    """Of each step: the float model, the bundle on its own carry, and the bundle on the float model's.

    Step by step, so that no more than two carries a side are in memory.
    """
    carry: Arrays = reference.initial_carry(len(batch.tokens))
    pairs = zip(supervision_steps(reference, batch, budget), supervision_steps(tested, batch, budget), strict=True)
    for step, (expected, given) in enumerate(pairs):
        start = given if step == 0 else None  # both sides start alike, so that this step is local too
        yield expected, given, one_step(tested, batch, carry) if tested.manifest.carry else start
        carry = expected.carry
