"""Writes ExecuTorch programs for XNNPACK or the portable kernels."""

from __future__ import annotations

import logging

import torch

from trm_edge.errors import NotQuantized, Refused
from trm_edge.export.calibration import network_inputs
from trm_edge.export.executorch_backends import BACKENDS, refusal
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import calibration_puzzles
from trm_edge.export.quantization import model_sites
from trm_edge.export.writing import Job, Written
from trm_edge.optional import require
from trm_edge.specs import Precision

BUNDLED_IO = "model.bpte"  #: the program with its own test cases, see ``ExportOptions.bundled_io``


def prepare(options: ExportOptions) -> None:
    """Refuse before any work.

    Raises:
        MissingDependency: ExecuTorch is not installed.
        Refused: the back-end cannot realise the precision.
    """
    reason = refusal(options.precision, options.backend or BACKENDS[0])
    if reason is not None:
        raise Refused(reason)
    require("executorch", extra="executorch")


def write(job: Job) -> Written:
    """The program of a job.

    Raises:
        NotQuantized: a product of the finished program is not in the arithmetic that the precision wants.
    """
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)  # torchao's import warns about itself
    from trm_edge.export.executorch import build_program, write_bundled  # takes seconds to load

    model, options, kept = job.model, job.options, job.kept
    passes, report = None, {}
    method = options.quantization.calibration.method or "mse"
    if options.precision is Precision.W8A8:
        given = calibration_puzzles(job.task, options.quantization.calibration, kept, job.puzzles)
        passes = network_inputs(
            model,
            given.tokens,
            given.ids,
            steps=options.steps,
            threshold=options.threshold,
            progress=job.progress.calibrated,
        )
        report = {"quantization": {"calibration": {"method": method, "puzzles": len(given.ids)}}}
    program = build_program(
        model,
        precision=options.precision,
        backend=options.backend or BACKENDS[0],
        puzzles=kept,
        batch=options.batch,
        passes=passes,
        calibration=method,
    )
    stats = {**program.stats, **report}
    integer, floating = stats["integer_products"], stats["float_products"]
    wanted = 0 if options.precision is Precision.FP32 else sum(len(place.weights) for place in model_sites(model))
    if integer < wanted:
        raise NotQuantized(f"Only {integer} of {wanted} products of the program are in integers. Use --precision fp32.")
    stats |= {"products": {"integer": integer, "float": floating}, "integer_share": float(wanted > 0)}
    more = {}
    if options.bundled_io:
        more[BUNDLED_IO] = write_bundled(program, model, torch.from_numpy(job.vectors.tokens), kept)
    return Written(program.data, program.inputs, program.outputs, stats, more)
