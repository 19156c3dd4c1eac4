"""Proof from the program, not from the flags: what a lowered method leaves to which kernels, and what its file stores.

The graphs that XNNPACK was handed are read back out of the delegates' own bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from executorch.backends.xnnpack import serialization
from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import XNNHeader
from executorch.exir import EdgeProgramManager
from executorch.exir._serialize._flatbuffer import _flatc_decompile
from executorch.exir.lowered_backend_module import get_lowered_submodules
from torch.export import ExportedProgram

PRODUCTS = ("XNNFullyConnected", "XNNBatchMatrixMultiply")
_INTEGER = "xnn_datatype_q"  #: prefix of the names of XNNPACK's quantized types
_WEIGHTS = {torch.int8: "int8", torch.int16: "int16", torch.float32: "float"}
_PORTABLE_PRODUCTS = ("aten.linear", "aten.mm", "aten.addmm", "aten.bmm")


def program_stats(lowered: EdgeProgramManager, exported: Mapping[str, ExportedProgram]) -> dict[str, Any]:
    """JSON-ready facts about a program.

    Args:
        lowered: the methods, not yet made into an ExecuTorch program (which rewrites them in place).
        exported: the same methods before lowering, for the weights they use.

    Returns:
        ``int8_bytes`` and ``float_bytes`` of the constants, each counted once, and ``unique_weight_bytes``, their sum;
        ``integer_products`` and ``float_products`` of all methods together; ``methods`` by name with ``delegates``,
        ``undelegated`` (operators by name), ``integer_products`` and ``float_products``.
    """
    methods = {name: method_stats(lowered.exported_program(name)) for name in exported}
    stored = unique_bytes(exported.values())
    return {
        "unique_weight_bytes": sum(stored.values()),
        "int8_bytes": stored["int8"],
        "float_bytes": stored["float"],
        "integer_products": sum(method["integer_products"] for method in methods.values()),
        "float_products": sum(method["float_products"] for method in methods.values()),
        "methods": methods,
    }


def method_stats(program: ExportedProgram) -> dict[str, Any]:
    """Delegates, undelegated operators and products of one lowered method."""
    lowered = [module for _, module, _ in get_lowered_submodules(program.graph_module)]
    undelegated = Counter(
        node.target.__name__
        for node in program.graph.nodes
        if node.op == "call_function" and node.target.__name__ not in ("getitem", "executorch_call_delegate")
    )
    integer = 0
    floating = sum(count for name, count in undelegated.items() if name.startswith(_PORTABLE_PRODUCTS))
    for module in lowered:
        for inputs in _products(_xnnpack_graph(module.processed_bytes)):
            if all(kind.startswith(_INTEGER) for kind in inputs):
                integer += 1
            else:
                floating += 1
    return {
        "delegates": len(lowered),
        "undelegated": dict(sorted(undelegated.items())),
        "integer_products": integer,
        "float_products": floating,
    }


def _products(graph: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Types of the two factors of every matrix product: not of means and of the halting logit, whose right is a row."""
    values = {}
    for value in graph["xvalues"]:
        tensor = value["xvalue_union"]
        tensor = tensor.get("tensor_value", tensor)  # a quantized value wraps the plain one
        values[tensor["id_out"]] = tensor
    for node in graph["xnodes"]:
        if node["xnode_union_type"] not in PRODUCTS:
            continue
        product = node["xnode_union"]
        right = values[product.get("filter_id", product.get("input2_id"))]
        if node["xnode_union_type"] == "XNNFullyConnected" and right["dims"][0] == 1:
            continue
        yield values[product["input1_id"]]["datatype"], right["datatype"]


def _xnnpack_graph(payload: bytes) -> dict[str, Any]:
    """The flatbuffer inside a delegate's bytes, as JSON."""
    header = XNNHeader.from_bytes(payload[: XNNHeader.EXPECTED_LENGTH])
    start = header.flatbuffer_offset
    schema = importlib.resources.files(serialization).joinpath("schema.fbs").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        schema_path, graph_path = Path(folder, "schema.fbs"), Path(folder, "graph.bin")
        schema_path.write_bytes(schema)
        graph_path.write_bytes(payload[start : start + header.flatbuffer_size])
        _flatc_decompile(folder, str(schema_path), str(graph_path), ["--raw-binary"])
        graph: dict[str, Any] = json.loads(Path(folder, "graph.json").read_bytes())
    return graph


def unique_bytes(programs: Iterable[ExportedProgram]) -> dict[str, int]:
    """Bytes of the constants that the methods use, equal ones counted once. Zero points (int64) are no weights."""
    seen: dict[tuple[torch.dtype, bytes], int] = {}
    for program in programs:
        used = {node.name for node in program.graph.nodes if node.op == "placeholder" and node.users}
        signature = program.graph_signature
        targets = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        for placeholder, name in targets.items():
            tensor = program.state_dict.get(name, program.constants.get(name))
            if placeholder in used and isinstance(tensor, torch.Tensor) and tensor.dtype in _WEIGHTS:
                content = tensor.detach().contiguous().numpy().tobytes()
                seen[tensor.dtype, content] = len(content)
    return {name: sum(size for (kind, _), size in seen.items() if kind is dtype) for dtype, name in _WEIGHTS.items()}
