from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.solve.variants import Variant, named, read_identifiers, symmetric
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle

GRID = np.array([[1, 2], [0, 3]], np.int8)
NAMES = [
    "<blank>",
    "b|||t6|||0123456789",
    "a|||t4|||0213456789",
    "b",
    "a",
    "a|||t0|||0321456789",
]


def test_a_variant_hides_the_answer_and_says_its_own_puzzle_embedding() -> None:
    puzzle = Puzzle(GRID, GRID, source="a", puzzle_id=3)
    plain = Variant().of(puzzle)
    assert (plain.answer, plain.puzzle_id, plain.source) == (None, 3, "a")
    assert np.array_equal(plain.question, GRID)
    assert Variant(puzzle_id=9).of(puzzle).puzzle_id == 9


def test_every_puzzle_has_the_same_starts_in_every_run() -> None:
    task = get_task("sudoku-9x9")
    puzzles = [task.generate(np.random.default_rng(seed)) for seed in range(2)]
    seen = [variant.of(puzzles[0]).question.tobytes() for variant in symmetric(task, 4)(puzzles[0])]
    assert seen == [variant.of(puzzles[0]).question.tobytes() for variant in symmetric(task, 4)(puzzles[1])]
    assert seen[0] == puzzles[0].question.tobytes()
    assert len(set(seen)) == 4


def test_named_versions_are_found_by_the_task_the_plain_one_first() -> None:
    variants = named(NAMES, kept=(1, 2, 3, 4, 5))
    assert [variant.puzzle_id for variant in variants(Puzzle(GRID, source="a"))] == [4, 2, 5]
    assert [variant.puzzle_id for variant in variants(Puzzle(GRID, source="b"))] == [3, 1]
    plain, flipped, coloured = (variant.of(Puzzle(GRID, source="a")) for variant in variants(Puzzle(GRID, source="a")))
    assert plain.question.tolist() == GRID.tolist()
    assert flipped.question.tolist() == [[1, 2], [3, 0]]
    assert coloured.question.tolist() == [[3, 2], [0, 1]]


def test_versions_that_the_bundle_has_not_kept_are_left_out() -> None:
    variants = named(NAMES, kept=(5, 2))
    assert [variant.puzzle_id for variant in variants(Puzzle(GRID, source="a"))] == [2, 5]
    with pytest.raises(InvalidInput, match="No puzzle embedding in this bundle is named after the task 'b'"):
        variants(Puzzle(GRID, source="b"))


@pytest.mark.parametrize(
    ("names", "kept", "message"),
    [
        (NAMES, (), "no puzzle embeddings"),
        (NAMES, (6,), "has the puzzle id 6, the identifiers end at 5"),
        (["a|||t9|||0123456789"], (0,), "Puzzle id 'a"),
    ],
)
def test_names_that_do_not_belong_to_the_bundle(names: list[str], kept: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        named(names, kept)


def test_identifiers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "identifiers.json"
    path.write_text(json.dumps(NAMES))
    assert read_identifiers(path) == NAMES


@pytest.mark.parametrize("content", [b"[", b"{}", b"[]", b"[1]", b'"a"', b"\xff", b"[" * 100_000])
def test_files_that_hold_no_names_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identifiers.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"identifiers\.json is not") as error:
        read_identifiers(path)
    assert "\n" not in str(error.value)


def test_missing_and_huge_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "identifiers.json"
    with pytest.raises(InvalidInput, match="Cannot read"):
        read_identifiers(path)
    import trm_edge.solve.variants as module

    limit: Any = 3
    monkeypatch.setattr(module, "MAX_BYTES", limit)
    path.write_text(json.dumps(NAMES))
    with pytest.raises(InvalidInput, match="larger than"):
        read_identifiers(path)
