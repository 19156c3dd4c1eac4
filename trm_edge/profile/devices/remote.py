"""A profile that is measured on another device: send what it takes, run it there, fetch what was measured.

Two roads. Where there is Python, our own program goes along (:mod:`trm_edge.profile.devices.python_road`); where there
is none, the C++ runner does (:mod:`trm_edge.profile.devices.runner_road`). Both end in the results that a measurement
here has.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from trm_edge.errors import InvalidInput, Refused
from trm_edge.profile.devices.base import Device, Say
from trm_edge.profile.devices.python_road import measure_with_python
from trm_edge.profile.devices.runner_road import measure_with_runner
from trm_edge.profile.run import Profiled, Request

DEFAULT_PYTHON = "python3"


def profile_on(
    device: Device,
    request: Request,
    *,
    python: str | None = None,
    runner: Path | None = None,
    say: Say = lambda line: None,
) -> Profiled:
    """Measure everything that was asked for on a device; the counterpart of :func:`trm_edge.profile.run.profile`.

    Args:
        device: from :func:`trm_edge.profile.devices.open_device`.
        request: what to measure; its files lie here.
        python: interpreter there; None: :data:`DEFAULT_PYTHON`.
        runner: C++ runner here, built for the device; None: there is Python there.
        say: hears what is being done, a line at a time.

    Raises:
        InvalidInput: bundles or puzzles that do not go together, or something back that is no measurement.
        InvalidBundle: a bundle is damaged.
        Refused: something that cannot be done there.
        MissingDependency: something is not installed there or here; names the line that installs it.
        TrmEdgeError: the device cannot be reached, or the measurement failed there; with its reason.
    """
    if request.baseline is not None:
        raise Refused("--baseline is profiled on this machine only. On a device, give earlier results: --compare-to.")
    if runner is None:
        results = measure_with_python(device, request, python or DEFAULT_PYTHON, say)
    elif python is None:
        results = measure_with_runner(device, request, runner, say)
    else:
        raise InvalidInput("--device-python and --runner are two ways to measure there: give one of them")
    # by kind only: results are shown around, and an address or a serial number is nobody's business
    sides = (replace(side, machine={**side.machine, "device": device.scheme}) for side in results.sides)
    return Profiled(replace(results, sides=tuple(sides)), (), interrupted=False)
