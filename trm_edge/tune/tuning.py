"""From bundles and a wish to the bundle and policy that meet it. What ``trm-edge tune`` asks for, as data.

Half of the puzzles are for choosing, the other half for stating what was chosen: a point that was picked out of many
because it did well on some puzzles has been lucky on them. Knows no command line, and writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from trm_edge.bundle import read_manifest
from trm_edge.errors import InvalidInput, MissingDependency, Refused
from trm_edge.profile.candidates import Candidate, Setting, common_puzzles, open_sides
from trm_edge.profile.measure import Log, Options, measure, turns
from trm_edge.profile.samples import Samples
from trm_edge.report.versions import versions
from trm_edge.tasks.base import Puzzle
from trm_edge.tune.options import option_of, options_of
from trm_edge.tune.race import Raced, race
from trm_edge.tune.walk import heats
from trm_edge.tune.wish import Option, Wish

SEED = 11  #: of the order of the puzzles, and so of their halves

Progress = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]
"""Given how many turns there will be, shows how many have been taken."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to choose from, and for what.

    Attributes:
        bundles: of one task, at least one.
        wish: what is wanted.
        target: processor to run on; None: each bundle's own.
        threads: numbers of threads to try; None: the runtime's choice.
        budget: most supervision steps; None: each bundle's own.
        data: file of puzzles; None: generated ones.
        puzzles: how many, for both halves together.
        repeat: rounds of each measurement.
        seconds: no further narrowing of the field begins after so long.
    """

    bundles: Sequence[Path]
    wish: Wish
    target: str | None = None
    threads: Sequence[int | None] = (None,)
    budget: int | None = None
    data: Path | None = None
    puzzles: int = 256
    repeat: int = 2
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.puzzles < 2:
            raise InvalidInput(f"Give at least 2 puzzles, not {self.puzzles}: some to choose on, some to judge by")
        if self.repeat < 1:
            raise InvalidInput(f"repeat must be at least 1, not {self.repeat}")
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidInput(f"seconds must be more than 0, not {self.seconds:g}")
        self.wish.check_puzzles(math.ceil(self.puzzles / 2))


@dataclass(frozen=True)
class Tried:
    """A bundle with a number of threads, and how far it came.

    Attributes:
        side: its name.
        bundle: where it lies.
        samples: what was measured to choose on.
        best: its point that suits the wish best, or comes nearest.
        last: whether it saw all puzzles.
    """

    side: str
    bundle: Path
    samples: Samples
    best: Option
    last: bool


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What came out.

    Attributes:
        wish: what was wanted.
        task: id.
        data: where the puzzles come from.
        chosen_on: puzzles for choosing.
        judged_on: other puzzles.
        tried: everything that was, the best first.
        options: all ways to run the finalists, on the puzzles for choosing.
        chosen: the way that suits the wish, else the nearest.
        promised: whether it does, on the puzzles for choosing.
        judged: the same way on the other puzzles.
        winner: the bundle of it.
        remarks: what could not be tried, in sentences.
        date: ISO 8601.
        versions: of what measured.
    """

    wish: Wish
    task: str
    data: str
    chosen_on: int
    judged_on: int
    tried: tuple[Tried, ...]
    options: tuple[Option, ...]
    chosen: Option
    promised: bool
    judged: Option
    winner: Tried
    remarks: tuple[str, ...]
    date: str
    versions: dict[str, str]

    @property
    def met(self) -> bool:
        """Whether the wish is met, by puzzles that the choice has not seen, too."""
        return self.promised and self.wish.kept(self.judged)


def tune(request: Request, progress: Progress = lambda total: nullcontext(lambda new: None)) -> Tuned:
    """Race the bundles, and choose.

    Raises:
        InvalidInput: bundles or puzzles that do not go together.
        InvalidBundle: one is damaged.
        MissingDependency: the runtime of all is not installed.
        Refused: the target runs none of them.
        KeyboardInterrupt: nothing has been chosen yet.
    """
    with _opened(request) as (sides, remarks):
        choosing, judging = _halves(common_puzzles(sides, request.data, request.puzzles))
        request.wish.check_puzzles(len(choosing))  # a file may hold fewer than were asked for
        options = Options(repeat=request.repeat, cold=0)
        made_with = versions(side.session for side in sides)
        with progress(_turns(sides, choosing, options)) as ticked:
            run = partial(_measure, options=options, ticked=ticked)
            raced = race(sides, choosing, request.wish, run, seconds=request.seconds, dropped=_close)
            if not any(option.judged for option in raced.options):
                raise InvalidInput(
                    "None of the answers can be judged, by a known one or by rules: give --data with answers"
                )
            best = request.wish.best(raced.options)
            chosen = best or request.wish.nearest(raced.options)
            finalist = next(side for side in raced.finalists if side.name == chosen.side)
            [judged] = run([finalist], judging)
        tried = tuple(_tried(raced, sides, request.wish))
        return Tuned(
            wish=request.wish,
            task=finalist.session.manifest.task,
            data="generated" if request.data is None else str(request.data),
            chosen_on=raced.samples[chosen.side].puzzles,
            judged_on=len(judging),
            tried=tried,
            options=tuple(raced.options),
            chosen=chosen,
            promised=best is not None,
            judged=option_of(judged, chosen.policy, chosen.budget),
            winner=next(one for one in tried if one.side == chosen.side),
            remarks=(*remarks, *raced.remarks),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=made_with,
        )


@contextmanager
def _opened(request: Request) -> Iterator[tuple[list[Candidate], list[str]]]:
    """The sides, and why others are missing."""
    made_for = _made_for(request.bundles)
    settings = [Setting(threads, None) for threads in request.threads]
    sides: list[Candidate] = []
    refused: list[MissingDependency | Refused] = []
    remarks = []
    with ExitStack() as stack:
        for path in request.bundles:
            target = None if request.target == made_for[path] else request.target
            try:
                opened = open_sides(stack, [path], settings, target=target, budget=request.budget)
                _check_batch(opened[0])
            except (MissingDependency, Refused) as error:  # the others may still run
                refused.append(error)
                remarks.append(f"{path} was not tried: {error}")
                continue
            taken = {side.name for side in sides}
            sides += [replace(s, name=f"{s.name} ({path})") if s.name in taken else s for s in opened]
        if not sides:
            raise refused[0]
        yield sides, remarks


def _made_for(paths: Sequence[Path]) -> dict[Path, str]:
    """Targets of bundles; refuses those that cannot be put side by side."""
    manifests = {path: read_manifest(path) for path in paths}
    first, seen = manifests[paths[0]], set[Path]()
    for path in paths:
        found = manifests[path]
        if (found.task, found.seq_len, found.vocab_size) != (first.task, first.seq_len, first.vocab_size):
            raise InvalidInput(f"{paths[0]} is for {first.task}, {path} for {found.task}: tune one task at a time")
        if path.resolve() in seen:
            raise InvalidInput(f"{path} is given twice. Name each bundle once.")
        seen.add(path.resolve())
    return {path: found.target for path, found in manifests.items()}


def _check_batch(side: Candidate) -> None:
    if side.solver.batch_size != 1:
        raise Refused(
            f"{side.name} has a batch of {side.solver.batch_size} built in, and puzzles are timed one by one here: "
            "export it with --batch 1"
        )


def _halves(puzzles: list[Puzzle]) -> tuple[list[Puzzle], list[Puzzle]]:
    """For choosing and for judging, drawn alike: files are often sorted by difficulty."""
    if len(puzzles) < 2:
        raise InvalidInput("Give at least 2 puzzles: some to choose on, some to judge by")
    order = np.random.default_rng(SEED).permutation(len(puzzles)).tolist()
    half = math.ceil(len(puzzles) / 2)
    return [puzzles[place] for place in order[:half]], [puzzles[place] for place in order[half:]]


def _measure(
    sides: Sequence[Candidate], puzzles: Sequence[Puzzle], *, options: Options, ticked: Callable[[int], None]
) -> list[Samples]:
    log = Log(ticked=lambda: ticked(1))
    found = measure(sides, puzzles, options, log=log)
    if log.interrupted:  # half of a heat is no ground to choose on
        raise KeyboardInterrupt
    return found


def _turns(sides: Sequence[Candidate], choosing: Sequence[Puzzle], options: Options) -> int:
    """Turns of all heats, and of the judgement."""
    counts = [turns(sides[: heat.sides], options) or 0 for heat in heats(len(sides), len(choosing))]
    return sum(counts) + (turns(sides[:1], options) or 0)


def _tried(raced: Raced, sides: Sequence[Candidate], wish: Wish) -> Iterator[Tried]:
    last = {side.name for side in raced.finalists}
    by_name = {side.name: side for side in sides}
    for name, samples in raced.samples.items():
        options = options_of(samples)
        path = by_name[name].path
        assert path is not None  # only the float model has none, and it is not in the race
        yield Tried(name, path, samples, wish.best(options) or wish.nearest(options), name in last)


def _close(side: Candidate) -> None:
    side.session.close()
