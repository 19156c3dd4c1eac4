"""States stored in integers are compared as what they mean; the graph is an NPU's, run by the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import read_bundle
from trm_edge.runtimes import open_session
from trm_edge.solve import Solver
from trm_edge.specs import Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many
from trm_edge.verify.parity import compare
from trm_edge.verify.steps import Batch, one_step, supervision_steps

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

TASK = get_task("sudoku-4x4")
TINY = Path(__file__).parents[1] / "fixtures" / "tiny" / "mlp.safetensors"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from trm_edge.export.calibration import CalibrationOptions
    from trm_edge.export.options import ExportOptions
    from trm_edge.export.pipeline import export_bundle
    from trm_edge.export.planning import QuantizationOptions
    from trm_edge.model.checkpoint import load_checkpoint
    from trm_edge.runtimes.torch_eager import TorchEagerSession

    checkpoint = load_checkpoint(TINY)
    options = ExportOptions(
        target="qualcomm-npu",
        precision=Precision.W8A16,
        steps=4,
        golden=2,
        quantization=QuantizationOptions(calibration=CalibrationOptions(samples=16)),
    )
    path = export_bundle(checkpoint, options, tmp_path_factory.mktemp("npu") / "bundle", name="tiny")
    reference = TorchEagerSession.from_model(checkpoint.model, checkpoint.task, name="tiny", threads=1)
    with read_bundle(path) as bundle, open_session(bundle, target="cpu", threads=1) as session:
        yield reference, session


def batch() -> Batch:
    (puzzle,) = generate_many(TASK, 1, 1)
    return Batch.of(TASK.encode(puzzle.question)[None].astype(np.int32), [0], width=1)


def test_steps_give_real_numbers_near_the_float_models(sides: Any) -> None:
    reference, session = sides
    assert {spec.dtype for spec in session.manifest.inputs} == {"int32", "uint16"}
    pairs = zip(*(supervision_steps(side, batch(), 3) for side in (reference, session)), strict=True)
    for expected, given in pairs:
        for name, state in given.carry.items():
            assert state.dtype == np.float32
            theirs = expected.carry[name]
            assert (state * theirs).sum() > 0.999 * np.linalg.norm(state) * np.linalg.norm(theirs)


def test_a_step_starts_from_the_float_models_carry(sides: Any) -> None:
    reference, session = sides
    carry = next(iter(supervision_steps(reference, batch(), 1))).carry
    expected, given = one_step(reference, batch(), carry), one_step(session, batch(), carry)
    np.testing.assert_array_equal(given.answers, expected.answers)


def test_a_comparison_and_a_solver_run(sides: Any) -> None:
    reference, session = sides
    puzzles = list(generate_many(TASK, 12, 2))
    report = compare(reference, session, TASK, puzzles)
    assert report.carry_cosine is not None
    assert report.carry_cosine > 0.999
    assert report.answers >= 11
    solutions = list(Solver(session, TASK).solve_many(puzzles))
    assert sum(bool(solution.solved) for solution in solutions) >= report.float_right - 1
