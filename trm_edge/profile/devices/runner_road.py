"""Measuring with the C++ runner (docs/cpp.md) on a device without Python: a phone, a small board.

The runner is a fresh process in every round, and the rounds of all sides take turns, so that noise hits them alike.
What it writes is read as strictly as any file of another machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from trm_edge import __version__
from trm_edge.bundle import Bundle, Manifest, read_bundle
from trm_edge.bundle.fields import parse_json
from trm_edge.errors import InvalidBundle, InvalidInput, Refused, TrmEdgeError
from trm_edge.profile.candidates import batch_size, bundle_names, check_together, puzzles_for, side_name
from trm_edge.profile.devices.base import LIMIT, Device, Folder, Say
from trm_edge.profile.devices.facts import before_and_after
from trm_edge.profile.results import MAX_FILE_BYTES, Results
from trm_edge.profile.run import Request
from trm_edge.profile.samples import Samples
from trm_edge.specs import Format
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle

_PROGRAM = "bin/trm-edge-run"
_SAMPLES = "samples.json"


@dataclass(frozen=True)
class _Side:
    """A bundle in one setting.

    Attributes:
        name: as reports show it.
        number: of the bundle.
        threads: None: the runner's choice.
    """

    name: str
    number: int
    threads: int | None


def measure_with_runner(device: Device, request: Request, runner: Path, say: Say) -> Results:
    """Send the runner, run it there, fetch what it measured.

    Args:
        device: from :func:`trm_edge.profile.devices.open_device`.
        request: what to measure; its files lie here.
        runner: the program, built for the device, or the folder that it was installed in.
        say: hears what is being done.

    Raises:
        InvalidInput: no runner at that place, or what came back are no samples.
        InvalidBundle: a bundle is damaged.
        Refused: something that the runner cannot do.
        TrmEdgeError: the device cannot be reached, or the measurement failed there; with its reason.
    """
    with ExitStack() as stack:
        bundles = [stack.enter_context(read_bundle(path)) for path in request.bundles]
        manifests = [bundle.manifest for bundle in bundles]
        check_together(request.bundles, manifests)
        sides = _sides(request, manifests)
        puzzles = puzzles_for(manifests, request.data, request.puzzles)
        files = _runner_files(runner)
        stack.enter_context(device.connected())
        here = Path(stack.enter_context(TemporaryDirectory()))
        folder = stack.enter_context(device.folder())
        say(f"sending the runner and {len(bundles)} bundle(s) to {device}")
        _send_runner(folder, files)
        for number, bundle in enumerate(bundles):
            _send_bundle(folder, number, bundle, puzzles, here)
        before = device.facts()
        rounds = _measure(folder, sides, request, here, say)
        facts = before_and_after(before, device.facts())
    return Results(
        sides=tuple(
            replace(one, name=side.name, machine={**one.machine, **facts})
            for side, one in zip(sides, map(join_rounds, rounds), strict=True)
        ),
        data=f"{len(puzzles)} generated" if request.data is None else f"{len(puzzles)} of {request.data}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"trm-edge": __version__},
    )


def join_rounds(parts: Sequence[Samples]) -> Samples:
    """Rounds of one side, each measured by a process of its own, as the samples of that side.

    Raises:
        InvalidInput: they did not measure the same.
    """
    first = parts[0]
    if any(len(part.whole) != len(first.whole) for part in parts):
        raise InvalidInput(f"{first.name}: its rounds measured different halting policies")
    return replace(
        first,
        load_seconds=tuple(seconds for part in parts for seconds in part.load_seconds),
        cold_seconds=tuple(seconds for part in parts for seconds in part.cold_seconds),
        runs=tuple(one for part in parts for one in part.runs),
        whole=tuple(
            replace(whole, rounds=tuple(one for part in parts for one in part.whole[place].rounds))
            for place, whole in enumerate(first.whole)
        ),
        reference_seconds=tuple(seconds for part in parts for seconds in part.reference_seconds),
        resident_bytes=_middle(part.resident_bytes for part in parts),
        peak_bytes=_middle(part.peak_bytes for part in parts),
    )


def puzzles_document(puzzles: Iterable[Puzzle], manifest: Manifest) -> str:
    """Puzzles as the runner reads them: tokens, and the tokens of the answer where it is known."""
    task = get_task(manifest.task)
    rows = [
        {
            "tokens": task.encode(puzzle.question).tolist(),
            "answer": None if puzzle.answer is None else task.encode(puzzle.answer).tolist(),
            "puzzle_id": puzzle.puzzle_id,
        }
        for puzzle in puzzles
    ]
    return json.dumps({"puzzles": rows})


# -- before anything is sent --------------------------------------------------------------------


def _sides(request: Request, manifests: Sequence[Manifest]) -> list[_Side]:
    """Every bundle in every setting; refuses what the runner cannot do."""
    if request.options.policies:
        raise Refused("The C++ runner measures one halting policy at a time: give --halt once.")
    sides = []
    for number, (name, manifest) in enumerate(zip(bundle_names(request.bundles, manifests), manifests, strict=True)):
        if manifest.format is not Format.EXECUTORCH:
            raise Refused(
                f"{name} holds {manifest.format}; the C++ runner opens ExecuTorch programs only. Export it with "
                "--format executorch, or leave out --runner for a device that has Python and onnxruntime."
            )
        if request.target not in (None, manifest.target):
            raise Refused(f"{name} was made for {manifest.target}, and the C++ runner runs it on nothing else.")
        for setting in request.settings:
            batch_size(name, manifest, setting)
            sides.append(_Side(side_name(name, setting, request.settings, None), number, setting.threads))
    return sides


def _runner_files(runner: Path) -> dict[str, Path]:
    """Name there -> file or folder here. Installed, the libraries lie in lib/ beside bin/, and are looked for there."""
    program = runner / _PROGRAM if runner.is_dir() else runner
    if not program.is_file():
        raise InvalidInput(f"There is no runner at '{program}'. Build it for the device: docs/cpp.md.")
    bin_, libraries = program.absolute().parent, program.absolute().parent.parent / "lib"
    installed = bin_.name == "bin" and any(libraries.glob("libexecutorch*"))
    return {_PROGRAM: program, **({"lib": libraries} if installed else {})}


# -- there --------------------------------------------------------------------------------------


def _send_runner(folder: Folder, files: dict[str, Path]) -> None:
    folder.run(["mkdir", "bin"]).demand("Cannot send the runner")
    for name, file in files.items():
        folder.push(file, name)
    folder.run(["chmod", "755", _PROGRAM]).demand("Cannot send the runner")
    done = folder.run([folder.place(_PROGRAM), "--help"])
    if done.code:
        architecture = folder.device.facts().get("architecture", "unknown")
        raise TrmEdgeError(
            f"The runner does not start on {folder.device} (architecture: {architecture}): {done.last_words}. It must "
            "be built for that processor and system: docs/cpp.md."
        )


def _send_bundle(folder: Folder, number: int, bundle: Bundle, puzzles: Sequence[Puzzle], here: Path) -> None:
    folder.push(bundle.folder, f"bundle{number}")
    file = here / f"puzzles{number}.json"
    file.write_text(puzzles_document(puzzles, bundle.manifest), encoding="utf-8")
    folder.push(file, file.name)


def _measure(folder: Folder, sides: Sequence[_Side], request: Request, here: Path, say: Say) -> list[list[Samples]]:
    """Counted rounds of every side."""
    options = request.options
    for _ in range(options.warmup):
        say(f"warming up {folder.device}")
        for side in sides:
            _round(folder, side, request, here)
    found: list[list[Samples]] = [[] for _ in sides]
    began = time.monotonic()
    for number in range(options.rounds):
        if number and options.seconds is not None and time.monotonic() - began > options.seconds:
            break
        say(f"measuring on {folder.device}, round {number + 1}")
        for side, rounds in zip(sides, found, strict=True):
            rounds.append(_round(folder, side, request, here))
    return found


def _round(folder: Folder, side: _Side, request: Request, here: Path) -> Samples:
    """One round of a side, in a process of its own."""
    command = [folder.place(_PROGRAM), "bench", f"bundle{side.number}", f"puzzles{side.number}.json", _SAMPLES]
    command += [] if request.policy is None else ["--halt", request.policy]
    command += [] if request.budget is None else ["--budget", str(request.budget), "--steps", str(request.budget)]
    command += [] if side.threads is None else ["--threads", str(side.threads)]
    folder.run(command, timeout=LIMIT).demand(f"Measuring {side.name} on {folder.device} failed")
    file = here / _SAMPLES
    folder.pull(_SAMPLES, file)
    folder.run(["rm", _SAMPLES]).demand("Cannot go on")
    if file.stat().st_size > MAX_FILE_BYTES:
        raise InvalidInput(f"The samples of {side.name} are larger than {MAX_FILE_BYTES >> 20} MiB: fewer puzzles")
    try:
        return Samples.from_dict(parse_json(file.read_text(encoding="utf-8"), _SAMPLES), _SAMPLES)
    except (InvalidBundle, UnicodeDecodeError) as error:
        raise InvalidInput(f"What {folder.device} measured cannot be read: {error}") from None


def _middle(sizes: Iterable[int | None]) -> int | None:
    known = sorted(size for size in sizes if size is not None)
    return known[len(known) // 2] if known else None
