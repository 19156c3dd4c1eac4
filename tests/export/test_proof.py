"""The proof counts what a file multiplies with, and refuses a file that is not as planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from trm_edge.errors import NotQuantized, ParityFailure
from trm_edge.export.graphs import build_graph
from trm_edge.export.onnx import to_bytes
from trm_edge.export.precision import Arithmetic
from trm_edge.export.proof import products, prove
from trm_edge.export.quantization import Plan, Scale, Site, model_sites, uniform_sites
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant

BuildModel = Callable[..., RecursiveModel]

STEP, UNROLLED, LOOP = GraphVariant.STEP, GraphVariant.UNROLLED, GraphVariant.LOOP
FLOAT, WEIGHTS, DYNAMIC, STATIC = Arithmetic.FLOAT, Arithmetic.WEIGHTS, Arithmetic.DYNAMIC, Arithmetic.STATIC
STEPS = 3
SHAPES: dict[str, dict[str, Any]] = {
    "mlp": {},
    "attention": {"mlp_t": False, "pos_encodings": "rope"},
    "hrm": {"H_layers": 1, "L_layers": 1, "no_ACT_continue": False},
}
PASSES = 2 * (2 + 1)  # of a step: two answer updates, two latent updates before each
PRODUCTS = {"mlp": PASSES * 2 * 6, "attention": PASSES * 2 * 7, "hrm": PASSES * 6}  # with weights of the network
ATTENTIONS = {"mlp": 0, "attention": PASSES * 2, "hrm": 0}
TOKEN_NORMS = {"mlp": PASSES * 2, "attention": 0, "hrm": PASSES}  # their mean is a product where tokens mix in float

shapes = pytest.mark.parametrize("shape", SHAPES)
variants = pytest.mark.parametrize("variant", GraphVariant)


def plan(model: RecursiveModel, arithmetic: Arithmetic, **changes: Site) -> Plan:
    names = [place.name for place in model_sites(model)]
    scales = dict.fromkeys(names, Scale(0.02, 128, "uint8")) if arithmetic is STATIC else None
    return Plan({**uniform_sites(model, arithmetic, scales=scales), **changes})


def graph(model: RecursiveModel, plan: Plan, variant: GraphVariant, **options: Any) -> onnx.ModelProto:
    return build_graph(model, variant, puzzles=(), steps=STEPS, plan=plan, **options).model


def names(model: RecursiveModel) -> dict[str, tuple[str, ...]]:
    return {place.name: place.weight_names for place in model_sites(model)}


# -- what is counted --------------------------------------------------------------------------


@shapes
@variants
@pytest.mark.parametrize("arithmetic", Arithmetic)
@pytest.mark.parametrize("opset", [18, 23])
def test_products_by_kind(
    build_model: BuildModel, shape: str, arithmetic: Arithmetic, variant: GraphVariant, opset: int
) -> None:
    model = build_model(**SHAPES[shape])
    wanted = plan(model, arithmetic)
    report = prove(graph(model, wanted, variant, opset=opset), wanted, names(model))
    integer = arithmetic in (DYNAMIC, STATIC)
    expected = Counter({arithmetic.value: PRODUCTS[shape], "activations": 2 * ATTENTIONS[shape]})
    expected["float"] += 2 + (0 if integer else TOKEN_NORMS[shape])  # the two heads
    runs = STEPS if variant is UNROLLED else 1  # a loop's body is written once
    assert report["products"] == {kind: count * runs for kind, count in expected.items() if count}
    assert report["integer_share"] == float(integer)


def test_the_share_of_a_mixed_plan(build_model: BuildModel) -> None:
    model = build_model(L_layers=1)
    wanted = plan(model, STATIC, **{"L0.c.in": Site(DYNAMIC), "L0.t.inner": Site(FLOAT), "L0.c.inner": Site(WEIGHTS)})
    for variant in GraphVariant:
        report = prove(graph(model, wanted, variant), wanted, names(model))
        runs = PASSES * (STEPS if variant is UNROLLED else 1)
        kinds = {kind: report["products"][kind] for kind in ("static", "dynamic", "weights")}
        assert kinds == {"static": 2 * runs, "dynamic": 2 * runs, "weights": runs}
        assert report["integer_share"] == pytest.approx(4 / 6, abs=1e-4)


@shapes
@variants
def test_products_are_named_after_their_weights(build_model: BuildModel, shape: str, variant: GraphVariant) -> None:
    model = build_model(**SHAPES[shape])
    found = Counter(product.weight for product in products(graph(model, plan(model, STATIC), variant)))
    passes = {"L": 4, "H": 2} if shape == "hrm" else {"L": 6}
    runs = STEPS if variant is UNROLLED else 1
    for weights in names(model).values():
        for name in weights:
            assert found.pop(name) == passes[name[0]] * runs
    assert found.pop("lm_head") == found.pop("q_weight") == runs
    assert set(found) <= {""}


@variants
def test_bytes_by_kind(build_model: BuildModel, variant: GraphVariant) -> None:
    model = build_model(L_layers=1)
    reports = {a: prove(graph(model, plan(model, a), variant), plan(model, a), names(model)) for a in Arithmetic}
    weights = sum(place.weight_count for place in model_sites(model))
    outputs = sum(len(linear.weight) for place in model_sites(model) for linear in place.weights.values())
    assert reports[FLOAT]["int8_bytes"] == 0
    for arithmetic in (WEIGHTS, DYNAMIC):
        assert reports[arithmetic]["int8_bytes"] == weights
    assert reports[STATIC]["int8_bytes"] == weights + 4  # the zero points
    saved = 4 * (weights - outputs)  # what stays is a scale for every output channel
    assert reports[FLOAT]["float_bytes"] - reports[WEIGHTS]["float_bytes"] == saved
    stored = graph(model, plan(model, FLOAT), variant).graph.initializer
    floats = sum(len(t.raw_data) for t in stored if t.data_type == onnx.TensorProto.FLOAT)
    assert reports[FLOAT]["float_bytes"] == floats  # axes and shapes are neither


# -- what is refused --------------------------------------------------------------------------


def bodies(model: onnx.ModelProto) -> Iterator[Any]:
    """The graph, its loop bodies and its functions."""
    yield model.graph
    yield from model.functions
    for node in model.graph.node:
        yield from (attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH)


def multiplied_by(model: onnx.ModelProto, weight: str) -> Iterator[tuple[Any, onnx.NodeProto]]:
    """The products of a weight, each with the graph or function it is in."""
    for body in bodies(model):
        makers = {output: node for node in body.node for output in node.output}
        for node in body.node:
            if node.op_type == "MatMul" and node.input[1] in makers and makers[node.input[1]].input[0] == weight:
                yield body, node


def refused(model: RecursiveModel, changed: onnx.ModelProto, wanted: Plan, message: str) -> None:
    to_bytes(changed)  # the file itself is sound: only a proof notices
    with pytest.raises(NotQuantized, match=message):
        prove(changed, wanted, names(model))


@shapes
@variants
def test_an_activation_that_stays_float(build_model: BuildModel, shape: str, variant: GraphVariant) -> None:
    """One product of one weight takes the tensor before it was quantized."""
    model = build_model(**SHAPES[shape])
    wanted = plan(model, STATIC)
    changed = graph(model, wanted, variant)
    body, product = next(multiplied_by(changed, "L0.c.up"))
    makers = {output: node for node in body.node for output in node.output}
    product.input[0] = makers[makers[product.input[0]].input[0]].input[0]
    refused(model, changed, wanted, r"1 weights are not multiplied as planned: L0\.c\.up \((static, )?weights")


@variants
def test_a_weight_that_stays_float(build_model: BuildModel, variant: GraphVariant) -> None:
    model = build_model()
    wanted = plan(model, STATIC)
    changed = graph(model, wanted, variant)
    float_weight = np.ones((256, 16), np.float32)
    if variant is UNROLLED:  # a function sees no constants but those it is given
        (function,) = changed.functions
        function.input.append("L1.c.down.f32")
        for call in changed.graph.node:
            if call.op_type == function.name:
                call.input.append("L1.c.down.f32")
    changed.graph.initializer.append(numpy_helper.from_array(float_weight, "L1.c.down.f32"))
    for _, product in multiplied_by(changed, "L1.c.down"):
        product.input[1] = "L1.c.down.f32"
    refused(model, changed, wanted, r"1 weights .*: L1\.c\.down \(missing\)")


@variants
@pytest.mark.parametrize("arithmetic", [WEIGHTS, DYNAMIC, STATIC])
def test_a_float_graph_is_not_taken_for_a_quantized_one(
    build_model: BuildModel, arithmetic: Arithmetic, variant: GraphVariant
) -> None:
    model = build_model()
    changed = graph(model, Plan(), variant)
    with pytest.raises(NotQuantized, match=r"12 weights .*: L0\.t\.gate \(float\), .*L0\.c\.down \(float\)$"):
        prove(changed, plan(model, arithmetic), names(model))


@pytest.mark.parametrize("written", Arithmetic)
@pytest.mark.parametrize("wanted", Arithmetic)
def test_every_other_arithmetic_is_refused(build_model: BuildModel, written: Arithmetic, wanted: Arithmetic) -> None:
    model = build_model(L_layers=1)
    site = Site(written, Scale(0.1, 0, "uint8") if written is STATIC else None)
    file = graph(model, plan(model, wanted, **{"L0.c.inner": site}), LOOP)
    if written is wanted:
        prove(file, plan(model, wanted), names(model))
        return
    with pytest.raises(NotQuantized, match=rf"1 weights .*: L0\.c\.down \({written}\)"):
        prove(file, plan(model, wanted), names(model))


def test_integers_of_another_width_are_not_int8(build_model: BuildModel) -> None:
    """A weight that is cast from int32 is four bytes a number, whatever the plan says."""
    model = build_model(L_layers=1)
    wanted = plan(model, WEIGHTS)
    changed = graph(model, wanted, STEP)
    stored = next(t for t in changed.graph.initializer if t.name == "L0.c.up")
    stored.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(stored).astype(np.int32), "L0.c.up"))
    refused(model, changed, wanted, r"L0\.c\.up")


def test_constants_of_a_subgraph_are_constants() -> None:
    """Other writers may store weights in the body of an If or a Loop."""
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 2])
    body = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "body", [], [output], [weight])
    node = helper.make_node("If", ["c"], ["z"], then_branch=body, else_branch=body)
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 2])]
    given.append(helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, []))
    result = helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [2, 2])
    model = helper.make_model(helper.make_graph([node], "g", given, [result]))
    assert [(p.kind, p.weight) for p in products(model)] == [("float", "w")] * 2
    assert prove(model, Plan(), {"site": ("w",)})["float_bytes"] == 2 * 16


def test_it_ends_with_the_exit_code_of_a_failed_check() -> None:
    assert issubclass(NotQuantized, ParityFailure)
    assert NotQuantized.exit_code == 1
