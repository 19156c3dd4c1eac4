from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import InvalidConfig
from trm_edge.tasks import get_task
from trm_edge.train import recipe as module
from trm_edge.train.recipe import Recipe, load_recipe, recipe_from_dict, recipe_names

LEAST: dict[str, Any] = {"task": "sudoku-4x4", "model": {"hidden_size": 16}, "steps": 100}


@pytest.mark.parametrize("name", recipe_names())
def test_the_bundled_recipes_make_models(name: str) -> None:
    recipe = load_recipe(name)
    task = get_task(recipe.task)
    config = recipe.model_config(vocab_size=task.vocab_size, seq_len=task.seq_len)
    assert (config.vocab_size, config.seq_len) == (task.vocab_size, task.seq_len)
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict())), source="itself") == recipe


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('task = "sudoku-4x4"\nsteps = 5\nbetas = [0.8, 0.9]\n[model]\nhidden_size = 8\n')
    recipe = load_recipe(str(path))
    assert (recipe.steps, recipe.betas, recipe.model) == (5, (0.8, 0.9), {"hidden_size": 8})
    with pytest.raises(FrozenInstanceError):
        recipe.steps = 6  # type: ignore[misc]


def test_changes_leave_out_what_is_none() -> None:
    recipe = Recipe(**LEAST).changed(steps=7, seed=None, compile=False)
    assert (recipe.steps, recipe.seed, recipe.compile) == (7, 0, False)
    with pytest.raises(InvalidConfig, match="steps = 0"):
        recipe.changed(steps=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", 1.5),
        ("steps", True),
        ("batch_size", "64"),
        ("lr", -1.0),
        ("lr", float("nan")),
        ("lr_other", 11),
        ("betas", 0.9),
        ("betas", [0.9]),
        ("betas", ["a", "b"]),
        ("betas", [0.9, 1.0]),
        ("weight_decay", -0.1),
        ("clip", "none"),
        ("warmup", -1),
        ("schedule", "cosin"),
        ("schedule", 5),
        ("decay_from", 1.1),
        ("ema", 2),
        ("loss", "stablemx"),
        ("reveal", [0.5, 0.1]),
        ("reveal", [0.0, 1.5]),
        ("reveal", ["a", 1]),
        ("generate", 0),
        ("generate_options", 5),
        ("augment", "yes"),
        ("compile", 1),
        ("seed", -1),
        ("seed", 1 << 31),
        ("model", 3),
        ("model", {"vocab_size": 5}),
        ("task", 5),
    ],
)
def test_a_bad_value_is_named_with_its_file(name: str, value: Any) -> None:
    with pytest.raises(InvalidConfig, match=f"mine.toml: .*{name}") as refused:
        recipe_from_dict({**LEAST, name: value}, source="mine.toml")
    assert "\n" not in str(refused.value)


def test_unknown_and_missing_settings_are_named() -> None:
    with pytest.raises(InvalidConfig, match=r"Unknown setting 'step'.*Did you mean 'steps'\?"):
        recipe_from_dict({**LEAST, "step": 1}, source="x")
    for name in LEAST:
        with pytest.raises(InvalidConfig, match=f"'{name}' is missing"):
            recipe_from_dict({key: value for key, value in LEAST.items() if key != name}, source="x")
    with pytest.raises(InvalidConfig, match="Unknown model setting 'hidden'"):
        Recipe(**{**LEAST, "model": {"hidden": 4}}).model_config(vocab_size=6, seq_len=16)


def test_a_recipe_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidConfig, match=r"Unknown recipe 'sudoku-9x8'.*Did you mean 'sudoku-9x9'\?"):
        load_recipe("sudoku-9x8")
    path = tmp_path / "x.toml"
    with pytest.raises(InvalidConfig, match="No recipe at"):
        load_recipe(str(path))
    path.write_bytes(b"steps = \xff")
    with pytest.raises(InvalidConfig, match="not a TOML file"):
        load_recipe(str(path))
    path.write_text("steps = ")
    with pytest.raises(InvalidConfig, match="not a TOML file"):
        load_recipe(str(path))
    monkeypatch.setattr(module, "MAX_BYTES", 4)
    with pytest.raises(InvalidConfig, match="larger than 4 bytes"):
        load_recipe(str(path))


def test_learning_rates() -> None:
    def scales(*steps: int, **settings: Any) -> list[float]:
        recipe = Recipe(**{**LEAST, **settings})
        return [round(recipe.lr_scale(step), 6) for step in steps]

    assert scales(0, 99) == [1, 1]
    assert scales(0, 4, 9, 50, warmup=10) == [0.1, 0.5, 1, 1]
    half = {"decay_from": 0.5, "lr_min_ratio": 0.2}
    assert scales(0, 50, 75, 100, 200, schedule="linear", **half) == [1, 1, 0.6, 0.2, 0.2]
    assert scales(50, 75, 100, schedule="cosine", **half) == [1, 0.6, 0.2]


def test_the_average_soon_forgets_where_the_weights_began() -> None:
    recipe = Recipe(**LEAST).changed(ema=0.999)
    kept = 1.0
    for step in range(1, 101):
        kept *= recipe.ema_decay(step)
    assert kept < 1e-9
    assert recipe.ema_decay(20_000) == 0.999
    assert recipe.changed(ema=0.0).ema_decay(5) == 0.0
