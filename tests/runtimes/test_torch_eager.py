from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trm_edge.model.config import ModelConfig  # noqa: E402
from trm_edge.model.network import RecursiveModel  # noqa: E402
from trm_edge.runtimes.torch_eager import TorchEagerSession  # noqa: E402


def model(**settings: Any) -> RecursiveModel:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": 6,
        "seq_len": 16,
        "hidden_size": 8,
        "L_layers": 1,
        "H_cycles": 1,
        "L_cycles": 2,
    }
    return RecursiveModel(ModelConfig(**{**sizes, "halt_max_steps": 5, **settings}))


@pytest.mark.parametrize("settings", [{}, {"num_puzzle_identifiers": 3, "puzzle_emb_ndim": 8}])
def test_steps_are_those_of_the_model(settings: dict[str, int]) -> None:
    net = model(**settings)
    with torch.no_grad():
        net.q_head.weight.normal_()
        if net.puzzle_emb is not None:
            net.puzzle_emb.weight.normal_()
    session = TorchEagerSession.from_model(net, "sudoku-4x4", threads=1)
    tokens = np.random.default_rng(0).integers(0, 6, (2, 16)).astype(np.int32)
    inputs = {"tokens": tokens, **session.initial_carry(2)}
    rows = torch.tensor([0, 2]) if settings else None
    if rows is not None:
        inputs["puzzle_ids"] = rows.numpy().astype(np.int32)
    z_H, z_L = net.initial_carry(2)
    for _ in range(3):
        outputs = session.infer(inputs)
        z_H, z_L, logits, q_halt = net.step(z_H, z_L, torch.from_numpy(tokens), rows)
        np.testing.assert_allclose(outputs["logits"], logits.numpy(), atol=1e-6)
        np.testing.assert_allclose(outputs["q_halt"], q_halt.numpy(), atol=1e-6)
        inputs |= {"z_H": outputs["z_H_next"], "z_L": outputs["z_L_next"]}


def test_manifest_describes_the_model() -> None:
    net = model(num_puzzle_identifiers=3, puzzle_emb_ndim=12)
    net.train()
    session = TorchEagerSession.from_model(net, "sudoku-4x4", name="mine")
    manifest = session.manifest
    assert not net.training
    assert (manifest.name, manifest.task, manifest.steps) == ("mine", "sudoku-4x4", 5)
    assert manifest.puzzles == (0, 1, 2)
    assert manifest.puzzle_prefix_len == 2
    assert manifest.model == net.config.to_dict()
    assert manifest.carry[0].init == tuple(net.H_init.tolist())


def test_one_puzzle_row_needs_no_input() -> None:
    session = TorchEagerSession.from_model(model(puzzle_emb_ndim=8), "sudoku-4x4")
    assert not session.manifest.takes_puzzle_ids
    assert session.puzzle_row(0) == 0
