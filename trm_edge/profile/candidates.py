"""The bundles that a comparison or a profile runs on, opened together, and the puzzles that suit all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from trm_edge.bundle import GOLDEN, MODEL_CARD, Manifest, read_bundle, read_manifest
from trm_edge.errors import InvalidInput, Refused
from trm_edge.export.targets import get_target
from trm_edge.runtimes import open_session
from trm_edge.runtimes.base import Session
from trm_edge.solve import Solver
from trm_edge.specs import Evidence
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
        target: processor it runs on; None: the one that it was made for.
    """

    name: str
    session: Session
    solver: Solver
    path: Path | None
    target: str | None = None

    @property
    def evidence(self) -> Evidence:
        """What the processor is that it runs on."""
        manifest = self.session.manifest
        if self.target is None or self.target == manifest.target:
            return manifest.evidence
        return get_target(self.target).evidence

    @property
    def file_bytes(self) -> int | None:
        """Bytes of the files that a device loads, without golden vectors and model card; None: no bundle."""
        if self.path is None:
            return None
        files = self.session.manifest.files
        return sum(entry.size for name, entry in files.items() if name not in (GOLDEN, MODEL_CARD))


@dataclass(frozen=True)
class Setting:
    """One of several ways to run the same bundle.

    Attributes:
        threads: of one call; None: the runtime's choice.
        batch: puzzles solved at once; None: the batch size built into the graph, else 1.
    """

    threads: int | None = None
    batch: int | None = None


def open_sides(
    stack: ExitStack,
    paths: Sequence[Path],
    settings: Sequence[Setting] = (Setting(),),
    *,
    target: str | None = None,
    policy: str | None = None,
    budget: int | None = None,
) -> list[Candidate]:
    """Open bundles of one task to be timed, each in every setting; ``stack`` closes them.

    Args:
        stack: keeps bundles and sessions open.
        paths: the bundles.
        settings: at least one; with ``paths``, 1 to :data:`MOST` sides.
        target: processor to run all on; None: each on the one that it was made for.
        policy: halting policy of all; None: each its own default.
        budget: most supervision steps of all; None: each its own default.

    Raises:
        InvalidInput: too few, too many, the same one twice, or different tasks.
        InvalidBundle: one is damaged.
        MissingDependency: the runtime of one is not installed.
        Refused: a policy, budget, batch size or target that one cannot follow.
    """
    if not 1 <= len(paths) * len(settings) <= MOST:
        raise InvalidInput(
            f"{len(paths)} bundles in {len(settings)} settings of threads and batch are {len(paths) * len(settings)} "
            f"sides: choose 1 to {MOST}"
        )
    manifests = [read_manifest(path) for path in paths]
    check_together(paths, manifests)
    sides = []
    for name, path in zip(bundle_names(paths, manifests), paths, strict=True):
        bundle = stack.enter_context(read_bundle(path))
        for setting in settings:
            batch = batch_size(name, bundle.manifest, setting)
            session = stack.enter_context(open_session(bundle, target=target, threads=setting.threads))
            task = get_task(bundle.manifest.task)
            solver = Solver(session, task, policy=policy, budget=budget, batch_size=batch)
            sides.append(Candidate(side_name(name, setting, settings, target), session, solver, path, target))
    return sides


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
    check_together(paths, manifests)
    names = bundle_names(paths, manifests)
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
    return puzzles_for([candidate.session.manifest for candidate in candidates], data, count)


def puzzles_for(manifests: Sequence[Manifest], data: Path | None, count: int) -> list[Puzzle]:
    """The same for bundles that are not opened; raises as :func:`common_puzzles`."""
    kept = [manifest.puzzles for manifest in manifests if manifest.puzzles]
    common = [number for number in kept[0] if all(number in other for other in kept)] if kept else []
    if kept and not common:
        raise InvalidInput("The bundles keep no puzzle embedding in common. Export them with the same --puzzles.")
    puzzles = list(comparison_puzzles(get_task(manifests[0].task), data, count, common))
    if not puzzles:
        raise InvalidInput("There are no puzzles to compare the bundles on")
    return puzzles


def check_together(paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
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


def batch_size(name: str, manifest: Manifest, setting: Setting) -> int:
    """Puzzles that a bundle, called ``name``, is given at once in a setting.

    Raises:
        Refused: another number is built into its graph.
    """
    built_in = manifest.fixed_batch
    if setting.batch is not None and built_in not in (None, setting.batch):
        raise Refused(
            f"{name} has a batch of {built_in} built in, not {setting.batch}. Leave --batch out, or export it again."
        )
    return built_in or setting.batch or 1


def side_name(name: str, setting: Setting, settings: Sequence[Setting], target: str | None) -> str:
    """The name with what tells its sides apart."""
    parts = [name]
    if target is not None:
        parts.append(f"on {target}")
    if len({one.threads for one in settings}) > 1:
        parts.append(f"{setting.threads} thread{'' if setting.threads == 1 else 's'}")
    if len({one.batch for one in settings}) > 1:
        parts.append(f"batch {setting.batch}")
    return ", ".join(parts)


def bundle_names(paths: Sequence[Path], manifests: Sequence[Manifest]) -> list[str]:
    """The bundles' own names, with the path behind those that are not the only one of their name."""
    count = Counter(m.name for m in manifests)
    return [m.name if count[m.name] == 1 else f"{m.name} ({path})" for path, m in zip(paths, manifests, strict=True)]
