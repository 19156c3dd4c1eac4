"""Writes ExecuTorch programs for Core ML."""

from __future__ import annotations

import logging
from importlib.util import find_spec

import torch

from trm_edge.errors import Refused, unknown
from trm_edge.export.options import ExportOptions
from trm_edge.export.targets.coreml import COMPUTE_UNITS
from trm_edge.export.write_executorch import BUNDLED_IO
from trm_edge.export.writing import Job, Written
from trm_edge.optional import require


def prepare(options: ExportOptions) -> None:
    """Refuse before any work.

    Raises:
        MissingDependency: ExecuTorch, or what it converts with, is not installed.
        Refused: unknown compute units.
    """
    if options.backend is not None and options.backend not in COMPUTE_UNITS:
        raise Refused(unknown("choice of Core ML's compute units", options.backend, COMPUTE_UNITS))
    require("executorch", extra="coreml")
    if find_spec("coremltools") is None:  # where it is there, importing it now would print its warnings
        require("coremltools", extra="coreml")


def write(job: Job) -> Written:
    """The program of a job."""
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)  # torchao's import warns about itself
    from trm_edge.export.executorch import quiet, write_bundled  # takes seconds to load

    with quiet():
        from trm_edge.export.coreml import build_program

    options, kept = job.options, job.kept
    program = build_program(
        job.model,
        precision=options.precision,
        puzzles=kept,
        batch=options.batch,
        compute_units=options.backend or next(iter(COMPUTE_UNITS)),
    )
    more = {}
    if options.bundled_io:
        more[BUNDLED_IO] = write_bundled(program, job.model, torch.from_numpy(job.vectors.tokens), kept)
    return Written(program.data, program.inputs, program.outputs, program.stats, more)
