"""Writes ONNX graphs: plan the arithmetic, write the nodes, prove from the file that it is as planned."""

from __future__ import annotations

from trm_edge.export.graphs import build_graph
from trm_edge.export.onnx import graph_stats, to_bytes
from trm_edge.export.options import ExportOptions
from trm_edge.export.planning import make_plan
from trm_edge.export.precision import PRECISIONS
from trm_edge.export.proof import prove
from trm_edge.export.quantization import model_sites
from trm_edge.export.writing import Job, Written


def prepare(options: ExportOptions) -> None:
    """Nothing to refuse that a target has not refused."""


def write(job: Job) -> Written:
    """The graph of a job.

    Raises:
        InvalidCheckpoint: weights or activations that the precision cannot hold.
        NotQuantized: a product of the finished graph is not in the arithmetic that the precision wants.
    """
    options = job.options
    planned = make_plan(
        job.model,
        job.task,
        options.precision,
        options.quantization,
        kept=job.kept,
        steps=options.steps,
        threshold=options.threshold,
        puzzles=job.puzzles,
        progress=job.progress,
    )
    graph = build_graph(
        planned.model,
        options.graph,
        puzzles=job.kept,
        steps=options.steps,
        dtype=PRECISIONS[options.precision].float_dtype,
        opset=options.opset,
        plan=planned.plan,
    )
    data = to_bytes(graph.model)
    proof = prove(graph.model, planned.plan, {place.name: place.weight_names for place in model_sites(planned.model)})
    stats = {**graph_stats(data), **proof, "opset": options.opset}
    return Written(
        data, graph.inputs, graph.outputs, {**stats, **({"quantization": planned.report} if planned.report else {})}
    )
