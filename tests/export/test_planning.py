"""From a precision to a plan: what each one quantizes, calibrates on, reports and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from trm_edge.errors import InvalidConfig, InvalidInput
from trm_edge.export import planning
from trm_edge.export.calibration import CalibrationOptions
from trm_edge.export.planning import Planned, Progress, QuantizationOptions, calibration_puzzles, make_plan
from trm_edge.export.precision import Arithmetic
from trm_edge.export.quantization import model_sites
from trm_edge.export.ranges import DEFAULT_METHOD
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.generating import generate_many

BuildModel = Callable[..., RecursiveModel]

TASK = get_task("sudoku-4x4")
NEVER = float("inf")


@pytest.fixture(scope="module")
def puzzles() -> list[Puzzle]:
    return list(generate_many(TASK, 8, seed=1))


@pytest.fixture
def model(build_model: BuildModel) -> RecursiveModel:
    return build_model(L_layers=1)


def planned(
    model: RecursiveModel, precision: Precision, puzzles: list[Puzzle] | None = None, **options: Any
) -> Planned:
    samples, progress = options.pop("samples", 4), options.pop("progress", None)
    method = options.pop("method", None)
    return make_plan(
        model,
        TASK,
        precision,
        QuantizationOptions(CalibrationOptions(method, samples), **options),
        kept=(),
        steps=2,
        threshold=NEVER,
        puzzles=puzzles,
        progress=progress,
    )


def arithmetics(found: Planned) -> set[Arithmetic]:
    return {found.plan.site(place.name).arithmetic for place in model_sites(found.model)}


# -- the precisions ---------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_float_precisions_quantize_nothing(model: RecursiveModel, precision: Precision) -> None:
    found = planned(model, precision)
    assert found.model is model
    assert arithmetics(found) == {Arithmetic.FLOAT}
    assert found.report == {}


def test_weights_alone_need_no_puzzles(model: RecursiveModel) -> None:
    found = planned(model, Precision.W8, [], optimize_for="arm64", per_channel=False)
    assert found.model is model
    assert arithmetics(found) == {Arithmetic.WEIGHTS}
    assert not found.plan.per_channel
    assert found.report == {"optimized_for": "arm64", "weights": "int8, per tensor"}


def test_dynamic_int8_is_smoothed_and_keeps_no_ranges(model: RecursiveModel, puzzles: list[Puzzle]) -> None:
    found = planned(model, Precision.W8A8_DYNAMIC, puzzles)
    assert found.model is not model
    assert arithmetics(found) == {Arithmetic.DYNAMIC}
    assert all(site.scale is None for site in found.plan.sites.values())
    assert found.report["activations"] == "uint8"
    assert "calibration" not in found.report


@pytest.mark.parametrize(
    ("processor", "dtype", "limit"), [("x86-64", "uint8", 127), ("x86-64-avx2", "uint8", 63), ("arm64", "int8", 127)]
)
def test_static_int8(model: RecursiveModel, puzzles: list[Puzzle], processor: str, dtype: str, limit: int) -> None:
    found = planned(model, Precision.W8A8, puzzles, optimize_for=processor, method="min-max")
    names = [place.name for place in model_sites(model)]
    assert list(found.plan.sites) == names
    assert arithmetics(found) == {Arithmetic.STATIC}
    assert {site.scale.dtype for site in found.plan.sites.values() if site.scale} == {dtype}
    assert (found.plan.weight_limit, found.plan.per_channel) == (limit, True)
    report = json.loads(json.dumps(found.report))
    assert report.keys() == {"optimized_for", "weights", "activations", "calibration", "scaled", "sites"}
    assert (report["optimized_for"], report["activations"]) == (processor, dtype)
    assert report["weights"] == "int8, per channel"
    assert report["scaled"] == []
    assert report["sites"] == dict.fromkeys(names, "static")
    calibration = report["calibration"]
    assert (calibration["method"], calibration["puzzles"], calibration["supervision_steps"]) == ("min-max", 8, 16)
    assert list(calibration["ranges"]) == names
    for name, ranges in calibration["ranges"].items():
        scale = found.plan.sites[name].scale
        assert scale is not None
        low, high = (min(ranges["chosen"][0], 0), max(ranges["chosen"][1], 0))
        assert scale.scale == pytest.approx((high - low) / 255, rel=1e-4)


def test_static_int8_rewrites_the_model_and_answers_as_before(model: RecursiveModel, puzzles: list[Puzzle]) -> None:
    found = planned(model, Precision.W8A8, puzzles)
    assert found.model is not model
    tokens = torch.from_numpy(np.stack([TASK.encode(puzzle.question) for puzzle in puzzles]))
    old, new = (m.step(*m.initial_carry(8), tokens)[2] for m in (model, found.model))
    torch.testing.assert_close(new, old, rtol=0, atol=1e-4)
    assert found.report["calibration"]["method"] == DEFAULT_METHOD


def test_channel_scales_reach_plan_and_report(model: RecursiveModel, puzzles: list[Puzzle]) -> None:
    with torch.no_grad():
        model.embed_tokens.weight[:, 5] *= 1000
    found = planned(model, Precision.W8A8, puzzles)
    scaled = [name for name, site in found.plan.sites.items() if site.channels is not None]
    assert scaled == found.report["scaled"] == ["L0.t.inner"]


def test_auto_judges_on_other_puzzles_than_it_calibrates_on(
    model: RecursiveModel, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Puzzle] = []
    real = planning.search

    def search(model: RecursiveModel, task: Any, puzzles: list[Puzzle], *args: Any, **options: Any) -> Any:
        judged.extend(puzzles)
        return real(model, task, puzzles, *args, **options)

    monkeypatch.setattr(planning, "search", search)
    found = planned(model, Precision.AUTO, puzzles, max_drop=100)
    assert judged == puzzles[4:]
    assert found.report["calibration"]["puzzles"] == 4
    assert found.report["search"]["puzzles"] == 4
    assert found.report["search"]["max_drop"] == 100
    assert set(found.report["sites"].values()) == {"static"}
    json.dumps(found.report)


def test_auto_follows_the_search(model: RecursiveModel, puzzles: list[Puzzle], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search finds that a site must be wider, plan and report say so."""
    from trm_edge.export import search as module

    drops = iter([0, 0, 3, 0, 9, 2, 0.25])  # four sites alone, all static, two widened
    monkeypatch.setattr(module._Judge, "measure", lambda self, model: (self.float_accuracy - next(drops), 0.0))
    found = planned(model, Precision.AUTO, puzzles, max_drop=0.5)
    sites = found.report["sites"]
    assert list(sites.values()).count("dynamic") == 2
    assert sites["L0.c.in"] == "dynamic"  # the one that cost most
    assert sites == {name: site.arithmetic.value for name, site in found.plan.sites.items()}


# -- the puzzles ------------------------------------------------------------------------------


def test_puzzles_are_generated_where_none_are_given(model: RecursiveModel) -> None:
    found = planned(model, Precision.W8A8, samples=3)
    assert found.report["calibration"]["puzzles"] == 3
    again = planned(model, Precision.W8A8, samples=3)
    assert again.report == found.report
    assert {n: s.scale for n, s in again.plan.sites.items()} == {n: s.scale for n, s in found.plan.sites.items()}


def test_calibration_puzzles_are_encoded_and_given_kept_ids(puzzles: list[Puzzle]) -> None:
    given = [Puzzle(p.question, puzzle_id=id_) for p, id_ in zip(puzzles, (7, 0, 3, 9, 9), strict=False)]
    found = calibration_puzzles(TASK, CalibrationOptions(), (3, 7), given)
    assert found.tokens.dtype == np.int32
    np.testing.assert_array_equal(found.tokens[1], TASK.encode(puzzles[1].question))
    assert list(found.ids) == [7, 3, 3, 7, 3]  # those kept stay, the others take turns
    assert list(calibration_puzzles(TASK, CalibrationOptions(), (), given[1:2]).ids) == [0]
    assert len(calibration_puzzles(TASK, CalibrationOptions(samples=5), ()).puzzles) == 5


@pytest.mark.parametrize("precision", [Precision.W8A8_DYNAMIC, Precision.W8A8, Precision.AUTO])
def test_no_puzzles_are_refused(model: RecursiveModel, precision: Precision) -> None:
    with pytest.raises(InvalidInput, match=r"no puzzles to calibrate on\. Give a file with at least one"):
        planned(model, precision, [])


def test_a_search_needs_four_puzzles(model: RecursiveModel, puzzles: list[Puzzle]) -> None:
    with pytest.raises(InvalidInput, match="needs at least 4 puzzles, not 3"):
        planned(model, Precision.AUTO, puzzles[:3])
    assert planned(model, Precision.AUTO, puzzles[:4], max_drop=100).report["calibration"]["puzzles"] == 2


# -- options and progress ---------------------------------------------------------------------


def test_progress_is_heard(model: RecursiveModel, puzzles: list[Puzzle]) -> None:
    calibrated: list[int] = []
    tried: list[str] = []
    planned(
        model,
        Precision.AUTO,
        puzzles,
        max_drop=100,
        progress=Progress(calibrated=calibrated.append, tried=tried.append),
    )
    assert sum(calibrated) == 4
    assert tried == [*(f"{place.name} alone" for place in model_sites(model)), "all static"]


def test_an_unknown_processor() -> None:
    with pytest.raises(InvalidConfig, match=r"Unknown processor 'arm'\. Allowed: x86-64, .*Did you mean 'arm64'\?"):
        QuantizationOptions(optimize_for="arm")


@pytest.mark.parametrize("value", [-0.1, 100.5, float("nan")])
def test_a_drop_out_of_range(value: float) -> None:
    with pytest.raises(InvalidConfig, match=r"max-drop = .* is out of range\. Allowed: 0 to 100"):
        QuantizationOptions(max_drop=value)
