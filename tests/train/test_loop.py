from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from trm_edge.errors import InvalidCheckpoint, InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import load_checkpoint, load_tensors
from trm_edge.train.data import Puzzles
from trm_edge.train.loop import Limits, make_optimizer, start, train
from trm_edge.train.recipe import Recipe
from trm_edge.train.state import TrainState

ROOT = Path(__file__).parents[2]


def assert_equal_runs(one: Path, other: Path) -> None:
    """Bit for bit: weights, averaged weights, moments and carry."""
    for name in ("state.safetensors", "model.safetensors"):
        ours, theirs = load_tensors(one / name)[0], load_tensors(other / name)[0]
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert torch.equal(value, theirs[key]), key


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


def test_a_killed_run_resumed_is_the_uninterrupted_run(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import json, sys
        from pathlib import Path
        import torch
        from trm_edge.train.data import generate_puzzles
        from trm_edge.train.loop import Limits, train
        from trm_edge.train.recipe import recipe_from_dict
        torch.set_num_threads(1)
        recipe = recipe_from_dict(json.loads(sys.argv[1]), source="argument").changed(steps=1000000)
        puzzles = generate_puzzles(__import__("trm_edge.tasks").tasks.get_task(recipe.task), 20, 0)
        train(recipe, puzzles, Path(sys.argv[2]), limits=Limits(save_every=0.0),
              on_step=lambda state, metrics: print(state.step, flush=True))
    """)
    import json

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(recipe.to_dict()), str(killed)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 4:
            pass
        process.kill()
    assert process.returncode == -signal.SIGKILL
    reached = int(load_tensors(killed / "state.safetensors")[1]["step"])
    assert reached >= 3
    longer = recipe.changed(steps=reached + 3)
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
    before = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(InvalidInput, match="batch_size = 8, now batch_size = 4"):
        train(recipe.changed(batch_size=4), puzzles, tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_a_damaged_state_is_refused_and_kept(recipe: Recipe, puzzles: Puzzles, tmp_path: Path) -> None:
    train(recipe, puzzles, tmp_path)
    path = tmp_path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    damaged = path.read_bytes()
    with pytest.raises(InvalidCheckpoint, match=r"state\.safetensors"):
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
    assert not (tmp_path / "state.safetensors").exists()


def test_the_halting_logit_is_the_models_own(recipe: Recipe, puzzles: Puzzles) -> None:
    """With ``no_ACT_continue = false`` a row halts when q[0] > q[1]: training must judge by the same."""
    from trm_edge.train.loop import _refill, _supervision_step

    hrm = recipe.changed(model={**recipe.model, "no_ACT_continue": False})
    state = start(hrm, puzzles, torch.device("cpu"))
    torch.nn.init.zeros_(state.model.q_head.weight)
    with torch.no_grad():
        state.model.q_head.bias.copy_(torch.tensor([1.0, 3.0]))
    _refill(state.act, state.model, puzzles.draw(hrm, 0, hrm.batch_size))
    q_halt = _supervision_step(hrm, state.model, torch.device("cpu"))(state.act)[3]
    assert q_halt.tolist() == [-2.0] * hrm.batch_size


def test_matrices_of_the_network_have_their_own_learning_rate(recipe: Recipe, puzzles: Puzzles) -> None:
    model = start(recipe, puzzles, torch.device("cpu")).model
    inside, outside = make_optimizer(recipe, model).param_groups
    assert (inside["lr"], outside["lr"]) == (recipe.lr, recipe.lr_other)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(p)].split(".")[0] for p in inside["params"]} == {"L_level"}
    assert {names[id(p)].split(".")[0] for p in outside["params"]} == {"embed_tokens", "lm_head", "q_head"}
