"""The search widens what must be wider, and nothing else.

The model is not trained: the answers it gives in float are the right ones by definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trm_edge.errors import InvalidConfig
from trm_edge.export import search as module
from trm_edge.export.calibration import calibrate
from trm_edge.export.precision import Arithmetic
from trm_edge.export.quantization import Plan, Scale, model_sites, uniform_sites
from trm_edge.export.search import RELATIVE_SPEED, Search, search
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task, Tokens

BuildModel = Callable[..., RecursiveModel]

TASK = get_task("sudoku-4x4")
STEPS = 3
NEVER = float("inf")
COUNT = 10
SITES = ("L0.t.in", "L0.t.inner", "L0.c.in", "L0.c.inner")


class Case:
    """A model and puzzles that it answers so clearly that honest rounding changes no answer."""

    def __init__(self, model: RecursiveModel) -> None:
        self.model = model
        self.tokens = np.random.default_rng(2).integers(1, 6, (200, 16), dtype=np.int32)
        best, second = self.run()[0][-1].topk(2).values.unbind(-1)
        self.tokens = self.tokens[(best - second).amin(-1).topk(COUNT).indices.numpy()]

    def run(self) -> tuple[Tensor, Tensor]:
        """``logits`` [steps, n, seq, vocab] and halting logits [steps, n] in float."""
        z_H, z_L = self.model.initial_carry(len(self.tokens))
        logits, q = [], []
        for _ in range(STEPS):
            z_H, z_L, *heads = self.model.step(z_H, z_L, torch.from_numpy(self.tokens))
            logits.append(heads[0])
            q.append(heads[1])
        return torch.stack(logits), torch.stack(q)

    def puzzles(self, threshold: float = NEVER) -> list[Puzzle]:
        """Puzzles whose known answers are those of the float model, taken where each puzzle halts."""
        logits, q = self.run()
        halts = q > threshold
        halts[-1] = True
        answers = logits.argmax(-1)[halts.int().argmax(0), torch.arange(COUNT)].numpy()
        return [Puzzle(TASK.decode(q), TASK.decode(a)) for q, a in zip(self.tokens, answers, strict=True)]

    def static(self, *spoilt: str, **form: Any) -> Plan:
        """All sites static; the scales of those that are ``spoilt`` are so coarse that nothing is left."""
        ids = [0] * COUNT
        ranges = calibrate(self.model, self.tokens, ids, steps=STEPS, threshold=NEVER, method="min-max")
        scales = {**ranges.scales("uint8"), **dict.fromkeys(spoilt, Scale(1e3, 0, "uint8"))}
        return Plan(uniform_sites(self.model, Arithmetic.STATIC, scales=scales), **form)

    def search(self, plan: Plan, puzzles: list[Puzzle] | None = None, **options: Any) -> Search:
        settings: dict[str, Any] = {"task": TASK, "max_drop": 0, "steps": STEPS, "threshold": NEVER, **options}
        given = self.puzzles() if puzzles is None else puzzles
        return search(self.model, settings.pop("task"), given, [0] * COUNT, plan, **settings)


@pytest.fixture(scope="module")
def case(build_model: BuildModel) -> Case:
    return Case(build_model(L_layers=1))


def widened(plan: Plan) -> dict[str, str]:
    return {n: s.arithmetic.value for n, s in plan.sites.items() if s.arithmetic is not Arithmetic.STATIC}


# -- what is found ----------------------------------------------------------------------------


def test_a_good_plan_stays_as_it_is(case: Case) -> None:
    plan = case.static()
    result = case.search(plan)
    assert result.plan is plan
    assert (result.float_accuracy, result.puzzles, result.max_drop) == (100, COUNT, 0)
    assert [(trial.name, trial.drop) for trial in result.trials] == [("all static", 0)]


@pytest.mark.parametrize("name", SITES)
def test_the_spoilt_site_is_widened_and_no_other(case: Case, name: str) -> None:
    result = case.search(case.static(name))
    assert widened(result.plan) == {name: "dynamic"}
    costs = {trial.name.removesuffix(" alone"): trial for trial in result.sweep}
    assert list(costs) == list(SITES)
    assert max(costs, key=lambda site: costs[site].drop) == name
    assert costs[name].drop > 50
    first, last = result.trials
    assert (first.name, first.widened) == ("all static", {})
    assert first.drop > 50
    assert (last.name, last.widened, last.drop) == (f"{name} dynamic", {name: "dynamic"}, 0)
    assert last.accuracy == result.float_accuracy == 100
    assert first.logits_error > last.logits_error > 0


def test_two_spoilt_sites(case: Case) -> None:
    result = case.search(case.static("L0.t.in", "L0.c.inner"))
    assert widened(result.plan) == {"L0.t.in": "dynamic", "L0.c.inner": "dynamic"}
    assert len(result.trials) == 3


def test_what_dynamic_scales_cannot_mend_stays_float(build_model: BuildModel) -> None:
    """One huge weight, with a single scale for the matrix: rounding leaves nothing of the others."""
    model = build_model(L_layers=1)
    with torch.no_grad():
        model.get_parameter("L_level.layers.0.mlp.up_proj.weight")[0, 0] = 3e4
        model.get_parameter("L_level.layers.0.mlp.down_proj.weight")[:, 0] = 0
    case = Case(model)
    result = case.search(case.static(per_channel=False))
    assert result.plan.site("L0.c.in").arithmetic is Arithmetic.FLOAT
    assert result.trials[-1].drop == 0
    assert result.trials[-1].widened["L0.c.in"] == "float"


def test_any_drop_allowed_keeps_everything_static(case: Case) -> None:
    plan = case.static(*SITES)
    result = case.search(plan, max_drop=100)
    assert result.plan is plan
    assert len(result.trials) == 1


def test_the_drop_that_is_allowed_decides(case: Case) -> None:
    plan = case.static("L0.t.in")
    drop = case.search(plan, max_drop=100).trials[0].drop
    assert widened(case.search(plan, max_drop=drop).plan) == {}
    assert widened(case.search(plan, max_drop=drop - 0.1).plan) == {"L0.t.in": "dynamic"}


def test_the_table_is_the_same_every_time(case: Case) -> None:
    plan = case.static("L0.c.in")
    names: list[str] = []
    first = case.search(plan, progress=names.append)
    assert first.to_dict() == case.search(plan).to_dict()
    assert names == [trial.name for trial in (*first.sweep, *first.trials)]


def test_batches_change_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = case.static("L0.c.in")
    whole = case.search(plan, max_drop=100)
    monkeypatch.setattr(module, "BATCH", 3)
    parts = case.search(plan, max_drop=100)
    for one, other in zip((*whole.sweep, *whole.trials), (*parts.sweep, *parts.trials), strict=True):
        assert replace(one, logits_error=0) == replace(other, logits_error=0)
        assert one.logits_error == pytest.approx(other.logits_error, rel=0.01)


def test_work_is_a_share_of_all_products_in_float(case: Case) -> None:
    result = case.search(case.static("L0.c.in"))
    counts = {place.name: place.weight_count for place in model_sites(case.model)}
    total = sum(counts.values())
    assert result.trials[0].work == pytest.approx(1 / RELATIVE_SPEED[Arithmetic.STATIC], abs=1e-4)
    for trial in result.sweep:
        share = counts[trial.name.removesuffix(" alone")] / total
        assert trial.work == pytest.approx(1 - share * (1 - 1 / RELATIVE_SPEED[Arithmetic.STATIC]), abs=1e-4)
    assert result.trials[-1].work > result.trials[0].work


# -- how answers are judged -------------------------------------------------------------------


def test_answers_are_taken_where_a_puzzle_halts(case: Case) -> None:
    q = case.run()[1]
    threshold = float(q[0].sort().values[COUNT // 2 - 1 : COUNT // 2 + 1].mean())  # half of them halt at once
    early, late = case.puzzles(threshold), case.puzzles()
    assert any((one.answer != other.answer).any() for one, other in zip(early, late, strict=True))
    plan = case.static()
    options: dict[str, Any] = {"threshold": threshold, "max_drop": 100}
    assert case.search(plan, early, **options).float_accuracy == 100
    assert case.search(plan, late, **options).float_accuracy < 100


def test_without_a_known_answer_the_rules_judge(case: Case) -> None:
    class Lenient(type(TASK)):  # type: ignore[misc]
        def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
            return np.arange(len(answers)) % 2 == 0

    lenient: Task = Lenient.from_id(TASK.id)
    right = case.puzzles()
    unknown = [Puzzle(puzzle.question) for puzzle in right]
    plan = case.static()
    assert case.search(plan, puzzles=unknown, max_drop=100).float_accuracy == 0
    assert case.search(plan, puzzles=unknown, task=lenient, max_drop=100).float_accuracy == 50
    assert case.search(plan, puzzles=right, task=lenient, max_drop=100).float_accuracy == 100


@pytest.mark.parametrize("value", [-1, 100.01, float("nan")])
def test_a_drop_out_of_range(case: Case, value: float) -> None:
    with pytest.raises(InvalidConfig, match=r"max-drop = .* is out of range\. Allowed: 0 to 100 percentage points"):
        case.search(case.static(), max_drop=value)
