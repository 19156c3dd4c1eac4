"""Halting policies: when a row of a batch stops stepping.

A policy is frozen data with one method over whole batches; its text form is what the command line, the manifest,
Java and JavaScript speak. Knows nothing about sessions. The step budget is the solver's, not the policy's.

Grammar::

    policy  = "fixed" [":" steps] | "act" [":" args] | "stable:" k | "verified"
            | "any(" policy {"," policy} ")" | "all(" policy {"," policy} ")"
    args    = ("threshold=" number | "min=" step) {"," the other one}
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput, unknown
from trm_edge.tasks.base import Task, Tokens

Mask = NDArray[np.bool_]

NAMES = ("fixed", "act", "stable", "verified", "any", "all")
_MAX_DEPTH = 8
_EXAMPLES = " Examples: act, act:threshold=0.5,min=2, fixed:8, stable:3, verified, any(act,stable:3)"


@dataclass(slots=True)
class StepState:
    """What is known of every row after a supervision step.

    Attributes:
        task: the task, for its rules.
        tokens: the puzzles [rows, seq_len].
        step: supervision steps done, the first is 1, [rows].
        answers: answers after this step [rows, seq_len].
        previous: answers after the step before; -1 after the first step.
        unchanged: for how many steps in a row the answer has equalled the one before [rows].
        q_halt: halting logits [rows], float32.
    """

    task: Task
    tokens: Tokens
    step: NDArray[np.int32]
    answers: Tokens
    previous: Tokens
    unchanged: NDArray[np.int32]
    q_halt: NDArray[np.float32]
    _solved: Mask | None = None

    @property
    def rules_checked(self) -> bool:
        """Whether :meth:`solved` costs nothing any more."""
        return self._solved is not None

    def solved(self) -> Mask:
        """Rows whose answer obeys the rules of the task; computed once a step at most."""
        if self._solved is None:
            self._solved = self.task.solved(self.tokens, self.answers)
        return self._solved


class Policy(Protocol):
    """Anything that can say which rows halt. ``str(policy)`` is its text form."""

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Halt after ``steps`` steps; None: never, the solver's budget ends it (the official evaluation)."""

    steps: int | None = None

    def __post_init__(self) -> None:
        _at_least_one("fixed", self.steps)

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        return state.step >= (math.inf if self.steps is None else self.steps)

    def __str__(self) -> str:
        return "fixed" if self.steps is None else f"fixed:{self.steps}"


@dataclass(frozen=True, slots=True)
class Act:
    """Halt when the halting logit is greater than ``threshold`` (compared in float32), from ``min_steps`` on."""

    threshold: float = 0.0
    min_steps: int = 1

    def __post_init__(self) -> None:
        _at_least_one("act:min", self.min_steps)
        if not abs(self.threshold) <= float(np.finfo(np.float32).max):
            raise InvalidInput(f"act:threshold must be a finite number, not {self.threshold}")

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        halted: Mask = state.q_halt > np.float32(self.threshold)
        return halted if self.min_steps == 1 else halted & (state.step >= self.min_steps)

    def __str__(self) -> str:
        given = [f"threshold={self.threshold!r}"] if self.threshold != 0 else []
        given += [f"min={self.min_steps}"] if self.min_steps != 1 else []
        return f"act:{','.join(given)}" if given else "act"


@dataclass(frozen=True, slots=True)
class Stable:
    """Halt when the answer has equalled the one before for ``k`` steps in a row (step ``k + 1`` at the earliest)."""

    k: int

    def __post_init__(self) -> None:
        _at_least_one("stable", self.k)

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        return state.unchanged >= self.k

    def __str__(self) -> str:
        return f"stable:{self.k}"


@dataclass(frozen=True, slots=True)
class Verified:
    """Halt when the answer obeys the rules of the task."""

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        return state.solved()

    def __str__(self) -> str:
        return "verified"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Halt when one of the policies does."""

    policies: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if not self.policies:
            raise InvalidInput("any() needs at least one policy")

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        halted: Mask = np.logical_or.reduce([policy.halted(state) for policy in self.policies])
        return halted

    def __str__(self) -> str:
        return f"any({','.join(map(str, self.policies))})"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Halt when all of the policies do, at the same step."""

    policies: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if not self.policies:
            raise InvalidInput("all() needs at least one policy")

    def halted(self, state: StepState) -> Mask:
        """Which rows halt after this step [rows]."""
        halted: Mask = np.logical_and.reduce([policy.halted(state) for policy in self.policies])
        return halted

    def __str__(self) -> str:
        return f"all({','.join(map(str, self.policies))})"


def parse_policy(text: str) -> Policy:
    """Read a policy; ``parse_policy(str(policy)) == policy``. Spaces do not count.

    >>> parse_policy("any(act:threshold=0.5,min=2,stable:3)")
    AnyOf(policies=(Act(threshold=0.5, min_steps=2), Stable(k=3)))

    Raises:
        InvalidInput: unknown name, wrong argument, unbalanced parentheses; says what was expected.
    """
    return _parse("".join(text.split()), depth=0)


def _parse(text: str, depth: int) -> Policy:
    if text.startswith(("any(", "all(")):
        if depth == _MAX_DEPTH:
            raise _refusal(text, f"nested more than {_MAX_DEPTH} deep")
        if not text.endswith(")"):
            raise _refusal(text, "it must end with ')'")
        policies = tuple(_parse(part, depth + 1) for part in _split(text[4:-1]))
        return AnyOf(policies) if text.startswith("any") else AllOf(policies)
    name, colon, rest = text.partition(":")
    match name, colon:
        case "verified", "":
            return Verified()
        case "fixed", "":
            return Fixed()
        case "fixed", ":":
            return Fixed(_whole(text, rest))
        case "stable", ":":
            return Stable(_whole(text, rest))
        case "act", "":
            return Act()
        case "act", ":":
            return _act(text, rest)
    if name in NAMES:
        raise _refusal(text, "arguments are missing or not allowed here")
    raise InvalidInput(unknown("halting policy", name[:40], NAMES) + _EXAMPLES)


def _act(text: str, arguments: str) -> Act:
    values: dict[str, str] = {}
    for argument in arguments.split(","):
        key, _, value = argument.partition("=")
        if key not in ("threshold", "min") or key in values:
            raise _refusal(text, f"'{argument}' is not one threshold= or one min=")
        values[key] = value
    return Act(_number(text, values.get("threshold", "0")), _whole(text, values.get("min", "1")))


def _split(text: str) -> list[str]:
    """Split at the commas outside parentheses, but not before ``key=``: that is the next argument of ``act``."""
    parts = [""]
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth != 0:
        raise _refusal(text, "its parentheses do not match")
    policies: list[str] = []
    for part in parts:
        if policies and part.partition("=")[0] in ("threshold", "min"):
            policies[-1] += f",{part}"
        else:
            policies.append(part)
    return policies


def _whole(text: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise _refusal(text, f"'{value}' is not a whole number")
    return int(value)


def _number(text: str, value: str) -> float:
    try:
        if "_" in value or not value.isascii():  # Python alone would read 1_000, and digits of other scripts
            raise ValueError
        return float(value)
    except ValueError:
        raise _refusal(text, f"'{value}' is not a number") from None


def _refusal(text: str, reason: str) -> InvalidInput:
    return InvalidInput(f"Halting policy '{text[:60]}': {reason}.{_EXAMPLES}")


def _at_least_one(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise InvalidInput(f"{name} must be at least 1, not {value}")
