"""The rewritten model answers as the original, and its activations are of like size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_edge.export.quantization import model_sites
from trm_edge.export.smoothing import SPREAD, Peaks, equalized
from trm_edge.model.network import RecursiveModel

BuildModel = Callable[..., RecursiveModel]

SHAPES: dict[str, dict[str, Any]] = {
    "mlp": {},
    "attention": {"mlp_t": False, "pos_encodings": "rope"},
    "hrm": {"H_layers": 1, "no_ACT_continue": False},
}
TOKENS = torch.from_numpy(np.random.default_rng(1).integers(0, 6, (4, 16), dtype=np.int32))


def uneven(model: RecursiveModel) -> RecursiveModel:
    """Let some units of every block be far larger than others."""
    with torch.no_grad():
        for place in model_sites(model):
            first = place.weights.get("up", place.weights.get("v"))
            if first is not None:
                first.weight.mul_(torch.logspace(-1.5, 1.5, len(first.weight))[:, None])
    return model


def watched(model: RecursiveModel) -> tuple[dict[str, Peaks], list[Tensor]]:
    """Peaks before the last products during two steps, and what the model answers."""
    peaks: dict[str, Peaks] = {}

    def watch(name: str) -> Callable[[Any, Any, Tensor], None]:
        def hook(module: Any, inputs: Any, x: Tensor) -> None:
            seen = Peaks.of(x, over_tokens=".t." in name)
            peaks[name] = peaks[name].joined(seen) if name in peaks else seen

        return hook

    hooks = [p.tap.register_forward_hook(watch(p.name)) for p in model_sites(model) if p.name.endswith(".inner")]
    z_H, z_L, outputs = *model.initial_carry(len(TOKENS)), []
    for _ in range(2):
        z_H, z_L, logits, q_halt = model.step(z_H, z_L, TOKENS)
        outputs += [z_H, z_L, logits, q_halt]
    for handle in hooks:
        handle.remove()
    return peaks, outputs


@pytest.mark.parametrize("shape", SHAPES)
def test_an_equalized_model_answers_as_before(build_model: BuildModel, shape: str) -> None:
    model = uneven(build_model(**SHAPES[shape]))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    peaks, outputs = watched(model)
    rewritten = equalized(model, peaks)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    for new, old in zip(watched(rewritten)[1], outputs, strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=2e-4)  # float32 through 24 rewritten products
    changed = {n for n, value in rewritten.state_dict().items() if not torch.equal(before[n], value)}
    touched = ("v_proj", "o_proj", "up_proj", "down_proj")
    assert changed == {name for name in before if "_level." in name and any(part in name for part in touched)}


@pytest.mark.parametrize("shape", SHAPES)
def test_units_are_of_like_size_afterwards(build_model: BuildModel, shape: str) -> None:
    def spread(peaks: dict[str, Peaks]) -> dict[str, float]:
        return {name: float(seen.units.max() / np.median(seen.units)) for name, seen in peaks.items()}

    model = uneven(build_model(**SHAPES[shape]))
    peaks, _ = watched(model)
    before, after = spread(peaks), spread(watched(equalized(model, peaks))[0])
    assert after.keys() == before.keys()
    for name in before:
        assert after[name] < before[name] / 3, name


def test_a_unit_that_was_never_active_does_no_harm(build_model: BuildModel) -> None:
    model = build_model()
    with torch.no_grad():
        model.get_parameter("L_level.layers.0.mlp.up_proj.weight")[7] = 0
        model.get_parameter("L_level.layers.1.mlp.down_proj.weight")[:, 3] = 0
    peaks, outputs = watched(model)
    for new, old in zip(watched(equalized(model, peaks))[1], outputs, strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=2e-4)


def test_peaks_by_hand() -> None:
    x = torch.zeros(2, 3, 4)  # [batch, in, hidden] over tokens, else [batch, seq, in]
    x[0, 1, 2], x[1, 2, 0] = -5, 3
    over_tokens, over_channels = Peaks.of(x, over_tokens=True), Peaks.of(x, over_tokens=False)
    assert over_tokens.units.tolist() == [0, 5, 3]
    assert over_tokens.channels is not None
    assert over_tokens.channels.tolist() == [3, 0, 5, 0]
    assert over_channels.units.tolist() == [3, 0, 5, 0]
    assert over_channels.channels is None


def test_peaks_are_joined_number_by_number() -> None:
    def peaks(units: list[float], channels: list[float] | None) -> Peaks:
        return Peaks(np.float32(units), None if channels is None else np.float32(channels))

    joined = peaks([1, 5], [7, 0]).joined(peaks([2, 3], [6, 1]))
    assert joined.units.tolist() == [2, 5]
    assert joined.channels is not None
    assert joined.channels.tolist() == [7, 1]
    assert peaks([1], None).joined(peaks([2], None)).channels is None


def test_channels_are_scaled_only_where_they_differ_much() -> None:
    def scales(channels: list[float] | None) -> Any:
        return Peaks(np.ones(1, np.float32), None if channels is None else np.float32(channels)).channel_scales()

    assert scales(None) is None
    assert scales([0, 0, 0]) is None
    assert scales([1, 1, 1, SPREAD]) is None
    assert scales([1, 1, 1, SPREAD * 1.01]).tolist() == np.float32([1, 1, 1, SPREAD * 1.01]).tolist()
    assert (scales([0, 1, 1, 40]) > 0).all()  # a channel that was never active is divided by something all the same
