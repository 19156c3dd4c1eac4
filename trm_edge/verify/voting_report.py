"""What voting gains, as JSON and as tables. Knows what was counted; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from trm_edge.bundle import Manifest
from trm_edge.runtimes.base import Session
from trm_edge.verify import accuracy_report
from trm_edge.verify.accuracy import Score
from trm_edge.verify.accuracy_report import bar, share
from trm_edge.verify.voting import VoteEvaluation

_MOST_NAMED = 5  #: wrong votes that a terminal shows; the JSON has them all


def to_dict(found: VoteEvaluation, session: Session, data: str) -> dict[str, Any]:
    """The document of an evaluation, of the votes, with one key more: ``vote``, which holds the first starts too."""
    groups = [{"group": name, **asdict(score)} for name, score in found.alone.groups.items()]
    return {
        **accuracy_report.to_dict(found.voted, session, data),
        "vote": {
            "vote": found.vote,
            "mean_starts": found.mean_starts,
            "starts": [{"starts": starts, "puzzles": count} for starts, count in found.starts.items()],
            "one_start": {**asdict(found.alone.total), "groups": groups},
            "lawful_but_wrong": list(found.lawful_but_wrong),
        },
    }


def lines(found: VoteEvaluation, manifest: Manifest) -> Iterator[Any]:
    """What a terminal shows, as text and rich tables."""
    voted, alone = found.voted, found.alone.total
    total = voted.total
    yield (
        f"{manifest.name}: {total.puzzles} puzzles, vote {found.vote}, halting by {voted.policy}, "
        f"at most {voted.budget} steps a start"
    )
    yield _compared("exact answers", alone.exact, total.exact) + (
        f"  ({voted.unjudged} not judged)" if voted.unjudged else ""
    )
    yield _compared("by the rules", alone.by_rules, total.by_rules)
    yield _compared("right cells", alone.cells, total.cells)
    yield f"starts          {found.mean_starts:.2f} on average"
    yield f"steps           {alone.mean_steps:.2f} with one start, {total.mean_steps:.2f} of all starts, on average"
    yield f"speed           {voted.puzzles_per_second:.1f} puzzles/s ({voted.seconds:.1f} s)"
    most = max(found.starts.values())
    for starts, count in found.starts.items():
        yield f"  {starts:>3} {'start ' if starts == 1 else 'starts'}  {bar(count, most)} {count}"
    if found.lawful_but_wrong:
        count = len(found.lawful_but_wrong)
        yield f"answers that obey the rules and are not the known ones: {count}, for example to"
        yield from (f"  {puzzle}" for puzzle in found.lawful_but_wrong[:_MOST_NAMED])
    if voted.groups:
        yield _table(found)


def _compared(what: str, one_start: float | None, vote: float | None) -> str:
    return f"{what:<15} {share(one_start)} with one start, {share(vote)} by the vote"


def _table(found: VoteEvaluation) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("group", no_wrap=True)
    for head in ("puzzles", "exact alone", "exact voted", "steps alone", "steps voted"):
        table.add_column(head, justify="right")
    for name, score in found.voted.groups.items():
        table.add_row(name, *_row(found.alone.groups[name], score))
    table.add_row("all", *_row(found.alone.total, found.voted.total))
    return table


def _row(alone: Score, voted: Score) -> Iterator[str]:
    yield str(voted.puzzles)
    yield share(alone.exact)
    yield share(voted.exact)
    yield f"{alone.mean_steps:.2f}"
    yield f"{voted.mean_steps:.2f}"
