"""The bundle: the one artefact that exporters write and every runtime reads.

A folder, or a ``.zip`` of it: ``manifest.json``, the graph, ``golden.json``, ``model-card.md``. Knows numpy and
the standard library; no engine, no model code.
"""

from trm_edge.bundle.contract import graph_io
from trm_edge.bundle.golden import GoldenVectors
from trm_edge.bundle.manifest import (
    GOLDEN,
    MANIFEST,
    MODEL_CARD,
    SCHEMA_VERSION,
    CarrySpec,
    FileEntry,
    Halting,
    Manifest,
)
from trm_edge.bundle.reader import Bundle, read_bundle, read_manifest
from trm_edge.bundle.writer import update_manifest, write_bundle

__all__ = [
    "GOLDEN",
    "MANIFEST",
    "MODEL_CARD",
    "SCHEMA_VERSION",
    "Bundle",
    "CarrySpec",
    "FileEntry",
    "GoldenVectors",
    "Halting",
    "Manifest",
    "graph_io",
    "read_bundle",
    "read_manifest",
    "update_manifest",
    "write_bundle",
]
