"""A rehearsal of every bundled recipe: its first steps, on few rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.tasks import get_task
from trm_edge.train.data import generate_puzzles
from trm_edge.train.loop import train
from trm_edge.train.recipe import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_takes_its_first_steps(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    recipe = recipe.changed(steps=2, batch_size=2, accumulate=min(2, recipe.accumulate), warmup=1, compile=False)
    puzzles = generate_puzzles(get_task(recipe.task), 4, 0)
    state = train(recipe, puzzles, tmp_path)
    assert state.step == 2
    assert (tmp_path / "model.safetensors").stat().st_size <= 16 << 20
    assert load_checkpoint(tmp_path / "model.safetensors").task == recipe.task
