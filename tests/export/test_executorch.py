from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("executorch")

from trm_edge.errors import InvalidConfig, InvalidInput, Refused
from trm_edge.export.executorch import Program, build_program, method_modules, refusal, write_bundled
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes.executorch import load_executorch
from trm_edge.specs import Precision

KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "mlp with puzzles": {"puzzle_emb_ndim": 40, "num_puzzle_identifiers": 5, "pos_encodings": "learned"},
    "rope": {"mlp_t": False, "num_heads": 2, "pos_encodings": "rope", "puzzle_emb_ndim": 32},
    "rope-2d": {"mlp_t": False, "num_heads": 2, "pos_encodings": "rope_2d", "grid_columns": 3},
    "learned": {"mlp_t": False, "num_heads": 2, "pos_encodings": "learned"},
    "hrm": {"mlp_t": False, "num_heads": 2, "pos_encodings": "rope", "H_layers": 1, "no_ACT_continue": False},
}


@cache
def make_model(kind: str, hidden: int = 32) -> RecursiveModel:
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=6, seq_len=9, hidden_size=hidden, L_layers=1, H_cycles=2, L_cycles=2, expansion=1.0, **KINDS[kind]
    )
    model = RecursiveModel(config).eval()
    torch.nn.init.normal_(model.q_head.weight)  # the official zeros would hide mistakes
    if model.puzzle_emb is not None:
        torch.nn.init.normal_(model.puzzle_emb.weight)
    return model


def kept(kind: str) -> tuple[int, ...]:
    return {"mlp with puzzles": (3, 0), "rope": (0,)}.get(kind, ())


def passes(model: RecursiveModel, puzzles: int = 3) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Inputs of the network passes of one supervision step, in order."""
    config = model.config
    tokens = torch.randint(0, config.vocab_size, (puzzles, config.seq_len), generator=torch.Generator().manual_seed(1))
    rotary = (model.rotary_cos, model.rotary_sin) if config.rotary else None
    z_H, z_L = model.initial_carry(puzzles)
    with torch.no_grad():
        x = model.embed(tokens)
        for _ in range(config.H_cycles):
            for _ in range(config.L_cycles):
                yield "L", z_L, z_H + x
                z_L = model.L_level(z_L + z_H + x, rotary)
            yield "H", z_H, z_L
            z_H = (model.H_level or model.L_level)(z_H + z_L, rotary)


@cache
def make_program(kind: str, precision: Precision, backend: str = "xnnpack") -> Program:
    model = make_model(kind)
    return build_program(model, precision=precision, backend=backend, puzzles=kept(kind), passes=passes(model))


@pytest.mark.parametrize("kind", KINDS)
def test_the_methods_together_are_the_model(kind: str) -> None:
    model, config = make_model(kind), make_model(kind).config
    modules = method_modules(model, kept(kind))
    tokens = torch.randint(0, 6, (2, 9), dtype=torch.int32)
    rows = torch.tensor([1, 0], dtype=torch.int32)
    puzzle_ids = torch.tensor(kept(kind))[rows] if len(kept(kind)) > 1 else None
    z_H, z_L = model.initial_carry(2)
    with torch.no_grad():
        expected = model.step(z_H, z_L, tokens, puzzle_ids)
        x = modules["embed"](tokens, rows) if puzzle_ids is not None else modules["embed"](tokens)
        for _ in range(config.H_cycles):
            for _ in range(config.L_cycles):
                z_L = modules["network_L"](z_L, z_H + x)
            z_H = modules.get("network_H", modules["network_L"])(z_H, z_L)
        for given, wanted in zip((z_H, z_L, *modules["heads"](z_H)), expected, strict=True):
            torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "precision"),
    [("mlp", Precision.FP32), ("mlp", Precision.W8A8), ("hrm", Precision.FP32), ("hrm", Precision.W8A8_DYNAMIC)],
)
def test_a_network_pass_is_one_delegate(kind: str, precision: Precision) -> None:
    stats = make_program(kind, precision).stats
    attention = 2 if kind == "hrm" else 0  # q k' and its product with v have no weights
    weights = (4 if kind == "hrm" else 3) + 3
    networks = [name for name in stats["methods"] if name.startswith("network")]
    assert networks == (["network_L", "network_H"] if kind == "hrm" else ["network_L"])
    for name in networks:
        method = stats["methods"][name]
        assert (method["delegates"], method["undelegated"]) == (1, {})
        if precision is Precision.FP32:
            assert (method["integer_products"], method["float_products"]) == (0, weights + attention)
        else:
            assert (method["integer_products"], method["float_products"]) == (weights, attention)
    assert stats["methods"]["heads"]["undelegated"] == {}


def test_no_float_weights_are_left_beside_the_integers() -> None:
    stats = make_program("hrm", Precision.W8A8_DYNAMIC).stats
    config = make_model("hrm").config
    weights = 2 * (4 * 32 * 32 + 3 * 32 * config.inner_size(32))
    assert stats["int8_bytes"] == weights
    assert stats["file_bytes"] < 2 * weights  # a float copy alone would be four times as much


def test_a_file_is_hardly_larger_than_its_weights() -> None:
    model = make_model("mlp", 256)
    stats = build_program(model, precision=Precision.W8A8_DYNAMIC).stats
    assert 1 <= stats["file_to_weights"] <= 1.10


def test_portable_programs_delegate_nothing() -> None:
    stats = make_program("mlp", Precision.FP32, "portable").stats
    assert stats["backend"] == "portable"
    assert all(method["delegates"] == 0 for method in stats["methods"].values())
    assert stats["file_to_weights"] <= 1.25


def test_tensors_keep_the_contract_of_a_step() -> None:
    program = make_program("mlp with puzzles", Precision.FP32)
    assert [spec.name for spec in program.inputs] == ["tokens", "puzzle_ids", "z_H", "z_L"]
    assert [spec.name for spec in program.outputs] == ["logits", "q_halt", "z_H_next", "z_L_next"]
    assert program.inputs[2].shape == (1, 11, 32)
    assert program.outputs[0].shape == (1, 9, 6)


@pytest.mark.parametrize(
    ("precision", "backend", "reason"),
    [
        (Precision.FP16, "xnnpack", "not in fp16"),
        (Precision.FP16, "portable", "not in fp16"),
        (Precision.W8, "xnnpack", "w8a8-dynamic"),
        (Precision.W8A8, "portable", "xnnpack"),
        (Precision.FP32, "xnpack", "Did you mean 'xnnpack'"),
    ],
)
def test_refusals_name_a_way_out(precision: Precision, backend: str, reason: str) -> None:
    assert reason in (refusal(precision, backend) or "")
    with pytest.raises(Refused, match=reason):
        build_program(make_model("mlp"), precision=precision, backend=backend)


def test_only_these_precisions_are_written() -> None:
    written = [precision for precision in Precision if refusal(precision, "xnnpack") is None]
    assert written == [Precision.FP32, Precision.W8A8_DYNAMIC, Precision.W8A8]


def test_batches_out_of_range() -> None:
    with pytest.raises(InvalidConfig, match="batch = 0"):
        build_program(make_model("mlp"), precision=Precision.FP32, batch=0)


def test_static_scales_need_every_network_calibrated() -> None:
    with pytest.raises(InvalidInput, match="network L"):
        build_program(make_model("mlp"), precision=Precision.W8A8)
    only_latent = [item for item in passes(make_model("hrm")) if item[0] == "L"]
    with pytest.raises(InvalidInput, match="network H"):
        build_program(make_model("hrm"), precision=Precision.W8A8, passes=only_latent)
    with pytest.raises(InvalidInput, match="Unknown calibration of ExecuTorch 'mean'"):
        build_program(make_model("mlp"), precision=Precision.W8A8, passes=[], calibration="mean")


def test_a_bundled_program_carries_its_own_tests() -> None:
    kind = "mlp with puzzles"
    program, model = make_program(kind, Precision.FP32), make_model(kind)
    tokens = torch.arange(9, dtype=torch.int32)[None] % 6
    library = load_executorch()
    data = write_bundled(program, model, tokens, kept(kind))
    bundled = library._load_bundled_program_from_buffer(data)
    for method in ("embed", "network_L", "heads"):  # raises where an answer differs
        bundled.verify_result_with_bundled_expected_output(method, 0, 1e-3, 1e-3)
    other = RecursiveModel(model.config).eval()  # other weights, other answers
    wrong = library._load_bundled_program_from_buffer(write_bundled(program, other, tokens, kept(kind)))
    with pytest.raises(RuntimeError):
        wrong.verify_result_with_bundled_expected_output("network_L", 0, 1e-3, 1e-3)
