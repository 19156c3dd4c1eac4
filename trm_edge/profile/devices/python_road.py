"""Measuring on a device that has Python: our own program goes along as one file, and does there what it does here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from trm_edge.bundle import Manifest, read_bundle
from trm_edge.errors import MissingDependency, TrmEdgeError
from trm_edge.profile.candidates import check_together
from trm_edge.profile.devices.base import LIMIT, NOT_STARTED, Device, Folder, Say
from trm_edge.profile.devices.zipapp import NAME as PROGRAM
from trm_edge.profile.devices.zipapp import write_zipapp
from trm_edge.profile.results import Results, read_results
from trm_edge.profile.run import Request
from trm_edge.specs import Format

PYTHON = (3, 11)

REQUIRED = {"numpy": (2, 0), "rich": (13, 0), "typer": (0, 26)}
"""What our program needs; the versions are those of pyproject.toml."""

ENGINES = {Format.ONNX: ("onnxruntime", (1, 23)), Format.EXECUTORCH: ("executorch", (1, 5))}
"""What runs a bundle of each format."""

_RESULTS = "results.json"
# Old Pythons must understand it, and it must be one line: some shells pass no others on.
_PROBE = (
    "import json, sys; new = sys.version_info >= (3, 8); "
    "util = __import__('importlib.util' if new else 'sys', fromlist=['util']); "
    "meta = __import__('importlib.metadata' if new else 'sys', fromlist=['metadata']); "
    "found = {'python': list(sys.version_info[:2]), 'executable': sys.executable}; "
    "found['packages'] = [name for name in sys.argv[1:] if util.find_spec(name)] if new else []; "
    "every = list(meta.distributions()) if new else []; "
    "found['versions'] = dict((d.metadata['Name'], d.version) for d in every if d.metadata['Name'] in sys.argv); "
    "sys.stdout.write(json.dumps(found))"
)


def measure_with_python(device: Device, request: Request, python: str, say: Say) -> Results:
    """Run ``trm-edge profile`` there.

    Args:
        device: from :func:`trm_edge.profile.devices.open_device`.
        request: what to measure; its files lie here.
        python: interpreter there.
        say: hears what is being done.

    Raises:
        InvalidBundle: one is damaged.
        InvalidInput: bundles that do not go together, or what came back are no results.
        MissingDependency: something is not installed there; names the line that installs it.
        TrmEdgeError: the device cannot be reached, or the measurement failed there; with its reason.
    """
    with ExitStack() as stack:
        bundles = [stack.enter_context(read_bundle(path)) for path in request.bundles]
        manifests = [bundle.manifest for bundle in bundles]
        check_together(request.bundles, manifests)  # before anything goes over a slow cable
        stack.enter_context(device.connected())
        interpreter = _interpreter(device, python, manifests)
        here = Path(stack.enter_context(TemporaryDirectory()))
        folder = stack.enter_context(device.folder())
        say(f"sending {len(bundles)} bundle(s) to {device}")
        write_zipapp(here / PROGRAM)
        folder.push(here / PROGRAM, PROGRAM)
        names = [
            _sent(folder, number, bundle.folder, bundle.path.name.removesuffix(".zip"))
            for number, bundle in enumerate(bundles)
        ]
        data = None if request.data is None else _sent(folder, len(names), request.data, request.data.name)
        say(f"measuring on {device}")
        command = [interpreter, PROGRAM, "profile", *names, *_options(request, data), "--json", _RESULTS]
        folder.run(command, timeout=LIMIT).demand(f"The measurement on {device} failed")
        folder.pull(_RESULTS, here / _RESULTS)
        results = read_results(here / _RESULTS)
    return results if data is None else replace(results, data=results.data.replace(data, str(request.data)))


def _options(request: Request, data: str | None) -> list[str]:
    """The command line of a request, but for its bundles."""
    options = request.options
    given = {
        "--target": request.target,
        "--budget": request.budget,
        "--data": data,
        "--puzzles": request.puzzles,
        "--threads": _listed([setting.threads for setting in request.settings]),
        "--batch": _listed([setting.batch for setting in request.settings]),
        "--warmup": options.warmup,
        "--repeat": options.repeat,
        "--seconds": options.seconds,
        "--cold": options.cold,
    }
    # only the first one is the bundles' own where none is asked for, and then there are no others
    policies = [policy for policy in (request.policy, *options.policies) if policy is not None]
    words = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    return [*words, *(word for policy in policies for word in ("--halt", policy))]


def _listed(numbers: Sequence[int | None]) -> str | None:
    """``1,2``, each once; None where a choice was left to the device."""
    return ",".join(dict.fromkeys(str(number) for number in numbers if number is not None)) or None


def _sent(folder: Folder, number: int, local: Path, name: str) -> str:
    """Send a file or folder under its own name, without what a shell or an option parser could take up."""
    return folder.push(local, f"{number}-{re.sub(r'[^A-Za-z0-9_.+-]', '_', name)}").rpartition("/")[2]


def _interpreter(device: Device, python: str, manifests: Sequence[Manifest]) -> str:
    """The interpreter's full name, once everything needed is known to be there."""
    wanted = {**REQUIRED, **dict(ENGINES[manifest.format] for manifest in manifests)}
    done = device.run([python, "-c", _PROBE, *wanted])
    if done.code in NOT_STARTED:
        raise MissingDependency(
            f"There is no '{python}' on {device}. Name one with --device-python; without Python there, export with "
            "--format executorch and give the C++ runner: --runner PATH (docs/cpp.md)."
        )
    try:
        found = json.loads(done.out.strip().splitlines()[-1])
        version, executable = tuple(map(int, found["python"])), str(found["executable"])
        packages, versions = set(found["packages"]), dict(found["versions"])
    except (ValueError, LookupError, TypeError):
        raise TrmEdgeError(f"'{python}' on {device} is no usable Python: {done.last_words}") from None
    if version < PYTHON:
        raise MissingDependency(
            f"'{python}' on {device} is Python {_dotted(version)}; {_dotted(PYTHON)} or later is needed. Name another "
            "with --device-python."
        )
    lacking = [
        f"'{name}>={_dotted(least)}'"
        for name, least in wanted.items()
        if name not in packages or _release(versions.get(name)) < least
    ]
    if lacking:
        raise MissingDependency(
            f"{device} lacks what a profile takes. Run there: {executable} -m pip install {' '.join(lacking)}"
        )
    return executable


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _release(version: object) -> tuple[float, ...]:
    """The first two numbers of a version; of an unknown one (a build of another name): high enough."""
    found = re.match(r"(\d+)\.(\d+)", str(version))
    return tuple(map(float, found.groups())) if found else (float("inf"),)
