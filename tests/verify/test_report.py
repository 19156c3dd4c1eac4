from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from trm_edge.bundle import Bundle
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes import Session, open_session
from trm_edge.runtimes.torch_eager import TorchEagerSession
from trm_edge.specs import GraphVariant, Precision
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify import report
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import Verification, verify_bundle
from trm_edge.verify.parity import compare

Case = tuple[Verification, Bundle, Session, Session]


@pytest.fixture
def case(export: Callable[[GraphVariant], Bundle], model: RecursiveModel, task: Task, puzzles: list[Puzzle]) -> Case:
    bundle = export(GraphVariant.STEP)
    session, reference = (
        open_session(bundle, threads=1),
        TorchEagerSession.from_model(model, task.id, name="tiny", threads=1),
    )
    bounds = DEFAULT_BOUNDS[Precision.FP32]
    return verify_bundle(bundle, session, bounds, reference=reference, puzzles=puzzles), bundle, session, reference


def shown(found: Verification, bundle: Bundle) -> str:
    console = Console(file=StringIO(), width=80)
    for line in report.lines(found, bundle):
        console.print(line, soft_wrap=isinstance(line, str), highlight=False, markup=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_json_holds_everything(case: Case) -> None:
    document = json.loads(json.dumps(report.to_dict(*case), allow_nan=False))
    assert document["passed"] is True
    assert document["violations"] == []
    assert document["against"] == "tiny"
    assert document["bundle"]["graph"] == "step"
    assert len(document["bundle"]["model_sha256"]) == 64
    assert document["environment"]["runtime"] == "onnxruntime"
    assert {"trm-edge", "python", "numpy", "onnxruntime", "torch"} <= document["versions"].keys()
    assert document["golden"]["puzzles"] == 4
    parity = document["parity"]
    assert [row["step"] for row in parity["trajectory"]] == [row["step"] for row in parity["local"]] == [1, 2, 3]
    assert parity["local"][0]["carries"].keys() == {"z_H", "z_L"}
    assert sum(cell["puzzles"] for cell in parity["confusion"]) == parity["puzzles"] == 5
    assert parity["answer_agreement"] == 1
    assert document["bounds"]["max_logits_error"] == 1e-3
    assert sum(row["of_bundle"] for row in parity["halting"]) == 5
    assert parity["judged"] == 5
    assert parity["float_accuracy"] == parity["bundle_accuracy"]
    assert (parity["drop"], parity["lost"], parity["gained"]) == (0, 0, 0)
    assert parity["carry_cosine"] > 0.999999
    assert [check["bound"] for check in document["checks"]] == [
        "min_answer_agreement",
        "min_halting_agreement",
        "max_logits_error",
        "min_carry_cosine",
        "min_answer_agreement",
        "min_halting_agreement",
        "max_drop",
    ]
    assert all(check["kept"] for check in document["checks"])


def test_without_a_float_model_there_is_no_parity(case: Case) -> None:
    found, bundle, session, _ = case
    alone = replace(found, parity=None)
    document = report.to_dict(alone, bundle, session)
    assert document["parity"] is None
    assert document["against"] is None
    assert "torch" not in document["versions"]
    assert "the float model was not compared: pass --against" in shown(alone, bundle)


def test_numbers_that_json_lacks_become_null(case: Case) -> None:
    found, bundle, session, reference = case
    assert found.parity is not None
    broken = tuple(replace(error, logits_max=np.nan) for error in found.parity.local)
    document = report.to_dict(replace(found, parity=replace(found.parity, local=broken)), bundle, session, reference)
    json.dumps(document, allow_nan=False)
    assert document["parity"]["logits_error"] is None
    assert document["passed"] is False


def test_the_summary_fits_into_a_manifest(case: Case) -> None:
    _, bundle, *_ = case
    kept: dict[str, Any] = report.summary(report.to_dict(*case))
    assert kept["passed"] is True
    assert (kept["puzzles"], kept["steps"], kept["golden_answers"]) == (5, 3, 4)
    assert kept["float_accuracy"] == kept["bundle_accuracy"]
    assert kept["local_carry_cosine"] > 0.999999
    assert replace(bundle.manifest, parity=kept).to_json()


def test_tables_are_whole_on_a_narrow_terminal(case: Case) -> None:
    found, bundle, *_ = case
    text = shown(found, bundle)
    assert "…" not in text
    assert "each side on its own carry" in text
    assert "single steps from the float model's carry" in text
    assert "identical answers at the halting step: 5 of 5" in text
    assert "puzzles that halt at a step" in text
    assert "right answers at the halting step: float model" in text
    assert "all bounds are kept" in text


def test_what_differs_is_said_in_words(case: Case) -> None:
    found, bundle, *_ = case
    assert found.parity is not None
    parity = replace(found.parity, confusion={(1, 1): 3, (2, 3): 2}, halting_steps=3, answers=4)
    text = shown(replace(found, parity=parity), bundle)
    assert "float model halts at step 2, bundle at step 3: 2" in text
    assert "NOT KEPT: answer agreement 80 %, at least 100 % needed" in text
    assert "all bounds are kept" not in text


def test_the_chart_draws_both_ways_to_look_at_depth(case: Case) -> None:
    found, *_ = case
    assert found.parity is not None
    root = ElementTree.fromstring(report.depth_chart(found.parity, "tiny"))
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert [len(line.attrib["points"].split()) for line in lines] == [3] * (3 + 2 + 4 + 4 + 2 + 2)


def test_charts_hold_what_was_measured(case: Case) -> None:
    found, *_ = case
    assert found.parity is not None
    charts = {chart.title: chart for chart in report.depth_charts(found.parity)}
    own, halting = found.parity.trajectory, found.parity.halting_table()
    turned = {line.name: [y for _, y in line.points] for line in charts["Carry: 1 - lowest cosine"].lines}
    assert turned["z_L, own carry"] == [1 - e.carries["z_L"].cosine for e in own]
    assert [y for _, y in charts["Halting logit"].lines[0].points] == [e.q_halt_max for e in own]
    halts = charts["Where puzzles halt"].lines[0].points
    assert [x for x, _ in halts] == [1, 2, 3], "steps at which none halts are drawn, too"
    assert {x: y for x, y in halts if y} == {row.step: row.of_float for row in halting}
    assert [chart.logarithmic for chart in charts.values()] == [True] * 4 + [False] * 2


def test_a_graph_without_a_carry_has_no_charts_of_it(
    export: Callable[[GraphVariant], Bundle], model: RecursiveModel, task: Task, puzzles: list[Puzzle]
) -> None:
    reference = TorchEagerSession.from_model(model, task.id, threads=1)
    with export(GraphVariant.LOOP) as bundle, open_session(bundle, threads=1) as session:
        parity = compare(reference, session, task, puzzles)
    titles = [chart.title for chart in report.depth_charts(parity)]
    assert titles == ["Logits", "Halting logit", "Cells answered differently", "Where puzzles halt"]
    assert [table.heads[-1] for table in report.depth_tables(parity)][:2] == ["cells\ndiffer"] * 2
