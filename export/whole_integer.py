"""A float graph with every tensor put into integers: QuantizeLinear and DequantizeLinear around every node.

That is how NPUs without float take a graph. Runtimes turn a node between the two into one integer kernel, and refuse
what is not between them. So nothing is left out here but indices: activations, states, weights, tables and constants
are all stored in integers, and the states enter and leave the graph as such.

Knows ONNX nodes and ranges; knows no model. What a kernel wants is in three rules. Nodes that only move numbers have
one scale for what goes in and what comes out. Sigmoid and Softmax give 0 to 1 in steps of a power of two. And a product
of two activations takes its second factor as signed 16-bit numbers about 0 where activations have 16 bits: Qualcomm's
kernel would round an unsigned one to 8 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from trm_edge.errors import NotQuantized
from trm_edge.export.graph_builder import ONNX_DTYPES, Constants, GraphBuilder
from trm_edge.export.graphs import Graph
from trm_edge.export.quantization import Plan, Scale
from trm_edge.export.ranges import Range
from trm_edge.specs import TensorSpec

MOVING = frozenset({"Concat", "Gather", "Reshape", "Slice", "Squeeze", "Transpose"})
UNIT = frozenset({"Sigmoid", "Softmax"})  #: what comes out lies between 0 and 1
COMPUTING = frozenset({"Add", "MatMul", "Mul", "RMSNormalization"}) | UNIT
FACTOR = "int16"  #: of the second factor of a product of 16-bit activations
_LEVELS = {"uint8": 256, "uint16": 65536}
_FLOATS = {ONNX_DTYPES["float32"], ONNX_DTYPES["float16"]}


@dataclass(frozen=True)
class WholeInteger:
    """A graph in integers.

    Attributes:
        graph: the graph.
        scales: of the states that enter and leave it, by the name of the input.
        tensors: how many activations are stored in integers.
    """

    graph: Graph
    scales: dict[str, Scale]
    tensors: int


def whole_integer(
    graph: Graph, ranges: Mapping[str, Range], *, activations: str, plan: Plan, states: Sequence[str]
) -> WholeInteger:
    """Put every tensor of a float graph into integers.

    Args:
        graph: in float32, of :func:`trm_edge.export.whole_graph.build_whole_graph`.
        ranges: of every float tensor that it computes and of its states, by name.
        activations: ``"uint8"`` or ``"uint16"``.
        plan: how weights are stored; its sites are not looked at.
        states: inputs that come out again as ``<input>_next``.

    Raises:
        NotQuantized: a node that these rules do not know.
    """
    return _Quantizer(graph, ranges, activations, plan, states).run()


class _Quantizer:
    def __init__(
        self, graph: Graph, ranges: Mapping[str, Range], activations: str, plan: Plan, states: Sequence[str]
    ) -> None:
        self.graph, self.activations, self.plan, self.states = graph, activations, plan, states
        self.nodes: Sequence[onnx.NodeProto] = graph.model.graph.node
        unknown = {node.op_type for node in self.nodes} - (COMPUTING | MOVING)
        if unknown:
            raise NotQuantized(f"A graph wholly in integers has no {', '.join(sorted(unknown))}; this one has.")
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.model.graph.initializer}
        self.scales = self._group_scales(ranges)
        self.builder = GraphBuilder(Constants())

    def run(self) -> WholeInteger:
        for state in self.states:
            self._dequantize(state, self.scales[state], stored=state)
        for node in self.nodes:
            self._node(node)
        carried = {*self.states, *(f"{state}_next" for state in self.states)}
        inputs, outputs = (
            tuple(
                TensorSpec(spec.name, spec.shape, self.activations if spec.name in carried else spec.dtype)
                for spec in specs
            )
            for specs in (self.graph.inputs, self.graph.outputs)
        )
        model = onnx.ModelProto()
        model.CopyFrom(self.graph.model)
        model.graph.CopyFrom(self.builder.graph("trm", inputs, outputs))
        model.graph.initializer.extend(self.builder.constants.protos())
        used = {name: self.scales[name] for name in self.states}
        return WholeInteger(Graph(model, inputs, outputs, self.builder.constants.bytes()), used, len(self.scales))

    # -- scales -------------------------------------------------------------------------------
    def _group_scales(self, ranges: Mapping[str, Range]) -> dict[str, Scale]:
        """The scale of every activation; what only moves, and a state and what it becomes, share one."""
        group = {name: name for name in ranges}

        def root(name: str) -> str:
            while group[name] != name:
                name = group[name]
            return name

        fixed = Scale(1 / _LEVELS[self.activations], 0, self.activations)
        unit = {node.output[0] for node in self.nodes if node.op_type in UNIT}
        pairs = [(state, f"{state}_next") for state in self.states]
        wide = {name: [range_] for name, range_ in ranges.items()}
        for node in self.nodes:
            if node.op_type in MOVING:
                for name in self._moved(node):
                    if name in self.constants:
                        wide[node.output[0]].append(_range_of(self.constants[name]))
                    else:
                        pairs.append((name, node.output[0]))
        for first, second in pairs:
            group[root(second)] = root(first)
        members: dict[str, list[Range]] = {}
        for name in ranges:
            members.setdefault(root(name), []).extend(wide[name])
        common = {
            name: Scale.of_range(min(low for low, _ in seen), max(high for _, high in seen), self.activations)
            for name, seen in members.items()
        }
        return {name: fixed if name in unit else common[root(name)] for name in ranges}

    def _moved(self, node: onnx.NodeProto) -> list[str]:
        """The float inputs of a node that moves numbers."""
        return list(node.input) if node.op_type == "Concat" else list(node.input[:1])

    # -- nodes --------------------------------------------------------------------------------
    def _node(self, node: onnx.NodeProto) -> None:
        name, scale = node.output[0], self.scales[node.output[0]]
        floats = len(self._moved(node) if node.op_type in MOVING else node.input)
        inputs = [
            self._input(node, number) if number < floats else self._kept(one) for number, one in enumerate(node.input)
        ]
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        computed = self.builder.op(node.op_type, *inputs, output=f"{name}.float", **attributes)
        leaves = any(spec.name == name for spec in self.graph.outputs)
        as_integers = leaves and name.removesuffix("_next") in self.states
        stored = name if as_integers else f"{name}.stored"
        self.builder.op("QuantizeLinear", computed, *self._scale_constants(name, scale), output=stored)
        self._dequantize(name, scale, stored=stored, leaves=leaves and not as_integers)

    def _input(self, node: onnx.NodeProto, number: int) -> str:
        """One float input, as the integers give it back."""
        name = node.input[number]
        if name not in self.constants:
            second = node.op_type == "MatMul" and number == 1 and self.activations == "uint16"
            return self._factor(name) if second else f"{name}.real"
        if node.op_type == "MatMul":
            return self._weight(name)
        scale = self.scales[node.output[0]] if node.op_type in MOVING else self._own_scale(name)
        return self._table(name, scale)

    def _kept(self, name: str) -> str:
        """Shapes, axes and indices stay as they are."""
        if name in self.constants:
            self.builder.constants.add(name, self.constants[name])
        return name

    def _factor(self, name: str) -> str:
        """An activation as signed 16-bit numbers about 0."""
        scale = self.scales[name]
        reach = max(scale.zero_point, _LEVELS[scale.dtype] - 1 - scale.zero_point) * scale.scale
        symmetric = self._scale_constants(f"{name}.factor", Scale(float(np.float32(reach / 32767)), 0, FACTOR))
        stored = self.builder.op("QuantizeLinear", f"{name}.real", *symmetric, output=f"{name}.factor.stored")
        return self.builder.op("DequantizeLinear", stored, *symmetric, output=f"{name}.factor.real")

    def _weight(self, name: str) -> str:
        """A weight [in, out] of a product, in int8 with a scale for every column."""
        stored, scale = self.plan.weight(self.constants[name].T)
        weight = self.builder.constants.add(name, np.ascontiguousarray(stored.T))
        if not self.plan.per_channel:
            scale = scale[:1].reshape(())
        zero = self.builder.const(f"{name}.zero", np.zeros(scale.shape), "int8")
        scales = self.builder.constants.add(f"{name}.scale", scale)
        axis = {"axis": 1} if self.plan.per_channel else {}
        return self.builder.shared(f"{name}.real", "DequantizeLinear", weight, scales, zero, **axis)

    def _table(self, name: str, scale: Scale) -> str:
        """A constant that is not the weight of a product, in the type of the activations."""
        last = _LEVELS[scale.dtype] - 1
        integers = np.clip(np.rint(self.constants[name] / np.float32(scale.scale)) + scale.zero_point, 0, last)
        stored = self.builder.const(name, integers, scale.dtype)
        constants = self._scale_constants(name, scale)
        return self.builder.shared(f"{name}.real", "DequantizeLinear", stored, *constants)

    def _own_scale(self, name: str) -> Scale:
        return Scale.of_range(*_range_of(self.constants[name]), self.activations)

    def _dequantize(self, name: str, scale: Scale, *, stored: str, leaves: bool = False) -> None:
        """The real numbers of an activation, under its own name where they leave the graph."""
        constants = self._scale_constants(name, scale)
        if leaves:
            self.builder.op("DequantizeLinear", stored, *constants, output=name)
        if any(name in node.input for node in self.nodes):
            self.builder.op("DequantizeLinear", stored, *constants, output=f"{name}.real")

    def _scale_constants(self, name: str, scale: Scale) -> tuple[str, str]:
        return (
            self.builder.const(f"{name}.scale", scale.scale, "float32"),
            self.builder.const(f"{name}.zero", scale.zero_point, scale.dtype),
        )


def float_leftovers(model: onnx.ModelProto) -> list[str]:
    """Operators of a graph that are not in integers, read from its nodes, whoever wrote them.

    An operator is in integers if each of its inputs is stored in integers or comes out of a DequantizeLinear, and each
    of its outputs goes into a QuantizeLinear and nowhere else.
    """
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    users: dict[str, set[str]] = {value.name: {"output"} for value in model.graph.output}
    for node in model.graph.node:
        for name in node.input:
            users.setdefault(name, set()).add(node.op_type)
    integers = {t.name for t in model.graph.initializer if t.data_type not in _FLOATS}
    integers |= {value.name for value in model.graph.input if value.type.tensor_type.elem_type not in _FLOATS}
    left = set()
    for node in model.graph.node:
        given = all(name in integers or makers.get(name) == "DequantizeLinear" for name in node.input)
        taken = all(users.get(name) == {"QuantizeLinear"} for name in node.output)
        if not (given and taken) and node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            left.add(node.op_type)
    return sorted(left)


def _range_of(array: NDArray[Any]) -> Range:
    return float(array.min()), float(array.max())
