from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.train.data import (
    Feed,
    Grouping,
    Puzzles,
    collect,
    generate_puzzles,
    load_puzzles,
    training_puzzles,
)
from trm_edge.train.loss import IGNORE
from trm_edge.train.recipe import Recipe


def test_a_draw_depends_on_seed_and_step_only(puzzles: Puzzles) -> None:
    first = puzzles.draw(0, 3, 5)
    puzzles.draw(0, 4, 2)
    again = puzzles.draw(0, 3, 5)
    assert np.array_equal(first.tokens, again.tokens)
    assert np.array_equal(first.labels, again.labels)
    assert first.tokens.dtype == np.int32
    assert first.labels.dtype == np.int64
    assert not np.array_equal(first.tokens, puzzles.draw(0, 4, 5).tokens)
    assert not np.array_equal(first.tokens, puzzles.draw(1, 3, 5).tokens)


def test_the_feed_gives_each_step_its_draw(puzzles: Puzzles) -> None:
    with Feed(puzzles, 7, 5) as feed:
        for step in (3, 4, 5, 9, 2):  # in order, and not
            assert np.array_equal(feed.take(step).tokens, puzzles.draw(7, step, 5).tokens)


def test_groups_weigh_by_the_examples_of_a_puzzle_and_versions_share_that() -> None:
    """Two originals: one with 3 versions of 1 example, one with 2 versions of 2 and 4 examples."""
    grouping = Grouping(np.array([0, 1, 2, 3, 5, 9]), np.array([0, 3, 5]))
    share = np.bincount(grouping.draw(np.random.default_rng(0), 40_000), minlength=9) / 40_000
    first, second = 1 / 4, 3 / 4  # 1 and 3 examples a version
    wanted = [first / 3] * 3 + [second / 2 / 2] * 2 + [second / 2 / 4] * 4
    np.testing.assert_allclose(share, wanted, atol=0.01)


def test_a_fingerprint_tells_puzzles_apart(puzzles: Puzzles) -> None:
    same = generate_puzzles(puzzles.task, 20, 0)
    assert puzzles.fingerprint() == same.fingerprint()
    assert puzzles.fingerprint() != generate_puzzles(puzzles.task, 20, 1).fingerprint()
    same.labels[7, 3] += 1
    assert puzzles.fingerprint() != same.fingerprint()


def test_grids_of_different_sizes_are_held_and_padding_does_not_count() -> None:
    task = get_task("arc-6x6")
    grids = [np.ones((2, 3), np.int8), np.ones((2, 4), np.int8), np.full((6, 6), 4, np.int8)]
    held = collect(task, [Puzzle(grid, grid, puzzle_id=n) for n, grid in enumerate(grids)], source="here")
    rows = held.rows()
    assert held.inputs.dtype == np.uint8
    assert held.ratings is None
    assert rows.puzzle_ids.tolist() == [0, 1, 2]
    assert np.array_equal(rows.labels == IGNORE, rows.tokens == 0)
    assert (rows.labels != IGNORE).sum(1).tolist() == [2 * 3 + 2 + 3, 2 * 4 + 2 + 4, 36]
    assert held.draw(0, 0, 4).tokens.shape == (4, 36)


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
    assert np.array_equal(generated.inputs, training_puzzles(recipe, None).inputs)
    assert generated.ratings is not None
    with pytest.raises(InvalidInput, match="Cannot read"):
        training_puzzles(recipe, tmp_path / "absent.csv")
    with pytest.raises(InvalidInput, match="Unknown task"):
        training_puzzles(recipe.changed(task="chess"), None)


@pytest.mark.parametrize("options", [{"givens": "x"}, {"clues": 5}])
def test_a_bad_option_of_the_generator_is_named(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        generate_puzzles(get_task("sudoku-4x4"), 1, 0, options)


def test_a_data_sets_folder_is_read_in_place(tmp_path: Path, recipe: Recipe) -> None:
    from trm_edge.data.build import build_dataset
    from trm_edge.data.build_options import BuildOptions

    task, file = get_task("sudoku-4x4"), tmp_path / "file.csv"
    made = [task.generate(np.random.default_rng(n)) for n in range(6)]
    lines = [
        f"{task.format(puzzle.question)},{task.format(puzzle.answer)}" for puzzle in made if puzzle.answer is not None
    ]
    file.write_text("\n".join(["question,answer", *lines]))
    folder = tmp_path / "set"
    options = BuildOptions("sudoku-extreme", folder, train=file, test=file, task=task.id, num_aug=2)
    build_dataset(options, lambda _: None)

    train, test, some = (
        load_puzzles(task, folder),
        load_puzzles(task, folder, split="test"),
        load_puzzles(task, folder, split="test", limit=2),
    )
    assert (len(train), len(test), len(some)) == (18, 6, 2)
    assert isinstance(train.inputs, np.memmap)
    assert train.grouping is not None
    assert np.array_equal(test.inputs, load_puzzles(task, file).inputs)
    rows = train.draw(0, 0, 50)
    assert task.solved(rows.tokens, rows.labels.astype(np.int32)).all()
    assert training_puzzles(recipe, folder).fingerprint() == train.fingerprint()
    with pytest.raises(InvalidInput, match=r"16 tokens of a vocabulary of 6; sudoku-9x9 has 81 tokens of 11"):
        load_puzzles(get_task("sudoku-9x9"), folder)
