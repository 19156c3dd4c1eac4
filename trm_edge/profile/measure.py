"""The measurement behind a profile: sides in turn, round after round, so that noise hits all alike.

Two things are timed in each round of a side. *Runs*: every puzzle through all supervision steps of the budget, with the
time, the halting logit and the verdict on the answer of each step; smaller budgets and ``act`` thresholds follow from
these (:mod:`trm_edge.profile.summary`). *Wholes*: every puzzle under a halting policy itself. Unrolled and loop graphs
do not show their steps to a clock, so they have wholes only.

Turns follow :mod:`trm_edge.profile.latency`: whole rounds, each after a pause and an uncounted batch, because threads
that spin after a call slow down whoever runs next. Knows candidates and clocks; draws nothing, decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.profile.candidates import Candidate
from trm_edge.profile.devices.facts import before_and_after
from trm_edge.profile.energy import joules, read_counters
from trm_edge.profile.latency import PAUSE
from trm_edge.profile.machine import machine_facts, reference_seconds
from trm_edge.profile.memory import Memory, measure_memory
from trm_edge.profile.samples import MAX_ROUNDS, Fact, Run, Samples, Solve, Whole
from trm_edge.solve import Policy, Solution, Solver, StepState
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Puzzle, Task, Tokens
from trm_edge.tasks.comparison import is_right

ROUNDS = 5  #: counted, where nothing else is asked for

Fresh = Callable[[Candidate], Memory]
"""Starts a side in a fresh process and tells what that took."""


def start_afresh(side: Candidate) -> Memory:
    """What a start of a side's bundle takes, in a process of its own; nothing for a model that is no bundle."""
    if side.path is None:
        return Memory()
    return measure_memory(side.path, threads=side.session.threads, target=side.target)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long and how often to measure.

    Attributes:
        repeat: counted rounds; None: :data:`ROUNDS`, or as many as ``seconds`` allow.
        seconds: no round begins later than this after the first; one is always made.
        warmup: rounds before, not counted.
        cold: fresh processes for each bundle.
        policies: halting policies to measure beside each side's own.

    Raises:
        InvalidInput: one is out of range.
    """

    repeat: int | None = None
    seconds: float | None = None
    warmup: int = 1
    cold: int = 3
    policies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, least in (("repeat", self.rounds, 1), ("warmup", self.warmup, 0), ("cold", self.cold, 0)):
            if not least <= value <= MAX_ROUNDS:
                raise InvalidInput(f"{name} must be {least} to {MAX_ROUNDS}, not {value}")
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidInput(f"seconds must be more than 0, not {self.seconds:g}")

    @property
    def rounds(self) -> int:
        """Most rounds to count."""
        if self.repeat is not None:
            return self.repeat
        return ROUNDS if self.seconds is None else MAX_ROUNDS


@dataclass
class Log:
    """What becomes of a measurement besides its samples.

    Attributes:
        remarks: what could not be measured, in sentences.
        interrupted: Ctrl-C ended it before its last round.
        ticked: called after every fresh process and every turn of a side.
    """

    remarks: list[str] = field(default_factory=list)
    interrupted: bool = False
    ticked: Callable[[], None] = lambda: None


def measure(
    sides: Sequence[Candidate],
    puzzles: Sequence[Puzzle],
    options: Options | None = None,
    *,
    log: Log | None = None,
    fresh: Fresh = start_afresh,
) -> list[Samples]:
    """Measure all sides on the same puzzles.

    Args:
        sides: opened, at least one; the solver of each says its halting policy, budget and batch size.
        puzzles: at least one. Where they do not fill the last batch, the first ones fill it and are not counted twice.
        options: how long.
        log: takes remarks.
        fresh: starts a side in a process of its own.

    Returns:
        Samples in the order of the sides. After Ctrl-C those of the rounds that all sides have finished.

    Raises:
        InvalidInput: there is nothing to measure.
        Refused: a policy that a graph cannot follow.
        KeyboardInterrupt: before the first round was finished.
    """
    options, log = options or Options(), log or Log()
    if not sides or not puzzles:
        raise InvalidInput("Give at least one side and one puzzle to profile")
    before = machine_facts()
    meters = [_Meter(side, puzzles, options.policies) for side in sides]
    starts = _starts(sides, options.cold, fresh, log)
    _rounds(meters, options, log)
    facts = before_and_after(before, machine_facts())
    return [meter.samples(start, facts) for meter, start in zip(meters, starts, strict=True)]


def turns(sides: Sequence[Candidate], options: Options) -> int | None:
    """How often :func:`measure` will tick; None where time decides."""
    bundles = len({_start_key(side) for side in sides})
    if options.repeat is None and options.seconds is not None:
        return None
    return options.cold * bundles + (options.warmup + options.rounds) * len(sides)


# -- starts -----------------------------------------------------------------------------------


def _starts(sides: Sequence[Candidate], count: int, fresh: Fresh, log: Log) -> list[list[Memory]]:
    """Starts of each side, in turn; sides that differ in batch only share theirs."""
    chosen = {_start_key(side): side for side in sides}
    found: dict[object, list[Memory]] = {key: [] for key in chosen}
    for _ in range(count):
        for key, side in chosen.items():
            found[key].append(fresh(side))
            log.ticked()
    for key, side in chosen.items():
        problems = [start.problem for start in found[key] if start.problem]
        if problems:
            log.remarks.append(f"The start of {side.name} was not measured: {problems[0]}")
    return [found[_start_key(side)] for side in sides]


def _start_key(side: Candidate) -> object:
    return side.path, side.session.threads, side.target


# -- rounds -----------------------------------------------------------------------------------


def _rounds(meters: Sequence[_Meter], options: Options, log: Log) -> None:
    """All rounds; one that Ctrl-C cuts off counts for no side."""
    counted = 0
    try:
        for _ in range(options.warmup):
            for meter in meters:
                meter.turn()
                log.ticked()
        for meter in meters:
            meter.forget(0)
        began = time.perf_counter()
        while counted < options.rounds:
            if counted and options.seconds is not None and time.perf_counter() - began > options.seconds:
                return
            for meter in meters:
                meter.turn()
                log.ticked()
            counted += 1
    except KeyboardInterrupt:
        if not counted:
            raise
        for meter in meters:
            meter.forget(counted)
        log.interrupted = True
        log.remarks.append(f"Interrupted: {counted} of {options.rounds} rounds were measured.")


class _Meter:
    """Times one side, a turn at a time."""

    def __init__(self, side: Candidate, puzzles: Sequence[Puzzle], policies: Sequence[str]) -> None:
        own = side.solver
        self._side, self._puzzles, self._own = side, puzzles, own
        self._solvers = [own, *(_like(own, policy) for policy in policies if policy != str(own.policy))]
        self._recorder = None
        if side.session.manifest.graph is GraphVariant.STEP:
            self._recorder = _Recorder()
            self._recording = _like(own, self._recorder)
        self._lots = list(_lots(len(puzzles), own.batch_size))
        self._verdicts: dict[tuple[int, bytes], bool | None] = {}
        self._runs: list[tuple[Run, ...]] = []
        self._wholes: list[list[tuple[Solve, ...]]] = [[] for _ in self._solvers]
        self._references: list[float] = []
        self._seconds = 0.0  # of the median puzzle of the last round; the reference work is made about as long
        self._joules: list[float | None] = []

    def turn(self) -> None:
        """One round of the puzzles: each through all steps, then under each policy."""
        time.sleep(PAUSE)
        _claim_threads(self._side)
        self._references.append(reference_seconds(self._seconds))
        self._solve(self._own, self._lots[0])  # wakes the threads up, uncounted
        if self._recorder is not None:
            self._runs.append(tuple(run for lot in self._lots for run in self._record(self._recorder, lot)))
        for place, (solver, rounds) in enumerate(zip(self._solvers, self._wholes, strict=True)):
            counters = read_counters() if place == 0 else None
            timed = [self._timed(solver, lot) for lot in self._lots]
            if place == 0:
                self._joules.append(joules(counters, read_counters()))
                self._seconds = median(solve.seconds for lot in timed for solve in lot)
            rounds.append(tuple(solve for lot in timed for solve in lot))

    def forget(self, kept: int) -> None:
        """Drop all rounds but the first ``kept``."""
        del self._runs[kept:], self._references[kept:], self._joules[kept:]
        for rounds in self._wholes:
            del rounds[kept:]

    def samples(self, starts: Sequence[Memory], machine: dict[str, Fact]) -> Samples:
        """What was measured."""
        session, manifest = self._side.session, self._side.session.manifest
        spent = [value for value in self._joules if value is not None]
        wholes = zip(self._solvers, self._wholes, strict=True)
        return Samples(
            name=self._side.name,
            task=manifest.task,
            format=manifest.format.value,
            graph=manifest.graph.value,
            precision=manifest.precision.value,
            target=self._side.target or manifest.target,
            evidence=self._side.evidence.value,
            runtime=session.runtime,
            provider=session.provider,
            threads=session.threads,
            batch=self._own.batch_size,
            load_seconds=tuple(start.load_seconds for start in starts if start.load_seconds is not None),
            cold_seconds=tuple(start.cold_seconds for start in starts if start.cold_seconds is not None),
            runs=tuple(self._runs),
            whole=tuple(Whole(str(solver.policy), solver.budget, tuple(rounds)) for solver, rounds in wholes),
            reference_seconds=tuple(self._references),
            resident_bytes=_middle(start.run_bytes for start in starts),
            peak_bytes=_middle(start.peak_bytes for start in starts),
            file_bytes=self._side.file_bytes,
            energy_joules=sum(spent) if spent and len(spent) == len(self._joules) else None,
            machine=machine,
        )

    def _record(self, recorder: _Recorder, lot: _Lot) -> Iterator[Run]:
        """A batch through all steps of the budget."""
        recorder.begin()
        self._solve(self._recording, lot)
        recorder.end()
        seconds = tuple(_nanoseconds(step) for step in recorder.step_seconds())
        for row, number in enumerate(lot.counted):
            q_halt = tuple(float(logits[row]) for logits in recorder.q_halt)
            right = tuple(self._right(number, answers[row]) for answers in recorder.answers)
            yield Run(number, seconds, q_halt, right)

    def _timed(self, solver: Solver, lot: _Lot) -> list[Solve]:
        """A batch under a policy; it is answered when its last puzzle is."""
        began = time.perf_counter()
        solutions = self._solve(solver, lot)
        seconds = _nanoseconds(time.perf_counter() - began)
        return [
            Solve(number, seconds, solution.steps, self._right(number, solution.answer))
            for number, solution in zip(lot.counted, solutions, strict=False)
        ]

    def _solve(self, solver: Solver, lot: _Lot) -> list[Solution]:
        return list(solver.solve_many([self._puzzles[number] for number in lot.numbers]))

    def _right(self, number: int, answer: Tokens) -> bool | None:
        """The verdict on an answer; the same answer comes back step after step and round after round."""
        key = (number, answer.tobytes())
        if key not in self._verdicts:
            self._verdicts[key] = _verdict(self._own.task, self._puzzles[number], answer)
        return self._verdicts[key]


class _Recorder:
    """A halting policy that never halts: it looks at its watch, and at what there is to see, after every step."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start the watch for a new batch."""
        self.q_halt: list[NDArray[np.float32]] = []  # [step][rows]
        self.answers: list[Tokens] = []  # [step][rows, seq_len]
        self._marks = [time.perf_counter()]

    def halted(self, state: StepState) -> NDArray[np.bool_]:
        """Nothing does."""
        self._marks.append(time.perf_counter())
        self.q_halt.append(state.q_halt.copy())
        self.answers.append(state.answers.copy())
        return np.zeros(len(state.step), bool)

    def end(self) -> None:
        """Stop the watch: the batch is answered."""
        self._marks.append(time.perf_counter())

    def step_seconds(self) -> list[float]:
        """Of each step; the copies that the recorder made count for the step after, a few microseconds.

        What follows the last step is added to the first, as what comes before that is: any number of steps has it once.
        """
        *steps, rest = np.diff(self._marks).tolist()
        return [steps[0] + rest, *steps[1:]]


def _like(own: Solver, policy: Policy | str) -> Solver:
    """The same solver under another policy."""
    return Solver(own.session, own.task, policy=policy, budget=own.budget, batch_size=own.batch_size)


@dataclass(frozen=True)
class _Lot:
    """Puzzles that are solved at once.

    Attributes:
        numbers: which.
        count: how many of them count, from the front; the rest fill the batch.
    """

    numbers: Sequence[int]
    count: int

    @property
    def counted(self) -> Sequence[int]:
        return self.numbers[: self.count]


def _lots(count: int, batch: int) -> Iterator[_Lot]:
    """All puzzles in batches; the last is filled from the beginning."""
    for first in range(0, count, batch):
        yield _Lot([number % count for number in range(first, first + batch)], min(batch, count - first))


def _verdict(task: Task, puzzle: Puzzle, answer: Tokens) -> bool | None:
    by_rules = None
    if puzzle.answer is None and task.has_rules:
        by_rules = bool(task.solved(task.encode(puzzle.question)[None], answer[None])[0])
    return is_right(puzzle, task.decode(answer), by_rules)


def _claim_threads(side: Candidate) -> None:
    """ExecuTorch has one pool of threads for the whole process: give it the size that this side asked for."""
    if side.session.runtime == "executorch" and side.session.threads is not None:
        from trm_edge.runtimes.executorch import set_threads

        set_threads(side.session.threads)


def _middle(sizes: Iterable[int | None]) -> int | None:
    known = sorted(size for size in sizes if size is not None)
    return known[len(known) // 2] if known else None


def _nanoseconds(seconds: float) -> float:
    """What a clock can tell, and no more digits."""
    return round(seconds, 9)
