"""Graphs wholly in integers: nothing float is left in them, and they still compute what the float model computes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.export.conftest import BuildModel
from trm_edge.bundle import read_bundle
from trm_edge.errors import InvalidCheckpoint, NotQuantized, Refused
from trm_edge.export.calibration import CalibrationOptions, channel_divisors
from trm_edge.export.options import ExportOptions
from trm_edge.export.pipeline import export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.export.quantization import Plan, Scale
from trm_edge.export.whole_graph import build_whole_graph
from trm_edge.export.whole_integer import COMPUTING, MOVING, UNIT, WholeInteger, float_leftovers, whole_integer
from trm_edge.export.whole_ranges import watch
from trm_edge.export.write_whole_integer import prepare
from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import GraphVariant, Precision

STATES = ("z_H", "z_L")
KINDS: dict[str, dict[str, Any]] = {
    "mlp": {"mlp_t": True},
    "rope": {"mlp_t": False, "pos_encodings": "rope"},
    "learned": {"mlp_t": False, "pos_encodings": "learned"},
    "puzzles": {"mlp_t": True, "num_puzzle_identifiers": 4, "puzzle_emb_ndim": 16},
    "hrm": {"mlp_t": False, "pos_encodings": "rope", "H_layers": 1, "L_layers": 1},
}
TOKENS = np.random.default_rng(0).integers(0, 6, (4, 16)).astype(np.int32)
WIDTHS = {"uint16": (65535, 0.9995), "uint8": (255, 0.97)}
"""Largest integer, and the least cosine with the float model that so many levels can be asked for."""


def start(model: RecursiveModel) -> dict[str, NDArray[np.float32]]:
    return {n: s.detach().numpy().copy() for n, s in zip(STATES, model.initial_carry(1), strict=True)}


def quantized(model: RecursiveModel, activations: str, kept: tuple[int, ...] = ()) -> WholeInteger:
    graph = build_whole_graph(model, puzzles=kept, batch=1)
    seen = watch(graph.model, TOKENS, [0] * 4, carry=start(model), steps=3, threshold=np.inf, method="min-max")
    return whole_integer(graph, seen.ranges, activations=activations, plan=Plan(), states=STATES)


def kept_of(kind: str) -> tuple[int, ...]:
    return (1, 3) if kind == "puzzles" else ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activations", WIDTHS)
def test_nothing_is_float_and_the_answers_are_the_models(build_model: BuildModel, kind: str, activations: str) -> None:
    model, kept = build_model(**KINDS[kind]), kept_of(kind)
    whole = quantized(model, activations, kept)
    graph = whole.graph.model
    onnx.checker.check_model(graph, full_check=True)
    assert float_leftovers(graph) == []
    largest, cosine = WIDTHS[activations]
    evaluator = ReferenceEvaluator(graph)
    carry = {name: stored(value, whole.scales[name], largest) for name, value in start(model).items()}
    z_H, z_L = model.initial_carry(1)
    ids = {"puzzle_ids": np.array([1], np.int32)} if kept else {}
    for _ in range(3):  # on its own carry, which stays in integers
        z_H, z_L, logits, _ = model.step(z_H, z_L, torch.from_numpy(TOKENS[:1]), torch.tensor([3 if kept else 0]))
        found = evaluator.run(["logits", "z_H_next", "z_L_next"], {"tokens": TOKENS[:1], **carry, **ids})
        carry = dict(zip(STATES, found[1:], strict=True))
        assert {array.dtype for array in carry.values()} == {np.dtype(activations)}
        real = (carry["z_H"].astype(np.float64) - whole.scales["z_H"].zero_point) * whole.scales["z_H"].scale
        assert like(real, z_H.numpy()) > cosine
        assert like(found[0], logits.numpy()) > cosine


def stored(values: NDArray[np.float32], scale: Scale, largest: int) -> NDArray[Any]:
    integers: NDArray[Any] = np.clip(np.rint(values / scale.scale) + scale.zero_point, 0, largest)
    return integers.astype(scale.dtype)


def like(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    return float((ours * theirs).sum() / np.sqrt((ours * ours).sum() * (theirs * theirs).sum()))


def test_states_and_moved_numbers_keep_one_scale(build_model: BuildModel) -> None:
    whole = quantized(build_model(**KINDS["rope"]), "uint16")
    graph = whole.graph.model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for state in STATES:
        (enters,), leaves = users[state], makers[f"{state}_next"]
        assert [constants[n] for n in enters.input[1:]] == [constants[n] for n in leaves.input[1:]]
    kinds = Counter[str]()
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scales = [constants[makers[name].input[1]] for name in node.input if name in makers]
        scales += [constants[user.input[1]] for user in users[node.output[0]]]
        if node.op_type in MOVING:
            assert len({float(scale) for scale in scales}) == 1, node.op_type
        if node.op_type in UNIT:
            assert scales[-1] == np.float32(1 / 65536)
        kinds[node.op_type] += 1
    assert kinds.keys() == MOVING | COMPUTING


def test_the_second_factor_of_attention_is_signed(build_model: BuildModel) -> None:
    """Only where activations have 16 bits: Qualcomm's kernel would round an unsigned one to 8 bits."""
    for activations, expected in (("uint16", {"int16"}), ("uint8", {"uint8"})):
        graph = quantized(build_model(**KINDS["rope"]), activations).graph.model.graph
        types = {t.name: numpy_helper.to_array(t).dtype.name for t in graph.initializer}
        makers = {name: node for node in graph.node for name in node.output}
        products = [node for node in graph.node if node.op_type == "MatMul"]
        seconds = [makers[node.input[1]] for node in products]
        between = {types[one.input[2]] for one in seconds if one.input[0] not in types}
        assert between == expected
        assert {types[one.input[0]] for one in seconds if one.input[0] in types} == {"int8"}


def test_leftovers_are_found(build_model: BuildModel) -> None:
    plain = build_whole_graph(build_model(mlp_t=True), puzzles=(), batch=1).model
    assert {"Add", "MatMul", "RMSNormalization"} <= set(float_leftovers(plain))
    graph = quantized(build_model(mlp_t=True), "uint8").graph.model
    victim = next(node for node in graph.graph.node if node.op_type == "Add")
    graph.graph.node.insert(0, helper.make_node("Identity", [victim.input[0]], ["loose"]))
    assert float_leftovers(graph) == ["Identity"]


def test_an_unknown_node_is_refused(build_model: BuildModel) -> None:
    graph = build_whole_graph(build_model(mlp_t=True), puzzles=(), batch=1)
    graph.model.graph.node[0].op_type = "Erf"
    with pytest.raises(NotQuantized, match="no Erf"):
        whole_integer(graph, {}, activations="uint8", plan=Plan(), states=())


def test_weights_that_are_not_finite(build_model: BuildModel) -> None:
    model = build_model(mlp_t=True)
    graph = build_whole_graph(model, puzzles=(), batch=1).model
    carry = start(model) | {"z_H": np.full((1, 16, 16), np.inf, np.float32)}
    with pytest.raises(InvalidCheckpoint, match="NaN or infinity at supervision step 1"):
        watch(graph, TOKENS, [0] * 4, carry=carry, steps=2, threshold=0.0, method="min-max")


def test_watching_ends_where_a_puzzle_halts(build_model: BuildModel) -> None:
    model = build_model(mlp_t=True)
    graph = build_whole_graph(model, puzzles=(), batch=1).model
    done: list[int] = []
    for threshold, steps in ((-np.inf, 4), (np.inf, 12)):
        seen = watch(
            graph,
            TOKENS,
            [0] * 4,
            carry=start(model),
            steps=3,
            threshold=threshold,
            method="min-max",
            progress=done.append,
        )
        assert (seen.puzzles, seen.steps) == (4, steps)
    assert sum(done) == 8


def test_divisors_are_found_where_channels_differ(build_model: BuildModel) -> None:
    model = build_model(mlp_t=True)
    arguments: dict[str, Any] = {"steps": 2, "threshold": np.inf}
    assert channel_divisors(model, TOKENS, [0] * 4, **arguments) == {}
    mixing = model.L_level.layers[0].token_mlp
    mixing.register_forward_hook(lambda module, inputs, mixed: mixed * torch.tensor([500.0] + [1.0] * 15))
    found = channel_divisors(model, TOKENS, [0] * 4, **arguments)
    assert found.keys() == {"L0.t"}
    assert found["L0.t"].shape == (16,)
    assert channel_divisors(build_model(**KINDS["rope"]), TOKENS, [0] * 4, **arguments) == {}


# -- the writer -----------------------------------------------------------------------------------


def export(checkpoint: Checkpoint, out: Path, **changes: Any) -> Path:
    quantization = QuantizationOptions(calibration=CalibrationOptions(samples=4))
    settings: dict[str, Any] = {
        **{"target": "qualcomm-npu", "precision": Precision.W8A16, "steps": 2, "golden": 2},
        **{"quantization": quantization, **changes},
    }
    return export_bundle(checkpoint, ExportOptions(**settings), out, name="tiny")


@pytest.mark.parametrize(
    ("precision", "dtype"), [(Precision.W8A16, "uint16"), (Precision.W8A8, "uint8")], ids=["w8a16", "w8a8"]
)
def test_a_bundle_says_how_its_states_are_stored(
    checkpoint: Checkpoint, tmp_path: Path, precision: Precision, dtype: str
) -> None:
    with read_bundle(export(checkpoint, tmp_path / "bundle", precision=precision, batch=2)) as bundle:
        manifest = bundle.manifest
    assert manifest.fixed_batch == 2
    assert {spec.dtype for spec in (*manifest.inputs[1:], *manifest.outputs[2:])} == {dtype}
    assert all(state.scale is not None and state.zero_point is not None for state in manifest.carry)
    np.testing.assert_allclose(manifest.carry[0].init, checkpoint.model.H_init.numpy())
    stats = manifest.graph_stats
    assert stats["integer_share"] == 1
    assert set(stats["products"]) == {"static"}
    assert stats["quantization"]["activations"] == dtype
    assert stats["float_bytes"] < 0.25 * stats["int8_bytes"], "scales only"
    assert stats["quantization"]["calibration"]["puzzles"] == 4


def test_kept_puzzles_are_an_input(puzzle_checkpoint: Checkpoint, tmp_path: Path) -> None:
    with read_bundle(export(puzzle_checkpoint, tmp_path / "bundle", puzzles=(3, 7))) as bundle:
        assert bundle.manifest.takes_puzzle_ids
        assert Counter(node.op_type for node in onnx.load(bundle.model_path).graph.node)["Gather"] >= 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"graph": GraphVariant.UNROLLED}, "step graph of w8a16 or w8a8, not unrolled"),
        ({"precision": Precision.FP16}, "not step in fp16"),
        ({"opset": 21}, "operator set 23"),
    ],
)
def test_refusals(changes: dict[str, Any], reason: str) -> None:
    settings: dict[str, Any] = {"target": "qualcomm-npu", "precision": Precision.W8A16, **changes}
    with pytest.raises(Refused, match=reason):
        prepare(ExportOptions(**settings))
