from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trm_edge.bundle import Bundle, GoldenVectors
from trm_edge.runtimes import open_session
from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import GraphVariant
from trm_edge.verify.golden import check_golden

Fake = Callable[..., FakeSession]
Script = dict[str, np.ndarray]


@pytest.fixture
def vectors(script: Script) -> GoldenVectors:
    halting = np.array([1, 2, 3, 3, 3])
    return GoldenVectors(
        tokens=script["tokens"],
        puzzle_ids=np.zeros(5, np.int32),
        answers=script["answers"][halting - 1, np.arange(5)],
        last_answers=script["answers"][-1],
        halting_steps=halting,
        q_halt=script["q_halt"],
    )


@pytest.mark.parametrize("graph", GraphVariant)
@pytest.mark.parametrize("fixed_batch", [None, 2])
def test_a_true_replay_agrees(fake: Fake, vectors: GoldenVectors, graph: GraphVariant, fixed_batch: int | None) -> None:
    report = check_golden(fake(graph, fixed_batch=fixed_batch), vectors)
    assert (report.puzzles, report.answers, report.last_answers, report.halting_steps) == (5, 5, 5, 5)
    assert report.q_halt_error == (0.0, 0.0, 0.0)
    assert report.answer_agreement == report.halting_agreement == 1.0
    assert str(report) == "5 of 5 answers and 5 of 5 halting steps equal, halting logits within 0.0e+00"


@pytest.mark.parametrize("graph", GraphVariant)
def test_a_wrong_cell_is_counted(fake: Fake, script: Script, vectors: GoldenVectors, graph: GraphVariant) -> None:
    answers = script["answers"].copy()
    answers[1, 1, 0] = 0  # where puzzle 1 halts, and only there
    report = check_golden(fake(graph, answers=answers), vectors)
    assert (report.answers, report.last_answers, report.halting_steps) == (4, 5, 5)
    assert report.answer_agreement == 0.8


@pytest.mark.parametrize("graph", GraphVariant)
def test_halting_late_is_counted(fake: Fake, script: Script, vectors: GoldenVectors, graph: GraphVariant) -> None:
    q_halt = script["q_halt"].copy()
    q_halt[0, 0] = -0.5
    report = check_golden(fake(graph, q_halt=q_halt), vectors)
    assert (report.answers, report.halting_steps) == (5, 4)
    assert report.q_halt_error == (2.5, 0.0, 0.0)


@pytest.mark.parametrize("graph", GraphVariant)
def test_an_exported_bundle_proves_itself(export: Callable[[GraphVariant], Bundle], graph: GraphVariant) -> None:
    with export(graph) as bundle, open_session(bundle, threads=1) as session:
        report = check_golden(session, bundle.golden())
    assert report.answers == report.halting_steps == report.puzzles == 4
    assert 0 <= max(report.q_halt_error) < 1e-3


def test_the_module_needs_no_framework(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import trm_edge.verify.check, trm_edge.verify.report, trm_edge.verify.accuracy_report, sys;"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
