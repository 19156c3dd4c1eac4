"""A real ONNX graph that keeps the contract with hardly any arithmetic, bundled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import Bundle, CarrySpec, Halting, Manifest, graph_io, read_bundle, write_bundle
from trm_edge.specs import Evidence, Format, GraphVariant, Precision, TensorSpec

SEQ, VOCAB, PREFIX, HIDDEN, PUZZLES = 16, 6, 1, 2, (3, 7)
BuildBundle = Callable[..., Bundle]


def tiny_manifest(*, batch: int | str = "batch", dtype: str = "float32") -> Manifest:
    carry = (CarrySpec("z_H", "z_H_next", (0.5, -0.5)), CarrySpec("z_L", "z_L_next", (0.25, 0.0)))
    inputs, outputs = graph_io(
        GraphVariant.STEP,
        seq_len=SEQ,
        vocab_size=VOCAB,
        steps=4,
        carry=carry,
        puzzle_prefix_len=PREFIX,
        puzzle_ids=True,
        batch=batch,
        carry_dtype=dtype,
    )
    return Manifest(
        name="tiny",
        task="fake",
        seq_len=SEQ,
        vocab_size=VOCAB,
        format=Format.ONNX,
        graph=GraphVariant.STEP,
        precision=Precision.FP32,
        target="cpu",
        steps=4,
        halting=Halting(policy="act", threshold=0.0, min_steps=1, max_steps=4),
        inputs=inputs,
        outputs=outputs,
        carry=carry,
        puzzles=PUZZLES,
        puzzle_prefix_len=PREFIX,
        created="2026-11-24",
        evidence=Evidence.HARDWARE,
    )


def tiny_graph(manifest: Manifest, *, scale: float = 1.0) -> bytes:
    """The answer repeats the puzzle; each step adds 1 to both states; q_halt = mean(z_H) - 2.5 + puzzle row.

    ``scale`` multiplies the logits: NaN there is a model with NaN weights.
    """
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper

    def values(specs: tuple[TensorSpec, ...]) -> list[Any]:
        return [
            helper.make_tensor_value_info(spec.name, helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype)), spec.shape)
            for spec in specs
        ]

    state = manifest.inputs[2].dtype
    constants = {
        "one_hot": np.eye(VOCAB, dtype=np.float32) * np.float32(scale),
        "one": np.array(1, state),
        "offset": np.array(2.5, np.float32),
        "axes": np.array([1, 2], np.int64),
    }
    to_float = {"to": onnx.TensorProto.FLOAT}
    nodes = [
        helper.make_node("Gather", ["one_hot", "tokens"], ["logits"]),
        helper.make_node("Add", ["z_H", "one"], ["z_H_next"]),
        helper.make_node("Add", ["z_L", "one"], ["z_L_next"]),
        helper.make_node("Cast", ["z_H_next"], ["wide"], **to_float),
        helper.make_node("ReduceMean", ["wide", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "offset"], ["below"]),
        helper.make_node("Cast", ["puzzle_ids"], ["row"], **to_float),
        helper.make_node("Add", ["below", "row"], ["q_halt"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        values(manifest.inputs),
        values(manifest.outputs),
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


@pytest.fixture
def build_bundle(tmp_path: Path) -> BuildBundle:
    """Bundle the tiny graph.

    ``batch`` and ``dtype`` (of the states) shape both graph and manifest; ``scale`` multiplies the logits;
    ``graph`` replaces the graph's bytes; ``stated`` changes the manifest alone.
    """

    def build(
        *,
        batch: int | str = "batch",
        dtype: str = "float32",
        scale: float = 1.0,
        graph: bytes | None = None,
        stated: dict[str, Any] | None = None,
    ) -> Bundle:
        manifest = tiny_manifest(batch=batch, dtype=dtype)
        data = tiny_graph(manifest, scale=scale) if graph is None else graph
        return read_bundle(write_bundle(tmp_path / "tiny", replace(manifest, **(stated or {})), {"model.onnx": data}))

    return build
