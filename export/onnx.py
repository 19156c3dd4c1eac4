"""ONNX files and what they weigh: the graph as bytes, its nodes by type, its bytes against its weights.

The statistics are read back from the finished file, not from what the writer meant to do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx

from trm_edge.errors import Refused

MAX_ONNX_BYTES = (1 << 31) - 1  #: protobuf's own limit


def to_bytes(model: onnx.ModelProto) -> bytes:
    """Check ``model`` against the ONNX standard and serialise it.

    Raises:
        Refused: the file would be larger than protobuf allows.
    """
    size = model.ByteSize()
    if size > MAX_ONNX_BYTES:
        raise Refused(
            f"The graph would take {size} bytes; one ONNX file holds at most {MAX_ONNX_BYTES}. "
            "Keep fewer puzzle embeddings (--puzzles)."
        )
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def graph_stats(data: bytes) -> dict[str, Any]:
    """What a file holds.

    Returns:
        ``nodes`` (type -> count, functions expanded at every call as runtimes do), ``node_count``,
        ``stored_nodes`` (as in the file), ``file_bytes``, ``unique_weight_bytes`` (equal tensors counted once) and
        ``file_to_weights`` (their ratio).
    """
    model = onnx.load_model_from_string(data)
    functions = {(f.domain, f.name): list(f.node) for f in model.functions}
    nodes = Counter(_expanded(model.graph.node, functions))
    stored = sum(1 for _ in _stored(model.graph.node)) + sum(len(body) for body in functions.values())
    weights = {hashlib.sha256(t.raw_data).digest() + bytes([t.data_type]): len(t.raw_data) for t in _tensors(model)}
    weight_bytes = sum(weights.values())
    return {
        "nodes": dict(sorted(nodes.items(), key=lambda item: (-item[1], item[0]))),
        "node_count": sum(nodes.values()),
        "stored_nodes": stored,
        "file_bytes": len(data),
        "unique_weight_bytes": weight_bytes,
        "file_to_weights": round(len(data) / max(1, weight_bytes), 4),
    }


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Initializers of the graph and of all its subgraphs."""
    yield from model.graph.initializer
    for node in _stored(model.graph.node):
        for subgraph in _subgraphs(node):
            yield from subgraph.initializer


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    return (a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)


def _stored(nodes: Any) -> Iterator[onnx.NodeProto]:
    """Nodes as they lie in the file, those of subgraphs included."""
    for node in nodes:
        yield node
        for subgraph in _subgraphs(node):
            yield from _stored(subgraph.node)


def _expanded(nodes: Any, functions: dict[tuple[str, str], Any]) -> Iterator[str]:
    """Operator types as a runtime sees them, with every function call replaced by the function's nodes."""
    for node in nodes:
        body = functions.get((node.domain, node.op_type))
        if body is not None:
            yield from _expanded(body, functions)
            continue
        yield node.op_type
        for subgraph in _subgraphs(node):
            yield from _expanded(subgraph.node, functions)
