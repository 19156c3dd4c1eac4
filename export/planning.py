"""From a precision to a plan: calibrate where scales are needed, search where the user left the choice to us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import numpy as np

from trm_edge.errors import InvalidConfig, InvalidInput, unknown
from trm_edge.export.calibration import CalibrationOptions, calibrate, smooth
from trm_edge.export.precision import INTEGER_RULES, PRECISIONS, Arithmetic
from trm_edge.export.quantization import Plan, model_sites, uniform_sites
from trm_edge.export.ranges import DEFAULT_METHOD
from trm_edge.export.search import search
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Precision
from trm_edge.tasks.base import Puzzle, Task, Tokens
from trm_edge.tasks.generating import generate_many

SEED = 64  #: of generated calibration puzzles; neither the golden nor the comparison puzzles


@dataclass(frozen=True)
class QuantizationOptions:
    """How the products of a model become integers; float precisions ignore it.

    Attributes:
        calibration: method and number of puzzles.
        optimize_for: processor whose integer rules to follow, out of
            :data:`~trm_edge.export.precision.INTEGER_RULES`.
        per_channel: a weight scale for every output channel, else one a matrix.
        max_drop: percentage points of exact accuracy that ``auto`` may lose.
    """

    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)
    optimize_for: str = "x86-64"
    per_channel: bool = True
    max_drop: float = 0.5

    def __post_init__(self) -> None:
        if self.optimize_for not in INTEGER_RULES:
            raise InvalidConfig(unknown("processor", self.optimize_for, INTEGER_RULES))
        if not 0 <= self.max_drop <= 100:
            raise InvalidConfig(f"max-drop = {self.max_drop} is out of range. Allowed: 0 to 100 percentage points.")


@dataclass(frozen=True)
class Progress:
    """Hears how far the slow parts are.

    Attributes:
        calibrated: called with the number of puzzles just run.
        tried: called with the name of a plan that is about to be judged.
    """

    calibrated: Callable[[int], None] = lambda puzzles: None
    tried: Callable[[str], None] = lambda trial: None


@dataclass(frozen=True, eq=False)
class Planned:
    """What to write.

    Attributes:
        model: the weights; for static plans rewritten so that they quantize well (:mod:`trm_edge.export.smoothing`).
        plan: which of its products are quantized, and how.
        report: what a manifest should say about it, JSON-ready; empty for float precisions.
    """

    model: RecursiveModel
    plan: Plan
    report: dict[str, Any]


def make_plan(
    model: RecursiveModel,
    task: Task,
    precision: Precision,
    options: QuantizationOptions,
    *,
    kept: Sequence[int],
    steps: int,
    threshold: float,
    puzzles: Sequence[Puzzle] | None = None,
    progress: Progress | None = None,
) -> Planned:
    """The plan of a precision.

    Args:
        model: the float model.
        task: of the model.
        precision: any.
        options: how to quantize.
        kept: puzzle ids in the bundle; calibration puzzles with another id are given one of these.
        steps: budget of supervision steps.
        threshold: the bundle's.
        puzzles: to calibrate and search on; None generates ``options.calibration.samples``.
        progress: hears how far it is.

    Raises:
        InvalidInput: no puzzles, or too few for a search.
        InvalidCheckpoint: activations are NaN or infinite.
    """
    arithmetic, rules = PRECISIONS[precision].arithmetic, INTEGER_RULES[options.optimize_for]
    if arithmetic is Arithmetic.FLOAT:
        return Planned(model, Plan(), {})
    form = Plan(per_channel=options.per_channel, weight_limit=rules.weight_limit)
    report: dict[str, Any] = {
        "optimized_for": rules.id,
        "weights": "int8, per " + ("channel" if options.per_channel else "tensor"),
    }
    if arithmetic is Arithmetic.WEIGHTS:
        return Planned(model, replace(form, sites=uniform_sites(model, arithmetic)), report)
    progress = progress or Progress()
    given = calibration_puzzles(task, options.calibration, kept, puzzles)
    # a search judges on other puzzles than those it was calibrated on
    seen = slice(_half(len(given.ids)) if precision is Precision.AUTO else None)
    smoothed = smooth(model, given.tokens[seen], given.ids[seen], steps=steps, threshold=threshold)
    report["scaled"] = sorted(smoothed.channels)
    if arithmetic is Arithmetic.DYNAMIC:
        sites = uniform_sites(model, arithmetic, channels=smoothed.channels)
        return Planned(smoothed.model, replace(form, sites=sites), {**report, "activations": "uint8"})  # ONNX's only
    found = calibrate(
        smoothed.model,
        given.tokens[seen],
        given.ids[seen],
        steps=steps,
        threshold=threshold,
        method=options.calibration.method or DEFAULT_METHOD,
        channels=smoothed.channels,
        progress=progress.calibrated,
    )
    sites = uniform_sites(model, arithmetic, scales=found.scales(rules.activations), channels=smoothed.channels)
    plan = replace(form, sites=sites)
    report |= {"activations": rules.activations, "calibration": found.to_dict()}
    if precision is Precision.AUTO:
        judged = slice(seen.stop, None)
        result = search(
            smoothed.model,
            task,
            given.puzzles[judged],
            given.ids[judged],
            plan,
            max_drop=options.max_drop,
            steps=steps,
            threshold=threshold,
            progress=progress.tried,
        )
        plan, report["search"] = result.plan, result.to_dict()
    report["sites"] = {site.name: plan.site(site.name).arithmetic.value for site in model_sites(model)}
    return Planned(smoothed.model, plan, report)


@dataclass(frozen=True, eq=False)
class CalibrationPuzzles:
    """Puzzles ready to run.

    Attributes:
        puzzles: at least one.
        tokens: int32 [n, seq_len].
        ids: their puzzle ids, all of them kept.
    """

    puzzles: Sequence[Puzzle]
    tokens: Tokens
    ids: Sequence[int]


def calibration_puzzles(
    task: Task, options: CalibrationOptions, kept: Sequence[int], puzzles: Sequence[Puzzle] | None = None
) -> CalibrationPuzzles:
    """The puzzles given, or generated ones, encoded and with puzzle ids that the bundle keeps.

    Raises:
        InvalidInput: none were given.
    """
    chosen = list(generate_many(task, options.samples, SEED) if puzzles is None else puzzles)
    if not chosen:
        raise InvalidInput("There are no puzzles to calibrate on. Give a file with at least one.")
    fallback = cycle(kept or (0,))
    ids = [p.puzzle_id if p.puzzle_id in kept else next(fallback) for p in chosen]
    return CalibrationPuzzles(chosen, np.stack([task.encode(p.question) for p in chosen]).astype(np.int32), ids)


def _half(count: int) -> int:
    if count < 4:
        raise InvalidInput(f"A search for precisions needs at least 4 puzzles, not {count}.")
    return count // 2
