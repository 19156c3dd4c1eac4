"""Every graph variant against the float model, in ONNX Runtime, and what the graphs are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray

from trm_edge.bundle import CarrySpec, graph_io
from trm_edge.errors import InvalidCheckpoint
from trm_edge.export.graphs import Graph, build_graph
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import OPSETS, GraphVariant

BuildModel = Callable[..., RecursiveModel]
Arrays = dict[str, NDArray[Any]]

STEP, UNROLLED, LOOP = GraphVariant.STEP, GraphVariant.UNROLLED, GraphVariant.LOOP
STEPS = 3
TABLE = {"num_puzzle_identifiers": 5, "puzzle_emb_ndim": 16}
ATTENTION = {"mlp_t": False}

# name -> settings of the model, rows of the puzzle table to keep
SHAPES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "mlp": ({}, ()),
    "mlp-learned": ({"pos_encodings": "learned"}, ()),
    "attention-rope": ({**ATTENTION, "pos_encodings": "rope"}, ()),
    "attention-rope-2d": ({**ATTENTION, "pos_encodings": "rope_2d", "grid_columns": 4}, ()),
    "attention-learned": ({**ATTENTION, "pos_encodings": "learned"}, ()),
    "attention-none": (ATTENTION, ()),
    "hrm": ({"H_layers": 1, "no_ACT_continue": False}, ()),
    "hrm-rope": ({**ATTENTION, "H_layers": 2, "L_layers": 1, "pos_encodings": "rope", "no_ACT_continue": False}, ()),
    "one-puzzle": ({**TABLE, "puzzle_emb_len": 2}, (3,)),
    "several-puzzles": ({**TABLE, "pos_encodings": "learned"}, (4, 1)),
    "odd-puzzles": ({**TABLE, "puzzle_emb_ndim": 24, **ATTENTION, "pos_encodings": "rope"}, (4, 1, 0)),
}
TOLERANCE = {"float32": 1e-4, "float16": 3e-2}


def sudokus(batch: int) -> NDArray[np.int32]:
    return np.random.default_rng(batch).integers(0, 6, (batch, 16), dtype=np.int32)


class Case:
    """A model, the puzzles it is asked, and what it answers after every step."""

    def __init__(self, model: RecursiveModel, kept: tuple[int, ...], *, batch: int = 3, steps: int = STEPS) -> None:
        self.model, self.kept = model, kept
        rows = np.arange(batch, dtype=np.int32) % max(1, len(kept))
        self.inputs: Arrays = {"tokens": sudokus(batch)}
        if len(kept) > 1:
            self.inputs["puzzle_ids"] = rows
        ids = torch.tensor([kept[row] if kept else 0 for row in rows])
        z_H, z_L = model.initial_carry(batch)
        results: list[Arrays] = []
        for _ in range(steps):
            outputs = model.step(z_H, z_L, torch.from_numpy(self.inputs["tokens"]), ids)
            z_H, z_L = outputs[:2]
            names = ("z_H", "z_L", "logits", "q_halt")
            results.append({name: tensor.numpy() for name, tensor in zip(names, outputs, strict=True)})
        self.expected = {name: np.stack([result[name] for result in results]) for name in results[0]}  # [steps, ...]

    def graph(self, variant: GraphVariant, **options: Any) -> Graph:
        return build_graph(self.model, variant, puzzles=self.kept, steps=STEPS, **options)

    def carry(self, dtype: str = "float32") -> Arrays:
        z_H, z_L = self.model.initial_carry(len(self.inputs["tokens"]))
        return {"z_H": z_H.numpy().astype(dtype), "z_L": z_L.numpy().astype(dtype)}


def opened(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(to_bytes(model), options, providers=["CPUExecutionProvider"])


def run(session: ort.InferenceSession, inputs: Arrays) -> Arrays:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def controls(budget: int, threshold: float) -> Arrays:
    return {"budget": np.array(budget, np.int64), "threshold": np.array(threshold, np.float32)}


def halting(q_halt: NDArray[Any], threshold: float) -> NDArray[np.int64]:
    """The step at which each row halts, from 0; the last where it never does. ``q_halt`` is [steps, batch]."""
    halts = q_halt > threshold
    halts[-1] = True
    steps: NDArray[np.int64] = halts.argmax(0)
    return steps


def clear_threshold(q_halt: NDArray[Any]) -> float:
    """Of the thresholds at which rows halt at different steps, the one farthest from all logits."""
    values = np.sort(q_halt, axis=None)
    middles = (values[1:] + values[:-1]) / 2
    mixed = [len(set(halting(q_halt, middle).tolist())) > 1 for middle in middles]
    return float(middles[np.where(mixed, np.diff(values), 0).argmax()])


@pytest.fixture(params=SHAPES)
def case(request: pytest.FixtureRequest, build_model: BuildModel) -> Case:
    settings, kept = SHAPES[request.param]
    return Case(build_model(**settings), kept)


@pytest.fixture
def mlp(build_model: BuildModel) -> Case:
    return Case(build_model(), ())


# -- the numbers ------------------------------------------------------------------------------

number_formats = pytest.mark.parametrize(("dtype", "opset"), [(d, o) for d in TOLERANCE for o in (18, 23)])


@number_formats
def test_step(case: Case, dtype: str, opset: int) -> None:
    session = opened(case.graph(STEP, dtype=dtype, opset=opset).model)
    carry = case.carry(dtype)
    for step in range(STEPS):
        outputs = run(session, {**case.inputs, **carry})
        carry = {"z_H": outputs["z_H_next"], "z_L": outputs["z_L_next"]}
        assert carry["z_H"].dtype == carry["z_L"].dtype == dtype
        assert outputs["logits"].dtype == outputs["q_halt"].dtype == np.float32
        for name, got in {**outputs, **carry}.items():
            if not name.endswith("_next"):
                np.testing.assert_allclose(got, case.expected[name][step], rtol=0, atol=TOLERANCE[dtype], err_msg=name)


@number_formats
def test_unrolled(case: Case, dtype: str, opset: int) -> None:
    outputs = run(opened(case.graph(UNROLLED, dtype=dtype, opset=opset).model), case.inputs)
    assert outputs.keys() == {"logits", "q_halt"}
    for name, got in outputs.items():
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, case.expected[name], rtol=0, atol=TOLERANCE[dtype], err_msg=name)


@number_formats
def test_loop(case: Case, dtype: str, opset: int) -> None:
    session = opened(case.graph(LOOP, dtype=dtype, opset=opset).model)
    q = case.expected["q_halt"]
    threshold = clear_threshold(q)
    assert np.abs(q - threshold).min() > TOLERANCE[dtype]  # or rounding would decide
    steps = halting(q, threshold)
    assert len(set(steps.tolist())) > 1
    outputs = run(session, {**case.inputs, **controls(STEPS, threshold)})
    assert outputs["steps"].dtype == np.int64
    np.testing.assert_array_equal(outputs["steps"], steps + 1)
    for name in ("logits", "q_halt"):
        expected = case.expected[name][steps, np.arange(len(steps))]
        np.testing.assert_allclose(outputs[name], expected, rtol=0, atol=TOLERANCE[dtype], err_msg=name)


def test_the_models_tell_their_steps_apart(case: Case) -> None:
    """Without this the comparisons above could not notice a step too many or too few."""
    for first, second in ((0, 1), (1, 2)):
        for name in ("logits", "q_halt"):
            change = np.abs(case.expected[name][first] - case.expected[name][second]).max()
            assert change > 10 * TOLERANCE["float32"], name


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("variant", GraphVariant)
def test_every_opset(build_model: BuildModel, variant: GraphVariant, opset: int) -> None:
    case = Case(build_model(**ATTENTION, pos_encodings="rope"), ())
    graph = case.graph(variant, opset=opset)
    assert {entry.domain: entry.version for entry in graph.model.opset_import}[""] == opset
    inputs = {STEP: case.carry(), UNROLLED: {}, LOOP: controls(1, 0.0)}[variant]
    logits = run(opened(graph.model), {**case.inputs, **inputs})["logits"]
    expected = case.expected["logits"]
    np.testing.assert_allclose(logits, expected if variant is UNROLLED else expected[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", ["mlp", "several-puzzles", "attention-rope"])
@pytest.mark.parametrize("variant", GraphVariant)
def test_any_batch(build_model: BuildModel, shape: str, variant: GraphVariant) -> None:
    settings, kept = SHAPES[shape]
    model = build_model(**settings)
    session = opened(Case(model, kept).graph(variant).model)
    for batch in (1, 3, 7):
        case = Case(model, kept, batch=batch)
        inputs = {STEP: case.carry(), UNROLLED: {}, LOOP: controls(STEPS, np.inf)}[variant]
        got = run(session, {**case.inputs, **inputs})["logits"]
        expected = case.expected["logits"]
        wanted = {STEP: expected[0], UNROLLED: expected, LOOP: expected[-1]}[variant]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4)


# -- the loop ---------------------------------------------------------------------------------

BUDGET = 6


@pytest.fixture
def long_case(build_model: BuildModel) -> Case:
    """Seven rows that converge slowly, so that their halting logits go on changing."""
    model = build_model(H_cycles=1, L_cycles=1)
    with torch.no_grad():
        for parameter in model.L_level.parameters():
            parameter.mul_(1.6)
    return Case(model, (), batch=7, steps=BUDGET)


def test_rows_halt_on_their_own_and_keep_answer_and_logit(long_case: Case) -> None:
    session = opened(long_case.graph(LOOP).model)
    q = long_case.expected["q_halt"]
    kinds = set()
    for threshold in np.quantile(q, np.linspace(0.05, 0.95, 19)) + 1e-4:
        if np.abs(q - threshold).min() < 2e-5:
            continue  # rounding would decide
        steps = halting(q, threshold)
        outputs = run(session, {**long_case.inputs, **controls(BUDGET, threshold)})
        np.testing.assert_array_equal(outputs["steps"], steps + 1)
        for name in ("logits", "q_halt"):
            expected = long_case.expected[name][steps, np.arange(7)]
            np.testing.assert_allclose(outputs[name], expected, rtol=0, atol=1e-4)
        kinds.add(tuple(sorted(set(steps.tolist()))))
    assert max(map(len, kinds)) >= 3  # rows of one batch that halt at three different steps
    assert len(kinds) >= 5


@pytest.mark.parametrize("budget", [1, 2, BUDGET])
def test_the_budget_ends_rows_that_never_halt(long_case: Case, budget: int) -> None:
    outputs = run(opened(long_case.graph(LOOP).model), {**long_case.inputs, **controls(budget, np.inf)})
    assert outputs["steps"].tolist() == [budget] * 7
    np.testing.assert_allclose(outputs["logits"], long_case.expected["logits"][budget - 1], rtol=0, atol=1e-4)
    np.testing.assert_allclose(outputs["q_halt"], long_case.expected["q_halt"][budget - 1], rtol=0, atol=1e-4)


def test_a_row_halts_above_the_threshold_not_at_it(mlp: Case) -> None:
    with torch.no_grad():
        mlp.model.q_head.weight.zero_()
        mlp.model.q_head.bias.fill_(0.5)
    session = opened(mlp.graph(LOOP).model)
    for threshold, steps in ((0.5, 4), (np.nextafter(np.float32(0.5), np.float32(0)), 1)):
        assert run(session, {**mlp.inputs, **controls(4, float(threshold))})["steps"].tolist() == [steps] * 3


def test_the_loop_stops_once_every_row_has_halted(long_case: Case) -> None:
    """Seen at the carry after the loop: it is the one after the last row's halting step."""
    graph = long_case.graph(LOOP)
    loop = next(node for node in graph.model.graph.node if node.op_type == "Loop")
    state = onnx.helper.make_tensor_value_info(loop.output[0], onnx.TensorProto.FLOAT, ["batch", 16, 16])
    graph.model.graph.output.append(state)
    session = opened(graph.model)
    q = long_case.expected["q_halt"]
    reached = float(q.max(0).min()) - 1e-4  # by all rows, within the budget
    last = int(halting(q, reached).max())
    for threshold, step in ((reached, last), (-np.inf, 0), (np.inf, BUDGET - 1)):
        after = run(session, {**long_case.inputs, **controls(BUDGET, threshold)})[loop.output[0]]
        np.testing.assert_allclose(after, long_case.expected["z_H"][step], rtol=0, atol=1e-4)
        if step + 1 < BUDGET:
            assert np.abs(after - long_case.expected["z_H"][step + 1]).max() > 1e-3


# -- the contract -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("variant", GraphVariant)
def test_inputs_and_outputs_keep_the_contract(case: Case, variant: GraphVariant, dtype: str) -> None:
    graph, config = case.graph(variant, dtype=dtype), case.model.config
    init = (0.0,) * config.hidden_size
    carry = (CarrySpec("z_H", "z_H_next", init), CarrySpec("z_L", "z_L_next", init)) if variant is STEP else ()
    inputs, outputs = graph_io(
        variant,
        seq_len=config.seq_len,
        vocab_size=config.vocab_size,
        steps=STEPS,
        carry=carry,
        puzzle_prefix_len=config.prefix_len,
        puzzle_ids=len(case.kept) > 1,
        carry_dtype=dtype,
    )
    assert (graph.inputs, graph.outputs) == (inputs, outputs)
    for values, specs in ((graph.model.graph.input, inputs), (graph.model.graph.output, outputs)):
        assert [value.name for value in values] == [spec.name for spec in specs]


# -- what the graphs are made of --------------------------------------------------------------


def all_nodes(nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from all_nodes(attribute.g.node)


def operators(graph: Graph) -> Counter[str]:
    """Operator types, as a runtime sees them."""
    return Counter(graph_stats(to_bytes(graph.model))["nodes"])


@pytest.fixture(scope="module")
def realistic(build_model: BuildModel) -> Case:
    """9x9 Sudoku, hidden size 128, the paper's recursion: 21 network passes a step."""
    model = build_model(vocab_size=11, seq_len=81, hidden_size=128, H_cycles=3, L_cycles=6)
    case = Case.__new__(Case)  # it is never run
    case.model, case.kept = model, ()
    return case


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("variant", "steps"), [(STEP, 1), (UNROLLED, 16), (LOOP, 1)])
def test_weights_are_stored_once(realistic: Case, variant: GraphVariant, steps: int, dtype: str) -> None:
    graph = build_graph(realistic.model, variant, puzzles=(), steps=steps, dtype=dtype)
    stats = graph_stats(to_bytes(graph.model))
    weights = sum(p.numel() for p in realistic.model.parameters()) * np.dtype(dtype).itemsize
    assert stats["file_to_weights"] <= 1.05
    assert stats["file_bytes"] <= 1.05 * weights
    assert graph.weight_bytes == pytest.approx(stats["unique_weight_bytes"], rel=0.01)


def test_unrolling_deeper_costs_a_node_or_three_a_step(realistic: Case) -> None:
    sizes = [len(to_bytes(build_graph(realistic.model, UNROLLED, puzzles=(), steps=steps).model)) for steps in (4, 16)]
    assert sizes[1] - sizes[0] < 12 * 2000


@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("opset", [18, 23])
def test_no_tensor_is_stored_twice(case: Case, variant: GraphVariant, opset: int) -> None:
    model = case.graph(variant, opset=opset).model
    stored = Counter((t.data_type, tuple(t.dims), t.raw_data) for t in model.graph.initializer)
    assert max(stored.values()) == 1
    nodes = [*all_nodes(model.graph.node), *(node for f in model.functions for node in all_nodes(f.node))]
    assert not [node for node in nodes if node.op_type == "Constant"]
    assert not [attribute for node in nodes for attribute in node.attribute if attribute.g.initializer]


@pytest.mark.parametrize("variant", GraphVariant)
@pytest.mark.parametrize("opset", [18, 23])
def test_nothing_is_split_and_mlps_transpose_nothing(case: Case, variant: GraphVariant, opset: int) -> None:
    counts = operators(case.graph(variant, opset=opset))
    assert not counts["Split"]
    assert bool(counts["Transpose"]) is not case.model.config.mlp_t


@pytest.mark.parametrize(("settings", "norms_a_layer"), [({}, 1), ({"mlp_t": False}, 2)])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_channel_norms_are_one_operator_from_opset_23_on(
    build_model: BuildModel, settings: dict[str, Any], norms_a_layer: int, dtype: str
) -> None:
    case = Case(build_model(**settings), ())
    config = case.model.config
    passes = config.H_cycles * (config.L_cycles + 1) * config.L_layers
    for variant, steps in ((STEP, 1), (UNROLLED, STEPS), (LOOP, 1)):
        counts = operators(case.graph(variant, dtype=dtype))
        assert counts["RMSNormalization"] == steps * passes * norms_a_layer
        assert counts["Sqrt"] == steps * passes * (2 - norms_a_layer)  # norms over the tokens
        assert not counts["ReduceMean"]
        older = operators(case.graph(variant, dtype=dtype, opset=22))
        assert not older["RMSNormalization"]
        assert older["Sqrt"] == steps * passes * 2


def test_matrix_products_are_as_many_as_the_model_has(mlp: Case) -> None:
    config = mlp.model.config
    passes = config.H_cycles * (config.L_cycles + 1) * config.L_layers
    # gate, up and down of two SwiGLUs, the mean over the tokens, and the two heads
    assert operators(mlp.graph(STEP))["MatMul"] == passes * (3 + 3 + 1) + 2


@pytest.mark.parametrize("variant", GraphVariant)
def test_only_the_kept_rows_of_the_puzzle_table_are_stored(build_model: BuildModel, variant: GraphVariant) -> None:
    def size(rows: int, kept: tuple[int, ...]) -> int:
        model = build_model(num_puzzle_identifiers=rows, puzzle_emb_ndim=32)
        return len(to_bytes(Case(model, kept).graph(variant).model))

    assert size(10_000, (3,)) == size(5, (3,))
    assert size(10_000, (9_999, 3)) == size(5, (4, 3))
    row = 32 * 4
    assert size(5, (4, 3)) < size(5, (3,)) + row + 300


def test_one_kept_puzzle_needs_no_input(build_model: BuildModel) -> None:
    model = build_model(**TABLE)
    assert [spec.name for spec in Case(model, (2,)).graph(UNROLLED).inputs] == ["tokens"]
    assert [spec.name for spec in Case(model, (2, 4)).graph(UNROLLED).inputs] == ["tokens", "puzzle_ids"]


def test_the_same_model_makes_the_same_bytes(case: Case) -> None:
    for variant in GraphVariant:
        assert to_bytes(case.graph(variant).model) == to_bytes(case.graph(variant).model)


# -- weights that do not fit ------------------------------------------------------------------


@pytest.mark.parametrize("variant", GraphVariant)
def test_a_weight_too_large_for_float16(mlp: Case, variant: GraphVariant) -> None:
    with torch.no_grad():
        mlp.model.get_parameter("L_level.layers.1.mlp.up_proj.weight")[0, 0] = 7e4
    mlp.graph(variant)
    with pytest.raises(InvalidCheckpoint, match=r"The weight 'L1\.c\.up' does not fit into float16\. Use --precision"):
        mlp.graph(variant, dtype="float16")


def test_an_initial_state_too_large_for_float16(mlp: Case) -> None:
    with torch.no_grad():
        mlp.model.H_init[0] = 7e4
    with pytest.raises(InvalidCheckpoint, match="'H_init' does not fit into float16"):
        mlp.graph(LOOP, dtype="float16")
