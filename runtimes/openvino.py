"""OpenVINO: x86-64 and arm64 CPUs, and Intel's GPUs and NPUs, which read our ONNX graphs as they are.

Importing OpenVINO reports to Google Analytics and writes to the user's home unless its telemetry package is out of
reach, so it is put there first. Left to itself, OpenVINO also trades accuracy for speed (bfloat16, int8 activations of
what the file holds in float): here it computes what the bundle says.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, unknown
from trm_edge.optional import require
from trm_edge.runtimes.base import Arrays, Session, one_line
from trm_edge.runtimes.onnxruntime import compare
from trm_edge.runtimes.placement import Placement
from trm_edge.specs import Format, TensorSpec

DEVICES = ("CPU", "GPU", "NPU", "AUTO")
_PRODUCTS = ("FullyConnected", "MatMul")  #: kernels of the CPU plug-in that multiply matrices


def load_openvino() -> Any:
    """The library, with its telemetry out of reach: it reports every import and makes a folder ``~/intel``.

    Raises:
        MissingDependency: openvino is not installed.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # "not installed": OpenVINO has a stub for that
    return require("openvino", extra="openvino")


class OpenVinoSession(Session):
    """A graph in OpenVINO."""

    runtime = "openvino"
    options = ("device", "cache")

    _compiled: Any = None  #: openvino.CompiledModel
    _request: Any = None  #: openvino.InferRequest

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph.

        Options: ``device``, CPU (default), GPU, NPU or AUTO, one of several as in ``GPU.1``; ``cache``, a folder for
        compiled graphs, which other devices than the CPU take long to make (default: none is kept). ``threads`` are the
        CPU's.
        """
        if bundle.manifest.format is not Format.ONNX:
            raise Refused(f"openvino opens onnx graphs, this bundle holds {bundle.manifest.format}")
        ov = load_openvino()
        core = ov.Core()
        device = _device(str(options.get("device", "CPU")), core.available_devices)
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "EXECUTION_MODE_HINT": "ACCURACY"}
        if self.threads is not None and device == "CPU":
            settings["INFERENCE_NUM_THREADS"] = self.threads
        if options.get("cache"):
            settings["CACHE_DIR"] = str(options["cache"])
        try:
            self._model = core.read_model(bundle.model_path)
            self._compiled = core.compile_model(self._model, device, settings)
        except Exception as error:  # its exceptions have no common base below Exception
            raise InvalidBundle(f"openvino cannot load '{bundle.model_path}': {one_line(error)}") from error
        self._core, self._ov = core, ov
        manifest = bundle.manifest
        compare("input", _tensors(self._compiled.inputs, manifest.inputs), manifest.inputs)
        compare("output", _tensors(self._compiled.outputs, manifest.outputs), manifest.outputs)
        self._outputs = {spec.name: self._compiled.output(spec.name) for spec in manifest.outputs}
        self._request = self._compiled.create_infer_request()
        self._device = self._compiled.get_property("EXECUTION_DEVICES")[0].strip("()")
        self.provider = f"{self._device}, {core.get_property(self._device, 'FULL_DEVICE_NAME').strip()}"

    def placement(self) -> Placement:
        """Where the operators of the graph run: OpenVINO runs a graph on one device, or does not load it."""
        taken = self._core.query_model(self._model, self._device)
        operators = self._model.get_ops()
        left = Counter(one.get_type_name() for one in operators if one.get_friendly_name() not in taken)
        counted = "operators of the graph as OpenVINO reads it, bodies of loops as one"
        return Placement(self.provider, len(operators) - left.total(), dict(left.most_common()), counted)

    def products(self) -> dict[str, int]:
        """Kernels of matrix products by the number format that they multiply in: ``u8`` and ``i8`` are integers.

        Products inside loops are not told; nor are those of other devices than the CPU.
        """
        found = Counter[str]()
        for operator in self._compiled.get_runtime_model().get_ops():
            told = operator.get_rt_info()
            if "layerType" in told and told["layerType"].astype(str) in _PRODUCTS:
                found[told["runtimePrecision"].astype(str)] += 1
        return dict(found.most_common())

    def close(self) -> None:
        """Free the graph."""
        super().close()
        self._request = self._compiled = self._model = None

    def _infer(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        try:
            found = self._request.infer(dict(inputs), share_inputs=True)  # read in place; results are copied once
        except Exception as error:  # as above
            raise InvalidBundle(f"openvino could not run the graph: {one_line(error)}") from error
        return {name: found[output] for name, output in self._outputs.items()}


class _Tensor(NamedTuple):
    """An input or output of OpenVINO, in the words of ONNX Runtime."""

    name: str
    type: str
    shape: list[int | str]


def _tensors(found: Iterable[Any], specs: Sequence[TensorSpec]) -> list[_Tensor]:
    """OpenVINO gives a tensor several names; that of the manifest is among them or it is not the tensor."""
    tensors = []
    for one in found:
        names = one.get_names()
        name = next((spec.name for spec in specs if spec.name in names), min(names, default="?"))
        dimensions: list[int | str] = [
            "?" if size.is_dynamic else size.get_length() for size in one.get_partial_shape()
        ]
        tensors.append(_Tensor(name, str(one.get_element_type().to_dtype()), dimensions))
    return tensors


def _device(asked: str, there: Sequence[str]) -> str:
    """The device in OpenVINO's words, or why not."""
    name = asked.upper()
    if name.partition(".")[0] not in DEVICES:
        raise InvalidInput(unknown("device of openvino", asked, DEVICES))
    if name != "AUTO" and not any(name in (one, one.partition(".")[0]) for one in there):
        raise Refused(f"OpenVINO finds no {name} on this machine, only {', '.join(there)}. Its driver may be missing.")
    return name
