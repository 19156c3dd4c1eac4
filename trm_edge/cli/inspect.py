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
    if m.placement is not None:
        yield "placement", placement_line(m.placement)
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


def placement_line(placement: Mapping[str, Any]) -> str:
    """Where the nodes ran when the bundle was made."""
    from trm_edge.runtimes.placement import Placement

    return f"{Placement.from_dict(placement)} ({placement['counted']})"


def _stats(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Node counts and bytes, as far as the exporter recorded them."""
    nodes = stats.get("nodes")
    if isinstance(nodes, dict):
        yield "nodes", f"{stats.get('node_count', sum(nodes.values()))}: {_pairs(nodes)}"
    if {"file_bytes", "unique_weight_bytes"} <= stats.keys():
        weights = f"{stats['unique_weight_bytes']:,} are weights, each counted once"
        yield "size", f"{stats['file_bytes']:,} bytes, of which {weights}"
    yield from _block("int8", quantization_lines(stats))


def quantization_lines(stats: Mapping[str, Any]) -> Iterator[str]:
    """What is in integers, how it was calibrated, and how activations drift with depth; nothing for float graphs."""
    if stats.get("int8_bytes"):
        stored = f"{stats.get('int8_bytes', 0):,} bytes int8, {stats.get('float_bytes', 0):,} bytes float"
        products = stats.get("products", {})
        share = (
            f"{stats['integer_share']:.0%} of the network's products in integers ({_pairs(products)}); "
            if products
            else ""
        )
        yield share + stored
    found = stats.get("quantization", {})
    if "weights" in found:
        yield _pairs({name: found[name] for name in ("optimized_for", "activations", "weights") if name in found})
    calibration = found.get("calibration")
    if not isinstance(calibration, dict):
        return
    yield "calibrated by " + _pairs(calibration)
    for name, site in calibration.get("ranges", {}).items():
        (low, high), (smallest, largest) = site["chosen"], site["seen"]
        arithmetic = found.get("sites", {}).get(name, "")
        seen = f"seen {smallest:9.3f} to {largest:8.3f}, drift {site['drift']:.2f}"
        yield f"{name:<11} {arithmetic:<8} {low:9.3f} to {high:8.3f}  {seen}"
    search = found.get("search")
    if isinstance(search, dict):
        yield from search_lines(search)


def search_lines(search: Mapping[str, Any]) -> Iterator[str]:
    """The table that a mixed-precision search decided from."""
    yield (
        f"search on {search['puzzles']} puzzles: float {search['float_accuracy']:.2f} % exact, "
        f"at most {search['max_drop']:g} points may be lost"
    )
    for trial in (*search["sweep"], *search["trials"]):
        judged = f"{trial['accuracy']:6.2f} %, drop {trial['drop']:6.2f}, logits error {trial['logits_error']:8.4f}"
        yield f"  {trial['name']:<24} {judged}, work {trial['work']:.2f}"


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
