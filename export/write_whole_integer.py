"""Writes ONNX step graphs wholly in integers, for NPUs without float: w8a16 and w8a8, states included."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from trm_edge.errors import NotQuantized, Refused
from trm_edge.export.calibration import channel_divisors, smooth
from trm_edge.export.graphs import RMS_NORM_OPSET
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import calibration_puzzles
from trm_edge.export.precision import Arithmetic
from trm_edge.export.proof import products, stored_bytes
from trm_edge.export.quantization import Plan
from trm_edge.export.whole_graph import build_whole_graph
from trm_edge.export.whole_integer import WholeInteger, float_leftovers, whole_integer
from trm_edge.export.whole_ranges import Watched, watch
from trm_edge.export.writing import Job, Written
from trm_edge.specs import GraphVariant, Precision

STATES = ("z_H", "z_L")


@dataclass(frozen=True)
class WholeForm:
    """How one precision puts a graph into integers.

    Attributes:
        activations: dtype of everything but the weights of products.
        method: of calibration, unless somebody chooses another.
        headroom: how much wider than calibration saw the ranges are, as a share: 16 bits have levels to spare, and
            what is clipped costs more than a coarser step.
    """

    activations: str
    method: str
    headroom: float


FORMS = {
    Precision.W8A16: WholeForm("uint16", "min-max", 0.125),
    Precision.W8A8: WholeForm("uint8", "mse", 0.0),
}


def prepare(options: ExportOptions) -> None:
    """Refuse what no graph wholly in integers can be.

    Raises:
        Refused: another precision, graph or operator set.
    """
    if options.precision not in FORMS or options.graph is not GraphVariant.STEP:
        raise Refused(
            f"A graph wholly in integers is a step graph of {' or '.join(FORMS)}, not "
            f"{options.graph} in {options.precision}."
        )
    if options.opset < RMS_NORM_OPSET:
        raise Refused(
            f"A graph wholly in integers needs operator set {RMS_NORM_OPSET}, which has its norm, not {options.opset}."
        )


def write(job: Job) -> Written:
    """The graph of a job.

    Raises:
        InvalidCheckpoint: weights or activations that are not finite.
        NotQuantized: something of the finished graph is not in integers.
    """
    form, watched, divided, whole = _made(job)
    data = to_bytes(whole.graph.model)
    leftovers = float_leftovers(whole.graph.model)
    kinds = Counter(product.kind for product in products(whole.graph.model))
    if leftovers or kinds.keys() - {Arithmetic.STATIC.value, "activations"}:
        raise NotQuantized(f"Not everything is in integers: {', '.join(leftovers) or dict(kinds)}.")
    report: dict[str, Any] = {
        "weights": "int8, per " + ("channel" if job.options.quantization.per_channel else "tensor"),
        "activations": form.activations,
        "tensors": whole.tensors,
        "divided": divided,
        "calibration": {"method": watched.method, "puzzles": watched.puzzles, "supervision_steps": watched.steps},
    }
    stats = {
        **graph_stats(data),
        "products": dict(kinds),
        "integer_share": 1.0,
        **stored_bytes(whole.graph.model),
        "opset": RMS_NORM_OPSET,
        "quantization": report,
    }
    scales = {name: (scale.scale, scale.zero_point) for name, scale in whole.scales.items()}
    return Written(data, whole.graph.inputs, whole.graph.outputs, stats, scales=scales)


def _made(job: Job) -> tuple[WholeForm, Watched, list[str], WholeInteger]:
    """Rewrite the model so that it quantizes well, watch it, and put it into integers."""
    options, form = job.options, FORMS[job.options.precision]
    given = calibration_puzzles(job.task, options.quantization.calibration, job.kept, job.puzzles)
    steps, threshold = options.steps, options.threshold
    model = smooth(job.model, given.tokens, given.ids, steps=steps, threshold=threshold).model
    divisors = channel_divisors(model, given.tokens, given.ids, steps=steps, threshold=threshold)
    carry = {name: state.detach().float().numpy() for name, state in zip(STATES, model.initial_carry(1), strict=True)}
    row_of = {puzzle: row for row, puzzle in enumerate(job.kept)}
    watched = watch(
        build_whole_graph(model, puzzles=job.kept, batch=1, divisors=divisors).model,
        given.tokens,
        [row_of.get(puzzle, 0) for puzzle in given.ids],
        carry=carry,
        steps=steps,
        threshold=threshold,
        method=options.quantization.calibration.method or form.method,
        progress=job.progress.calibrated,
    )
    wider = 1 + form.headroom
    whole = whole_integer(
        build_whole_graph(model, puzzles=job.kept, batch=options.batch, divisors=divisors),
        {name: (low * wider, high * wider) for name, (low, high) in watched.ranges.items()},
        activations=form.activations,
        plan=Plan(per_channel=options.quantization.per_channel),
        states=STATES,
    )
    return form, watched, sorted(divisors), whole
