"""Qualcomm's NPU (HTP): ONNX Runtime with Qualcomm's plug-in, on a Snapdragon or on the vendor's simulator on x86-64.

The plug-in shows the simulator as a device of type CPU: ``provider`` says which of the two computes. A graph is opened
only if the HTP takes all of it; what it refuses is named. A context binary of a bundle, compiled for one generation of
the HTP, opens without compiling (:meth:`QnnSession.compile_context` makes one).

Left to itself, the simulator plays the oldest generation (v68), whose products of 16-bit activations keep about 11
bits: here it plays v73, the first that keeps them all.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, unknown
from trm_edge.optional import require
from trm_edge.runtimes.onnxruntime import OnnxRuntimeSession

PROVIDER = "QNNExecutionProvider"
ARCHITECTURES = ("v68", "v69", "v73", "v75", "v79", "v81")
"""Generations of the HTP: Snapdragon 888, 8 Gen 1, 8 Gen 2, 8 Gen 3, 8 Elite, 8 Elite Gen 5."""
PERFORMANCE_MODES = (
    "default",
    "burst",
    "balanced",
    "high_performance",
    "sustained_high_performance",
    "low_balanced",
    "power_saver",
    "low_power_saver",
    "high_power_saver",
    "extreme_power_saver",
)
SIMULATED = "v73"  #: what the simulator plays unless told otherwise

_NO_FALLBACK = "fallback to CPU EP has been explicitly disabled"  #: ONNX Runtime's words for a graph not wholly placed
_SILENT = 4  #: log severity; at 3 the plug-in prints every refused node, which we name ourselves


class QnnSession(OnnxRuntimeSession):
    """A graph on the HTP."""

    runtime = "qnn"
    options = ("allow_cpu", "htp_arch", "soc_model", "performance_mode", "context")

    def _open(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        """Load the graph.

        Options: ``allow_cpu``, leave nodes that the HTP refuses to the CPU (default: the graph is refused);
        ``htp_arch``, a name out of :data:`ARCHITECTURES` (default: the processor's own; on the simulator
        :data:`SIMULATED`); ``soc_model``, Qualcomm's number of a chip; ``performance_mode``, a name out of
        :data:`PERFORMANCE_MODES`; ``context``, the architecture whose context binary the bundle holds: it is opened in
        place of the graph.

        Raises:
            Refused: no HTP here, nodes that it does not take, or no such context in the bundle.
        """
        with _prints_on_stderr():
            try:
                super()._open(bundle, options)
            except InvalidBundle as error:
                if _NO_FALLBACK not in str(error):
                    raise
                super()._open(bundle, {**options, "allow_cpu": True})
                found = self.placement()
                self.close()
                assert found is not None
                named = ", ".join(f"{count} {kind}" for kind, count in found.elsewhere.items())
                raise Refused(
                    f"The HTP does not take {found.left_out} of the graph's {found.placed + found.left_out} nodes: "
                    f"{named}. Export the model with --target qualcomm-npu, or let the CPU have them (allow_cpu)."
                ) from error
        self.provider = self._described

    def _graph_path(self, bundle: Bundle, options: Mapping[str, Any]) -> Path:
        if options.get("context") is None:
            return super()._graph_path(bundle, options)
        name = context_file(_architecture(options["context"]))
        if name not in bundle.manifest.files:
            raise Refused(f"This bundle holds no context for the HTP {options['context']}. Open it without one.")
        return bundle.folder / name

    def _provide(self, ort: Any, settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        device = _device(ort)
        simulated = device.device.type != ort.OrtHardwareDeviceType.NPU
        architecture = options.get("htp_arch", options.get("context", SIMULATED if simulated else None))
        chosen = {
            "backend_path": require("onnxruntime_qnn", extra="qnn").get_qnn_htp_path(),
            "offload_graph_io_quantization": "0",  # our inputs and outputs are the HTP's, too
        }
        if architecture is not None:
            chosen["htp_arch"] = _architecture(architecture).removeprefix("v")
        if "soc_model" in options:
            chosen["soc_model"] = str(options["soc_model"])
        if "performance_mode" in options:
            if options["performance_mode"] not in PERFORMANCE_MODES:
                raise InvalidInput(unknown("performance mode", str(options["performance_mode"]), PERFORMANCE_MODES))
            chosen["htp_performance_mode"] = options["performance_mode"]
        settings.log_severity_level = _SILENT
        if not options.get("allow_cpu"):
            settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        settings.add_provider_for_devices([device], chosen)
        self.provider = PROVIDER
        where = "HTP simulator" if simulated else "HTP"
        self._described = f"{PROVIDER}, {where}" + (f" {_architecture(architecture)}" if architecture else "")
        return {}

    @classmethod
    def compile_context(
        cls, bundle: Bundle, folder: Path, architecture: str, *, soc_model: str | None = None
    ) -> tuple[Path, Path]:
        """Compile a bundle's graph for one generation of the HTP.

        Args:
            bundle: made for this target.
            folder: takes the files.
            architecture: a name out of :data:`ARCHITECTURES`.
            soc_model: Qualcomm's number of a chip, for a context that only that chip is sure to take.

        Returns:
            An ONNX file that holds nothing but a reference, and the context binary beside it.

        Raises:
            InvalidInput: no such architecture.
            Refused: no plug-in device here, or nodes that the HTP does not take.
        """
        path = folder / context_file(_architecture(architecture))
        session = _Compiler(bundle.manifest)
        session.path = path
        options = {"htp_arch": architecture} | ({} if soc_model is None else {"soc_model": soc_model})
        session._open(bundle, options)
        session.close()
        binary = next((one for one in folder.iterdir() if one.suffix == ".bin"), None)
        if binary is None or not path.is_file():
            raise Refused(f"The plug-in wrote no context for the HTP {architecture}: it may be too old.")
        return path, binary


class _Compiler(QnnSession):
    """A session that writes its context down."""

    path: Path

    def _provide(self, ort: Any, settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        settings.add_session_config_entry("ep.context_enable", "1")
        settings.add_session_config_entry("ep.context_file_path", str(self.path))
        settings.add_session_config_entry("ep.context_embed_mode", "0")
        return super()._provide(ort, settings, options)


def context_file(architecture: str) -> str:
    """Name of the ONNX file of a context in a bundle; its binary's name starts alike."""
    return f"context-{architecture}.onnx"


def _architecture(given: object) -> str:
    """``75`` or ``v75`` as ``v75``.

    Raises:
        InvalidInput: there is no such generation.
    """
    name = f"v{str(given).removeprefix('v')}"
    if name not in ARCHITECTURES:
        raise InvalidInput(unknown("HTP architecture", name, ARCHITECTURES))
    return name


def _device(ort: Any) -> Any:
    """The NPU, or what the plug-in has in its place.

    Raises:
        MissingDependency: the plug-in is not installed.
        Refused: it cannot be loaded, or finds no device.
    """
    qnn = require("onnxruntime_qnn", extra="qnn")
    if not hasattr(ort, "register_execution_provider_library"):
        raise Refused(f"onnxruntime {ort.__version__} takes no plug-ins. Install a newer one (1.24 or later).")
    found = _devices(ort)
    if not found:  # ONNX Runtime takes a plug-in once a process
        try:
            ort.register_execution_provider_library(PROVIDER, qnn.get_library_path())
        except Exception as error:  # its exceptions have no common base below Exception
            if "already registered" not in str(error):
                raise Refused(f"Qualcomm's plug-in cannot be loaded: {' '.join(str(error).split())[:300]}") from error
        found = _devices(ort)
    if not found:
        raise Refused("Qualcomm's plug-in finds no device on this machine. It needs a Snapdragon, or Linux on x86-64.")
    return min(found, key=lambda device: device.device.type != ort.OrtHardwareDeviceType.NPU)


def _devices(ort: Any) -> list[Any]:
    return [device for device in ort.get_ep_devices() if device.ep_name == PROVIDER]


@contextmanager
def _prints_on_stderr() -> Iterator[None]:
    """What native libraries print while they load goes to stderr: stdout belongs to the program's answers."""
    if sys.platform == "win32":  # no simulator, which is what prints
        yield
        return
    library = ctypes.CDLL(None)
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        library.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
