"""Calibration sees whole trajectories: every pass of every step of every puzzle that has not halted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidConfig
from trm_edge.export import calibration
from trm_edge.export.calibration import (
    MAX_SAMPLES,
    Calibration,
    CalibrationOptions,
    SiteRange,
    calibrate,
    network_inputs,
    smooth,
)
from trm_edge.export.quantization import Scale, model_sites
from trm_edge.export.ranges import METHODS
from trm_edge.model.network import RecursiveModel

BuildModel = Callable[..., RecursiveModel]

STEPS = 4
NEVER = float("inf")
TOKENS = np.random.default_rng(0).integers(0, 6, (6, 16), dtype=np.int32)
IDS = [0] * len(TOKENS)

SHAPES: dict[str, dict[str, Any]] = {
    "mlp": {},
    "attention": {"mlp_t": False, "pos_encodings": "rope"},
    "hrm": {"H_layers": 1, "no_ACT_continue": False},
}


@pytest.fixture(params=SHAPES)
def model(request: pytest.FixtureRequest, build_model: BuildModel) -> RecursiveModel:
    return build_model(**SHAPES[request.param])


@pytest.fixture
def mlp(build_model: BuildModel) -> RecursiveModel:
    return build_model()


def alone(model: RecursiveModel, row: int, steps: int) -> tuple[list[dict[str, list[Tensor]]], list[float]]:
    """One puzzle on its own: what passes every site in each step, and the halting logits."""
    passed: dict[str, list[Tensor]] = {}
    hooks = [
        p.tap.register_forward_hook(lambda module, inputs, x, name=p.name: passed.setdefault(name, []).append(x))
        for p in model_sites(model)
    ]
    by_step, logits = [], []
    z_H, z_L = model.initial_carry(1)
    for _ in range(steps):
        z_H, z_L, _, q_halt = model.step(z_H, z_L, torch.from_numpy(TOKENS[row : row + 1]), torch.tensor([IDS[row]]))
        by_step.append(dict(passed))
        passed.clear()
        logits.append(float(q_halt))
    for hook in hooks:
        hook.remove()
    return by_step, logits


def ends(tensors: list[Tensor]) -> tuple[float, float]:
    return min(float(x.min()) for x in tensors), max(float(x.max()) for x in tensors)


def halting_threshold(model: RecursiveModel) -> tuple[float, list[int]]:
    """A threshold clear of all halting logits at which puzzles halt at different steps, and how many each makes."""
    q = np.array([alone(model, row, STEPS)[1] for row in range(len(TOKENS))])
    values = np.sort(q, axis=None)
    for gap in np.argsort(values[:-1] - values[1:]):
        threshold = (values[gap] + values[gap + 1]) / 2
        halts = q > threshold
        halts[:, -1] = True
        made: list[int] = (halts.argmax(1) + 1).tolist()
        if len(set(made)) > 1:
            return float(threshold), made
    raise AssertionError("no threshold tells the puzzles apart")


# -- what is seen -----------------------------------------------------------------------------


def test_every_pass_of_every_step_is_seen(model: RecursiveModel) -> None:
    found = calibrate(model, TOKENS, IDS, steps=STEPS, threshold=NEVER, method="min-max")
    assert (found.method, found.puzzles, found.steps) == ("min-max", len(TOKENS), len(TOKENS) * STEPS)
    assert list(found.sites) == [place.name for place in model_sites(model)]
    runs = [alone(model, row, STEPS)[0] for row in range(len(TOKENS))]
    for name, site in found.sites.items():
        assert len(site.by_step) == STEPS
        for step, range_ in enumerate(site.by_step):
            seen = [x for run in runs for x in run[step][name]]
            # batched products may round differently in the last bit
            assert range_ == pytest.approx(ends(seen), rel=1e-4, abs=1e-5)
        everything = [x for run in runs for passed in run for x in passed[name]]
        assert site.seen == pytest.approx(ends(everything), rel=1e-4, abs=1e-5)
        assert site.chosen == site.seen


def test_all_values_are_counted(mlp: RecursiveModel, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[float] = []
    monkeypatch.setitem(METHODS, "min-max", lambda histogram, seen: counted.append(histogram.counts.sum()) or seen)
    calibrate(mlp, TOKENS, IDS, steps=STEPS, threshold=NEVER, method="min-max")
    passes = 2 * (2 + 1) * STEPS * len(TOKENS)  # H_cycles x (latent updates + answer update)
    channels, inner = 16 * 16, 256 * 16
    assert counted == [passes * size for size in (channels, inner) * 4]


def test_halted_puzzles_drop_out(mlp: RecursiveModel) -> None:
    threshold, made = halting_threshold(mlp)
    found = calibrate(mlp, TOKENS, IDS, steps=STEPS, threshold=threshold, method="min-max")
    assert found.steps == sum(made)
    runs = [alone(mlp, row, STEPS)[0][:count] for row, count in enumerate(made)]
    for name, site in found.sites.items():
        assert len(site.by_step) == max(made)
        for step, range_ in enumerate(site.by_step):
            seen = [x for run in runs if len(run) > step for x in run[step][name]]
            assert range_ == pytest.approx(ends(seen), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("halting", [False, True])
def test_batches_change_nothing(mlp: RecursiveModel, monkeypatch: pytest.MonkeyPatch, halting: bool) -> None:
    """Also where a later batch makes more steps than an earlier one."""
    threshold, made = halting_threshold(mlp) if halting else (NEVER, [])
    order = np.argsort(made) if halting else np.arange(len(TOKENS))
    heard: list[int] = []
    results = []
    for size in (1, 4, 16):
        monkeypatch.setattr(calibration, "BATCH", size)
        results.append(
            calibrate(mlp, TOKENS[order], IDS, steps=STEPS, threshold=threshold, progress=heard.append, method="mse")
        )
        assert sum(heard) == len(TOKENS)
        heard.clear()
    for other in results[1:]:
        assert (other.steps, other.puzzles) == (results[0].steps, results[0].puzzles)
        for name, site in results[0].sites.items():
            for first, second in zip(site.by_step, other.sites[name].by_step, strict=True):
                assert first == pytest.approx(second, rel=1e-4, abs=1e-5)
            assert site.chosen == pytest.approx(other.sites[name].chosen, rel=0.03)


def test_puzzle_ids_are_used(build_model: BuildModel) -> None:
    model = build_model(num_puzzle_identifiers=5, puzzle_emb_ndim=16)
    first, second = (
        calibrate(model, TOKENS[:1], [id_], steps=1, threshold=NEVER, method="min-max").sites["L0.t.in"].seen
        for id_ in (1, 4)
    )
    assert first != pytest.approx(second, rel=1e-3)


def test_channels_are_divided_before_they_are_measured(mlp: RecursiveModel) -> None:
    options: dict[str, Any] = {"steps": 1, "threshold": NEVER, "method": "min-max"}
    plain = calibrate(mlp, TOKENS, IDS, **options)
    scaled = calibrate(mlp, TOKENS, IDS, **options, channels={"L0.t.inner": np.full(16, 4, np.float32)})
    for name, site in plain.sites.items():
        factor = 4 if name == "L0.t.inner" else 1
        assert scaled.sites[name].seen == pytest.approx([value / factor for value in site.seen])


def test_the_model_is_left_without_hooks(mlp: RecursiveModel) -> None:
    calibrate(mlp, TOKENS, IDS, steps=1, threshold=NEVER)
    list(network_inputs(mlp, TOKENS, IDS, steps=1, threshold=NEVER))
    smooth(mlp, TOKENS, IDS, steps=1, threshold=NEVER)
    with torch.no_grad():
        mlp.embed_tokens.weight.fill_(float("nan"))
    with pytest.raises(InvalidCheckpoint):
        calibrate(mlp, TOKENS, IDS, steps=1, threshold=NEVER)
    assert not [m for m in mlp.modules() if m._forward_hooks or m._forward_pre_hooks]


# -- what becomes of it -----------------------------------------------------------------------


def test_drift_is_the_widest_step_over_the_first() -> None:
    def drift(*by_step: tuple[float, float]) -> float:
        return SiteRange((0, 1), (0, 1), by_step).drift

    assert drift((-1, 1), (-3, 2), (-1, 0)) == 2.5
    assert drift((-1, 1), (0, 1)) == 1
    assert drift((0, 0), (0, 1)) == 1


def test_scales_and_the_manifest_entry() -> None:
    site = SiteRange(chosen=(-1, 1.55), seen=(-1.23456789, 2), by_step=((-1, 1), (-1.23456789, 2)))
    found = Calibration("mse", 7, 20, {"L0.c.in": site})
    assert found.scales("uint8") == {"L0.c.in": Scale.of_range(-1, 1.55, "uint8")}
    assert found.scales("int8")["L0.c.in"].dtype == "int8"
    written = json.loads(json.dumps(found.to_dict()))
    assert written == {
        "method": "mse",
        "puzzles": 7,
        "supervision_steps": 20,
        "ranges": {
            "L0.c.in": {
                "chosen": [-1, 1.55],
                "seen": [-1.23457, 2],
                "drift": 1.6173,
                "by_step": [[-1, 1], [-1.23457, 2]],
            }
        },
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_method_chooses_within_what_was_seen(mlp: RecursiveModel, method: str) -> None:
    found = calibrate(mlp, TOKENS, IDS, steps=2, threshold=NEVER, method=method)
    for site in found.sites.values():
        assert min(site.seen[0], 0) <= site.chosen[0] < site.chosen[1] <= max(site.seen[1], 0)
    json.dumps(found.to_dict())


# -- smoothing --------------------------------------------------------------------------------


def test_smoothing_scales_channels_where_one_is_large(mlp: RecursiveModel) -> None:
    assert smooth(mlp, TOKENS, IDS, steps=2, threshold=NEVER).channels == {}
    with torch.no_grad():
        mlp.embed_tokens.weight[:, 5] *= 1000
    found = smooth(mlp, TOKENS, IDS, steps=2, threshold=NEVER)
    assert set(found.channels) == {"L0.t.inner"}
    scales = found.channels["L0.t.inner"]
    assert (scales.shape, scales.dtype, scales.argmax()) == ((16,), np.float32, 5)
    assert (scales > 0).all()
    rewritten = calibrate(found.model, TOKENS, IDS, steps=2, threshold=NEVER, method="min-max")
    assert scales.max() == pytest.approx(max(map(abs, rewritten.sites["L0.t.inner"].seen)), rel=1e-4)


def test_a_smoothed_model_answers_as_before(model: RecursiveModel) -> None:
    found = smooth(model, TOKENS, IDS, steps=2, threshold=NEVER)
    assert found.model is not model
    for row in range(2):
        new, old = alone(found.model, row, STEPS)[1], alone(model, row, STEPS)[1]
        assert new == pytest.approx(old, abs=2e-4)


# -- other calibrators ------------------------------------------------------------------------


def test_network_inputs_are_those_of_every_pass(model: RecursiveModel) -> None:
    threshold, made = halting_threshold(model)
    given: list[tuple[str, Tensor]] = []
    for level, z, injected in network_inputs(model, TOKENS, IDS, steps=STEPS, threshold=threshold):
        assert z.shape == injected.shape == (1, 16, 16)
        assert not injected.any()
        given.append((level, z.clone()))
    answer = "H" if model.H_level else "L"
    assert [level for level, _ in given] == ["L", "L", answer] * 2 * sum(made)
    expected = []
    networks = [network for network in (model.L_level, model.H_level) if network is not None]
    hooks = [n.register_forward_pre_hook(lambda module, inputs: expected.append(inputs[0].clone())) for n in networks]
    for row, count in enumerate(made):
        alone(model, row, count)
    for hook in hooks:
        hook.remove()
    for (_, z), wanted in zip(given, expected, strict=True):
        torch.testing.assert_close(z, wanted)


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_give_nan_are_refused(mlp: RecursiveModel, value: float) -> None:
    with torch.no_grad():
        mlp.get_parameter("L_level.layers.1.mlp.gate_proj.weight")[0, 0] = value
    with pytest.raises(InvalidCheckpoint, match="NaN or infinity at supervision step 1; train them again"):
        calibrate(mlp, TOKENS, IDS, steps=2, threshold=NEVER)


@pytest.mark.parametrize("samples", [0, -1, MAX_SAMPLES + 1])
def test_samples_out_of_range(samples: int) -> None:
    with pytest.raises(InvalidConfig, match=rf"calibration-samples = {samples} is out of range. Allowed: 1 to 4096"):
        CalibrationOptions(samples=samples)


def test_an_unknown_method() -> None:
    with pytest.raises(InvalidConfig, match=r"'kl' is unknown\. Allowed: min-max, percentile, mse, entropy"):
        CalibrationOptions("kl")
    for method in METHODS:
        assert CalibrationOptions(method, 1).samples == 1
