"""The recursive model as an ExecuTorch program (``.pte``): a few small methods that the host loops over.

A supervision step is 21 network passes in the official configuration, and an export of the whole step lowers, stores
and packs its graph as often. Here the program holds *one* pass, lowered once, its weights stored and packed once::

    embed      tokens int32 [B, S] (, puzzle_ids int32 [B]) -> x float32 [B, P, hidden]
    network_L  z, injected float32 [B, P, hidden] -> net(z + injected)
    network_H  the same for the second network of an HRM
    heads      z_H -> logits float32 [B, S, V], q_halt float32 [B]

The host computes ``z_L = network_L(z_L, z_H + x)`` ``L_cycles`` times, then ``z_H = network_L(z_H, z_L)`` (an HRM:
``network_H``), all of it ``H_cycles`` times. To the outside that is the contract of a ``step`` graph. The batch size
is built in: XNNPACK plans its memory for it.

Knows nothing of bundles, calibration data or runtimes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.devtools import BundledProgram
from executorch.devtools.bundled_program.config import MethodTestCase, MethodTestSuite
from executorch.devtools.bundled_program.serialize import serialize_from_bundled_program_to_flatbuffer
from executorch.exir import (
    EdgeCompileConfig,
    ExecutorchBackendConfig,
    ExecutorchProgramManager,
    to_edge_transform_and_lower,
)
from executorch.exir.passes import MemoryPlanningPass
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx.passes.infra.partitioner import Partition

from trm_edge.errors import InvalidConfig, Refused
from trm_edge.export.executorch_backends import refusal
from trm_edge.export.executorch_modules import Embed, Heads, NetworkPass
from trm_edge.export.executorch_quantize import Pass, quantize
from trm_edge.export.executorch_stats import program_stats
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Precision, TensorSpec

MAX_BATCH = 4096


@dataclass(frozen=True, eq=False)
class Program:
    """A written program.

    Attributes:
        data: the ``.pte``.
        inputs: of one supervision step, in the order of the contract.
        outputs: likewise.
        stats: JSON-ready: ``backend``, ``file_bytes``, ``file_to_weights`` (their ratio to the weights, each counted
            once), and what :func:`~trm_edge.export.executorch_stats.program_stats` says.
        manager: what ``data`` was written from; :func:`write_bundled` needs it.
    """

    data: bytes
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    stats: dict[str, Any]
    manager: ExecutorchProgramManager


def build_program(
    model: RecursiveModel,
    *,
    precision: Precision,
    backend: str = "xnnpack",
    puzzles: Sequence[int] = (),
    batch: int = 1,
    passes: Iterable[Pass] | None = None,
    calibration: str = "mse",
) -> Program:
    """Write ``model`` as a program.

    Args:
        model: the float model.
        precision: fp32, or of XNNPACK w8a8 or w8a8-dynamic.
        backend: ``"xnnpack"``, or ``"portable"`` for plain kernels that run on anything.
        puzzles: rows of the puzzle-embedding table to keep; empty for a model without one. Of several, the input
            ``puzzle_ids`` chooses.
        batch: puzzles a call, built in.
        passes: for w8a8, the inputs of network passes along whole trajectories of the float model; read once.
        calibration: how w8a8 finds its ranges: ``"mse"`` or ``"min-max"``.

    Raises:
        Refused: the backend cannot realise the precision.
        InvalidInput: w8a8 without passes, or an unknown calibration.
        InvalidConfig: ``batch`` is out of range.
    """
    reason = refusal(precision, backend)
    if reason is not None:
        raise Refused(reason)
    if not 1 <= batch <= MAX_BATCH:
        raise InvalidConfig(f"batch = {batch} is out of range. Allowed: 1 to {MAX_BATCH}.")
    with quiet(), torch.no_grad():
        exported = export_methods(model, precision, tuple(puzzles), batch, passes, calibration)
        manager, stats = lower_methods(exported, backend)
    inputs, outputs = step_contract(model, len(puzzles), batch)
    return Program(bytes(manager.buffer), inputs, outputs, stats, manager)


def lower_methods(
    exported: Mapping[str, ExportedProgram], backend: str
) -> tuple[ExecutorchProgramManager, dict[str, Any]]:
    """Hand exported methods to a backend.

    Returns:
        The program, and the facts about it that :class:`Program` calls ``stats``.
    """
    # the embedding is a look-up, which XNNPACK does not have
    partitioners = {name: [_WholeMethod()] for name in exported if backend == "xnnpack" and name != "embed"}
    edge = to_edge_transform_and_lower(
        dict(exported), partitioner=partitioners, compile_config=EdgeCompileConfig(_check_ir_validity=False)
    )
    facts = program_stats(edge, exported)
    # the host passes pointers, so inputs need no room; outputs do: runners that bring none would write to nowhere
    planning = MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=True)
    manager = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))
    size = len(manager.buffer)
    ratio = round(size / facts["unique_weight_bytes"], 4)
    return manager, {"backend": backend, "file_bytes": size, "file_to_weights": ratio, **facts}


def method_modules(model: RecursiveModel, puzzles: Sequence[int]) -> dict[str, nn.Module]:
    """The methods of a program in float PyTorch, by name."""
    modules: dict[str, nn.Module] = {"embed": Embed(model, puzzles)}
    modules["network_L"] = NetworkPass(model.L_level, model.config)
    if model.H_level is not None:
        modules["network_H"] = NetworkPass(model.H_level, model.config)
    modules["heads"] = Heads(model)
    return {name: module.eval() for name, module in modules.items()}


def method_examples(model: RecursiveModel, puzzles: Sequence[int], batch: int) -> dict[str, tuple[Tensor, ...]]:
    """Inputs of the methods, of the shapes to build in."""
    tokens = torch.zeros(batch, model.config.seq_len, dtype=torch.int32)
    ids = (torch.zeros(batch, dtype=torch.int32),) if len(puzzles) > 1 else ()
    z_H, z_L = (state.clone(memory_format=torch.contiguous_format) for state in model.initial_carry(batch))
    return {"embed": (tokens, *ids), "network_L": (z_L, z_H), "network_H": (z_H, z_L), "heads": (z_H,)}


def write_bundled(program: Program, model: RecursiveModel, tokens: Tensor, puzzles: Sequence[int] = ()) -> bytes:
    """The program as a ``.bpte``: with inputs for each of its methods and what the float model answers to them.

    Args:
        program: from :func:`build_program`.
        model: the model it was built from.
        tokens: int32 [n, seq], one test case a puzzle; a batch built into the program is filled with copies of it.
        puzzles: as given to :func:`build_program`.
    """
    batch = program.inputs[0].shape[0]
    assert isinstance(batch, int)
    modules = method_modules(model, puzzles)
    cases: dict[str, list[MethodTestCase]] = {name: [] for name in modules}
    with quiet(), torch.no_grad():
        for row in tokens:
            given: tuple[Tensor, ...] = (row.to(torch.int32).expand(batch, -1).contiguous(),)
            if len(puzzles) > 1:
                given = (*given, torch.zeros(batch, dtype=torch.int32))
            z_H, z_L = (state.contiguous() for state in model.initial_carry(batch))
            x = modules["embed"](*given)
            calls = {"embed": given, "network_L": (z_L, z_H + x), "network_H": (z_H, z_L), "heads": (z_H,)}
            for name, module in modules.items():
                answer = module(*calls[name])
                expected = answer if isinstance(answer, tuple) else (answer,)
                cases[name].append(MethodTestCase(inputs=calls[name], expected_outputs=expected))
        suites = [MethodTestSuite(name, test_cases) for name, test_cases in cases.items()]
        data: bytes = serialize_from_bundled_program_to_flatbuffer(BundledProgram(program.manager, suites))
    return data


class _WholeMethod(XnnpackPartitioner):  # type: ignore[misc]  # the library is not typed
    """XNNPACK for a method as one piece where it takes every operator.

    The library's own partitions grow from groups of nodes and stop growing where two products share a scaled input, so
    that a dynamic pass would end as five delegates. If nothing is left over, all of it together is a valid partition.
    """

    def generate_partitions(self, program: ExportedProgram) -> list[Partition]:
        """One partition, or the library's own where an operator stays outside."""
        partitions: list[Partition] = super().generate_partitions(program)
        taken = {node for partition in partitions for node in partition.nodes}
        if partitions and all(node in taken for node in program.graph.nodes if node.op == "call_function"):
            return [Partition(id=partitions[0].id, nodes=dict.fromkeys(taken))]
        return partitions


def export_methods(
    model: RecursiveModel,
    precision: Precision,
    puzzles: tuple[int, ...],
    batch: int,
    passes: Iterable[Pass] | None,
    calibration: str,
) -> dict[str, ExportedProgram]:
    """The methods as exported graphs, quantized where the precision says so."""
    modules, examples = method_modules(model, puzzles), method_examples(model, puzzles, batch)
    networks = {name[-1]: module for name, module in modules.items() if name.startswith("network")}
    quantized: dict[str, ExportedProgram] = {}
    if precision is not Precision.FP32:
        static = precision is Precision.W8A8
        z_L, z_H = examples["network_L"]
        exported = quantize(networks, (z_L, z_H), (passes or ()) if static else None, calibration=calibration)
        quantized = {f"network_{level}": program for level, program in exported.items()}
    return {
        name: quantized.get(name) or torch.export.export(module, examples[name], strict=False)
        for name, module in modules.items()
    }


def step_contract(
    model: RecursiveModel, puzzles: int, batch: int, *, carry_dtype: str = "float32"
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What a supervision step takes and gives, as of a ``step`` graph."""
    config = model.config
    carry = (batch, config.total_len, config.hidden_size)
    ids = (TensorSpec("puzzle_ids", (batch,), "int32"),) if puzzles > 1 else ()
    inputs = (
        TensorSpec("tokens", (batch, config.seq_len), "int32"),
        *ids,
        TensorSpec("z_H", carry, carry_dtype),
        TensorSpec("z_L", carry, carry_dtype),
    )
    outputs = (
        TensorSpec("logits", (batch, config.seq_len, config.vocab_size), "float32"),
        TensorSpec("q_halt", (batch,), "float32"),
        TensorSpec("z_H_next", carry, carry_dtype),
        TensorSpec("z_L_next", carry, carry_dtype),
    )
    return inputs, outputs


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' deprecation notices and progress notes from the user; errors are exceptions all the same."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
