"""A verification as one self-contained HTML page: verdict, bounds, errors by step with their charts, circumstances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trm_edge.report import page, table
from trm_edge.report.chart import draw
from trm_edge.verify.check import Verification
from trm_edge.verify.parity import ParityReport
from trm_edge.verify.report import agreement_lines, bounds_table, depth_charts, depth_tables

_CAPTIONS = {
    "Logits": "Absolute error of the logits against supervision steps. 'Own carry' may accumulate, 'one step' may not.",
    "Halting logit": "Absolute error of the halting logit, largest over the puzzles.",
    "Carry: largest error": "Absolute error of the carries z_H and z_L, largest over puzzles, positions and channels.",
    "Carry: 1 - lowest cosine": "How far the carries turn: 1 - cosine, of the puzzle at which it is lowest.",
    "Cells answered differently": "Cells whose answer differs from the float model's, over all puzzles.",
    "Where puzzles halt": "Puzzles by the step at which each side halts.",
}


def to_html(found: Verification, document: dict[str, Any]) -> str:
    """The page.

    Args:
        found: the verification.
        document: the same as :func:`trm_edge.verify.report.to_dict` gives it, for names and circumstances.
    """
    return page.page(f"Parity of {document['bundle']['name']}", _parts(found, document))


def _parts(found: Verification, document: dict[str, Any]) -> Iterator[str]:
    broken = len(found.violations)
    if broken:
        yield page.verdict(f"{broken} of {len(found.checks)} bounds not kept", good=False)
        yield page.listing(found.violations)
    else:
        yield page.verdict("All bounds are kept", good=True)
    bundle = document["bundle"]
    yield page.facts({name: bundle[name] for name in ("task", "graph", "precision", "target", "model_sha256")})
    yield page.section("Bounds", table.to_html(bounds_table(found)))
    yield page.section("Golden vectors", page.paragraph(f"{found.golden}."))
    if found.parity is not None:
        yield from _parity(found.parity, found.remarks, document["against"])
    circumstances = {"date": document["date"], **document["environment"], **document["versions"]}
    yield page.section("Circumstances", page.facts(circumstances))


def _parity(report: ParityReport, remarks: list[str], against: str) -> Iterator[str]:
    run = f"{report.puzzles} puzzles, {len(report.trajectory)} steps, halting by {report.policy}"
    yield page.section(
        "Against the float model",
        page.paragraph(f"Compared with {against}: {run}."),
        page.listing(line.strip() for line in agreement_lines(report)),
        *map(page.paragraph, remarks),
    )
    yield page.section(
        "Error against depth", *(page.figure(draw(chart), _CAPTIONS[chart.title]) for chart in depth_charts(report))
    )
    yield page.section("Step by step", *map(table.to_html, depth_tables(report)))
