"""The recursive model as an ExecuTorch program for Arm's Ethos-U: small methods that the host loops over, in integers.

The methods are those of :mod:`trm_edge.export.executorch`. A network pass becomes one piece, stored once, that the
processor runs without the CPU. States are int16 numbers of one scale, so that between passes nothing is converted::

    embed      tokens (, puzzle_ids) -> x int16 [B, P, hidden]; on the CPU: the processor has no look-up of rows
    network_L  z, injected int16 -> the next z, int16; injected = z_H + x, which never overflows
    network_H  the same for the second network of an HRM
    heads      z_H -> logits int16 [B, S, V], q_halt int16 [B], each with a scale

The way is TOSA, Arm's operators for such processors, and Vela, which compiles them. The TOSA graphs come back too, for
Arm's reference model, which runs them where there is no such processor (:mod:`trm_edge.runtimes.ethos_u`).
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
from executorch.exir import EdgeCompileConfig, ExecutorchBackendConfig, to_edge_transform_and_lower
from executorch.exir.lowered_backend_module import get_lowered_submodules
from executorch.exir.passes import MemoryPlanningPass
from torch import nn
from torch.export import ExportedProgram

from trm_edge.errors import NotQuantized
from trm_edge.export.ethos_u_quantize import LIMIT, quantize
from trm_edge.export.executorch import method_examples, method_modules, quiet, step_contract
from trm_edge.export.executorch_modules import NetworkPass, balance
from trm_edge.export.executorch_quantize import Pass
from trm_edge.export.executorch_stats import unique_bytes
from trm_edge.export.vela_report import read_report, step_cost
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Precision, TensorSpec

ZERO_POINT = 32768  #: a state of the graph contract is uint16: the int16 number plus this
_BALANCED = 256  #: passes that are enough to see which channels are loud
_MARGIN = 1.02  #: what the processor's approximation of a norm may add to its bound
_OWN_FOLDER = "debug_artifact_path"  #: a compile option that would tell every user where it was compiled


@dataclass(frozen=True, eq=False)
class EthosUProgram:
    """A program for one accelerator.

    Attributes:
        data: the ``.pte``.
        tosa: the TOSA graph of every method but ``embed``, by method.
        inputs: of one supervision step, in the order of the contract.
        outputs: likewise.
        state_scale: of every state.
        stats: JSON-ready: sizes, ``methods``, ``scales`` of the results of ``heads``, and ``vela``: a report a method,
            and cycles and milliseconds of a supervision ``step``.
    """

    data: bytes
    tosa: dict[str, bytes]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    state_scale: float
    stats: dict[str, Any]


def build_ethos_u(
    model: RecursiveModel,
    accelerator: str,
    passes: Iterable[Pass],
    *,
    sample: Iterable[Pass],
    precision: Precision,
    puzzles: Sequence[int] = (),
    batch: int = 1,
    calibration: str = "mse",
) -> EthosUProgram:
    """Write ``model`` as a program.

    Args:
        model: the float model, equalized (:mod:`trm_edge.export.smoothing`) or not.
        accelerator: configuration in Vela's words, for instance ``ethos-u55-128``.
        passes: inputs of network passes along whole trajectories of ``model``, in order; read once.
        sample: enough of them to see which channels are loud; read once, and not always to the end.
        precision: w8a8 or w8a16.
        puzzles: rows of the puzzle-embedding table to keep.
        batch: puzzles a call, built in.
        calibration: how ranges are found: ``"mse"`` or ``"min-max"``.

    Raises:
        InvalidInput: no passes, or an unknown calibration.
        NotQuantized: an operator of a method but ``embed`` is not taken by the processor.
    """
    with quiet(), torch.no_grad():
        modules, examples = method_modules(model, puzzles), method_examples(model, puzzles, batch)
        scale = _state_scale(model, modules["embed"])
        networks = {name[-1]: module for name, module in modules.items() if isinstance(module, NetworkPass)}
        balance(networks, islice(sample, _BALANCED))
        methods = quantize(
            {name: module for name, module in modules.items() if name != "embed"},
            examples,
            passes,
            precision=precision,
            L_cycles=model.config.L_cycles,
            state_scale=scale,
            spec=EthosUCompileSpec(accelerator),
            calibration=calibration,
        )
        embed = torch.export.export(_integer_embed(modules["embed"], scale), examples["embed"], strict=False)
        exported = {"embed": embed, **{name: method.program for name, method in methods.items()}}
        data, tosa, stats = _lower(exported, accelerator)
    stats["scales"] = dict(zip(("logits", "q_halt"), methods["heads"].scales, strict=True))
    stats["vela"]["step"] = step_cost(stats["vela"], model.config.H_cycles, model.config.L_cycles)
    inputs, outputs = step_contract(model, len(puzzles), batch, carry_dtype="uint16")
    return EthosUProgram(data, tosa, inputs, outputs, scale, stats)


def _lower(exported: Mapping[str, ExportedProgram], accelerator: str) -> tuple[bytes, dict[str, bytes], dict[str, Any]]:
    """Compile the methods: the program, their TOSA graphs, and what was counted."""
    placed = [name for name in exported if name != "embed"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):  # Vela prints its report
        partitioners = {}
        for name in placed:
            Path(folder, name).mkdir()
            spec = EthosUCompileSpec(accelerator, extra_flags=["--verbose-performance"])  # cycles by operator
            partitioners[name] = [EthosUPartitioner(spec.dump_intermediate_artifacts_to(str(Path(folder, name))))]
        edge = to_edge_transform_and_lower(
            dict(exported), partitioner=partitioners, compile_config=EdgeCompileConfig(_check_ir_validity=False)
        )
        methods = {name: _placement(edge.exported_program(name)) for name in exported}
        for name in placed:
            if methods[name]["delegates"] != 1 or methods[name]["undelegated"]:
                raise NotQuantized(f"{accelerator} does not take the whole of '{name}': {methods[name]}.")
        tosa = {name: Path(folder, name, "out.tosa").read_bytes() for name in placed}
        reports = {name: read_report(Path(folder, name, "output")) for name in placed}
    weights = unique_bytes(exported.values())
    planning = MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=True)  # as trm_edge.export.executorch
    data = bytes(edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning)).buffer)
    total = weights["int8"] + weights["int16"]  # what is left of floats are the scales of rows, integers to Vela
    return (
        data,
        tosa,
        {
            "backend": accelerator,
            "file_bytes": len(data),
            "file_to_weights": round(len(data) / total, 4),
            "unique_weight_bytes": total,
            "int8_bytes": weights["int8"],
            "int16_bytes": weights["int16"],
            "float_bytes": 0,
            "flash_bytes": sum(report.flash_bytes for report in reports.values()),
            "methods": methods,
            "vela": {name: report.to_dict() for name, report in reports.items()},
        },
    )


def _placement(program: ExportedProgram) -> dict[str, Any]:
    """Delegates and undelegated operators of a lowered method; its delegates forget where they were compiled."""
    lowered = [module for _, module, _ in get_lowered_submodules(program.graph_module)]
    for module in lowered:
        module._compile_specs = [spec for spec in module.compile_specs if spec.key != _OWN_FOLDER]
    undelegated = Counter(
        node.target.__name__
        for node in program.graph.nodes
        if node.op == "call_function" and node.target.__name__ not in ("getitem", "executorch_call_delegate")
    )
    return {"delegates": len(lowered), "undelegated": dict(sorted(undelegated.items()))}


def _integer_embed(embed: nn.Module, scale: float) -> nn.Module:
    """The embedding as a look-up of integers of a state, so that the CPU needs no float either."""
    integers = copy.deepcopy(embed)
    for name, table in embed.named_buffers():
        setattr(integers, name, (table / scale).round().to(torch.int16))
    return integers


def _state_scale(model: RecursiveModel, embed: nn.Module) -> float:
    """A scale that holds any state and any sum of an answer state and an embedding.

    RMSNorm without a gain gives numbers up to the root of the width; the tables bound the embedding.
    """
    initial = max(float(init.abs().max()) for init in (model.H_init, model.L_init))
    largest = max(math.sqrt(model.config.hidden_size), initial)
    tables = {name: float(table.abs().max()) for name, table in embed.named_buffers()}
    x = max(tables["tokens"] + tables.get("positions", 0.0), tables.get("rows", 0.0))
    return (largest * _MARGIN + x) / LIMIT
