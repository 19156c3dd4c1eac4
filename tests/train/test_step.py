from __future__ import annotations

import numpy as np
import pytest
import torch

from trm_edge.train.data import Puzzles
from trm_edge.train.loop import start
from trm_edge.train.recipe import Recipe
from trm_edge.train.state import TrainState
from trm_edge.train.step import METRICS, Stepper, SupervisionStep, metrics

CPU = torch.device("cpu")


def stepped(recipe: Recipe, puzzles: Puzzles, steps: int = 3) -> tuple[TrainState, list[list[float]]]:
    state = start(recipe, puzzles, CPU)
    step = Stepper(recipe, puzzles, state)
    return state, [step(puzzles.draw(recipe.seed, n, recipe.batch_size)).tolist() for n in range(steps)]


def test_the_halting_logit_is_the_models_own(recipe: Recipe, puzzles: Puzzles) -> None:
    """With ``no_ACT_continue = false`` a row halts when q[0] > q[1]: training must judge by the same."""
    hrm = recipe.changed(model={**recipe.model, "no_ACT_continue": False})
    state = start(hrm, puzzles, CPU)
    torch.nn.init.zeros_(state.model.q_head.weight)
    with torch.no_grad():
        state.model.q_head.bias.copy_(torch.tensor([1.0, 3.0]))
    act = state.act
    q_halt = SupervisionStep(hrm, state.model)(act.z_H, act.z_L, act.tokens, act.labels, act.puzzle_ids)[3]
    assert q_halt.tolist() == [-2.0] * hrm.batch_size


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_batch_in_parts_gives_the_same_update(recipe: Recipe, puzzles: Puzzles, parts: int) -> None:
    whole, whole_sums = stepped(recipe, puzzles)
    pieces, pieces_sums = stepped(recipe.changed(accumulate=parts), puzzles)
    np.testing.assert_allclose(pieces_sums, whole_sums, rtol=1e-4)
    for one, other in zip(whole.model.parameters(), pieces.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(whole.act.z_H, pieces.act.z_H, rtol=1e-3, atol=1e-3)


def test_only_halted_rows_get_new_puzzles(recipe: Recipe, puzzles: Puzzles) -> None:
    state = start(recipe, puzzles, CPU)
    step = Stepper(recipe, puzzles, state)
    step(puzzles.draw(0, 0, 8))
    before = state.act.tokens.clone()
    state.act.halted = torch.arange(8) % 2 == 0
    step(puzzles.draw(0, 1, 8))
    changed = (state.act.tokens != before).any(1)
    assert changed.tolist() == [True, False] * 4
    assert state.act.steps.tolist() == [1, 2] * 4


def test_metrics_are_means_over_rows_and_over_finished_puzzles() -> None:
    sums = [[8.0, 4.0, 2.0, 3.0, 4.0, 1.0, 6.0, 2.0, 5.0], [4.0, 2.0, 4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 7.0]]
    found = metrics(sums)
    assert tuple(found) == METRICS
    assert found == {
        "loss": 1.5,
        "token_loss": 0.75,
        "exact": 0.5,
        "cells": 0.75,
        "halting_steps": 3.0,
        "q_accuracy": 0.875,
        "grad_norm": 6.0,
    }


def test_smoothing_and_muon_train_too(recipe: Recipe, puzzles: Puzzles) -> None:
    other = recipe.changed(optimizer="muon", label_smoothing=0.2, loss="softmax")
    state = start(other, puzzles, CPU)
    step = Stepper(other, puzzles, state)
    losses = [metrics([step(puzzles.draw(0, n, 8)).tolist()])["token_loss"] for n in range(80)]
    assert sum(losses[-20:]) < 0.85 * sum(losses[:20])


def test_the_halting_loss_weighs_as_much_as_the_recipe_says(recipe: Recipe, puzzles: Puzzles) -> None:
    found = []
    for weight in (0.0, 0.25, 0.5):
        other = recipe.changed(halting_weight=weight)
        step = Stepper(other, puzzles, start(other, puzzles, CPU))
        found.append(metrics([step(puzzles.draw(0, 0, 8)).tolist()]))
    extra = [one["loss"] - one["token_loss"] for one in found]
    assert extra[0] == pytest.approx(0, abs=1e-6)
    assert extra[1] > 1e-3
    assert extra[2] == pytest.approx(2 * extra[1], rel=1e-4)
