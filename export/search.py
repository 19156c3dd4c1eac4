"""Mixed precision: which sites must be computed wider than static int8 so that accuracy stays.

A greedy sweep on the float model's simulation of the plan. First every site is quantized alone, to see what it costs;
then all of them; then, as long as too much accuracy is lost, the site that cost most (in accuracy, then in logits for
its share of the work) is widened: all sites from static to dynamic first, then to float. What is found is the first
plan of this order that loses little enough.

Knows plans and puzzles; writes no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trm_edge.errors import InvalidConfig
from trm_edge.export.precision import Arithmetic
from trm_edge.export.quantization import FLOAT_SITE, Plan, SiteModules, model_sites, simulated
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks.base import Puzzle, Task, Tokens
from trm_edge.tasks.comparison import is_right

BATCH = 16  #: puzzles that run together; they share the scales of dynamic sites

RELATIVE_SPEED = {Arithmetic.STATIC: 4.0, Arithmetic.DYNAMIC: 3.8, Arithmetic.FLOAT: 1.0}
"""Products per second against float, on x86-64 with VNNI (benchmarks/int8_latency.py); only the order matters."""


@dataclass(frozen=True)
class Trial:
    """One plan that was tried.

    Attributes:
        name: what was new in it.
        widened: sites that were not static int8, with their arithmetic; in the sweep, the one site that was.
        accuracy: exact accuracy in per cent.
        drop: percentage points below the float model.
        logits_error: mean absolute error of the logits at the first step.
        work: time of the products against all of them in float.
    """

    name: str
    widened: dict[str, str]
    accuracy: float
    drop: float
    logits_error: float
    work: float


@dataclass(frozen=True)
class Search:
    """What was found, and what it was decided from.

    Attributes:
        plan: the fastest plan within the allowed drop.
        float_accuracy: exact accuracy of the float model in per cent.
        max_drop: percentage points that were allowed.
        puzzles: how many it was judged on.
        sweep: every site alone.
        trials: whole plans, in the order they were tried; the last is the one chosen.
    """

    plan: Plan
    float_accuracy: float
    max_drop: float
    puzzles: int
    sweep: tuple[Trial, ...]
    trials: tuple[Trial, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the plan."""
        return {
            "float_accuracy": self.float_accuracy,
            "max_drop": self.max_drop,
            "puzzles": self.puzzles,
            "sweep": [asdict(trial) for trial in self.sweep],
            "trials": [asdict(trial) for trial in self.trials],
        }


def search(
    model: RecursiveModel,
    task: Task,
    puzzles: Sequence[Puzzle],
    puzzle_ids: Sequence[int],
    plan: Plan,
    *,
    max_drop: float,
    steps: int,
    threshold: float,
    progress: Callable[[str], None] = lambda trial: None,
) -> Search:
    """Find the fastest plan within ``max_drop`` percentage points of the float model's exact accuracy.

    Args:
        model: the float model.
        task: judges the answers.
        puzzles: validation puzzles; they should not be those of the calibration.
        puzzle_ids: their rows of the puzzle table.
        plan: all sites static.
        max_drop: percentage points, 0 to 100.
        steps: budget.
        threshold: a puzzle halts when its halting logit is greater.
        progress: called with the name of every trial before it runs.

    Raises:
        InvalidConfig: ``max_drop`` out of range.
    """
    if not 0 <= max_drop <= 100:
        raise InvalidConfig(f"max-drop = {max_drop} is out of range. Allowed: 0 to 100 percentage points.")
    places = model_sites(model)
    tokens = np.stack([task.encode(puzzle.question) for puzzle in puzzles]).astype(np.int32)
    judge = _Judge(model, task, tokens, puzzles, puzzle_ids, steps, threshold)

    def tried(name: str, candidate: Plan, listed: dict[str, str]) -> Trial:
        progress(name)
        accuracy, error = judge.measure(simulated(model, candidate))
        drop = round(judge.float_accuracy - accuracy, 4)
        return Trial(name, listed, accuracy, drop, error, round(_work(places, candidate), 4))

    sweep = []
    for place in places:
        alone = replace(plan, sites={place.name: plan.sites[place.name]})
        sweep.append(tried(f"{place.name} alone", alone, {place.name: Arithmetic.STATIC.value}))
    cost = {
        place.name: (max(trial.drop, 0.0), trial.logits_error / place.weight_count)
        for place, trial in zip(places, sweep, strict=True)
    }
    order = sorted(cost, key=lambda name: cost[name], reverse=True)
    trials = [tried("all static", plan, {})]
    dynamic = {name: replace(plan.sites[name], arithmetic=Arithmetic.DYNAMIC, scale=None) for name in order}
    for name, site in [*dynamic.items(), *((name, FLOAT_SITE) for name in order)]:
        if trials[-1].drop <= max_drop:
            break
        plan = replace(plan, sites={**plan.sites, name: site})
        widened = {n: s.arithmetic.value for n, s in plan.sites.items() if s.arithmetic is not Arithmetic.STATIC}
        trials.append(tried(f"{name} {site.arithmetic}", plan, widened))
    return Search(plan, judge.float_accuracy, max_drop, len(puzzles), tuple(sweep), tuple(trials))


class _Judge:
    """Exact accuracy and logits error of models on one set of puzzles."""

    def __init__(
        self,
        model: RecursiveModel,
        task: Task,
        tokens: Tokens,
        puzzles: Sequence[Puzzle],
        puzzle_ids: Sequence[int],
        steps: int,
        threshold: float,
    ) -> None:
        self.task, self.tokens, self.puzzles = task, tokens, puzzles
        self.ids, self.steps, self.threshold = torch.tensor(list(puzzle_ids)), steps, threshold
        answers, self.first_logits = self._run(model)
        self.float_accuracy = self._accuracy(answers)

    def measure(self, model: RecursiveModel) -> tuple[float, float]:
        """Exact accuracy in per cent at the halting step, and the logits error after the first step."""
        answers, first_logits = self._run(model)
        return self._accuracy(answers), float((first_logits - self.first_logits).abs().mean())

    def _run(self, model: RecursiveModel) -> tuple[Tokens, Tensor]:
        """Answers at the halting step [n, seq], and the logits after the first step [n, seq, vocab]."""
        answers, first = np.zeros_like(self.tokens), []
        for start in range(0, len(self.tokens), BATCH):
            left = torch.arange(start, min(start + BATCH, len(self.tokens)))
            rows, ids = torch.from_numpy(self.tokens)[left], self.ids[left]
            z_H, z_L = model.initial_carry(len(rows))
            for step in range(self.steps):
                z_H, z_L, logits, q_halt = model.step(z_H, z_L, rows, ids)
                if step == 0:
                    first.append(logits)
                answers[left.numpy()] = logits.argmax(-1).numpy()
                on = ~(q_halt > self.threshold)
                if not on.any():
                    break
                rows, ids, left, z_H, z_L = rows[on], ids[on], left[on], z_H[on], z_L[on]
        return answers, torch.cat(first)

    def _accuracy(self, answers: Tokens) -> float:
        return round(100 * float(self._right(answers).mean()), 4)

    def _right(self, answers: Tokens) -> NDArray[np.bool_]:
        """Whether each answer is the known one, or obeys the rules where none is known."""
        by_rules = self.task.solved(self.tokens, answers)
        return np.array(
            [
                bool(is_right(puzzle, self.task.decode(answer), bool(rule)))
                for puzzle, answer, rule in zip(self.puzzles, answers, by_rules, strict=True)
            ]
        )


def _work(places: Sequence[SiteModules], plan: Plan) -> float:
    """Estimated time of all products against all of them in float."""
    total = sum(place.weight_count for place in places)
    return sum(place.weight_count / RELATIVE_SPEED[plan.site(place.name).arithmetic] for place in places) / total
