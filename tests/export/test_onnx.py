from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from trm_edge.errors import Refused
from trm_edge.export import onnx as module
from trm_edge.export.onnx import graph_stats, to_bytes

FLOATS = np.arange(1000, dtype=np.float32)


def value(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def tensor(name: str, array: NDArray[Any]) -> TensorProto:
    return numpy_helper.from_array(array, name)


@pytest.fixture
def model() -> onnx.ModelProto:
    """A function of two nodes, called twice in the main graph and once in the body of a Loop beside a Tanh."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    function = helper.make_function(
        "own",
        "Twice",
        ["x", "w"],
        ["y"],
        [helper.make_node("Add", ["x", "w"], ["a"]), helper.make_node("Mul", ["a", "w"], ["y"])],
        opsets[:1],
    )
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Tanh", ["state"], ["t"]),
            helper.make_node("Twice", ["t", "inner"], ["next"], domain="own"),
        ],
        "body",
        [value("i", kind=TensorProto.INT64), value("go", kind=TensorProto.BOOL), value("state", 1000)],
        [value("go_on", kind=TensorProto.BOOL), value("next", 1000)],
        [tensor("inner", FLOATS + 1)],
    )
    nodes = [
        helper.make_node("Twice", ["input", "weight"], ["first"], domain="own"),
        helper.make_node("Twice", ["first", "same"], ["second"], domain="own"),
        helper.make_node("Loop", ["budget", "", "second"], ["output"], body=body),
    ]
    graph = helper.make_graph(
        nodes,
        "main",
        [value("input", 1000), value("budget", kind=TensorProto.INT64)],
        [value("output", 1000)],
        [tensor("weight", FLOATS), tensor("same", FLOATS)],
    )
    return helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=10)


def test_functions_are_counted_at_every_call(model: onnx.ModelProto) -> None:
    stats = graph_stats(to_bytes(model))
    assert stats["nodes"] == {"Add": 3, "Mul": 3, "Identity": 1, "Loop": 1, "Tanh": 1}
    assert list(stats["nodes"]) == ["Add", "Mul", "Identity", "Loop", "Tanh"]  # by number, then by name
    assert stats["node_count"] == 9
    assert stats["stored_nodes"] == 3 + 3 + 2


def test_equal_tensors_weigh_once_and_subgraphs_count(model: onnx.ModelProto) -> None:
    data = to_bytes(model)
    stats = graph_stats(data)
    assert stats["unique_weight_bytes"] == 2 * FLOATS.nbytes  # three stored: two equal ones, and the body's
    assert stats["file_bytes"] == len(data) > 3 * FLOATS.nbytes
    assert stats["file_to_weights"] == pytest.approx(len(data) / (2 * FLOATS.nbytes), abs=1e-4)


def test_equal_bytes_of_another_type_are_another_tensor(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(tensor("whole", FLOATS.view(np.int32)))
    assert graph_stats(to_bytes(model))["unique_weight_bytes"] == 3 * FLOATS.nbytes


def test_functions_that_call_functions(model: onnx.ModelProto) -> None:
    outer = helper.make_function(
        "own",
        "Outer",
        ["x", "w"],
        ["y"],
        [helper.make_node("Twice", ["x", "w"], ["a"], domain="own"), helper.make_node("Abs", ["a"], ["y"])],
        [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)],
    )
    model.functions.append(outer)
    model.graph.node[0].op_type = "Outer"
    stats = graph_stats(to_bytes(model))
    assert (stats["nodes"]["Add"], stats["nodes"]["Abs"], stats["node_count"]) == (3, 1, 10)


def test_no_weights() -> None:
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [value("x", 1)], [value("y", 1)])
    stats = graph_stats(to_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)))
    assert stats["unique_weight_bytes"] == 0


def test_a_graph_against_the_standard_is_not_written(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(onnx.checker.ValidationError):
        to_bytes(model)


def test_a_file_too_large_is_refused(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(to_bytes(model))
    monkeypatch.setattr(module, "MAX_ONNX_BYTES", size - 1)
    with pytest.raises(Refused, match=rf"would take {size} bytes; one ONNX file holds at most {size - 1}.*--puzzles"):
        to_bytes(model)
    monkeypatch.setattr(module, "MAX_ONNX_BYTES", size)
    to_bytes(model)
