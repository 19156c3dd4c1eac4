"""The layout for NPUs computes what the float model computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from tests.export.conftest import BuildModel
from trm_edge.export.whole_graph import build_whole_graph
from trm_edge.model.network import RecursiveModel

KINDS: dict[str, dict[str, Any]] = {
    "mlp": {"mlp_t": True},
    "rope": {"mlp_t": False, "pos_encodings": "rope"},
    "learned": {"mlp_t": False, "pos_encodings": "learned"},
    "puzzles": {"mlp_t": True, "num_puzzle_identifiers": 4, "puzzle_emb_ndim": 16},
    "hrm": {"mlp_t": False, "pos_encodings": "rope", "H_layers": 1, "L_layers": 1},
}


def feeds(model: RecursiveModel, tokens: np.ndarray[Any, Any], ids: list[int]) -> dict[str, Any]:
    carry = (state.detach().numpy().copy() for state in model.initial_carry(len(tokens)))
    given = {"tokens": tokens, **dict(zip(("z_H", "z_L"), carry, strict=True))}
    return given | ({"puzzle_ids": np.array(ids, np.int32)} if len(set(ids)) > 1 else {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 2])
def test_it_is_the_float_model(build_model: BuildModel, kind: str, batch: int) -> None:
    model = build_model(**KINDS[kind])
    tokens = np.random.default_rng(0).integers(0, 6, (batch, 16)).astype(np.int32)
    kept = (1, 3) if kind == "puzzles" else ()
    rows = [row % max(1, len(kept)) for row in range(batch)]
    graph = build_whole_graph(model, puzzles=kept, batch=batch).model
    given = feeds(model, tokens, [0, 1]) | ({"puzzle_ids": np.array(rows, np.int32)} if kept else {})
    z_H, z_L, logits, q = model.step(
        *model.initial_carry(batch),
        torch.from_numpy(tokens),
        torch.tensor([kept[row] for row in rows] if kept else rows),
    )
    given = {value.name: given[value.name] for value in graph.graph.input}
    for found, expected in zip(ReferenceEvaluator(graph).run(None, given), (logits, q, z_H, z_L), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_one_puzzle_is_a_constant_of_every_row(build_model: BuildModel) -> None:
    model = build_model(num_puzzle_identifiers=3, puzzle_emb_ndim=16)
    graph = build_whole_graph(model, puzzles=(2,), batch=2)
    assert "puzzle_ids" not in {spec.name for spec in graph.inputs}
    assert not {"Expand", "Shape"} & {node.op_type for node in graph.model.graph.node}, "shapes are built in"
    tokens = np.ones((2, 16), np.int32)
    expected = model.step(*model.initial_carry(2), torch.from_numpy(tokens), torch.tensor([2, 2]))[2]
    found = ReferenceEvaluator(graph.model).run(["logits"], feeds(model, tokens, [0]))[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_divisors_change_sizes_and_not_results(build_model: BuildModel) -> None:
    model = build_model(mlp_t=True)
    tokens = np.random.default_rng(0).integers(0, 6, (1, 16)).astype(np.int32)
    divisor = np.geomspace(0.5, 300, 16).astype(np.float32)
    plain, divided = (
        build_whole_graph(model, puzzles=(), batch=1, divisors=divisors).model for divisors in (None, {"L0.t": divisor})
    )
    assert len(divided.graph.node) > len(plain.graph.node)
    given = feeds(model, tokens, [0])
    for ours, theirs in zip(*(ReferenceEvaluator(one).run(None, given) for one in (divided, plain)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_every_norm_is_one_operator_over_the_last_axis(build_model: BuildModel) -> None:
    nodes = build_whole_graph(build_model(mlp_t=True), puzzles=(), batch=1).model.graph.node
    assert sum(node.op_type == "RMSNormalization" for node in nodes) == 2 * 2 * 2 * 3  # norms, layers, cycles, passes
    assert not {"ReduceMean", "Sqrt", "Reciprocal"} & {node.op_type for node in nodes}
