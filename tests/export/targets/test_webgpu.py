from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trm_edge.environments.vulkan import Adapter
from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.export.targets import webgpu as module
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("webgpu")


def test_what_it_was_run_on_is_said() -> None:
    assert TARGET.evidence is Evidence.SIMULATOR
    assert "no GPU was at hand" in TARGET.evidence_note


def test_float_graphs_without_a_loop() -> None:
    runs = {(one.format, one.graph, one.precision) for one in TARGET.choices()}
    graphs = (GraphVariant.STEP, GraphVariant.UNROLLED)
    floats = (Precision.FP32, Precision.FP16, Precision.W8)
    assert runs == {(Format.ONNX, graph, precision) for graph in graphs for precision in floats}


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (
            {"graph": GraphVariant.LOOP},
            "no kernel for Loop.*nearest that 'webgpu' runs: --format onnx --graph step",
        ),
        ({"precision": Precision.W8A8}, "no kernel for QuantizeLinear"),
        ({"precision": Precision.W8A8_DYNAMIC}, "no kernel for DynamicQuantizeLinear and MatMulInteger"),
        ({"format": Format.EXECUTORCH}, "onnx graphs only"),
    ],
)
def test_refusals(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        TARGET.choose(**wish)


def test_half_precision_comes_with_a_warning() -> None:
    assert "shader-f16" in (TARGET.note(Precision.FP16, GraphVariant.STEP) or "")
    assert TARGET.note(Precision.FP32, GraphVariant.STEP) is None


def test_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(module, "adapter", lambda: Adapter("SwiftShader", 4))
    assert TARGET.device() == "SwiftShader, a simulator"
    monkeypatch.setattr(module, "adapter", lambda: None)
    assert TARGET.device() is None
    monkeypatch.setattr("sys.platform", "darwin")
    assert TARGET.device() == "the adapter of Metal"


def test_it_lives_in_an_environment_of_its_own() -> None:
    assert TARGET.install_line() == "trm-edge targets install webgpu"


@pytest.mark.parametrize("graph", [GraphVariant.STEP, GraphVariant.UNROLLED])
@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, ()),
        ({"mlp_t": False, "pos_encodings": "rope"}, ()),
        ({"num_puzzle_identifiers": 5, "puzzle_emb_ndim": 32, "puzzle_emb_len": 2}, (3,)),
        ({"num_puzzle_identifiers": 5, "puzzle_emb_ndim": 32, "puzzle_emb_len": 2}, (3, 1)),
    ],
)
def test_graphs_ask_nothing_of_it_that_the_cpu_would_have_to_do(
    build_model: Callable[..., Any], settings: dict[str, Any], kept: tuple[int, ...], graph: GraphVariant
) -> None:
    """Its MatMul fails at a vector, and arithmetic on shapes (int64) is left to the CPU."""
    from trm_edge.export.graphs import build_graph

    model = build_graph(build_model(**settings), graph, puzzles=kept, steps=2).model
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    ranks = {constant.name: len(constant.dims) for constant in model.graph.initializer}
    products = [name for node in nodes if node.op_type == "MatMul" for name in node.input]
    assert all(ranks.get(name, 2) >= 2 for name in products)
    shapes = {name for node in nodes if node.op_type == "Shape" for name in node.output}
    assert {node.op_type for node in nodes if shapes & set(node.input)} <= {"Expand"}
