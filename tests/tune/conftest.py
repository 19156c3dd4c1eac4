"""Samples and options by hand, and a tiny model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from trm_edge.model.checkpoint import Checkpoint, save_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.profile.samples import Run, Samples, Solve, Whole
from trm_edge.tune.exporting import Model
from trm_edge.tune.wish import Option

MakeSamples = Callable[..., Samples]
MakeOption = Callable[..., Option]


@pytest.fixture
def make_samples() -> MakeSamples:
    """Samples of puzzles that are right, and halt, from a step on; a step takes ``step_ms``."""

    def make(
        name: str = "side",
        *,
        right_from: Sequence[int] = (1, 2, 3),
        halts_from: Sequence[int] | None = None,
        steps: int = 4,
        step_ms: Sequence[float] = (1.0, 1.0),
        graph: str = "step",
    ) -> Samples:
        """``step_ms``: one a round."""
        halts = right_from if halts_from is None else halts_from
        rounds = tuple(
            tuple(
                Run(
                    number,
                    (ms / 1e3,) * steps,
                    tuple(0.5 if step >= halt else -9.0 for step in range(1, steps + 1)),
                    tuple(step >= right for step in range(1, steps + 1)),
                )
                for number, (right, halt) in enumerate(zip(right_from, halts, strict=True))
            )
            for ms in step_ms
        )
        whole = tuple(
            tuple(
                Solve(number, halt * ms / 1e3, halt, halt >= right)
                for number, (right, halt) in enumerate(zip(right_from, halts, strict=True))
            )
            for ms in step_ms
        )
        return Samples(
            name=name,
            task="sudoku-4x4",
            format="onnx",
            graph=graph,
            precision="fp32",
            target="cpu",
            evidence="hardware",
            runtime="fake",
            provider="script",
            threads=1,
            batch=1,
            runs=rounds if graph == "step" else (),
            whole=(Whole("act", steps, whole),),
        )

    return make


@pytest.fixture
def make_option() -> MakeOption:
    def make(ms: float, right: int, judged: int = 100, *, side: str = "side", policy: str = "act") -> Option:
        return Option(side, policy, 16, right, judged, (ms,) * judged, 1.0)

    return make


@pytest.fixture
def model(tmp_path: Path) -> Model:
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=1)
    checkpoint = Checkpoint(RecursiveModel(config).eval(), "sudoku-4x4")
    save_checkpoint(tmp_path / "tiny.safetensors", checkpoint.model, "sudoku-4x4")
    return Model("tiny", tmp_path / "tiny.safetensors", checkpoint)
