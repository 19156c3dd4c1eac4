"""A comparison of bundles as JSON, CSV, tables, a picture and a page. Knows what was measured; decides nothing."""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from trm_edge.errors import InvalidInput
from trm_edge.profile import pareto
from trm_edge.profile.compare import Comparison, Row
from trm_edge.report import page, table
from trm_edge.report.table import Table, percent
from trm_edge.report.versions import versions
from trm_edge.runtimes.base import Session

_CAPTION = (
    "Share of exact answers, with its 95 % interval, against the median time for one puzzle. The line joins the "
    "bundles that no other beats in both."
)


def to_dict(found: Comparison, sessions: Iterable[Session], data: str, threads: int | None) -> dict[str, Any]:
    """Everything, JSON-ready. ``data`` says where the puzzles come from, ``threads`` how many were asked for."""
    return {
        "task": found.task,
        "data": data,
        "puzzles": found.puzzles,
        "timed_puzzles": found.timed,
        "repeats": found.repeats,
        "reference": found.reference,
        "environment": {"threads": threads, "system": platform.system(), "machine": platform.machine()},
        "versions": versions(sessions),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "bundles": [_row_dict(row, found) for row in found.rows],
        "front": found.front,
        "remarks": list(found.remarks),
    }


def to_csv(found: Comparison) -> str:
    """One line a row of the comparison; numbers unrounded, nothing where nothing was measured."""
    sheet = io.StringIO()
    rows = [_flat(_row_dict(row, found)) for row in found.rows]
    writer = csv.DictWriter(sheet, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue()


def picture(found: Comparison) -> str:
    """Accuracy against time as an SVG document.

    Raises:
        InvalidInput: there is no accuracy to draw.
    """
    if not found.points:
        raise InvalidInput(f"There is nothing to draw. {verdict(found)}.")
    return pareto.draw(found.points, title=f"{found.task}: exact answers against time")


def tables(found: Comparison) -> list[Table]:
    """What people compare: answers, cost, halting."""
    front = found.front
    of_all = f"of {found.puzzles}"
    answers = Table(
        f"answers and halting; 'same': as {found.reference}",
        (
            "bundle",
            "front",
            "exact",
            "95 %\ninterval",
            f"same\nanswer\n{of_all}",
            f"same\nhalt\n{of_all}",
            "mean\nsteps",
        ),
        [
            (
                row.name,
                "yes" if row.name in front else "",
                percent(row.exact),
                "-" if row.interval is None else " - ".join(f"{100 * end:.1f}" for end in row.interval),
                str(row.same_answers),
                str(row.same_steps),
                f"{row.mean_steps:.2f}",
            )
            for row in found.rows
        ],
        words=1,
    )
    cost = Table(
        f"cost: milliseconds over {found.timed} puzzles, {found.repeats} times; megabytes",
        ("bundle", "step\np50", "step\np90", "puzzle\np50", "puzzle\np90", "file", "load", "run"),
        [
            (
                row.name,
                *(f"{ms:.2f}" for spread in (row.step_ms, row.puzzle_ms) for ms in (spread.p50, spread.p90)),
                *(_megabytes(size) for size in (row.file_bytes, row.load_bytes, row.run_bytes)),
            )
            for row in found.rows
        ],
        words=1,
    )
    halting = Table(
        "halting: puzzles by step",
        ("bundle", "policy", "budget", "step:puzzles"),
        [(r.name, r.policy, str(r.budget), "  ".join(f"{s}:{n}" for s, n in r.steps.items())) for r in found.rows],
        words=4,
    )
    return [answers, cost, halting]


def verdict(found: Comparison) -> str:
    """One sentence: who is on the front."""
    if not found.front:
        return (
            "No answer can be judged, neither by a known one nor by rules: there is no front of accuracy against time"
        )
    return f"On the front of accuracy against time, fastest first: {', '.join(found.front)}"


def lines(found: Comparison) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    yield f"{found.task}: {len(found.rows)} side by side on {found.puzzles} puzzles"
    yield from map(table.to_rich, tables(found))
    yield from found.remarks
    yield verdict(found)


def to_html(found: Comparison, document: dict[str, Any]) -> str:
    """Everything as one self-contained page; ``document`` is that of :func:`to_dict`, for the circumstances."""
    answers, cost, halting = map(table.to_html, tables(found))
    circumstances = {"date": document["date"], **document["environment"], **document["versions"]}
    parts = [
        page.verdict(verdict(found), good=True),
        page.paragraph(f"{found.puzzles} puzzles of {found.task}: {document['data']}."),
        *map(page.paragraph, found.remarks),
        page.section("Accuracy against time", page.figure(picture(found), _CAPTION)) if found.points else "",
        page.section("Answers", answers),
        page.section("Cost", cost),
        page.section("Halting", halting),
        page.section("Circumstances", page.facts(circumstances)),
    ]
    return page.page(f"{len(found.rows)} bundles side by side", parts)


def _row_dict(row: Row, found: Comparison) -> dict[str, Any]:
    low, high = row.interval or (None, None)
    return {
        **asdict(row),
        "steps": [{"step": step, "puzzles": count} for step, count in row.steps.items()],
        "exact": row.exact,
        "exact_low": low,
        "exact_high": high,
        "front": row.name in found.front,
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Nested values under joined names, for a sheet."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "steps":
            flat[name] = " ".join(f"{entry['step']}:{entry['puzzles']}" for entry in value)
        elif isinstance(value, dict):
            flat |= {f"{name}_{inner}": item for inner, item in value.items()}
        else:
            flat[name] = value
    return flat


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.2f}"
