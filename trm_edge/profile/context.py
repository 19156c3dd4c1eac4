"""Context binaries: a bundle's graph compiled ahead for one generation of Qualcomm's NPU, as files of the bundle.

The compiler is the NPU's own library, so this comes after the export: exporters know no runtimes.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from trm_edge.bundle import Manifest, read_bundle, write_bundle
from trm_edge.errors import Refused
from trm_edge.specs import Format

NOTE = "compiled ahead on x86-64 by the vendor's library; never run on a phone"


def write_context(path: Path, architecture: str, *, soc_model: str | None = None) -> Manifest:
    """Add a context binary to a bundle, which is rewritten atomically. One of the same architecture is replaced.

    Args:
        path: the bundle, a folder or an archive.
        architecture: ``v73``, ``v75`` ...
        soc_model: Qualcomm's number of a chip; None: any chip of that architecture.

    Returns:
        The new manifest; ``graph_stats["contexts"]`` lists what the bundle holds.

    Raises:
        InvalidInput: no such architecture.
        Refused: the bundle is not for Qualcomm's NPU, or the NPU does not take its graph.
        MissingDependency: ``onnxruntime-qnn`` is not installed.
    """
    from trm_edge.runtimes.qnn import QnnSession

    with read_bundle(path) as bundle, tempfile.TemporaryDirectory() as folder:
        manifest = bundle.manifest
        if (manifest.target, manifest.format) != ("qualcomm-npu", Format.ONNX):
            raise Refused(
                f"A context is compiled for qualcomm-npu, this bundle is for {manifest.target}. "
                "Export the model with --target qualcomm-npu."
            )
        wrapper, binary = QnnSession.compile_context(bundle, Path(folder), architecture, soc_model=soc_model)
        entry = {
            "file": wrapper.name,
            "binary": binary.name,
            "htp_arch": wrapper.stem.removeprefix("context-"),
            "soc_model": soc_model,
            "compiler": f"onnxruntime-qnn {version('onnxruntime-qnn')}",
            "note": NOTE,
        }
        others = [one for one in manifest.graph_stats.get("contexts", []) if one["file"] != wrapper.name]
        files = {name: bundle.folder / name for name in manifest.files} | {one.name: one for one in (wrapper, binary)}
        changed = replace(manifest, graph_stats={**manifest.graph_stats, "contexts": [*others, entry]})
        write_bundle(path, changed, files, overwrite=True)
        return changed
