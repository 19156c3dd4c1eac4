"""The bundles that a comparison runs on, opened together, and the puzzles that suit all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from trm_edge.bundle import Manifest, read_bundle, read_manifest
from trm_edge.errors import InvalidInput
from trm_edge.runtimes import open_session
from trm_edge.runtimes.base import Session
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.tasks.comparison import comparison_puzzles

MOST = 16  #: more are no picture any more


@dataclass(frozen=True)
class Candidate:
    """One side of a comparison.

    Attributes:
        name: unlike that of every other.
        session: opened.
        solver: of that session.
        path: the bundle; None: the float model, which is shown beside the bundles.
    """

    name: str
    session: Session
    solver: Solver
    path: Path | None


def open_candidates(
    stack: ExitStack,
    paths: Sequence[Path],
    *,
    policy: str | None = None,
    budget: int | None = None,
    threads: int | None = None,
) -> list[Candidate]:
    """Open bundles of one task; ``stack`` closes them.

    Args:
        stack: keeps bundles and sessions open.
        paths: 2 to :data:`MOST` bundles.
        policy: halting policy of all; None: each its own default.
        budget: most supervision steps of all; None: each its own default.
        threads: threads of one call; None: the runtimes' choice.

    Raises:
        InvalidInput: too few, too many, the same one twice, or different tasks.
        InvalidBundle: one is damaged.
        MissingDependency: the runtime of one is not installed.
        Refused: a policy or budget that one cannot follow.
    """
    if not 2 <= len(paths) <= MOST:
        raise InvalidInput(f"Give 2 to {MOST} bundles to compare, not {len(paths)}")
    manifests = [read_manifest(path) for path in paths]
    _check(paths, manifests)
    names = _names(paths, manifests)
    candidates = []
    for name, path in zip(names, paths, strict=True):
        bundle = stack.enter_context(read_bundle(path))
        session = stack.enter_context(open_session(bundle, threads=threads))
        solver = Solver(session, get_task(bundle.manifest.task), policy=policy, budget=budget)
        candidates.append(Candidate(name, session, solver, path))
    return candidates


def beside(candidates: Sequence[Candidate], session: Session) -> Candidate:
    """The float model as a candidate, halting as the first bundle does.

    Raises:
        InvalidInput: it was made for another task.
    """
    first = candidates[0].solver
    solver = Solver(session, first.task, policy=first.policy, budget=first.budget)
    return Candidate("float model", session, solver, None)


def common_puzzles(candidates: Sequence[Candidate], data: Path | None, count: int) -> list[Puzzle]:
    """The first ``count`` puzzles of a file, or as many generated ones, with puzzle embeddings that all bundles keep.

    Raises:
        InvalidInput: no puzzles, no embedding that all keep, ``count`` below 1, an unreadable file.
    """
    kept = [c.session.manifest.puzzles for c in candidates if c.session.manifest.puzzles]
    common = [number for number in kept[0] if all(number in other for other in kept)] if kept else []
    if kept and not common:
        raise InvalidInput("The bundles keep no puzzle embedding in common. Export them with the same --puzzles.")
    puzzles = list(comparison_puzzles(candidates[0].solver.task, data, count, common))
    if not puzzles:
        raise InvalidInput("There are no puzzles to compare the bundles on")
    return puzzles


def _check(paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    """Refuse what cannot be put side by side: other tasks, the same bundle twice, wherever it lies."""
    first = manifests[0]
    seen: dict[object, Path] = {}
    for path, m in zip(paths, manifests, strict=True):
        if (m.task, m.seq_len, m.vocab_size) != (first.task, first.seq_len, first.vocab_size):
            raise InvalidInput(
                f"{paths[0]} is for {first.task}, {path} for {m.task}: compare bundles of one task at a time"
            )
        graph = (m.files[m.model_file].sha256, m.halting, m.puzzles) if m.model_file in m.files else path.resolve()
        if graph in seen:
            raise InvalidInput(f"{seen[graph]} and {path} are the same bundle. Name each once.")
        seen[graph] = path


def _names(paths: Sequence[Path], manifests: Sequence[Manifest]) -> list[str]:
    """The bundles' own names, with the path behind those that are not the only one of their name."""
    count = Counter(m.name for m in manifests)
    return [m.name if count[m.name] == 1 else f"{m.name} ({path})" for path, m in zip(paths, manifests, strict=True)]
