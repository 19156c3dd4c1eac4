"""What ``trm-edge export`` does with a bundle that it has written: say what it is, and let it prove itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trm_edge.errors import MissingDependency, NotPlaced, Refused

if TYPE_CHECKING:
    from trm_edge.bundle import Bundle
    from trm_edge.runtimes import Session
    from trm_edge.runtimes.placement import Placement


def report(path: Path, *, verify: bool, require_full: bool) -> None:
    """Print what was written and what its runtime says about it; the placement goes into the manifest.

    Raises:
        ParityFailure: golden vectors are not kept, products are not in integers, or, where it is required, a node does
            not run on the target.
        MissingDependency: the placement is required, and the target's runtime is not installed.
    """
    from rich.console import Console
    from rich.text import Text

    from trm_edge.bundle import read_bundle, update_manifest

    console = Console()
    console.print(Text(str(path), style="bold"), soft_wrap=True)  # a path is neither markup nor prose to wrap
    with read_bundle(path) as bundle:
        for line in _described(bundle):
            console.print(f"  {line}", highlight=False, soft_wrap=True)
        on_target = bundle.manifest.target != "cpu"
        if not (verify or on_target):
            return
        session = _opened(bundle, required=require_full)
        if isinstance(session, str):
            console.print(f"  not run: {session}", highlight=False, soft_wrap=True)
            return
        with session:
            placed = session.placement()
            for line in _proven(bundle, session) if verify else ():
                console.print(f"  {line}", highlight=False, soft_wrap=True)
    if placed is not None:
        update_manifest(path, placement=placed.to_dict())
        warning = "" if placed.whole else "warning: not all of it runs there; "
        console.print(f"  {warning}placement: {placed}", highlight=False, soft_wrap=True)
    if require_full and on_target:
        _require_whole(placed)


def _described(bundle: Bundle) -> Iterator[str]:
    from trm_edge.cli.inspect import quantization_lines

    manifest, stats = bundle.manifest, bundle.manifest.graph_stats
    size = f"{stats['file_bytes']:,} bytes = {stats['file_to_weights']:.3f} x the weights"
    yield f"{manifest.format} {manifest.graph} graph, {manifest.precision}; {size}"
    if manifest.target != "cpu":
        yield f"for {manifest.target} (evidence: {manifest.evidence})"
    yield from quantization_lines(stats)


def _opened(bundle: Bundle, *, required: bool) -> Session | str:
    """The session of the bundle's own target, or why there is none here."""
    from trm_edge.runtimes import open_session

    try:
        return open_session(bundle)
    except (MissingDependency, Refused) as error:
        if required or bundle.manifest.target == "cpu":
            raise
        return str(error)


def _proven(bundle: Bundle, session: Session) -> Iterator[str]:
    from trm_edge.profile.kernels import prove_kernels
    from trm_edge.specs import Format
    from trm_edge.verify.bounds import DEFAULT_BOUNDS
    from trm_edge.verify.check import verify_bundle

    manifest = bundle.manifest
    found = verify_bundle(bundle, session, DEFAULT_BOUNDS[manifest.precision])
    yield f"golden vectors: {found.golden}"
    found.require_kept()
    on_cpu = manifest.target == "cpu" and manifest.format is Format.ONNX  # XNNPACK's are counted in the file
    if on_cpu and manifest.graph_stats["integer_share"]:
        yield prove_kernels(bundle)


def _require_whole(placed: Placement | None) -> None:
    if placed is None:
        raise NotPlaced("The runtime does not say where the nodes run, so --require-full cannot be kept.")
    if not placed.whole:
        raise NotPlaced(f"{placed}. Leave --require-full out to accept that, or choose another --graph or --precision.")
