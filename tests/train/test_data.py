from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.train.data import Puzzles, collect, generate_puzzles, load_puzzles, training_puzzles
from trm_edge.train.loss import IGNORE
from trm_edge.train.recipe import Recipe


def test_a_draw_depends_on_seed_and_step_only(recipe: Recipe, puzzles: Puzzles) -> None:
    first = puzzles.draw(recipe, 3, 5)
    puzzles.draw(recipe, 4, 2)
    again = puzzles.draw(recipe, 3, 5)
    assert np.array_equal(first.tokens, again.tokens)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.tokens, puzzles.draw(recipe, 4, 5).tokens)
    assert not np.array_equal(first.tokens, puzzles.draw(recipe.changed(seed=1), 3, 5).tokens)


def test_drawn_puzzles_are_valid_and_varied(recipe: Recipe, puzzles: Puzzles) -> None:
    rows = puzzles.draw(recipe, 0, 200)
    assert rows.tokens.dtype == np.int32
    assert rows.labels.dtype == np.int64
    assert puzzles.task.solved(rows.tokens, rows.labels.astype(np.int32)).all()
    known = {row.tobytes() for row in puzzles.rows().tokens}
    assert sum(row.tobytes() in known for row in rows.tokens) < 20
    assert len(set((rows.tokens > 1).sum(1).tolist())) > 3, "revealed cells vary"


def test_augmentation_and_revealing_can_be_switched_off(recipe: Recipe, puzzles: Puzzles) -> None:
    plain = recipe.changed(augment=False, reveal=(0.0, 0.0))
    known = {row.tobytes() for row in puzzles.rows().tokens}
    assert all(row.tobytes() in known for row in puzzles.draw(plain, 0, 50).tokens)


def test_grids_of_different_sizes_are_held_and_padding_does_not_count() -> None:
    task = get_task("arc-6x6")
    grids = [np.ones((2, 3), np.int8), np.ones((2, 4), np.int8), np.full((6, 6), 4, np.int8)]
    held = collect(task, [Puzzle(grid, grid, puzzle_id=n) for n, grid in enumerate(grids)], source="here")
    rows = held.rows()
    assert rows.puzzle_ids.tolist() == [0, 1, 2]
    assert np.array_equal(rows.labels == IGNORE, rows.tokens == 0)
    assert (rows.labels != IGNORE).sum(1).tolist() == [2 * 3 + 2 + 3, 2 * 4 + 2 + 4, 36]
    recipe = Recipe(task=task.id, model={}, steps=1)
    assert held.draw(recipe, 0, 4).tokens.shape == (4, 36)


def test_files_are_read_up_to_a_limit(tmp_path: Path) -> None:
    task, path = get_task("sudoku-4x4"), tmp_path / "data.csv"
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    line = f"{task.format(puzzle.question)},{task.format(puzzle.answer)}\n"
    path.write_text("question,answer\n" + 3 * line)
    assert len(load_puzzles(task, path)) == 3
    assert len(load_puzzles(task, path, limit=2)) == 2
    path.write_text(f"question\n{task.format(puzzle.question)}\n")
    with pytest.raises(InvalidInput, match="puzzle 1 has no answer"):
        load_puzzles(task, path)
    path.write_text("question,answer\n")
    with pytest.raises(InvalidInput, match="holds no puzzles"):
        load_puzzles(task, path)
    path.write_text("question,answer\n" + line + "1,2\n")
    with pytest.raises(InvalidPuzzle, match=r"data\.csv: line 3"):
        load_puzzles(task, path)


def test_training_puzzles_are_generated_or_read(recipe: Recipe, tmp_path: Path) -> None:
    generated = training_puzzles(recipe, None)
    assert len(generated) == recipe.generate
    assert np.array_equal(generated.questions, training_puzzles(recipe, None).questions)
    with pytest.raises(InvalidInput, match="Cannot read"):
        training_puzzles(recipe, tmp_path / "absent.csv")
    with pytest.raises(InvalidInput, match="Unknown task"):
        training_puzzles(recipe.changed(task="chess"), None)


@pytest.mark.parametrize("options", [{"givens": "x"}, {"clues": 5}])
def test_a_bad_option_of_the_generator_is_named(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        generate_puzzles(get_task("sudoku-4x4"), 1, 0, options)
