"""``trm-edge inspect``: what a bundle is, read from its manifest after every file has been checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trm_edge.bundle import Manifest
    from trm_edge.specs import TensorSpec

_MODEL_FIELDS = ("hidden_size", "L_layers", "H_layers", "H_cycles", "L_cycles", "mlp_t", "puzzle_emb_ndim")


def inspect(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that 'trm-edge export' wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as JSON.")] = False,
) -> None:
    """Say what a bundle holds, after checking the size and hash of every file."""
    from trm_edge.bundle import read_bundle

    with read_bundle(bundle) as opened:  # raises on a missing, changed or unlisted file
        manifest = opened.manifest
    if as_json:
        print(json.dumps(manifest.to_dict()))
        return
    rows = list(described(manifest))
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        print(f"{label:<{width}}  {text}")


def described(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The manifest as labelled lines; a label is empty where a line goes on with the one before."""
    m = manifest
    yield "bundle", m.name
    yield "task", f"{m.task}: {m.seq_len} tokens of {m.vocab_size} values"
    yield "graph", f"{m.format}, {m.graph}, {m.steps} steps{'' if m.graph == 'unrolled' else ' by default'}"
    yield "precision", str(m.precision)
    yield "target", f"{m.target} (evidence: {m.evidence})"
    limits = f"from step {m.halting.min_steps}, at most {m.halting.max_steps} steps"
    yield "halting", f"{m.halting.policy}, threshold {m.halting.threshold:g}, {limits}"
    if m.puzzles:
        yield "puzzles", f"{len(m.puzzles)} embeddings kept, ids {_shortened(m.puzzles)}"
    yield from _block("inputs", map(_tensor, m.inputs))
    yield from _block("outputs", map(_tensor, m.outputs))
    yield "model", _pairs({name: m.model[name] for name in _MODEL_FIELDS if name in m.model})
    yield from _stats(m.graph_stats)
    yield "parity", "not checked yet: trm-edge verify" if m.parity is None else _pairs(m.parity)
    yield from _block("latency", map(_pairs, m.latency))
    yield "made", f"{m.created} with {', '.join(f'{tool} {version}' for tool, version in m.tools.items())}"
    yield from _block("files", (f"{name}  {e.size:,} bytes  sha256 {e.sha256[:12]}" for name, e in m.files.items()))
    yield "", f"all {len(m.files)} files are there, sizes and hashes agree"


def _stats(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Node counts and bytes, as far as the exporter recorded them."""
    nodes = stats.get("nodes")
    if isinstance(nodes, dict):
        yield "nodes", f"{stats.get('node_count', sum(nodes.values()))}: {_pairs(nodes)}"
    if {"file_bytes", "unique_weight_bytes"} <= stats.keys():
        weights = f"{stats['unique_weight_bytes']:,} are weights, each counted once"
        yield "size", f"{stats['file_bytes']:,} bytes, of which {weights}"


def _block(label: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        yield label, line
        label = ""


def _tensor(spec: TensorSpec) -> str:
    return f"{spec.name}  {spec.dtype} [{', '.join(map(str, spec.shape))}]"


def _pairs(values: Mapping[str, Any]) -> str:
    """``name value`` pairs of everything that fits on a line."""
    return ", ".join(f"{name} {value}" for name, value in values.items() if not isinstance(value, dict | list))


def _shortened(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids[:10])) + (", ..." if len(ids) > 10 else "")
