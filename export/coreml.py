"""The recursive model as an ExecuTorch program for Core ML: the methods of :mod:`trm_edge.export.executorch`, each one
an ML program (``.mlpackage``) inside the ``.pte``.

Core ML compiles an ML program for the Neural Engine, the GPU or the CPU where it is first loaded, on the device; its
compiler and its kernels exist on Apple's systems only. What can be had elsewhere, and is had here: the programs, and
what they hold, read back out of them.

Knows nothing of bundles or runtimes.
"""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coremltools
import torch
from coremltools.converters.mil.frontend.milproto.load import load as load_mil
from executorch.backends.apple.coreml import executorchcoreml
from executorch.backends.apple.coreml.compiler.coreml_preprocess import (
    MULTIMETHOD_WEIGHT_SHARING_STRATEGY,
    CoreMLBackend,
)
from executorch.backends.apple.coreml.partition import CoreMLPartitioner
from executorch.exir import (
    EdgeCompileConfig,
    EdgeProgramManager,
    ExecutorchBackendConfig,
    ExecutorchProgramManager,
    to_edge_transform_and_lower,
)
from executorch.exir.backend.compile_spec_schema import CompileSpec
from executorch.exir.lowered_backend_module import get_lowered_submodules
from executorch.exir.passes import MemoryPlanningPass
from torch.export import ExportedProgram

from trm_edge.errors import InvalidInput, NotQuantized, Refused, unknown
from trm_edge.export.executorch import Program, export_methods, quiet, step_contract
from trm_edge.export.quantization import model_sites
from trm_edge.export.targets.coreml import COMPUTE_UNITS
from trm_edge.model.network import RecursiveModel
from trm_edge.specs import Precision

SYSTEMS = {6: "iOS 15, macOS 12", 7: "iOS 16, macOS 13", 8: "iOS 17, macOS 14", 9: "iOS 18, macOS 15"}
"""The oldest systems that read a version of Core ML's format."""

_PRECISIONS = {
    Precision.FP32: coremltools.precision.FLOAT32,
    Precision.FP16: coremltools.precision.FLOAT16,
    Precision.W8: coremltools.precision.FLOAT16,  # which the Neural Engine widens weights to
}
_PRODUCTS = ("linear", "matmul")
_WIDENING = "constexpr_"  #: operators that widen a compressed weight, by the start of their names


@dataclass(frozen=True)
class Method:
    """One method as Core ML will see it.

    Attributes:
        function: coremltools' form of the ML program's only function.
        version: of the format, the least that it needs.
    """

    function: Any
    version: int

    @property
    def operators(self) -> Counter[str]:
        """Operators that compute at every call, by kind: constants, and weights being widened, do not."""
        kinds = (operation.op_type for operation in self.function.operations)
        return Counter(kind for kind in kinds if kind != "const" and not kind.startswith(_WIDENING))

    @property
    def products(self) -> Counter[str]:
        """Matrix products by what their right side is stored in: ``weights`` (int8) or ``float``. Rows, which take
        means and the halting logit, are products too.
        """
        found = Counter[str]()
        for operation in self.function.operations:
            if operation.op_type in _PRODUCTS:
                right = operation.inputs["weight" if operation.op_type == "linear" else "y"]
                widened = right.op is not None and right.op.op_type.startswith(_WIDENING)
                found["weights" if widened else "float"] += 1
        return found

    @property
    def constant_bytes(self) -> Counter[str]:
        """Bytes of the constants by ``int8`` and ``float``."""
        found = Counter[str]()
        for operation in self.function.operations:
            value = operation.val.val if operation.op_type == "const" else None
            if value is not None and hasattr(value, "dtype") and value.dtype.kind in "fi":
                found["int8" if value.dtype.itemsize == 1 else "float"] += value.nbytes
        return found


def build_program(
    model: RecursiveModel,
    *,
    precision: Precision,
    puzzles: Sequence[int] = (),
    batch: int = 1,
    compute_units: str = "all",
) -> Program:
    """Write ``model`` as a program of ML programs.

    Tensors between the host and a method are float32 (tokens int32) in every precision: the ExecuTorch runtime hands
    them over as they are.

    Args:
        model: the float model.
        precision: fp32, fp16, or w8: the weights of network passes as int8, one scale a row, computed with in fp16.
        puzzles: rows of the puzzle-embedding table to keep, see :func:`trm_edge.export.executorch.build_program`.
        batch: puzzles a call, built in.
        compute_units: name in :data:`~trm_edge.export.targets.coreml.COMPUTE_UNITS`.

    Raises:
        InvalidInput: unknown compute units.
        Refused: an operator stayed outside Core ML.
        NotQuantized: a product of a network pass is not as w8 wants it.
    """
    if compute_units not in COMPUTE_UNITS:
        raise InvalidInput(unknown("choice of compute units", compute_units, COMPUTE_UNITS))
    with quiet(), redirect_stderr(io.StringIO()), torch.no_grad():  # the converter draws progress bars
        exported = export_methods(model, Precision.FP32, tuple(puzzles), batch, None, "mse")
        edge = to_edge_transform_and_lower(
            dict(exported),
            partitioner={
                name: [CoreMLPartitioner(compile_specs=_specs(name, model, precision, compute_units))]
                for name in exported
            },
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        methods = read_methods(edge, exported)
        planning = MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=True)
        manager = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))
    stats = _stats(manager, methods, compute_units)
    wanted = sum(len(place.weights) for place in model_sites(model)) if precision is Precision.W8 else 0
    if stats["products"]["weights"] != wanted:
        raise NotQuantized(f"{stats['products']['weights']} products have int8 weights, not {wanted}. Use fp16.")
    inputs, outputs = step_contract(model, len(puzzles), batch)
    return Program(bytes(manager.buffer), inputs, outputs, stats, manager)


def read_methods(edge: EdgeProgramManager, exported: Mapping[str, ExportedProgram]) -> dict[str, Method]:
    """The methods of a lowered program, read back out of the delegates' own bytes.

    Raises:
        Refused: one of them is not a single ML program.
    """
    methods = {}
    for name in exported:
        program = edge.exported_program(name)
        lowered = [module for _, module, _ in get_lowered_submodules(program.graph_module)]
        called = {node.target.__name__ for node in program.graph.nodes if node.op == "call_function"}
        outside = sorted(called - {"executorch_call_delegate", "getitem"})
        if outside or len(lowered) != 1:
            raise Refused(
                f"Core ML does not take the method '{name}' whole: {len(lowered)} pieces, outside them "
                f"{', '.join(outside) or 'nothing'}. Use another version of executorch, or another target."
            )
        with _unpacked(lowered[0].processed_bytes) as package:
            opened = coremltools.models.MLModel(str(package), skip_model_load=True)
            spec = opened.get_spec()
            version = spec.specificationVersion
            loaded = load_mil(spec, specification_version=version, file_weights_dir=opened.weights_dir)
        methods[name] = Method(loaded.functions["main"], version)
    return methods


def _specs(name: str, model: RecursiveModel, precision: Precision, compute_units: str) -> list[CompileSpec]:
    """What the converter is told about a method."""
    quantizer = None
    if precision is Precision.W8 and name.startswith("network"):
        rows = max(model.config.hidden_size, model.config.total_len)  # what means are taken with; no weights
        quantizer = {
            "mode": "linear_symmetric",
            "dtype": "int8",
            "granularity": "per_channel",
            "weight_threshold": rows,
        }
    specs: list[CompileSpec] = CoreMLBackend.generate_compile_specs(
        compute_unit=coremltools.ComputeUnit[COMPUTE_UNITS[compute_units]],
        # from iOS 16 on the inputs and outputs of fp16 programs would be fp16; w8 asks for iOS 16 by itself
        minimum_deployment_target=coremltools.target.iOS15,
        compute_precision=_PRECISIONS[precision],
        op_linear_quantizer_config=quantizer,
    )
    # one ML program for all methods would share weights that our methods have none of, and want iOS 18
    alone = MULTIMETHOD_WEIGHT_SHARING_STRATEGY.DISABLED
    return [*specs, CoreMLBackend.generate_multimethod_weight_sharing_strategy_compile_spec(alone)]


@contextmanager
def _unpacked(data: bytes) -> Iterator[Path]:
    """The ML package in a delegate's bytes, as the folder that it is."""
    with tempfile.TemporaryDirectory() as folder:
        executorchcoreml.unflatten_directory_contents(data, folder)
        (package,) = Path(folder).rglob("*.mlpackage")
        yield package


def _stats(manager: ExecutorchProgramManager, methods: Mapping[str, Method], compute_units: str) -> dict[str, Any]:
    stored: Counter[str] = sum((method.constant_bytes for method in methods.values()), Counter())
    products: Counter[str] = sum((method.products for method in methods.values()), Counter())
    size, weights = len(manager.buffer), sum(stored.values())
    version = max(method.version for method in methods.values())
    return {
        "backend": "coreml",
        "file_bytes": size,
        "file_to_weights": round(size / weights, 4),
        "unique_weight_bytes": weights,
        "int8_bytes": stored["int8"],
        "float_bytes": stored["float"],
        "products": {"weights": products["weights"], "float": products["float"]},
        "integer_share": 0.0,
        "delegated": {name: dict(method.operators.most_common()) for name, method in methods.items()},
        "coreml": {
            "specification": version,
            "oldest": SYSTEMS.get(version, "newer systems than this version of trm-edge knows"),
            "compute_units": compute_units,
            "coremltools": coremltools.__version__,
        },
    }
