"""A verification as JSON, as tables and as charts of error against depth.

Knows what was found; decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from trm_edge.bundle import Bundle
from trm_edge.report.chart import Chart, Line, draw_stacked
from trm_edge.report.table import Table, to_rich
from trm_edge.report.versions import environment, versions
from trm_edge.runtimes.base import Session
from trm_edge.verify.check import Verification
from trm_edge.verify.differences import CarryError, StepError
from trm_edge.verify.parity import HaltingStep, ParityReport

_DERIVED = (  # properties of a ParityReport that its JSON holds as well
    "answer_agreement",
    "last_answer_agreement",
    "halting_agreement",
    "logits_error",
    "carry_cosine",
    "float_accuracy",
    "bundle_accuracy",
    "drop",
    "gained",
)


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
        "parity": None if parity is None else _parity_dict(parity, found.remarks),
        "bounds": asdict(found.bounds),
        "checks": [asdict(check) for check in found.checks],
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
        "local_carry_cosine": parity["carry_cosine"],
        "float_accuracy": parity["float_accuracy"],
        "bundle_accuracy": parity["bundle_accuracy"],
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
        yield from _parity_lines(found.parity, found.remarks)
    yield to_rich(bounds_table(found))
    for violation in found.violations:
        yield f"NOT KEPT: {violation}"
    if not found.violations:
        yield "all bounds are kept"


def bounds_table(found: Verification) -> Table:
    """Every bound, what was measured and whether it was kept."""
    verdicts = {True: "yes", False: "NO", None: "not judged"}
    rows = [(check.what, check.measured, check.needed, verdicts[check.kept]) for check in found.checks]
    return Table("bounds", ("what", "measured", "bound", "kept"), rows, words=4)


def depth_chart(report: ParityReport, title: str) -> str:
    """Everything of :func:`depth_charts` as one SVG document."""
    return draw_stacked(depth_charts(report), title=title)


def depth_charts(report: ParityReport) -> list[Chart]:
    """What each step shows against depth: logits, halting logit, carry, cells and halting."""
    own, local = report.trajectory, report.local
    states = list(own[0].carries)
    logits = [
        Line("own carry, largest", [(e.step, e.logits_max) for e in own]),
        Line("own carry, mean", [(e.step, e.logits_mean) for e in own]),
        Line("one step, largest", [(e.step, e.logits_max) for e in local]),
    ]
    charts = [
        _chart("Logits", "largest error", logits),
        _chart("Halting logit", "largest error", _both_ways(report, lambda e: e.q_halt_max)),
    ]
    if states:
        charts += [
            _chart("Carry: largest error", "largest error", _of_states(report, lambda carry: carry.max)),
            _chart("Carry: 1 - lowest cosine", "1 - cosine", _of_states(report, lambda carry: 1 - carry.cosine)),
        ]
    halting = {row.step: row for row in report.halting_table()}
    every = [halting.get(e.step, HaltingStep(e.step, 0, 0, 0)) for e in own]
    steps = [
        Line("float model", [(h.step, h.of_float) for h in every]),
        Line("bundle", [(h.step, h.of_bundle) for h in every]),
    ]
    return [
        *charts,
        _chart("Cells answered differently", "cells", _both_ways(report, lambda e: e.cells), logarithmic=False),
        _chart("Where puzzles halt", "puzzles", steps, logarithmic=False),
    ]


def _chart(title: str, y_label: str, lines: list[Line], *, logarithmic: bool = True) -> Chart:
    return Chart(lines, title, "supervision step", y_label, logarithmic)


def _both_ways(report: ParityReport, value: Callable[[StepError], float]) -> list[Line]:
    sides = (("own carry", report.trajectory), ("one step", report.local))
    return [Line(name, [(e.step, value(e)) for e in errors]) for name, errors in sides]


def _of_states(report: ParityReport, value: Callable[[CarryError], float]) -> list[Line]:
    sides = (("own carry", report.trajectory), ("one step", report.local))
    return [
        Line(f"{state}, {name}", [(e.step, value(e.carries[state])) for e in errors])
        for name, errors in sides
        for state in errors[0].carries
    ]


def depth_tables(report: ParityReport) -> list[Table]:
    """Errors by step, both ways to look at depth, and the steps at which puzzles halt."""
    return [
        _table("each side on its own carry", report.trajectory),
        _table("single steps from the float model's carry", report.local),
        Table(
            "puzzles that halt at a step",
            ("step", "float\nmodel", "\nbundle", "\nboth"),
            [[str(n) for n in (h.step, h.of_float, h.of_bundle, h.of_both)] for h in report.halting_table()],
        ),
    ]


def agreement_lines(report: ParityReport) -> Iterator[str]:
    """Answers, accuracy and halting steps in words."""
    halted = f"where the float model halts early: {report.halted_answers} of {report.halted}"
    yield (
        f"identical answers at the halting step: {report.answers} of {report.puzzles} ({halted}); "
        f"after the last step: {report.last_answers}"
    )
    if report.drop is not None:
        yield (
            f"right answers at the halting step: float model {report.float_right}, bundle {report.bundle_right} "
            f"of {report.judged} (lost {report.lost}, gained {report.gained}): a drop of {report.drop:.2f} points"
        )
    yield f"equal halting steps: {report.halting_steps} of {report.puzzles}"
    apart = {steps: count for steps, count in report.confusion.items() if steps[0] != steps[1]}
    for (ours, theirs), count in apart.items():
        yield f"  float model halts at step {ours}, bundle at step {theirs}: {count}"


def _parity_dict(report: ParityReport, remarks: list[str]) -> dict[str, Any]:
    document = asdict(report)
    document["confusion"] = [
        {"float": ours, "bundle": theirs, "puzzles": count} for (ours, theirs), count in report.confusion.items()
    ]
    document["halting"] = [asdict(row) for row in report.halting_table()]
    for name in _DERIVED:
        document[name] = getattr(report, name)
    document["remarks"] = remarks
    return document


def _parity_lines(report: ParityReport, remarks: list[str]) -> Iterator[Any]:
    yield f"float model: {report.puzzles} puzzles, {len(report.trajectory)} steps, halting by {report.policy}"
    yield from map(to_rich, depth_tables(report))
    yield from agreement_lines(report)
    yield from remarks


def _table(title: str, errors: Sequence[StepError]) -> Table:
    states = list(errors[0].carries)
    heads = ["step", "logits\nmax", "logits\nmean", "halting\nlogit", "cells\ndiffer"]
    heads += [f"{state}\n{what}" for state in states for what in ("max", "cosine")]
    rows = []
    for error in errors:
        cells = [str(error.step), *(f"{v:.1e}" for v in (error.logits_max, error.logits_mean, error.q_halt_max))]
        cells.append(str(error.cells))
        for state in states:
            carry = error.carries[state]
            cells += [f"{carry.max:.1e}", f"{carry.cosine:.6f}"]
        rows.append(cells)
    return Table(title, heads, rows)


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
