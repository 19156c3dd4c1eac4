"""Writes ExecuTorch programs for Ethos-U, each with the TOSA graphs that the reference model runs."""

from __future__ import annotations

import logging
from functools import partial

from trm_edge.errors import InvalidConfig, Refused, unknown
from trm_edge.export.calibration import network_inputs, smooth
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import calibration_puzzles
from trm_edge.export.quantization import model_sites
from trm_edge.export.targets.ethos_u import ACCELERATORS, EthosUTarget
from trm_edge.export.writing import Job, Written
from trm_edge.optional import require


def prepare(options: ExportOptions) -> None:
    """Refuse before any work.

    Raises:
        MissingDependency: this interpreter lacks ExecuTorch's Arm back-end.
        Refused: an unknown accelerator, or something that a program for it does not have.
    """
    if options.backend is not None and options.backend not in ACCELERATORS:
        raise Refused(unknown("Ethos-U accelerator", options.backend, ACCELERATORS))
    if options.batch != 1:
        raise InvalidConfig(
            f"batch = {options.batch}, but a program for ethos-u takes one puzzle a call. Leave it out."
        )
    if options.bundled_io:
        raise InvalidConfig("bundled-io is for floats; a program for ethos-u takes integers. Leave it out.")
    for module in ("tosa_serializer", "ethosu.vela"):
        require(module, extra=EthosUTarget().id)


def write(job: Job) -> Written:
    """The program of a job.

    Raises:
        NotQuantized: the processor does not take a method as a whole.
    """
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)  # torchao's import warns about itself
    from trm_edge.export.ethos_u import ZERO_POINT, build_ethos_u  # takes seconds to load

    options = job.options
    method = options.quantization.calibration.method or "mse"
    given = calibration_puzzles(job.task, options.quantization.calibration, job.kept, job.puzzles)
    steps, threshold = options.steps, options.threshold
    model = smooth(job.model, given.tokens, given.ids, steps=steps, threshold=threshold).model
    passes = partial(network_inputs, model, given.tokens, given.ids, steps=steps, threshold=threshold)
    program = build_ethos_u(
        model,
        options.backend or ACCELERATORS[0],
        passes(progress=job.progress.calibrated),
        sample=passes(),
        precision=options.precision,
        puzzles=job.kept,
        calibration=method,
    )
    products = sum(len(place.weights) for place in model_sites(model))
    stats = {
        **program.stats,
        "products": {"integer": products, "float": 0},
        "integer_share": 1.0,
        "quantization": {"calibration": {"method": method, "puzzles": len(given.ids)}},
    }
    scale = (program.state_scale, ZERO_POINT)
    return Written(
        program.data,
        program.inputs,
        program.outputs,
        stats,
        {f"{name}.tosa": graph for name, graph in program.tosa.items()},
        {"z_H": scale, "z_L": scale},
    )
