from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trm_edge.export.executorch_modules import NetworkPass, balance
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel


def make_pass(**changes: Any) -> NetworkPass:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"vocab_size": 6, "seq_len": 9, "hidden_size": 16, "L_layers": 2, "expansion": 1.0}
    model = RecursiveModel(ModelConfig(**settings | changes)).eval()
    return NetworkPass(model.L_level, model.config).eval()


def loud_inputs(count: int = 4) -> list[tuple[Tensor, Tensor]]:
    """States of which one channel is thirty times as large as the others."""
    torch.manual_seed(1)
    loudness = torch.ones(16)
    loudness[3] = 30.0
    return [(torch.randn(1, 9, 16) * loudness, torch.randn(1, 9, 16)) for _ in range(count)]


def spread(network: NetworkPass, inputs: list[tuple[Tensor, Tensor]]) -> float:
    """Largest channel over the median one before the first norm over tokens."""
    seen: list[Tensor] = []
    norm: Any = network.layers[0].norm
    hook = norm.register_forward_pre_hook(lambda module, given: seen.append(given[0].abs().amax((0, 2))))
    for one in inputs:
        network(*one)
    hook.remove()
    peaks = torch.stack(seen).amax(0)
    return float(peaks.max() / peaks.median())


def test_balanced_channels_are_of_one_size_and_the_answer_is_the_same() -> None:
    network, inputs = make_pass(), loud_inputs()
    with torch.no_grad():
        before = [network(*one) for one in inputs]
        assert spread(network, inputs) > 20
        balance({"L": network}, [("H", *one) for one in inputs])
        assert spread(network, inputs) == pytest.approx(1, abs=1e-4)
        for one, wanted in zip(inputs, before, strict=True):
            torch.testing.assert_close(network(*one), wanted, rtol=1e-3, atol=1e-3)


def test_attention_answers_the_same() -> None:
    network, inputs = make_pass(mlp_t=False, num_heads=2, pos_encodings="rope"), loud_inputs()
    with torch.no_grad():
        before = network(*inputs[0])
        balance({"L": network}, [("L", *one) for one in inputs])
        torch.testing.assert_close(network(*inputs[0]), before, rtol=1e-3, atol=1e-3)


def test_a_rough_norm_lifts_rows_that_a_table_would_not_tell_apart() -> None:
    network, inputs = make_pass(rms_norm_eps=1e-9), loud_inputs()
    faint = (inputs[0][0] / 50, inputs[0][1] / 50)
    entering: dict[str, list[float]] = {"before": [], "after": []}
    with torch.no_grad():
        wanted = network(*faint)
        balance({"L": network}, [("L", *one) for one in inputs])
        norm: Any = network.layers[0].norm

        def see(module: Any, given: tuple[Tensor, ...]) -> None:
            rough = given[0] * torch.rsqrt((given[0] ** 2).mean(-1, keepdim=True) + module.rough_eps)
            for name, x in (("before", given[0]), ("after", rough)):
                entering[name].append(float((x * x).mean(-1).median()))

        hook = norm.register_forward_pre_hook(see)
        found = network(*faint)
        hook.remove()
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=2e-3)
    assert entering["before"][0] < 1 / 256, "less than an interval of a table that reaches to 1"
    assert entering["after"][0] > 10 * entering["before"][0]


def test_a_silent_channel_does_not_become_infinite() -> None:
    network = make_pass()
    nothing = [(torch.zeros(1, 9, 16), torch.zeros(1, 9, 16))]
    nothing[0][0][..., :3] = 1.0
    with torch.no_grad():
        balance({"L": network}, [("L", *one) for one in nothing])
        scales: list[Any] = [layer.channel_scales for layer in network.layers]
        assert all(torch.isfinite(scale).all() for scale in scales)
        assert torch.isfinite(network(*nothing[0])).all()


def test_two_networks_are_measured_each_with_its_own_passes() -> None:
    quiet, loud = make_pass(), make_pass()
    few = [(z / 1000, injected) for z, injected in loud_inputs()]
    with torch.no_grad():
        balance({"L": quiet, "H": loud}, [*(("L", *one) for one in few), *(("H", *one) for one in loud_inputs())])
        assert spread(quiet, few) == pytest.approx(1, abs=1e-4)
        assert spread(loud, loud_inputs()) == pytest.approx(1, abs=1e-4)
