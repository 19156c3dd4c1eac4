"""A training run as its folder holds it, of any length and without any training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from trm_edge.train.evaluations import GroupScore, HeldOut, Score, append_evaluation
from trm_edge.train.run_file import announced

RunFolder = Callable[..., Path]


def evaluation(exact: float, *labels: str) -> HeldOut:
    """Of 100 puzzles, in groups of equal size."""
    halting = (40, 30, 20, 10)
    by_step = (exact / 4, exact / 2, exact, exact)
    groups = [GroupScore("givens", name, Score(50, exact, exact, 2.0, halting, by_step)) for name in labels]
    return HeldOut(Score(100, exact, 0.9 * exact, 2.0, halting, by_step), 0.9, tuple(groups))


@pytest.fixture
def run_folder(tmp_path: Path) -> RunFolder:
    """A function that writes a run: ``lines`` of its log, 10 steps apart, and the steps of its evaluations."""

    def write(lines: int, *, evaluations: tuple[int, ...] = (), steps: int | None = None, name: str = "a-run") -> Path:
        folder = tmp_path / name
        with announced(folder, {"task": "sudoku-4x4", "steps": steps or 10 * lines, "model": {"hidden_size": 8}}):
            pass
        rows = ["step,minutes,lr,loss,token_loss,exact,cells,halting_steps,q_accuracy,grad_norm,held_out_exact"]
        for number in range(1, lines + 1):
            loss = 2 * math.exp(-number / lines) + 0.1 * (number % 3)
            rows.append(f"{10 * number},{number / 2},0.0005,{loss:.6g},{loss / 2:.6g},0.5,0.75,2.5,0.95,1.5,")
        (folder / "log.csv").write_text("\n".join(rows) + "\n")
        for step in evaluations:
            append_evaluation(folder, step, evaluation(step / (20 * lines), "few givens", "many givens"))
        return folder

    return write
