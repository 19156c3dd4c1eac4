from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import GOLDEN, GoldenVectors, Halting, Manifest, read_bundle, write_bundle
from trm_edge.errors import InvalidInput
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.solve.solver import default_policy
from trm_edge.tasks import get_task
from trm_edge.tune.winner import threshold, write_winner

STEPS = 4
Q_HALT = np.array([[-3.0, -3.0, 2.0], [1.0, -3.0, 3.0], [2.0, -3.0, 3.0], [3.0, -3.0, 3.0]], np.float32)
LATENCY = {"p50_ms": 1.0}


@pytest.fixture
def manifest() -> Manifest:
    task = get_task("sudoku-4x4")
    tokens = np.stack([task.encode(task.generate(np.random.default_rng(n)).question) for n in range(3)])
    answers = np.stack([tokens] * STEPS)
    return FakeSession.scripted(tokens, Q_HALT, answers, vocab_size=task.vocab_size, task=task.id).manifest


@pytest.fixture
def vectors() -> GoldenVectors:
    """Three puzzles that halt at steps 2, 4 (never) and 1; answers are the number of the step."""
    tokens = np.ones((3, 16), np.int32)
    halting = np.array([2, 4, 1], np.int32)
    answers = np.tile(halting[:, None], 16)
    return GoldenVectors(tokens, np.zeros(3, np.int32), answers, np.full((3, 16), 4, np.int32), halting, Q_HALT)


@pytest.fixture
def bundle(tmp_path: Path, manifest: Manifest, vectors: GoldenVectors) -> Path:
    made = replace(manifest, steps=STEPS, halting=Halting("act", 0.0, 1, STEPS), parity={"kept": True})
    return write_bundle(tmp_path / "old", made, {"model.onnx": b"graph", GOLDEN: vectors.to_json().encode()})


@pytest.fixture
def written(bundle: Path, tmp_path: Path) -> Callable[..., tuple[Manifest, GoldenVectors | None]]:
    def write(policy: str, budget: int, **options: Any) -> tuple[Manifest, GoldenVectors | None]:
        has_golden = write_winner(tmp_path / "new", bundle, policy, budget, latency=LATENCY, **options)
        with read_bundle(tmp_path / "new") as opened:
            assert opened.model_bytes() == b"graph"
            assert (GOLDEN in opened.manifest.files) is has_golden
            return opened.manifest, opened.golden() if has_golden else None

    return write


@pytest.mark.parametrize("policy", ["act", "act:threshold=2.0", "act:threshold=-4.0", "fixed:3", "fixed:1"])
def test_the_policy_is_what_a_solver_then_follows(
    written: Callable[..., tuple[Manifest, GoldenVectors | None]], policy: str
) -> None:
    manifest, _ = written(policy, 3)
    assert str(default_policy(manifest)) == policy
    assert manifest.halting.max_steps == 3
    assert manifest.latency == ({"p50_ms": 1.0},)
    assert Solver(FakeSession(manifest), get_task(manifest.task)).budget == 3


def test_a_report_of_parity_under_another_policy_is_dropped(
    written: Callable[..., tuple[Manifest, GoldenVectors | None]],
) -> None:
    assert written("act", STEPS)[0].parity == {"kept": True}
    assert written("act", 3, overwrite=True)[0].parity is None


def test_golden_vectors_whose_new_answer_is_known_are_kept(
    written: Callable[..., tuple[Manifest, GoldenVectors | None]],
) -> None:
    _, golden = written("act:threshold=2.5", STEPS)
    assert golden is not None  # the first halts at 4 instead of 2, the second at the end, the third at 2: not known
    assert golden.halting_steps.tolist() == [4, 4]
    assert golden.answers[:, 0].tolist() == [4, 4]


def test_a_fixed_number_of_steps_keeps_those_that_halted_there(
    written: Callable[..., tuple[Manifest, GoldenVectors | None]],
) -> None:
    _, golden = written("fixed:2", 2)
    assert golden is not None
    assert golden.halting_steps.tolist() == [2]
    assert golden.answers[:, 0].tolist() == [2]
    _, none = written("fixed:3", 3, overwrite=True)
    assert none is None


def test_golden_vectors_made_anew_take_their_place(
    written: Callable[..., tuple[Manifest, GoldenVectors | None]], vectors: GoldenVectors
) -> None:
    new = replace(vectors, q_halt=vectors.q_halt[:3], halting_steps=np.array([2, 3, 1]))
    manifest, golden = written("act", 3, vectors=new)
    assert golden is not None
    assert golden.halting_steps.tolist() == [2, 3, 1]
    assert manifest.steps == 3


def test_a_bundle_is_not_replaced_unasked(bundle: Path) -> None:
    with pytest.raises(InvalidInput, match="exists already"):
        write_winner(bundle, bundle, "act", 4, latency=LATENCY)
    with read_bundle(bundle) as opened:
        assert opened.manifest.latency == ()


def test_thresholds() -> None:
    assert threshold("act") == 0
    assert threshold("act:threshold=-1.5") == -1.5
    assert threshold("fixed:3") == np.inf
