"""An evaluation as JSON and as tables. Knows what was counted; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from trm_edge.bundle import Manifest
from trm_edge.report.versions import environment, versions
from trm_edge.runtimes.base import Session
from trm_edge.verify.accuracy import Evaluation, Score

_BAR = 40  #: widest bar of the histogram, in characters


def to_dict(found: Evaluation, session: Session, data: str) -> dict[str, Any]:
    """Everything, JSON-ready. ``data`` says where the puzzles come from."""
    m = session.manifest
    return {
        "bundle": {"name": m.name, "task": m.task, "graph": m.graph.value, "precision": m.precision.value},
        "environment": environment(session),
        "versions": versions([session]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": data,
        "policy": found.policy,
        "budget": found.budget,
        **asdict(found.total),
        "unjudged": found.unjudged,
        "steps": [{"step": step, "puzzles": count} for step, count in found.steps.items()],
        "groups": [{"group": name, **asdict(score)} for name, score in found.groups.items()],
        "seconds": found.seconds,
        "puzzles_per_second": found.puzzles_per_second,
    }


def lines(found: Evaluation, manifest: Manifest) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    total = found.total
    yield f"{manifest.name}: {total.puzzles} puzzles, halting by {found.policy}, at most {found.budget} steps"
    yield f"exact answers   {share(total.exact)}" + (f"  ({found.unjudged} not judged)" if found.unjudged else "")
    yield f"by the rules    {share(total.by_rules)}"
    yield f"right cells     {share(total.cells)}; of those to fill in {share(total.blank_cells)}"
    yield f"halting         {share(total.halted)} by the policy, {share(1 - total.halted)} by the budget"
    yield f"steps           {total.mean_steps:.2f} on average, median {total.median_steps:g}"
    yield f"speed           {found.puzzles_per_second:.1f} puzzles/s ({found.seconds:.1f} s)"
    most = max(found.steps.values())
    for step, count in found.steps.items():
        yield f"  step {step:>3}  {bar(count, most)} {count}"
    if found.groups:
        yield _table(found)


def _table(found: Evaluation) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("group", no_wrap=True)
    for head in ("puzzles", "exact", "by rules", "blank cells", "mean steps", "halted"):
        table.add_column(head, justify="right")
    for name, score in [*found.groups.items(), ("all", found.total)]:
        table.add_row(name, *_row(score))
    return table


def _row(score: Score) -> Iterator[str]:
    yield str(score.puzzles)
    yield share(score.exact)
    yield share(score.by_rules)
    yield share(score.blank_cells)
    yield f"{score.mean_steps:.2f}"
    yield share(score.halted)


def bar(count: int, most: int) -> str:
    """A bar of a histogram whose longest stands for ``most``."""
    return "#" * max(1, round(_BAR * count / most))


def share(value: float | None) -> str:
    """Per cent, or a dash where nothing can be counted."""
    return "-" if value is None else f"{value:.1%}"
