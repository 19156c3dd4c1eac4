"""Two processes under ``torchrun`` on this machine (gloo), against one."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trm_edge.errors import InvalidInput
from trm_edge.train.data import Puzzles
from trm_edge.train.loop import Limits, train
from trm_edge.train.ranks import Ranks, joined
from trm_edge.train.recipe import Recipe
from trm_edge.train.shards import read_shards
from trm_edge.train.state import newest_state

ROOT = Path(__file__).parents[2]


def write_recipe(path: Path, recipe: Recipe) -> Path:
    settings = {name: value for name, value in recipe.to_dict().items() if value is not None}
    model = settings.pop("model")
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines += ["[model]", *(f"{name} = {json.dumps(value)}" for name, value in model.items())]
    path.write_text("\n".join(lines))
    return path


def torchrun(*arguments: object) -> str:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "trm_edge"]
    found = subprocess.run(
        [*command, "train", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def losses(out: Path) -> list[list[float]]:
    names = ("loss", "token_loss", "exact", "cells", "halting_steps", "q_accuracy", "grad_norm", "held_out_exact")
    with (out / "log.csv").open(newline="") as file:
        return [[float(row[name] or 0) for name in names] for row in csv.DictReader(file)]


@pytest.mark.parametrize("batch", [8, 7])
def test_two_processes_train_the_model_that_one_trains(
    recipe: Recipe, puzzles: Puzzles, tmp_path: Path, batch: int
) -> None:
    """Even and uneven shares, in two parts each; then one process goes on with what two began."""
    recipe = recipe.changed(batch_size=batch, accumulate=2, halt_exploration_prob=0.5, steps=10)
    alone, together = tmp_path / "alone", tmp_path / "together"
    limits = Limits(log_every=50)
    train(recipe.changed(steps=6), puzzles, alone, limits=limits, held_out=puzzles)
    held_out = tmp_path / "held_out.csv"
    rows = [
        ",".join(puzzles.task.format(puzzles.task.decode(grid)) for grid in (puzzles.inputs[n], puzzles.labels[n]))
        for n in range(len(puzzles))
    ]
    held_out.write_text("\n".join(["question,answer", *rows]))
    file = write_recipe(tmp_path / "recipe.toml", recipe)
    output = torchrun("--recipe", file, "--steps", 6, "--out", together, "--eval-data", held_out, "--device", "cpu")
    assert output.startswith(f"{together / 'model.safetensors'}: 6 of 6 steps, ")
    assert output.count("model.safetensors") == 1, "only the first process speaks"
    for ours, theirs in zip(losses(together), losses(alone), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)

    for out in (alone, together):
        assert train(recipe, puzzles, out, limits=limits).step == 10
    saved, wanted = (read_shards(newest_state(out) or out)[0] for out in (together, alone))
    assert saved.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(saved[name], value, rtol=1e-2, atol=1e-3)


def test_shares_cover_a_batch() -> None:
    for size in (1, 2, 3, 5):
        shares = [Ranks(rank, size).rows(7) for rank in range(size)]
        assert [n for share in shares for n in range(7)[share]] == list(range(7))


def test_one_device_for_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with (
        pytest.raises(InvalidInput, match=r"cuda:1 is one device for 2 processes\. Write cuda"),
        joined(torch.device("cuda:1")),
    ):
        pass


def test_alone_there_is_nothing_to_join() -> None:
    with joined(torch.device("cpu")) as (ranks, device):
        assert (ranks, device.type) == (Ranks(), "cpu")
