"""From bundles to results: open them, measure them, trace their operators. What ``trm-edge profile`` asks for, as data.

Knows no command line and no report; what becomes of the results is their taker's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from trm_edge.bundle import read_bundle
from trm_edge.errors import TrmEdgeError
from trm_edge.profile.candidates import Candidate, Setting, common_puzzles, open_sides
from trm_edge.profile.measure import Log, Options, measure, turns
from trm_edge.profile.operator_time import OperatorTime
from trm_edge.profile.operators import operator_times
from trm_edge.profile.results import Results
from trm_edge.profile.samples import Samples
from trm_edge.report.versions import versions
from trm_edge.tasks.base import Puzzle

TRACED_CALLS = 5
_TRACED = ("onnxruntime", "executorch")  #: runtimes that have a tracer

Ticked = Callable[[int], None]
Progress = Callable[[int | None], AbstractContextManager[Ticked]]
"""Given how many turns there will be, None: unknown, shows how many have been taken."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to profile.

    Attributes:
        bundles: of one task, at least one.
        baseline: an earlier bundle to profile beside them, which the results do not show.
        settings: threads and batch sizes; every bundle is a side in each.
        target: processor to run on; None: each bundle's own.
        policy: halting policy of all; None: each bundle's own. Further ones are in ``options``.
        budget: most supervision steps; None: each bundle's own.
        data: file of puzzles; None: generated ones.
        puzzles: how many.
        options: how long to measure.
    """

    bundles: Sequence[Path]
    baseline: Path | None = None
    settings: Sequence[Setting] = (Setting(),)
    target: str | None = None
    policy: str | None = None
    budget: int | None = None
    data: Path | None = None
    puzzles: int = 32
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Profiled:
    """What was measured.

    Attributes:
        results: of the bundles.
        baselines: samples of the baseline, one a setting; none where there was no baseline.
        interrupted: Ctrl-C ended it early.
    """

    results: Results
    baselines: Sequence[Samples]
    interrupted: bool


def profile(request: Request, progress: Progress = lambda total: nullcontext(lambda new: None)) -> Profiled:
    """Measure everything that was asked for.

    Raises:
        InvalidInput: bundles or puzzles that do not go together, a number out of range.
        InvalidBundle: one is damaged.
        MissingDependency: the runtime of one is not installed.
        Refused: a policy, budget, batch size or target that one cannot follow.
        KeyboardInterrupt: before there was anything to report.
    """
    log = Log()
    with _opened(request) as (sides, baselines, puzzles):
        everyone = [*sides, *baselines]
        with progress(turns(everyone, request.options)) as ticked:
            log.ticked = lambda: ticked(1)
            samples = measure(everyone, puzzles, request.options, log=log)
        made_with = versions(side.session for side in sides)
        operators = {} if log.interrupted else _operators(sides, log)
    results = Results(
        sides=tuple(samples[: len(sides)]),
        data=f"{len(puzzles)} generated" if request.data is None else f"{len(puzzles)} of {request.data}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=made_with,
        operators=operators,
        remarks=tuple(log.remarks),
    )
    return Profiled(results, samples[len(sides) :], log.interrupted)


@contextmanager
def _opened(request: Request) -> Iterator[tuple[list[Candidate], list[Candidate], list[Puzzle]]]:
    """The sides, those of the baseline, and puzzles that suit all."""
    with ExitStack() as stack:
        sides, baselines = (
            open_sides(
                stack, paths, request.settings, target=request.target, policy=request.policy, budget=request.budget
            )
            if paths
            else []
            for paths in (request.bundles, () if request.baseline is None else (request.baseline,))
        )
        # an unchanged bundle may be its own baseline: only its name must be another
        baselines = [replace(side, name=f"baseline {side.name}") for side in baselines]
        yield sides, baselines, common_puzzles([*sides, *baselines], request.data, request.puzzles)


def _operators(sides: Sequence[Candidate], log: Log) -> dict[str, tuple[OperatorTime, ...]]:
    """Where the time of each bundle's graph goes, in its first setting; a remark where that cannot be told."""
    found: dict[str, tuple[OperatorTime, ...]] = {}
    for path, side in {side.path: side for side in reversed(sides)}.items():
        if path is None or side.session.runtime not in _TRACED:
            continue
        try:
            with read_bundle(path) as bundle:
                times = operator_times(bundle, calls=TRACED_CALLS, threads=side.session.threads)
            found[side.name] = tuple(times)
        except TrmEdgeError as error:
            log.remarks.append(f"The operators of {side.name} were not timed: {error}")
        except KeyboardInterrupt:
            log.interrupted = True
            log.remarks.append("Interrupted: not all operators were timed.")
            break
    return {side.name: found[side.name] for side in sides if side.name in found}
