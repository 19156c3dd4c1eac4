"""All checks of a bundle in one go, and where their material comes from: the float model, the puzzles.

PyTorch is loaded by :func:`open_reference` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trm_edge.bundle import Bundle, Manifest
from trm_edge.errors import InvalidInput, ParityFailure
from trm_edge.optional import require
from trm_edge.runtimes.base import Session
from trm_edge.tasks import comparison, get_task
from trm_edge.verify.bounds import Bounds, Check
from trm_edge.verify.golden import GoldenReport, check_golden
from trm_edge.verify.parity import ParityReport, compare, remarks

if TYPE_CHECKING:
    from trm_edge.runtimes.torch_eager import TorchEagerSession
    from trm_edge.tasks.base import Puzzle


@dataclass(frozen=True)
class Verification:
    """What the checks found. That it exists means that the files match their hashes.

    Attributes:
        golden: replay of the golden vectors.
        parity: comparison with the float model, None if there was none to compare with.
        bounds: what is allowed.
    """

    golden: GoldenReport
    parity: ParityReport | None
    bounds: Bounds

    @property
    def checks(self) -> list[Check]:
        """Every bound, with what was measured; those of the comparison only if there was one."""
        of_parity = [] if self.parity is None else self.bounds.parity_checks(self.parity)
        return self.bounds.golden_checks(self.golden) + of_parity

    @property
    def violations(self) -> list[str]:
        """Bounds that were not kept, one line each."""
        return [str(check) for check in self.checks if check.kept is False]

    @property
    def remarks(self) -> list[str]:
        """What the numbers mean where that is not plain to see, in sentences."""
        return [] if self.parity is None else remarks(self.parity) + self.bounds.remarks(self.parity)

    def require_measured(self, *bounds: str) -> None:
        """Fail if one of ``bounds``, named as the attributes of :class:`Bounds`, could not be measured.

        For bounds that somebody asked for by name: there, silence would read as success.

        Raises:
            InvalidInput: says which, and what it needs.
        """
        for check in self.checks:
            if check.kept is None and check.bound in bounds:
                raise InvalidInput(f"{check.bound.replace('_', '-')} cannot be judged: {check.measured}")

    def require_kept(self) -> None:
        """Fail if a bound was not kept.

        Raises:
            ParityFailure: names each bound with what was measured and what is allowed.
        """
        violations = self.violations
        if violations:
            raise ParityFailure(f"Parity bounds not kept: {'; '.join(violations)}")


def verify_bundle(
    bundle: Bundle,
    session: Session,
    bounds: Bounds,
    *,
    reference: Session | None = None,
    puzzles: Iterable[Puzzle] = (),
    policy: str | None = None,
    budget: int | None = None,
) -> Verification:
    """Replay the golden vectors and, given a ``reference``, compare on ``puzzles``.

    Args:
        bundle: the bundle; reading it has checked the hashes of its files.
        session: opened from it.
        bounds: what is allowed; breaking them is reported, not raised.
        reference: the float model, from :func:`open_reference`.
        puzzles: what to compare on.
        policy: halting policy of the comparison; None: the bundle's default.
        budget: steps of the comparison; None: the bundle's default.

    Raises:
        InvalidBundle: no golden vectors, or the graph answers nonsense.
        InvalidInput: the float model is of another shape, or there are no puzzles.
    """
    golden = check_golden(session, bundle.golden())
    if reference is None:
        return Verification(golden, None, bounds)
    task = get_task(bundle.manifest.task)
    parity = compare(reference, session, task, puzzles, policy=policy, budget=budget)
    return Verification(golden, parity, bounds)


def open_reference(model: str, *, threads: int | None = None) -> TorchEagerSession:
    """The float model as a session.

    Args:
        model: a bundled model's name, or a trm-edge checkpoint.
        threads: PyTorch's thread count; None leaves it.

    Raises:
        MissingDependency: PyTorch is not installed.
        InvalidInput: no such model.
        InvalidCheckpoint: not a checkpoint.
    """
    require("torch", extra="torch")
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.models_registry import resolve
    from trm_edge.runtimes.torch_eager import TorchEagerSession

    path = resolve(model)
    checkpoint = load_checkpoint(path)
    return TorchEagerSession.from_model(checkpoint.model, checkpoint.task, name=str(path), threads=threads)


def comparison_puzzles(manifest: Manifest, data: Path | None, count: int) -> Iterator[Puzzle]:
    """The first ``count`` puzzles of a file, or as many generated ones, always the same.

    Raises:
        InvalidInput: ``count`` below 1, an unreadable file.
        InvalidPuzzle: a puzzle of the file is malformed.
    """
    return comparison.comparison_puzzles(get_task(manifest.task), data, count, manifest.puzzles)
