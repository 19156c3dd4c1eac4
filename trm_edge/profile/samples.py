"""What was measured of one bundle on one machine, before anything is made of it: times, halting logits, right or wrong.

Plain data that other programs write too: a runner on a phone, the Android app. So it is read strictly, and small: from
puzzles with their answers, a runner needs a clock and the argmax of the logits. Knows no runtime, and no statistics.

Why logits and verdicts *at every step*: a puzzle that is solved with the largest budget passes through the answers of
all smaller ones. What any fixed budget and any ``act`` threshold would have answered, and when, follows from one run
(:mod:`trm_edge.profile.summary`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Self, TypeVar

from trm_edge.bundle.fields import MAX_TEXT, Fields, is_number
from trm_edge.errors import InvalidBundle, InvalidInput

MAX_STEPS = 1024  #: supervision steps of a run
MAX_ROUNDS = 10_000
MAX_POLICIES = 16  #: measured for themselves
MAX_SECONDS = 86_400.0  #: of anything that is timed
MAX_BYTES = 1 << 50
MAX_THREADS, MAX_BATCH = 4096, 65_536
MAX_FACTS = 64  #: about a machine

Item = TypeVar("Item")
Fact = str | int | float | bool | None
"""What can be known of a machine under one name."""


@dataclass(frozen=True, slots=True)
class Run:
    """One puzzle on its way through all supervision steps, whether it would have halted or not.

    Attributes:
        puzzle: its number, from 0.
        step_seconds: wall time of each step, the host's share included. The first has what is done once a puzzle, too:
            encoding it, decoding and checking the answer. In a batch, of the step of all its puzzles.
        q_halt: halting logit after each step.
        right: whether the answer after each step is the known one, or obeys the rules where none is known; None: it
            cannot be judged.
    """

    puzzle: int
    step_seconds: tuple[float, ...]
    q_halt: tuple[float, ...]
    right: tuple[bool | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "puzzle": self.puzzle,
            "step_seconds": list(self.step_seconds),
            "q_halt": list(self.q_halt),
            "right": list(self.right),
        }


@dataclass(frozen=True, slots=True)
class Solve:
    """One puzzle solved under a halting policy.

    Attributes:
        puzzle: its number, from 0.
        seconds: from puzzle to answer; in a batch, until all its puzzles are answered.
        steps: supervision steps that it took.
        right: as in :class:`Run`, of the answer.
    """

    puzzle: int
    seconds: float
    steps: int
    right: bool | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"puzzle": self.puzzle, "seconds": self.seconds, "steps": self.steps, "right": self.right}


@dataclass(frozen=True, slots=True)
class Whole:
    """Puzzles solved from start to end under one policy, measured directly.

    Attributes:
        policy: as text.
        budget: most supervision steps.
        rounds: [rounds][puzzles], the same puzzles in the same order each time.
    """

    policy: str
    budget: int
    rounds: tuple[tuple[Solve, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        rounds = [[solve.to_dict() for solve in one] for one in self.rounds]
        return {"policy": self.policy, "budget": self.budget, "rounds": rounds}


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Everything measured of one side: a bundle with a number of threads and a batch size.

    Attributes:
        name: unlike that of every other side of a report.
        task: id.
        format: file format of the graph.
        graph: layout of the recursion.
        precision: number format.
        target: processor it ran on.
        evidence: what that processor was: ``hardware``, ``simulator``, ``compiled`` or ``declared``.
        runtime: what ran it.
        provider: what computed, in the runtime's own words.
        threads: asked for; None: the runtime's choice.
        batch: puzzles solved at once.
        load_seconds: to open the graph, in fresh processes.
        cold_seconds: from the start of a fresh process to its first answer.
        runs: [rounds][puzzles], each of as many steps; empty where single steps cannot be timed (unrolled, loop).
        whole: by policy; the first is the one whose times are reported.
        reference_seconds: of a fixed piece of work on the same machine before each round, which times of two days are
            held against (:func:`trm_edge.profile.machine.reference_seconds`). Empty: not measured.
        resident_bytes: growth of a fresh process's resident memory up to its first answer.
        peak_bytes: the most it grew by on the way.
        file_bytes: of the files that a device loads.
        energy_joules: what the machine's counters saw during the rounds of ``whole[0]``, idle share included.
        machine: what is known of it, flat: ``cpu``, ``os``, ``cores``, ``governor``, ``celsius``, ``load_before``,
            ``load_after`` ...

    Raises:
        InvalidInput: rounds of different puzzles or steps.
    """

    name: str
    task: str
    format: str
    graph: str
    precision: str
    target: str
    evidence: str
    runtime: str
    provider: str
    threads: int | None
    batch: int
    load_seconds: tuple[float, ...] = ()
    cold_seconds: tuple[float, ...] = ()
    runs: tuple[tuple[Run, ...], ...] = ()
    whole: tuple[Whole, ...] = ()
    reference_seconds: tuple[float, ...] = ()
    resident_bytes: int | None = None
    peak_bytes: int | None = None
    file_bytes: int | None = None
    energy_joules: float | None = None
    machine: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapes = [[(run.puzzle, _length(run)) for run in one] for one in self.runs]
        lengths = {length for one in shapes for _, length in one}
        if any(one != shapes[0] for one in shapes) or len(lengths) > 1 or None in lengths or [] in shapes:
            raise InvalidInput(
                f"{self.name}: every round of 'runs' must hold the same puzzles, at least one, and every run as many "
                "'step_seconds' as 'q_halt' and 'right', the same number in all of them"
            )
        rounds = [[solve.puzzle for solve in one] for whole in self.whole for one in whole.rounds]
        if any(one != rounds[0] for one in rounds) or [] in rounds:
            raise InvalidInput(f"{self.name}: every round of 'whole' must hold the same puzzles, at least one")
        if shapes and rounds and [puzzle for puzzle, _ in shapes[0]] != rounds[0]:
            raise InvalidInput(f"{self.name}: 'runs' and 'whole' must hold the same puzzles in the same order")

    @property
    def steps(self) -> int:
        """Supervision steps of each run; 0 where none were timed."""
        return len(self.runs[0][0].step_seconds) if self.runs else 0

    @property
    def puzzles(self) -> int:
        """Puzzles of each round; 0 where there are none."""
        rounds: Sequence[Sequence[object]] = self.runs or [one for whole in self.whole for one in whole.rounds]
        return len(rounds[0]) if rounds else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; :meth:`from_dict` gives it back."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_dict(cls, data: Any, where: str = "samples") -> Self:
        """Read and validate; fields that are not known are passed over.

        Args:
            data: parsed JSON.
            where: what messages call the document.

        Raises:
            InvalidInput: names the field that is missing, mistyped, out of range or too large.
        """
        try:
            return cls(**_read(data, where))
        except InvalidBundle as error:  # the reader's own kind of complaint, but this is no bundle
            raise InvalidInput(str(error)) from None


def _length(run: Run) -> int | None:
    """Steps of a run; None if its lists disagree or are empty."""
    lengths = {len(run.step_seconds), len(run.q_halt), len(run.right)}
    return lengths.pop() or None if len(lengths) == 1 else None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value.to_dict() if hasattr(value, "to_dict") else value


# -- reading ----------------------------------------------------------------------------------


def _read(given: Any, where: str) -> dict[str, Any]:
    """The fields of a side, checked one by one."""
    data = Fields(given, where)
    words = ("name", "task", "format", "graph", "precision", "target", "evidence", "runtime", "provider")
    sizes = ("resident_bytes", "peak_bytes", "file_bytes")
    return {
        **{name: data.text(name) for name in words},
        "threads": _unless_null(data, "threads", lambda: data.integer("threads", low=1, high=MAX_THREADS)),
        "batch": data.integer("batch", low=1, high=MAX_BATCH),
        **{name: _seconds(data, name) for name in ("load_seconds", "cold_seconds", "reference_seconds")},
        "runs": _rounds(data, "runs", where, "", _run),
        "whole": _wholes(data, where),
        **{name: _unless_null(data, name, partial(data.integer, name, high=MAX_BYTES)) for name in sizes},
        "energy_joules": _unless_null(data, "energy_joules", lambda: _positive(data, "energy_joules")),
        "machine": _facts(data),
    }


def _run(data: Fields) -> Run:
    steps = _seconds(data, "step_seconds", MAX_STEPS)
    right = tuple(data.array("right"))
    if not all(verdict is None or isinstance(verdict, bool) for verdict in right):
        data.refuse("right", "an array of true, false and null")
    return Run(data.integer("puzzle"), steps, data.numbers("q_halt"), right)


def _wholes(data: Fields, where: str) -> tuple[Whole, ...]:
    given = data.children("whole")
    if len(given) > MAX_POLICIES:
        data.refuse("whole", f"an array of at most {MAX_POLICIES} policies")
    return tuple(
        Whole(
            one.text("policy"),
            one.integer("budget", low=1),
            _rounds(one, "rounds", where, f"whole[{place}].", _solve),
        )
        for place, one in enumerate(given)
    )


def _solve(data: Fields) -> Solve:
    right = data.raw("right")
    if right is not None and not isinstance(right, bool):
        data.refuse("right", "true, false or null")
    return Solve(data.integer("puzzle"), _positive(data, "seconds"), data.integer("steps", low=1), right)


def _rounds(
    data: Fields, name: str, where: str, path: str, read: Callable[[Fields], Item]
) -> tuple[tuple[Item, ...], ...]:
    """The arrays in an array, read item by item."""
    rounds = data.array(name)
    if len(rounds) > MAX_ROUNDS or not all(isinstance(one, list) for one in rounds):
        data.refuse(name, f"an array of at most {MAX_ROUNDS} rounds, each an array")
    return tuple(
        tuple(read(Fields(item, where, f"{path}{name}[{number}][{place}].")) for place, item in enumerate(one))
        for number, one in enumerate(rounds)
    )


def _seconds(data: Fields, name: str, most: int = MAX_ROUNDS) -> tuple[float, ...]:
    values = data.numbers(name)
    if len(values) > most or not all(0 <= value <= MAX_SECONDS for value in values):
        data.refuse(name, f"an array of at most {most} times from 0 to {MAX_SECONDS:g} seconds")
    return values


def _positive(data: Fields, name: str) -> float:
    value = data.number(name)
    if value < 0:
        data.refuse(name, "a number that is not negative")
    return value


def _unless_null(data: Fields, name: str, read: Callable[[], Item]) -> Item | None:
    return None if data.raw(name) is None else read()


def _facts(data: Fields) -> dict[str, Fact]:
    facts = data.object("machine")
    fits = all(
        len(name) <= MAX_TEXT and (value is None or isinstance(value, bool) or is_number(value) or _is_line(value))
        for name, value in facts.items()
    )
    if len(facts) > MAX_FACTS or not fits:
        data.refuse("machine", f"an object of at most {MAX_FACTS} texts, numbers, true, false and null")
    return facts


def _is_line(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()
