from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.errors import InvalidInput
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.arc_augment import ArcAugmentation, encode_at, random_augmentation

Grid = NDArray[np.int8]
GRID = np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int8)

# Of GRID, by np.rot90, fliplr, flipud, .T and fliplr(rot90), the list in the official dataset/common.py.
DIHEDRAL = (
    [[0, 1, 2], [3, 4, 5]],
    [[2, 5], [1, 4], [0, 3]],
    [[5, 4, 3], [2, 1, 0]],
    [[3, 0], [4, 1], [5, 2]],
    [[2, 1, 0], [5, 4, 3]],
    [[3, 4, 5], [0, 1, 2]],
    [[0, 3], [1, 4], [2, 5]],
    [[5, 2], [4, 1], [3, 0]],
)


@pytest.mark.parametrize("number", range(8))
def test_dihedral_transforms_have_the_official_numbers(number: int) -> None:
    image = ArcAugmentation(number).apply(GRID)
    assert image.tolist() == DIHEDRAL[number]
    assert image.dtype == np.int8


def test_colours_are_replaced_and_the_background_stays() -> None:
    augmentation = ArcAugmentation(0, (0, 9, 8, 7, 6, 5, 4, 3, 2, 1))
    assert augmentation.apply(GRID).tolist() == [[0, 9, 8], [7, 6, 5]]


def test_inverse_undoes_every_augmentation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        grid = rng.integers(0, 10, size=rng.integers(1, 6, size=2)).astype(np.int8)
        augmentation = random_augmentation(rng)
        back = augmentation.invert(augmentation.apply(grid))
        assert np.array_equal(back, grid)
        assert back.dtype == np.int8


def test_inverse_keeps_an_answer_without_cells_empty() -> None:
    assert ArcAugmentation(3).invert(np.zeros((0, 0), dtype=np.int8)).shape == (0, 0)


def test_names_are_the_official_ones_and_are_read_back() -> None:
    augmentation = ArcAugmentation(3, (0, 2, 1, 3, 4, 5, 6, 7, 9, 8))
    assert augmentation.name == "|||t3|||0213456798"
    assert ArcAugmentation.parse("007bbfb7|||t3|||0213456798") == ("007bbfb7", augmentation)
    name, identity = ArcAugmentation.parse("007bbfb7")
    assert name == "007bbfb7"
    assert identity.is_identity
    assert not augmentation.is_identity
    assert ArcAugmentation.parse("x" + identity.name) == ("x", identity)


@pytest.mark.parametrize(
    "puzzle_id",
    ["x|||t8|||0123456789", "x|||t1|||1023456789", "x|||t1|||0112345678", "x|||t1", "x|||", "x|||t1|||0123456789|||"],
)
def test_other_suffixes_are_refused(puzzle_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected a task's name, or NAME\|\|\|tN\|\|\|COLOURS"):
        ArcAugmentation.parse(puzzle_id)


@pytest.mark.parametrize(
    ("dihedral", "colors", "message"),
    [
        (8, tuple(range(10)), "Dihedral transform 8"),
        (-1, tuple(range(10)), "Dihedral transform -1"),
        (0, (1, 0, *range(2, 10)), "a permutation of 0 to 9 that begins with 0"),
        (0, (0, 1, 1, *range(3, 10)), "a permutation of 0 to 9"),
        (0, tuple(range(9)), "a permutation of 0 to 9"),
    ],
)
def test_what_is_no_augmentation_is_refused(dihedral: int, colors: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ArcAugmentation(dihedral, colors)


def test_random_augmentations_are_drawn_evenly() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_augmentation(rng) for _ in range(4000)]
    dihedral = np.bincount([one.dihedral for one in drawn], minlength=8)
    assert (abs(dihedral - 500) < 100).all()  # five standard deviations are 104
    for color in range(1, 10):
        images = np.bincount([one.colors[color] for one in drawn], minlength=10)
        assert images[0] == 0
        assert (abs(images[1:] - 444) < 100).all()
    assert all(one.colors[0] == 0 for one in drawn)


def test_tokens_at_the_corner_are_those_of_the_task() -> None:
    task = ArcTask(30)
    for shape in ((1, 1), (30, 30), (30, 2), (3, 30)):
        grid = np.random.default_rng(0).integers(0, 10, size=shape).astype(np.int8)
        tokens = encode_at(grid, 0, 0)
        assert tokens.dtype == np.uint8
        assert np.array_equal(tokens, task.encode(grid))


def test_tokens_elsewhere_have_their_ends_below_and_right() -> None:
    tokens = encode_at(np.array([[7, 0]], dtype=np.int8), 1, 2, canvas=5)
    assert tokens.reshape(5, 5).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0, 9, 2, 1],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    at_the_edge = encode_at(np.array([[7, 0]], dtype=np.int8), 4, 3, canvas=5)
    assert np.flatnonzero(at_the_edge).tolist() == [23, 24]


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (4, 0), (0, 3)])
def test_a_grid_must_lie_on_the_canvas(row: int, column: int) -> None:
    with pytest.raises(InvalidInput, match=f"2x3 cells at row {row}, column {column} sticks out of the canvas of 5x5"):
        encode_at(GRID, row, column, canvas=5)
