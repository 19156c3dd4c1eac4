"""ML programs: whole, in the types that were asked for, and the same numbers as the float model.

Core ML itself exists on Apple's systems only. Here coremltools reads the written programs back and evaluates them
operator by operator in numpy: that shows what they say, not how Core ML computes it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

pytest.importorskip("executorch")
pytest.importorskip("coremltools")

from trm_edge.errors import InvalidInput, MissingDependency, NotQuantized, Refused
from trm_edge.export import coreml
from trm_edge.export.coreml import Method, build_program
from trm_edge.export.executorch import Program, method_modules
from trm_edge.export.options import ExportOptions
from trm_edge.export.write_coreml import prepare
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Format, Precision

KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "puzzles": {"puzzle_emb_ndim": 40, "num_puzzle_identifiers": 5, "pos_encodings": "learned"},
    "hrm": {"mlp_t": False, "num_heads": 2, "pos_encodings": "rope", "H_layers": 1, "no_ACT_continue": False},
}
CASES = [
    ("mlp", Precision.FP32),
    ("mlp", Precision.FP16),
    ("mlp", Precision.W8),
    ("puzzles", Precision.FP16),
    ("hrm", Precision.W8),
]
KEPT = {"puzzles": (3, 0)}
BATCH = 2
ERROR = {Precision.FP32: 1e-5, Precision.FP16: 2e-2, Precision.W8: 1e-1}


@cache
def make_model(kind: str) -> RecursiveModel:
    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=6, seq_len=9, hidden_size=32, L_layers=1, H_cycles=1, L_cycles=1, expansion=1.0, **KINDS[kind]
    )
    model = RecursiveModel(config).eval()
    torch.nn.init.normal_(model.q_head.weight)  # the official zeros would hide mistakes
    return model


@cache
def written(kind: str, precision: Precision) -> tuple[Program, dict[str, Method]]:
    methods: dict[str, Method] = {}

    def keep(*arguments: Any) -> dict[str, Method]:
        methods.update(read(*arguments))
        return methods

    read = coreml.read_methods
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coreml, "read_methods", keep)
        program = build_program(make_model(kind), precision=precision, puzzles=KEPT.get(kind, ()), batch=BATCH)
    return program, methods


def evaluate(method: Method, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The outputs of an ML program."""
    for name, variable in method.function.inputs.items():
        variable._sym_val = SimpleNamespace(val=inputs[name])
    for operation in method.function.operations:
        if operation.op_type == "const":
            continue
        if operation.op_type == "silu":  # coremltools does not say what it is
            found = operation.x.val / (1 + np.exp(-operation.x.val))
        elif operation.op_type.startswith("constexpr_"):
            found = operation.materialized_val_inference()
        else:
            found = operation.value_inference()
        outputs = operation.outputs
        for variable, value in zip(outputs, found if len(outputs) > 1 else (found,), strict=True):
            variable._sym_val = SimpleNamespace(val=np.asarray(value))
    return [variable.val for variable in method.function.outputs]


@pytest.mark.parametrize(("kind", "precision"), CASES)
def test_every_method_computes_what_the_float_model_does(kind: str, precision: Precision) -> None:
    program, methods = written(kind, precision)
    modules, rng = method_modules(make_model(kind), KEPT.get(kind, ())), np.random.default_rng(0)
    assert methods.keys() == modules.keys() == program.stats["delegated"].keys()
    for name, method in methods.items():
        inputs = {
            key: rng.normal(size=variable.shape).astype(np.float32)
            if variable.rank == 3
            else rng.integers(0, 2, variable.shape, dtype=np.int32)
            for key, variable in method.function.inputs.items()
        }
        with torch.no_grad():
            answer = modules[name](*map(torch.from_numpy, inputs.values()))
        expected = answer if isinstance(answer, tuple) else (answer,)
        found = evaluate(method, inputs)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == np.float32, "the runtime hands float32 over"
            assert one.shape == tuple(other.shape)
            assert np.abs(one - other.numpy()).max() < ERROR[precision]


def test_a_method_that_core_ml_does_not_take_whole_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    picky = partial(coreml.CoreMLPartitioner, skip_ops_for_coreml_delegation=["aten.rsqrt.default"])
    monkeypatch.setattr(coreml, "CoreMLPartitioner", picky)
    with pytest.raises(Refused, match=r"the method 'network_L' whole: \d pieces, outside them aten\.rsqrt\.default\."):
        build_program(make_model("mlp"), precision=Precision.FP32)


def test_the_stored_types_are_those_of_the_precision() -> None:
    fp32, fp16, w8 = (written("mlp", precision)[0].stats for precision in ERROR)
    assert fp16["float_bytes"] < 0.51 * fp32["float_bytes"]
    assert fp32["int8_bytes"] == fp16["int8_bytes"] == 0
    assert w8["int8_bytes"] > 4 * w8["float_bytes"]
    assert w8["file_bytes"] < fp16["file_bytes"] < fp32["file_bytes"]
    assert (fp32["products"]["weights"], w8["products"]["weights"]) == (0, 6)  # two SwiGLUs of three weights


def test_the_oldest_system_follows_from_the_program() -> None:
    assert written("mlp", Precision.FP16)[0].stats["coreml"]["oldest"] == "iOS 15, macOS 12"
    assert written("mlp", Precision.W8)[0].stats["coreml"]["oldest"] == "iOS 16, macOS 13"


def test_the_program_keeps_the_contract_and_names_its_backend() -> None:
    program, _ = written("puzzles", Precision.FP16)
    assert [spec.name for spec in program.inputs] == ["tokens", "puzzle_ids", "z_H", "z_L"]
    assert program.inputs[0].shape == (BATCH, 9)
    assert b"CoreMLBackend" in program.data
    assert b"XnnpackBackend" not in program.data


def test_compute_units_are_written_down() -> None:
    program = build_program(make_model("mlp"), precision=Precision.FP16, compute_units="cpu-and-neural-engine")
    assert program.stats["coreml"]["compute_units"] == "cpu-and-neural-engine"
    assert b"cpu_and_ne" in program.data
    with pytest.raises(InvalidInput, match=r"Unknown choice of compute units 'ane'\. Allowed: all, "):
        build_program(make_model("mlp"), precision=Precision.FP16, compute_units="ane")


def test_weights_that_were_not_quantized_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = coreml._specs
    monkeypatch.setattr(
        coreml, "_specs", lambda name, model, precision, units: specs(name, model, Precision.FP16, units)
    )
    with pytest.raises(NotQuantized, match="0 products have int8 weights, not 6"):
        build_program(make_model("mlp"), precision=Precision.W8)


def test_refusals_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ExportOptions(format=Format.EXECUTORCH, precision=Precision.FP16, target="coreml", backend="portable")
    with pytest.raises(Refused, match=r"compute units 'portable'\. Allowed: all, cpu-and-neural-engine, "):
        prepare(options)
    monkeypatch.setitem(sys.modules, "executorch", None)
    with pytest.raises(MissingDependency, match=r"pip install 'trm-edge\[coreml\]'"):
        prepare(ExportOptions(format=Format.EXECUTORCH, precision=Precision.FP16, target="coreml"))
