"""A small writer of ONNX graphs: nodes, constants stored once, subgraphs and functions.

It knows ONNX, not the model: :mod:`trm_edge.export.graphs` says what to write. The graphs are written node by node
instead of traced, because phones pay for every node and every byte: nothing is transposed, split or copied that
need not be, and the graph is the same whatever the version of the tracer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from trm_edge.specs import TensorSpec

DOMAIN = "trm_edge"  #: domain of the functions that a graph brings along

ONNX_DTYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}


class Constants:
    """The initializers of a model: each stored once, and shared by the main graph and all its subgraphs."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def add(self, name: str, array: NDArray[Any]) -> str:
        """Store ``array`` as ``name``; the same name always stands for the same array."""
        known = self._arrays.setdefault(name, array)
        if known is not array and not np.array_equal(known, array):
            raise ValueError(f"constant '{name}' is already stored with other values")
        return name

    def names(self) -> list[str]:
        """Names, in the order in which they were stored."""
        return list(self._arrays)

    def bytes(self) -> int:
        """Bytes of all stored numbers."""
        return sum(array.nbytes for array in self._arrays.values())

    def protos(self) -> list[TensorProto]:
        """The initializers."""
        return [numpy_helper.from_array(np.asarray(a, order="C"), name) for name, a in self._arrays.items()]


class GraphBuilder:
    """Collects the nodes of one graph, subgraph or function body; values get short names of their own."""

    def __init__(self, constants: Constants, prefix: str = "") -> None:
        self.constants = constants
        self.nodes: list[onnx.NodeProto] = []
        self._prefix = prefix
        self._count = 0
        self._shared: set[str] = set()

    def op(self, kind: str, *inputs: str, output: str | None = None, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output; returns the name of the output."""
        return self.ops(kind, inputs, [output or self._fresh()], domain=domain, **attributes)[0]

    def ops(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Any
    ) -> Sequence[str]:
        """Append a node with given outputs; returns their names."""
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), domain=domain, **attributes))
        return outputs

    def several(self, kind: str, inputs: Sequence[str], count: int, **attributes: Any) -> Sequence[str]:
        """Append a node with ``count`` outputs; returns their names."""
        return self.ops(kind, inputs, [self._fresh() for _ in range(count)], **attributes)

    def shared(self, name: str, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node that is appended once to this graph, however often it is asked for by ``name``."""
        output = f"{self._prefix}{name}"
        if name not in self._shared:
            self._shared.add(name)
            self.op(kind, *inputs, output=output, **attributes)
        return output

    def const(self, name: str, values: Any, dtype: str) -> str:
        """A constant, stored once under ``name``."""
        return self.constants.add(name, np.asarray(values, dtype=dtype))

    def ints(self, *values: int) -> str:
        """A 1-D int64 constant named after its values (axes, shapes)."""
        return self.const("i" + "_".join(map(str, values)), values, "int64")

    def child(self, prefix: str) -> GraphBuilder:
        """A builder for a subgraph; its values cannot clash with ours, and it sees our constants."""
        return GraphBuilder(self.constants, f"{self._prefix}{prefix}.")

    def graph(self, name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> onnx.GraphProto:
        """The collected nodes as a subgraph; constants stay with the main graph."""
        return helper.make_graph(self.nodes, name, [_value(s) for s in inputs], [_value(s) for s in outputs])

    def _fresh(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"


def make_model(
    builder: GraphBuilder,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    *,
    opset: int,
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    """The whole model: main graph with the constants, functions, opset and producer."""
    from trm_edge import __version__

    graph = builder.graph("trm", inputs, outputs)
    graph.initializer.extend(builder.constants.protos())
    opsets = [helper.make_opsetid("", opset)]
    if functions:
        opsets.append(helper.make_opsetid(DOMAIN, 1))
    model: onnx.ModelProto = helper.make_model(
        graph,
        opset_imports=opsets,
        functions=list(functions),
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", opset)]),
        producer_name="trm-edge",
        producer_version=__version__,
    )
    return model


def make_function(
    name: str, builder: GraphBuilder, inputs: Sequence[str], outputs: Sequence[str], *, opset: int
) -> onnx.FunctionProto:
    """The collected nodes as a function. It cannot see constants: they must be among ``inputs``."""
    return helper.make_function(DOMAIN, name, inputs, outputs, builder.nodes, [helper.make_opsetid("", opset)])


def _value(spec: TensorSpec) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(spec.name, ONNX_DTYPES[spec.dtype], list(spec.shape))
