from __future__ import annotations

import numpy as np
import pytest
import torch

from trm_edge.tasks import get_task
from trm_edge.train.augment import augment, generator, reveal
from trm_edge.train.data import Puzzles, generate_puzzles


def rows(puzzles: Puzzles, repeat: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    found = puzzles.rows()
    return torch.from_numpy(found.tokens).long().repeat(repeat, 1), torch.from_numpy(found.labels).repeat(repeat, 1)


def random(step: int = 0) -> torch.Generator:
    return generator(torch.device("cpu"), 0, step, 0)


@pytest.mark.parametrize("id", ["sudoku-4x4", "sudoku-6x6", "sudoku-9x9", "maze-8x8", "maze-6x9"])
def test_versions_are_the_same_puzzle_in_another_guise(id: str) -> None:
    task = get_task(id)
    puzzles = generate_puzzles(task, 4, 0)
    tokens, labels = rows(puzzles)
    new_tokens, new_labels = augment(random(), task, tokens, labels)
    questions, answers = new_tokens.int().numpy(), new_labels.int().numpy()
    assert task.solved(questions, answers).all()
    for given, found in zip(tokens.numpy(), questions, strict=True):  # as many givens, walls, ...
        before, after = (np.bincount(row, minlength=task.vocab_size) for row in (given, found))
        if task.family == "sudoku":
            before, after = (np.append(count[:2], np.sort(count[2:])) for count in (before, after))
        assert np.array_equal(before, after)
    distinct = len({row.tobytes() for row in questions})
    most = {"maze-8x8": 32, "maze-6x9": 16}.get(id, 80)
    assert distinct > 0.8 * most if task.family == "sudoku" else 0.7 * most < distinct <= most


def test_every_symmetry_of_a_square_and_no_other() -> None:
    task = get_task("maze-5x5")
    tokens = torch.arange(25).repeat(200, 1)
    found, again = augment(random(), task, tokens, tokens)
    assert torch.equal(found, again), "question and answer get the same"
    square = np.arange(25).reshape(5, 5)
    eight = {np.rot90(version, turn).tobytes() for version in (square, square.T) for turn in range(4)}
    assert {row.tobytes() for row in found.numpy().reshape(-1, 5, 5)} == eight


def test_lines_stay_in_their_bands() -> None:
    """Cells that shared a row, a column or a box still do: of a 6x6 with boxes of 2x3."""
    task = get_task("sudoku-6x6")
    batch, side = 100, 6
    for name in ("rows", "columns", "boxes"):
        row, column = np.indices((side, side))
        unit = {"rows": row, "columns": column, "boxes": row // 2 * 2 + column // 3}[name]
        tokens = torch.from_numpy(2 + unit.reshape(-1)).repeat(batch, 1)  # as digits, which may be exchanged
        found = augment(random(), task, tokens, tokens)[0].numpy().reshape(batch, side, side)
        for grid in found:
            seen = [set(grid[unit == number].tolist()) for number in range(side)]
            assert all(len(values) == 1 for values in seen), name
            assert len(set.union(*seen)) == side


def test_reveal_gives_away_right_cells_in_the_wanted_share() -> None:
    puzzles = generate_puzzles(get_task("sudoku-9x9"), 5, 0, {"givens": 31})
    tokens, labels = rows(puzzles)
    found, answers = reveal(random(), puzzles.task, tokens, labels, 0.2, 0.4)
    new = (found != tokens).sum(1)
    assert answers is labels
    assert (found == torch.where(found != tokens, labels, tokens)).all()
    assert new.min() >= 10
    assert new.max() <= 20
    assert len(set(new.tolist())) > 5
    assert torch.equal(reveal(random(), puzzles.task, tokens, labels, 0.0, 0.0)[0], tokens)
    assert torch.equal(reveal(random(), puzzles.task, tokens, labels, 1.0, 1.0)[0], labels)


@pytest.mark.parametrize("id", ["maze-8x8", "maze-6x9"])
def test_a_shorter_way_through_a_maze_is_its_only_shortest(id: str) -> None:
    puzzles = generate_puzzles(get_task(id), 10, 0)
    tokens, labels = rows(puzzles, 5)
    found, answers = reveal(random(), puzzles.task, tokens, labels, 0.0, 1.0)
    assert puzzles.task.solved(found.int().numpy(), answers.int().numpy()).all()
    assert torch.equal(found == 1, tokens == 1), "walls stay"
    before, after = ((cells == 5).sum(1) for cells in (labels, answers))
    assert (after <= before).all()
    assert after.min() == 1
    assert 0.3 < (after / before).mean() < 0.7
    assert torch.equal(reveal(random(), puzzles.task, tokens, labels, 0.0, 0.0)[1], labels)
    shortest = reveal(random(), puzzles.task, tokens, labels, 1.0, 1.0)[1]
    assert ((shortest == 5).sum(1) == 1).all()


def test_a_step_draws_the_same_again_and_another_step_does_not() -> None:
    puzzles = generate_puzzles(get_task("sudoku-4x4"), 4, 0)
    tokens, labels = rows(puzzles)
    first, again, other = (augment(random(step), puzzles.task, tokens, labels)[0] for step in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_arc_is_left_alone() -> None:
    task = get_task("arc-6x6")
    tokens = torch.ones(2, task.seq_len, dtype=torch.long)
    assert augment(random(), task, tokens, tokens)[0] is tokens
    assert reveal(random(), task, tokens, tokens, 0.5, 0.5)[0] is tokens
