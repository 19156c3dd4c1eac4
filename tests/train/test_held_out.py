from __future__ import annotations

import json

import numpy as np
import pytest

from trm_edge.model.network import RecursiveModel
from trm_edge.tasks.difficulty import Groups, natural_groups
from trm_edge.train.data import Puzzles
from trm_edge.train.evaluate import Accuracy, evaluate
from trm_edge.train.evaluations import HeldOut
from trm_edge.train.held_out import measure, summarise
from trm_edge.train.recipe import Recipe

RIGHT = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], dtype=np.bool_)  # [steps, puzzles]
HALT = np.array([[1, -1, -1, -1], [-1, 1, -1, -1], [1, 1, -1, 1]], dtype=np.float32)


def test_the_numbers_of_an_evaluation() -> None:
    found = summarise(Accuracy(RIGHT, HALT, 0.875)).total
    assert found.puzzles == 4
    assert found.exact_by_step == (0.25, 0.5, 0.5)
    assert found.exact == 0.5
    assert found.halting == (1, 1, 2), "a puzzle that never halts takes all steps"
    assert found.mean_steps == pytest.approx((1 + 2 + 3 + 3) / 4)
    assert found.exact_at_halt == 0.75, "the first was right where it halted"


def test_the_same_by_group() -> None:
    groups = Groups("givens", ("few", "many"), np.array([1, 0, 1, 1]))
    found = summarise(Accuracy(RIGHT, HALT, 0.875), [groups])
    assert [(g.by, g.label, g.score.puzzles) for g in found.groups] == [("givens", "few", 1), ("givens", "many", 3)]
    few, many = (group.score for group in found.groups)
    assert (few.exact_by_step, few.halting) == ((0.0, 1.0, 1.0), (0, 1, 0))
    assert many.exact == pytest.approx(1 / 3, abs=1e-5)
    assert (many.exact_at_halt, many.mean_steps) == pytest.approx((2 / 3, 7 / 3), abs=1e-5)


def test_a_model_is_measured_as_it_is_evaluated(recipe: Recipe, puzzles: Puzzles) -> None:
    task = puzzles.task
    model = RecursiveModel(recipe.model_config(vocab_size=task.vocab_size, seq_len=task.seq_len))
    groups = natural_groups(task, puzzles.inputs, puzzles.labels)
    found = measure(model, puzzles, groups=groups, steps=3, batch_size=7)
    accuracy = evaluate(model, puzzles, steps=3)
    assert found.cells == pytest.approx(accuracy.cells, abs=1e-4)
    assert found.total.exact == pytest.approx(accuracy.exact, abs=1e-4)
    assert sum(found.total.halting) == found.total.puzzles == len(puzzles)
    assert len(found.total.exact_by_step) == 3
    assert sum(group.score.puzzles for group in found.groups) == len(puzzles)
    assert HeldOut.from_dict(json.loads(json.dumps(found.to_dict()))) == found
