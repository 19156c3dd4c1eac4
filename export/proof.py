"""What a finished ONNX file multiplies with, counted from its nodes, and the refusal of one that is not as planned.

Reads the file as a runtime does: functions are expanded at every call, subgraphs see the values around them. It knows
nothing of how the graph was written: a product is an integer product because of what its inputs are, not because
somebody asked for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from trm_edge.errors import NotQuantized
from trm_edge.export.precision import INTEGER, Arithmetic
from trm_edge.export.quantization import Plan

Values = dict[str, onnx.NodeProto | onnx.TensorProto]
"""Value name -> what makes it."""

_STORED = {
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "int8",
    onnx.TensorProto.INT16: "int16",
    onnx.TensorProto.UINT16: "int16",
    onnx.TensorProto.FLOAT: "float",
    onnx.TensorProto.FLOAT16: "float",
}  #: anything else is a shape or an axis


@dataclass(frozen=True)
class Product:
    """One matrix product.

    Attributes:
        kind: ``static`` or ``dynamic`` (integers), ``weights`` (int8 weights, float product), ``float`` (float weights)
            or ``activations`` (no weights at all, as in attention).
        weight: name of the weight, empty for ``activations``.
    """

    kind: str
    weight: str


def products(model: onnx.ModelProto) -> list[Product]:
    """All matrix products of a file with its functions expanded."""
    functions = {(f.domain, f.name): f for f in model.functions}
    return list(_products(model.graph, {}, functions, {}))


def prove(model: onnx.ModelProto, plan: Plan, sites: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Check that every product is computed as planned.

    Args:
        model: the finished file.
        plan: what was wanted.
        sites: names of the weights that each site multiplies.

    Returns:
        ``products`` by kind, ``integer_share`` of the products with weights of the network, ``int8_bytes`` and
        ``float_bytes`` of the stored constants.

    Raises:
        NotQuantized: names the weights whose products are not as planned, or are missing.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for product in products(model):
        found[product.weight][product.kind] += 1
    wrong = []
    for site, weights in sites.items():
        wanted = plan.site(site).arithmetic.value
        wrong += [f"{name} ({', '.join(found[name]) or 'missing'})" for name in weights if set(found[name]) != {wanted}]
    if wrong:
        raise NotQuantized(f"{len(wrong)} weights are not multiplied as planned: {', '.join(wrong[:6])}")
    in_network = sum((found[name] for weights in sites.values() for name in weights), Counter[str]())
    integer = sum(in_network[arithmetic.value] for arithmetic in INTEGER)
    return {
        "products": dict(sum((kinds for kinds in found.values()), Counter[str]())),
        "integer_share": round(integer / max(1, in_network.total()), 4),
        **stored_bytes(model),
    }


def stored_bytes(model: onnx.ModelProto) -> dict[str, int]:
    """``int8_bytes`` and ``float_bytes`` of the stored constants, and ``int16_bytes`` where there are any."""
    stored: Counter[str] = Counter()
    for tensor in _initializers(model.graph):
        stored[_STORED.get(tensor.data_type, "other")] += onnx.numpy_helper.to_array(tensor).nbytes
    wide = {"int16_bytes": stored["int16"]} if stored["int16"] else {}
    return {"int8_bytes": stored["int8"], **wide, "float_bytes": stored["float"]}


def _products(
    graph: Any, outer: Values, functions: Mapping[tuple[str, str], onnx.FunctionProto], names: Mapping[str, str]
) -> Iterator[Product]:
    """Products of a graph or function body. ``names`` maps a function's inputs to the caller's constants."""
    values = dict(outer)
    values.update({t.name: t for t in graph.initializer} if isinstance(graph, onnx.GraphProto) else {})
    for node in graph.node:
        values.update(dict.fromkeys(node.output, node))
        function = functions.get((node.domain, node.op_type))
        if function is not None:
            given = zip(function.input, node.input, strict=True)
            inside = {inner: values[name] for inner, name in given if name in values}
            labels = dict(zip(function.input, (names.get(name, name) for name in node.input), strict=True))
            yield from _products(function, inside, functions, labels)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _products(attribute.g, values, functions, names)
        if node.op_type in ("MatMul", "MatMulInteger"):
            yield _classified(node, values, names)


def _classified(node: onnx.NodeProto, values: Values, names: Mapping[str, str]) -> Product:
    sides = [_Side.of(name, values, names) for name in node.input[:2]]
    weight = next((side for side in sides if side.constant), None)
    if weight is None:
        return Product("activations", "")
    other = sides[0] if weight is sides[1] else sides[1]
    if node.op_type == "MatMulInteger":
        kind = Arithmetic.DYNAMIC
    elif weight.widened_by == other.widened_by == "DequantizeLinear":
        kind = Arithmetic.STATIC
    elif weight.widened_by:
        kind = Arithmetic.WEIGHTS
    else:
        kind = Arithmetic.FLOAT
    return Product(kind.value, weight.name)


@dataclass(frozen=True)
class _Side:
    """One input of a product: the tensor it comes from, whether that is stored, and what widened its integers."""

    name: str
    constant: bool
    widened_by: str

    @classmethod
    def of(cls, name: str, values: Values, names: Mapping[str, str]) -> _Side:
        widened_by = ""
        dequantized = _behind(name, "DequantizeLinear", values)
        folded = _behind(_behind(name, "Mul", values), "Cast", values)
        if dequantized:
            name, widened_by = dequantized, "DequantizeLinear"
        elif folded and _is_int8(values.get(folded)):
            name, widened_by = folded, "Mul"
        return cls(names.get(name, name), isinstance(values.get(name), onnx.TensorProto), widened_by)


def _behind(name: str, kind: str, values: Values) -> str:
    """The first input of the node that makes ``name``, or nothing if that is of another kind."""
    node = values.get(name)
    return str(node.input[0]) if isinstance(node, onnx.NodeProto) and node.op_type == kind else ""


def _is_int8(value: onnx.NodeProto | onnx.TensorProto | None) -> bool:
    return isinstance(value, onnx.TensorProto) and _STORED.get(value.data_type) == "int8"


def _initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _initializers(attribute.g)
