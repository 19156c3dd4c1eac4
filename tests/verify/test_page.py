from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from trm_edge.bundle import Bundle
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes import open_session
from trm_edge.runtimes.torch_eager import TorchEagerSession
from trm_edge.specs import GraphVariant, Precision
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify import page, report
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.check import Verification, verify_bundle

Made = tuple[Verification, dict[str, object]]


@pytest.fixture(params=GraphVariant)
def made(
    request: pytest.FixtureRequest,
    export: Callable[[GraphVariant], Bundle],
    model: RecursiveModel,
    task: Task,
    puzzles: list[Puzzle],
) -> Made:
    reference = TorchEagerSession.from_model(model, task.id, name="<tiny>", threads=1)
    with export(request.param) as bundle, open_session(bundle, threads=1) as session:
        found = verify_bundle(bundle, session, DEFAULT_BOUNDS[Precision.FP32], reference=reference, puzzles=puzzles)
        return found, report.to_dict(found, bundle, session, reference)


def test_the_page_holds_everything(made: Made) -> None:
    found, document = made
    assert found.parity is not None
    text = page.to_html(found, document)
    assert "All bounds are kept" in text
    for heading in ("Bounds", "Golden vectors", "Against the float model", "Error against depth", "Circumstances"):
        assert f"<h2>{heading}</h2>" in text
    charts = len(report.depth_charts(found.parity))
    assert text.count("<svg ") == text.count("<figcaption>") == charts
    assert text.count("<table>") == 4
    assert "Compared with &lt;tiny&gt;: 5 puzzles, 3 steps" in text
    assert "<dt>onnxruntime</dt>" in text


def test_a_broken_bound_is_the_verdict(made: Made) -> None:
    found, document = made
    assert found.parity is not None
    worse = replace(found, parity=replace(found.parity, answers=4, halting_steps=0))
    text = page.to_html(worse, document)
    assert "2 of 7 bounds not kept" in text
    assert "<li>answer agreement 80 %, at least 100 % needed</li>" in text
    assert '<td class="word">NO</td>' in text


def test_without_a_float_model_there_is_a_page_too(made: Made) -> None:
    found, document = made
    text = page.to_html(replace(found, parity=None), document)
    assert "<h2>Golden vectors</h2>" in text
    assert "<svg" not in text
