"""A verification as JSON, as tables and as a chart of error against depth.

Knows what was found; decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from trm_edge.bundle import Bundle
from trm_edge.runtimes.base import Session
from trm_edge.verify.bounds import per_cent
from trm_edge.verify.chart import Line, line_chart
from trm_edge.verify.check import Verification
from trm_edge.verify.differences import StepError
from trm_edge.verify.parity import ParityReport, remarks
from trm_edge.verify.versions import environment, versions


def to_dict(found: Verification, bundle: Bundle, session: Session, reference: Session | None = None) -> dict[str, Any]:
    """Everything, JSON-ready. Numbers that are not finite become None."""
    m = bundle.manifest
    parity = found.parity
    document = {
        "bundle": {
            "name": m.name,
            "task": m.task,
            "graph": m.graph.value,
            "precision": m.precision.value,
            "target": m.target,
            "files": len(m.files),
            "model_sha256": m.files[m.model_file].sha256,
        },
        "against": None if reference is None else reference.manifest.name,
        "environment": environment(session),
        "versions": versions([session] if reference is None else [session, reference]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "golden": asdict(found.golden),
        "parity": None if parity is None else _parity_dict(parity),
        "bounds": asdict(found.bounds),
        "violations": found.violations,
        "passed": not found.violations,
    }
    finite: dict[str, Any] = _finite(document)
    return finite


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """The few lines of :func:`to_dict` that a manifest's ``parity`` keeps. Needs a comparison with the float model."""
    parity, golden = document["parity"], document["golden"]
    return {
        "passed": document["passed"],
        "against": document["against"],
        "puzzles": parity["puzzles"],
        "steps": len(parity["trajectory"]),
        "policy": parity["policy"],
        "answer_agreement": parity["answer_agreement"],
        "halting_agreement": parity["halting_agreement"],
        "local_logits_error": parity["logits_error"],
        "unsettled": parity["unsettled"],
        "golden_answers": golden["answers"],
        "golden_puzzles": golden["puzzles"],
        "runtime": document["environment"]["runtime"],
        "date": document["date"],
        "bounds": document["bounds"],
        "violations": document["violations"],
        "versions": document["versions"],
    }


def lines(found: Verification, bundle: Bundle) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    m = bundle.manifest
    yield f"{m.name}: all {len(m.files)} files match their SHA-256"
    yield f"golden vectors: {found.golden}"
    if found.parity is None:
        yield "the float model was not compared: pass --against CHECKPOINT to do so"
    else:
        yield from _parity_lines(found.parity)
    for violation in found.violations:
        yield f"NOT KEPT: {violation}"
    if not found.violations:
        yield f"all bounds are kept: {_bounds_text(found)}"


def depth_chart(report: ParityReport, title: str) -> str:
    """Logits error against depth as an SVG document."""
    own, local = report.trajectory, report.local
    drawn = [
        Line("own carry, largest", [(e.step, e.logits_max) for e in own]),
        Line("own carry, mean", [(e.step, e.logits_mean) for e in own]),
        Line("one step, largest", [(e.step, e.logits_max) for e in local]),
    ]
    return line_chart(drawn, title=title, x_label="supervision step", y_label="absolute error of the logits")


def _parity_dict(report: ParityReport) -> dict[str, Any]:
    document = asdict(report)
    document["confusion"] = [
        {"float": ours, "bundle": theirs, "puzzles": count} for (ours, theirs), count in report.confusion.items()
    ]
    for name in ("answer_agreement", "last_answer_agreement", "halting_agreement", "logits_error"):
        document[name] = getattr(report, name)
    document["remarks"] = remarks(report)
    return document


def _parity_lines(report: ParityReport) -> Iterator[Any]:
    yield f"float model: {report.puzzles} puzzles, {len(report.trajectory)} steps, halting by {report.policy}"
    yield _table("each side on its own carry", report.trajectory)
    yield _table("single steps from the float model's carry", report.local)
    halted = f"where the float model halts early: {report.halted_answers} of {report.halted}"
    yield (
        f"identical answers at the halting step: {report.answers} of {report.puzzles} ({halted}); "
        f"after the last step: {report.last_answers}"
    )
    yield f"equal halting steps: {report.halting_steps} of {report.puzzles}"
    yield from _confusion_lines(report)
    yield from remarks(report)


def _table(title: str, errors: Sequence[StepError]) -> Any:
    from rich import box
    from rich.table import Table

    states = list(errors[0].carries)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    heads = ["step", "logits\nmax", "\nmean", "halting\nlogit", "cells\ndiffer"]
    for head in [*heads, *(f"{state}\n{what}" for state in states for what in ("max", "cosine"))]:
        table.add_column(head, justify="right", no_wrap=True)
    for error in errors:
        cells = [str(error.step), *(f"{v:.1e}" for v in (error.logits_max, error.logits_mean, error.q_halt_max))]
        cells.append(str(error.cells))
        for state in states:
            carry = error.carries[state]
            cells += [f"{carry.max:.1e}", f"{carry.cosine:.6f}"]
        table.add_row(*cells)
    return table


def _confusion_lines(report: ParityReport) -> Iterator[str]:
    """The halting steps that differ; the diagonal is what one expects."""
    apart = {steps: count for steps, count in report.confusion.items() if steps[0] != steps[1]}
    for (ours, theirs), count in apart.items():
        yield f"  float model halts at step {ours}, bundle at step {theirs}: {count}"


def _bounds_text(found: Verification) -> str:
    bounds = found.bounds
    shares = (
        f"answers at least {per_cent(bounds.min_answer_agreement)}, "
        f"halting steps at least {per_cent(bounds.min_halting_agreement)}"
    )
    if found.parity is None:
        return shares
    return (
        f"{shares}, local logits error at most {bounds.max_logits_error:g} ({found.parity.logits_error:.1e} measured)"
    )


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
