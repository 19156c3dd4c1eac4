from __future__ import annotations

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.tasks import get_task, task_ids
from trm_edge.tasks.symmetry import EVERY, IDENTITY, Dihedral


@pytest.mark.parametrize("id", [*task_ids(), "maze-8x12", "sudoku-6x6-b3x2"])
def test_an_image_is_a_puzzle_of_the_same_task_with_the_image_of_the_answer(id: str) -> None:
    task = get_task(id)
    puzzle = task.generate(np.random.default_rng(0))
    assert puzzle.answer is not None
    found = task.symmetries(np.random.default_rng(1), 4)
    assert found[0] is IDENTITY
    for symmetry in found:
        question, answer = symmetry.apply(puzzle.question), symmetry.apply(puzzle.answer)
        assert question.dtype == answer.dtype == np.int8
        assert np.array_equal(symmetry.invert(question), puzzle.question)
        assert np.array_equal(symmetry.invert(answer), puzzle.answer)
        assert task.encode(question).shape == (task.seq_len,), "it still fits the model"
        if task.has_rules:
            assert task.check(question, answer) is None
            assert task.solved(task.encode(question)[None], task.encode(answer)[None]).all()
    images = {symmetry.apply(puzzle.question).tobytes() for symmetry in found}
    assert len(images) > 1, "some image differs"


@pytest.mark.parametrize("id", task_ids())
def test_equal_seeds_draw_equal_symmetries_and_fewer_are_the_beginning_of_more(id: str) -> None:
    task = get_task(id)
    grid = task.generate(np.random.default_rng(0)).question

    def images(seed: int, count: int) -> list[bytes]:
        return [symmetry.apply(grid).tobytes() for symmetry in task.symmetries(np.random.default_rng(seed), count)]

    assert images(5, 6) == images(5, 6)
    assert images(5, 3) == images(5, 6)[:3]
    assert images(5, 1) == [grid.tobytes()]


@pytest.mark.parametrize(("id", "count"), [("maze-10x10", 8), ("maze-8x12", 4)])
def test_a_maze_has_no_more_than_it_has_and_each_once(id: str, count: int) -> None:
    found = get_task(id).symmetries(np.random.default_rng(0), 100)
    assert len(found) == len(set(found)) == count


def test_the_dihedral_transforms_are_eight_and_are_undone() -> None:
    grid = np.arange(6, dtype=np.int8).reshape(2, 3)
    images = [Dihedral(number).apply(grid) for number in EVERY]
    assert len({(image.shape, image.tobytes()) for image in images}) == 8
    for number, image in enumerate(images):
        assert np.array_equal(Dihedral(number).invert(image), grid)
    assert images[1].tolist() == [[2, 5], [1, 4], [0, 3]], "counter-clockwise"
    with pytest.raises(InvalidInput, match="Dihedral transform 8: there are 0 to 7"):
        Dihedral(8)


def test_the_numbers_are_those_of_the_arc_augmentation() -> None:
    from trm_edge.tasks.arc_augment import ArcAugmentation

    grid = np.arange(6, dtype=np.int8).reshape(2, 3)
    for number in EVERY:
        assert np.array_equal(Dihedral(number).apply(grid), ArcAugmentation(number).apply(grid))
