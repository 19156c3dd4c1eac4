from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from trm_edge.model.checkpoint import Checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel

BuildModel = Callable[..., RecursiveModel]


@pytest.fixture(scope="session")
def build_model() -> BuildModel:
    """Build a small random model whose recursion contracts.

    Untrained recursive models are chaotic: after a few steps rounding errors would be all there is to compare.
    """

    def build(**changes: Any) -> RecursiveModel:
        torch.manual_seed(0)
        settings: dict[str, Any] = {
            **{"vocab_size": 6, "seq_len": 16, "hidden_size": 16, "num_heads": 2, "H_cycles": 2, "L_cycles": 2},
            **changes,
        }
        model = RecursiveModel(ModelConfig(**settings)).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "_level." in name:
                    parameter.mul_(0.5)
            torch.nn.init.normal_(model.q_head.weight)
            torch.nn.init.normal_(model.q_head.bias)
            if model.puzzle_emb is not None:
                torch.nn.init.normal_(model.puzzle_emb.weight)
        return model

    return build


@pytest.fixture
def checkpoint(build_model: BuildModel) -> Checkpoint:
    """A model for 4x4 Sudoku without a puzzle embedding."""
    return Checkpoint(build_model(), "sudoku-4x4")


@pytest.fixture
def puzzle_checkpoint(build_model: BuildModel) -> Checkpoint:
    """A model for 4x4 Sudoku with 20 puzzle embeddings."""
    return Checkpoint(build_model(num_puzzle_identifiers=20, puzzle_emb_ndim=16), "sudoku-4x4")
