"""The winner as a bundle of its own: the same graph, with the halting policy that was chosen for it.

The golden vectors must tell the float model's answers under that policy. Where the float model is at hand they are
made anew; else those are kept whose answer under the new policy the old ones hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trm_edge.bundle import GOLDEN, Bundle, GoldenVectors, Halting, Manifest, read_bundle, write_bundle
from trm_edge.solve.policies import Act, Fixed, Policy, parse_policy
from trm_edge.specs import GraphVariant


def write_winner(
    out: Path,
    bundle: Path,
    policy: str,
    budget: int,
    *,
    vectors: GoldenVectors | None = None,
    latency: Mapping[str, Any],
    overwrite: bool = False,
) -> bool:
    """Copy a bundle under another halting policy.

    Args:
        out: folder or ``.zip`` to write.
        bundle: the chosen one.
        policy: as text; ``act`` or ``fixed``.
        budget: most supervision steps.
        vectors: golden vectors of the float model under that policy and budget; None: what the old ones tell.
        latency: what was measured, for the manifest.
        overwrite: replace a bundle that is there.

    Returns:
        Whether it holds golden vectors.

    Raises:
        InvalidInput: ``out`` exists.
        InvalidBundle: ``bundle`` is damaged.
    """
    with read_bundle(bundle) as source:
        golden = vectors if vectors is not None else _golden(source, policy, budget)
        files: dict[str, bytes | Path] = {name: source.folder / name for name in source.manifest.files}
        files.pop(GOLDEN, None)
        if golden is not None:
            files[GOLDEN] = golden.to_json().encode()
        manifest = _under(source.manifest, parse_policy(policy), budget, golden)
        write_bundle(out, replace(manifest, latency=(latency,)), files, overwrite=overwrite)
    return golden is not None


def halting(policy: Policy, budget: int) -> Halting:
    """A policy as the defaults of a manifest; ``act`` has its threshold in a field of its own."""
    if isinstance(policy, Act):
        return Halting("act", policy.threshold, policy.min_steps, budget)
    return Halting(str(policy), 0.0, 1, budget)


def threshold(policy: str) -> float:
    """The halting logit above which a policy halts; infinity: it never does before its budget."""
    parsed = parse_policy(policy)
    return parsed.threshold if isinstance(parsed, Act) else np.inf


def _under(manifest: Manifest, policy: Policy, budget: int, golden: GoldenVectors | None) -> Manifest:
    """The manifest with other halting defaults; a parity report under the old ones is no longer true."""
    new = halting(policy, budget)
    parity = manifest.parity if new == manifest.halting else None
    steps = manifest.steps
    if golden is not None and manifest.graph is not GraphVariant.UNROLLED:
        steps = len(golden.q_halt)
    return replace(manifest, halting=new, parity=parity, steps=steps)


def _golden(source: Bundle, policy: str, budget: int) -> GoldenVectors | None:
    """What a bundle's golden vectors tell about a policy."""
    if GOLDEN not in source.manifest.files:
        return None
    if halting(parse_policy(policy), budget) == source.manifest.halting:
        return source.golden()
    return _kept(source.golden(), policy)


def _kept(old: GoldenVectors, policy: str) -> GoldenVectors | None:
    """Those of the golden puzzles whose answer under another policy is known: it halts where it did, or at the end."""
    last = len(old.q_halt)
    parsed = parse_policy(policy)
    stop = min(parsed.steps or last, last) if isinstance(parsed, Fixed) else last
    halts = old.q_halt > np.float32(threshold(policy))
    steps = np.where(halts.any(0), halts.argmax(0) + 1, stop)
    as_before, at_the_end = steps == old.halting_steps, steps == last
    known = as_before | at_the_end
    if not known.any():
        return None
    answers = np.where(as_before[:, None], old.answers, old.last_answers)
    return GoldenVectors(
        tokens=old.tokens[known],
        puzzle_ids=old.puzzle_ids[known],
        answers=answers[known],
        last_answers=old.last_answers[known],
        halting_steps=steps[known],
        q_halt=old.q_halt[:, known],
    )
