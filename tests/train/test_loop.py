from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trm_edge.errors import InvalidCheckpoint, InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import load_checkpoint, load_tensors
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks import get_task
from trm_edge.train.data import Puzzles, generate_puzzles
from trm_edge.train.loop import Limits, save_model, start, train
from trm_edge.train.recipe import Recipe
from trm_edge.train.shards import read_shards
from trm_edge.train.state import TrainState, newest_state

ROOT = Path(__file__).parents[2]


def assert_equal_runs(one: Path, other: Path) -> None:
    """Bit for bit: weights, averaged weights, moments and carry."""
    for ours, theirs in (
        (read_shards(state_of(one))[0], read_shards(state_of(other))[0]),
        (load_tensors(one / "model.safetensors")[0], load_tensors(other / "model.safetensors")[0]),
    ):
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert torch.equal(value, theirs[key]), key


def state_of(out: Path) -> Path:
    """The one state folder of a run."""
    found = newest_state(out)
    assert found is not None
    assert [path for path in out.iterdir() if "state" in path.name] == [found]
    return found


def stop_at(step: int, number: signal.Signals) -> object:
    def on_step(state: TrainState, metrics: dict[str, float]) -> None:
        if state.step == step:
            os.kill(os.getpid(), number)

    return on_step


def logged(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_resumed_is_the_uninterrupted_run(
    recipe: Recipe, puzzles: Puzzles, tmp_path: Path, number: signal.Signals
) -> None:
    whole, parts, limits = tmp_path / "whole", tmp_path / "parts", Limits(log_every=1)
    assert train(recipe, puzzles, whole, limits=limits).step == 6
    handler = signal.getsignal(number)
    stopped = train(recipe, puzzles, parts, limits=limits, on_step=stop_at(3, number))  # type: ignore[arg-type]
    assert (stopped.step, stopped.stopped_by) == (3, number)
    assert signal.getsignal(number) is handler, "the host program gets its handler back"
    resumed = train(recipe, puzzles, parts, limits=limits)
    assert (resumed.step, resumed.stopped_by) == (6, 0)
    assert_equal_runs(whole, parts)
    for one, other in zip(logged(whole), logged(parts), strict=True):
        assert {**one, "minutes": ""} == {**other, "minutes": ""}


LIVES = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
import torch.utils.tensorboard  # once, and not in every life
from trm_edge.tasks import get_task
from trm_edge.train.data import generate_puzzles
from trm_edge.train.loop import Limits, train
from trm_edge.train.recipe import recipe_from_dict
from trm_edge.train.state import newest_state

def reached():
    found = newest_state(out)
    return 0 if found is None else int(found.name.partition("-")[2])

torch.set_num_threads(1)
recipe, out = recipe_from_dict(json.loads(sys.argv[1]), source="argument"), Path(sys.argv[2])
puzzles = generate_puzzles(get_task(recipe.task), 20, 0)
delays, before = random.Random(0), 0
for life in range(20):
    child = os.fork()  # quicker than a new interpreter; nothing was trained in this one
    if child == 0:
        train(recipe, puzzles, out, limits=Limits(save_every=0.0))
        os._exit(0)
    until = time.monotonic() + 60
    while reached() <= before and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(delays.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "it was still training"
    assert reached() > before, "every save is kept, whenever the kill came"
    before = reached()
print(before)
"""


def test_killed_twenty_times_a_run_is_the_uninterrupted_run(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    """kill -9 at random moments, most of them within a save; each life gets further than the one before."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    endless = json.dumps(recipe.changed(steps=10**6).to_dict())
    found = subprocess.run(
        [sys.executable, "-c", LIVES, endless, str(killed)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    longer = recipe.changed(steps=int(found.stdout) + 3)
    train(longer, puzzles, killed)
    train(longer, puzzles, whole)
    assert_equal_runs(whole, killed)


def test_the_model_holds_the_averaged_weights(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    state = train(recipe, puzzles, tmp_path)
    checkpoint = load_checkpoint(tmp_path / "model.safetensors")
    assert checkpoint.task == "sudoku-4x4"
    for name, value in checkpoint.model.named_parameters():
        assert torch.equal(value, state.ema[name])
    assert not torch.equal(checkpoint.model.lm_head.weight, state.model.lm_head.weight)
    raw = train(recipe.changed(ema=0.0), puzzles, tmp_path / "raw")
    weights = load_checkpoint(tmp_path / "raw" / "model.safetensors").model.lm_head.weight
    assert torch.equal(weights, raw.model.lm_head.weight)


def test_it_learns(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    losses: list[float] = []
    train(recipe.changed(steps=120), puzzles, tmp_path, on_step=lambda _, metrics: losses.append(metrics["token_loss"]))
    assert sum(losses[-20:]) < 0.75 * sum(losses[:20])


def test_rows_halt_at_the_budget_and_get_new_puzzles(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    """An untrained model never wants to halt: all rows are replaced every four steps."""
    seen: list[tuple[list[int], bytes]] = []

    def note(state: TrainState, metrics: dict[str, float]) -> None:
        seen.append((state.act.steps.tolist(), state.act.tokens.numpy().tobytes()))

    train(recipe.changed(lr=0.0, lr_other=0.0), puzzles, tmp_path, on_step=note)
    assert [steps for steps, _ in seen] == [[n] * 8 for n in (1, 2, 3, 4, 1, 2)]
    assert len({tokens for _, tokens in seen[:4]}) == 1
    assert seen[4][1] != seen[3][1]


def test_a_held_out_set_is_measured_on_schedule_and_at_the_end(
    recipe: Recipe, puzzles: Puzzles, tmp_path: Path
) -> None:
    def measured(name: str, limits: Limits) -> list[str]:
        train(recipe, puzzles, tmp_path / name, limits=limits, held_out=puzzles)
        return [row["step"] for row in logged(tmp_path / name) if row["held_out_exact"]]

    assert measured("every", Limits(eval_every=4)) == ["4", "6"]
    assert measured("end", Limits(eval_every=0)) == ["6"]


def test_time_is_a_limit_too(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    state = train(recipe.changed(steps=10**6), puzzles, tmp_path, limits=Limits(max_minutes=1e-3))
    assert 0 < state.step < 10**6
    assert state.stopped_by == 0
    with pytest.raises(InvalidInput, match="max_minutes"):
        Limits(max_minutes=0.0)


def test_another_recipe_does_not_resume(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    train(recipe, puzzles, tmp_path)
    before = contents(state_of(tmp_path))
    with pytest.raises(InvalidInput, match="batch_size = 8, now batch_size = 4"):
        train(recipe.changed(batch_size=4), puzzles, tmp_path)
    with pytest.raises(InvalidInput, match="trained on other puzzles"):
        train(recipe, generate_puzzles(puzzles.task, 21, 0), tmp_path)
    assert contents(state_of(tmp_path)) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_damaged_state_is_refused_and_kept(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    train(recipe, puzzles, tmp_path)
    path = state_of(tmp_path) / "part-000.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    damaged = path.read_bytes()
    with pytest.raises(InvalidCheckpoint, match=r"state-000000006 is damaged \(part-000"):
        train(recipe, puzzles, tmp_path)
    assert path.read_bytes() == damaged


def test_a_model_without_a_state_is_not_replaced(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"somebody's")
    with pytest.raises(InvalidInput, match="no state to resume from"):
        train(recipe, puzzles, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert (tmp_path / "model.safetensors").read_bytes() == b"somebody's"


def test_a_diverged_run_stops_and_saves_nothing(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    def poison(state: TrainState, metrics: dict[str, float]) -> None:
        torch.nn.init.constant_(state.model.lm_head.weight, float("nan"))

    with pytest.raises(TrmEdgeError, match="step 2: the run has diverged"):
        train(recipe, puzzles, tmp_path, on_step=poison)
    assert newest_state(tmp_path) is None


def test_a_new_run_begins_with_the_weights_of_another(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    """More recursion and more supervision steps than the weights were trained with, and no update at all."""
    train(recipe, puzzles, tmp_path / "first")
    weights = tmp_path / "first" / "model.safetensors"
    deeper = {**recipe.model, "L_cycles": 3, "halt_max_steps": 8}
    still = recipe.changed(model=deeper, lr=0.0, lr_other=0.0, weight_decay=0.0)
    train(still, puzzles, tmp_path / "second", init_from=weights)
    before = load_checkpoint(weights).model.state_dict()
    after = load_checkpoint(tmp_path / "second" / "model.safetensors").model.state_dict()
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    wider = recipe.changed(model={**recipe.model, "hidden_size": 32})
    with pytest.raises(InvalidInput, match=r"another shape than the recipe's model: size mismatch for"):
        train(wider, puzzles, tmp_path / "third", init_from=weights)
    with pytest.raises(InvalidCheckpoint, match="Cannot read"):
        train(recipe, puzzles, tmp_path / "third", init_from=tmp_path / "absent.safetensors")
    assert not (tmp_path / "third").exists()


def test_weights_of_small_mazes_begin_a_run_on_larger_ones(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    """Rotary positions by row and column fit every size; weights of another family of puzzles fit nothing."""

    def mazes(side: int, pos_encodings: str = "rope_2d") -> tuple[Recipe, Puzzles]:
        model = {"hidden_size": 16, "num_heads": 2, "mlp_t": False, "pos_encodings": pos_encodings}
        model |= {"grid_columns": side} if pos_encodings == "rope_2d" else {}
        chosen = recipe.changed(task=f"maze-{side}x{side}", model=model, lr=0.0, lr_other=0.0, weight_decay=0.0)
        return chosen, generate_puzzles(get_task(chosen.task), 8, 0)

    train(*mazes(4), tmp_path / "small")
    weights = tmp_path / "small" / "model.safetensors"
    train(*mazes(5), tmp_path / "large", init_from=weights)
    large = load_checkpoint(tmp_path / "large" / "model.safetensors")
    assert (large.task, large.model.config.seq_len) == ("maze-5x5", 25)
    for name, value in load_checkpoint(weights).model.state_dict().items():
        assert torch.equal(large.model.state_dict()[name], value), name
    with pytest.raises(InvalidInput, match="another shape than the recipe's model: Missing key"):
        train(*mazes(5, "learned"), tmp_path / "other", init_from=weights)
    with pytest.raises(InvalidInput, match=f"was trained for maze-4x4, the recipe is for {recipe.task}"):
        train(recipe, puzzles, tmp_path / "other", init_from=weights)


def test_a_small_state_goes_on_without_the_carry(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    train(recipe, puzzles, tmp_path / "whole")
    train(recipe, puzzles, tmp_path / "small", limits=Limits(small_state=True))
    sizes = [sum(map(len, contents(state_of(tmp_path / name)).values())) for name in ("small", "whole")]
    assert sizes[0] < 0.65 * sizes[1]
    tensors, _ = read_shards(state_of(tmp_path / "small"))
    assert not any(name.startswith("act.") for name in tensors)
    assert all(tensors[f"model.{name}"].dtype is torch.float32 for name in ("lm_head.weight", "H_init"))
    assert train(recipe.changed(steps=9), puzzles, tmp_path / "small").step == 9


def test_a_large_model_is_written_in_bfloat16(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    model = start(recipe, puzzles, torch.device("cpu")).model
    save_model(tmp_path / "small.safetensors", model, recipe.task)
    wide = RecursiveModel(replace(model.config, hidden_size=768))
    save_model(tmp_path / "large.safetensors", wide, recipe.task)
    assert (tmp_path / "large.safetensors").stat().st_size < 16 << 20 < 4 * sum(p.numel() for p in wide.parameters())
    assert torch.equal(load_checkpoint(tmp_path / "small.safetensors").model.lm_head.weight, model.lm_head.weight)
    load_checkpoint(tmp_path / "large.safetensors")


def test_the_log_holds_means_over_its_window(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    losses: list[float] = []
    limits = Limits(log_every=3)
    train(recipe, puzzles, tmp_path, limits=limits, on_step=lambda _, metrics: losses.append(metrics["loss"]))
    assert [float(row["loss"]) for row in logged(tmp_path)] == pytest.approx(
        [sum(losses[:3]) / 3, sum(losses[3:]) / 3], rel=1e-5
    )
