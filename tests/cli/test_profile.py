from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime")

from trm_edge.bundle import read_bundle
from trm_edge.errors import NotQuantized
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.export.planning import QuantizationOptions
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.models_registry import resolve
from trm_edge.profile import kernels
from trm_edge.profile.operator_time import OperatorTime, integer_products, product_share
from trm_edge.profile.operators import operator_times
from trm_edge.specs import GraphVariant, Precision


def made(
    path: Path, precision: Precision = Precision.W8A8, graph: GraphVariant = GraphVariant.STEP, **more: Any
) -> Path:
    options = ExportOptions(precision=precision, graph=graph, steps=2, golden=1, **more)
    return export_bundle(load_checkpoint(resolve("sudoku-4x4")), options, path, name="sudoku-4x4")


@pytest.mark.parametrize("graph", GraphVariant)
def test_every_integer_product_of_a_call_is_counted(tmp_path: Path, graph: GraphVariant) -> None:
    with read_bundle(made(tmp_path / "b", graph=graph)) as bundle:
        times = operator_times(bundle, calls=2, threads=1)
        assert integer_products(times) == bundle.manifest.graph_stats["products"]["static"]
    assert 0 < product_share(times) < 1
    assert [time.microseconds for time in times] == sorted((time.microseconds for time in times), reverse=True)


def test_a_float_graph_has_none(tmp_path: Path) -> None:
    with read_bundle(made(tmp_path / "b", Precision.FP32)) as bundle:
        assert integer_products(operator_times(bundle, calls=1, threads=1)) == 0


def test_a_runtime_that_computes_in_float_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        kernels, "operator_times", lambda bundle, calls, runtime: [OperatorTime("graph", "MatMul", 1.0, 48)]
    )
    with (
        read_bundle(made(tmp_path / "b")) as bundle,
        pytest.raises(NotQuantized, match=r"Only 0 of \d+ integer products of a supervision step"),
    ):
        kernels.prove_kernels(bundle)


def test_another_processors_kernels_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    chosen = QuantizationOptions(optimize_for="arm64")
    with read_bundle(made(tmp_path / "b", quantization=chosen)) as bundle:
        assert "no arm64 machine" in kernels.prove_kernels(bundle)


def test_the_table(cli: Any, tmp_path: Path) -> None:
    bundle = made(tmp_path / "b")
    outcome = cli("profile", bundle, "--operators", "--calls", "1", "--top", "3", "--json", tmp_path / "times.json")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert len(lines) == 1 + 3 + 1
    assert lines[-1].startswith("matrix products take ")
    document = json.loads((tmp_path / "times.json").read_text(encoding="utf-8"))
    assert {"method", "operator", "microseconds", "count"} == set(document["operators"][0])
    printed = cli("profile", bundle, "--operators", "--calls", "1", "--json", "-")
    assert json.loads(printed.out)["bundle"] == "sudoku-4x4.w8a8.onnx-step"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operators", "--threads", "1,2"], "takes one number of --threads"),
        (["--operators", "--calls", "0"], "calls = 0: measure at least one"),
        (["--operators", "--method", "heads"], "has no methods"),
    ],
)
def test_bad_requests(cli: Any, tmp_path: Path, arguments: list[str], message: str) -> None:
    outcome = cli("profile", made(tmp_path / "b", Precision.FP32), *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
