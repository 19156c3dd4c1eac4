from __future__ import annotations

import _thread
import multiprocessing
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.data import sudoku_bulk
from trm_edge.data.sudoku_bulk import TECHNIQUES, BulkPuzzles, generate_chunks, generate_many, rate_many, solve_many
from trm_edge.errors import InvalidInput, InvalidPuzzle
from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_generate import DIFFICULTIES

pytest.importorskip("numba")

VALIDATION = Path(__file__).parents[2] / ".." / "shared" / "data" / "sudoku" / "validation.csv"
FIELDS = ("questions", "answers", "technique", "backtracks")
HARDEST = "98.7..6..76..9......5......4......6..7...4..3..8.6.9...2.1.......7.5.8.......3.12"


def grids(*puzzles: str, side: int = 9) -> NDArray[np.int8]:
    digits = [int(symbol) for puzzle in puzzles for symbol in puzzle.replace(".", "0")]
    return np.array(digits, dtype=np.int8).reshape(-1, side, side)


def join(stretches: list[BulkPuzzles]) -> BulkPuzzles:
    fields = {field: np.concatenate([getattr(made, field) for made in stretches]) for field in FIELDS}
    return BulkPuzzles(**fields, first=stretches[0].first)


def same(ours: BulkPuzzles, theirs: BulkPuzzles) -> bool:
    return all(np.array_equal(getattr(ours, field), getattr(theirs, field)) for field in FIELDS)


# -- what is made ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("box", "givens", "count"),
    [
        ((3, 3), 30, 40),
        ((3, 3), 24, 40),
        ((3, 3), 80, 3),
        ((2, 2), 4, 20),
        ((3, 2), 12, 20),
        ((2, 4), 24, 10),
        ((4, 4), 120, 2),
    ],
)
def test_one_solution_and_as_many_givens_as_asked(box: tuple[int, int], givens: int, count: int) -> None:
    """By the solver in Python, which shares no line with the one that made them."""
    task = SudokuTask(*box)
    made = generate_many(count, seed=1, box_rows=box[0], box_cols=box[1], givens=givens)
    assert made.questions.dtype == made.answers.dtype == np.int8
    assert len(made) == count
    assert box == (2, 2) or len(np.unique(made.answers, axis=0)) == count  # of 4x4 there are only 288
    for question, answer in zip(made.questions, made.answers, strict=True):
        assert np.count_nonzero(question) == givens
        assert task.check(question, answer) is None
        assert task.count_solutions(question) == 1


def test_a_range_of_givens_is_drawn_evenly() -> None:
    made = generate_many(1000, seed=2, givens=(24, 33))  # 24 takes twice the tries of 33
    counts = Counter(np.count_nonzero(made.questions, axis=(1, 2)).tolist())
    assert sorted(counts) == list(range(24, 34))
    assert all(65 <= count <= 140 for count in counts.values()), counts  # 100 and 4 standard deviations


def test_defaults_are_those_of_the_other_generator() -> None:
    assert np.count_nonzero(generate_many(1, seed=0).questions) == 30
    assert np.count_nonzero(generate_many(1, seed=0, box_rows=4, box_cols=4).questions) == 128


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("givens", [None, (26, 33)])
def test_difficulty_is_the_rated_one(difficulty: str, givens: tuple[int, int] | None) -> None:
    made = generate_many(5, seed=3, difficulty=difficulty, givens=givens)
    for question, technique in zip(made.questions, made.technique, strict=True):
        assert SudokuTask(3, 3).rate(question).technique is DIFFICULTIES[difficulty] is TECHNIQUES[technique]
        assert givens is None or 26 <= np.count_nonzero(question) <= 33
    assert len(np.unique(np.count_nonzero(made.questions, axis=(1, 2)))) > 1


# -- a function of the seed and the number --------------------------------------------------------
def test_a_series_never_changes() -> None:
    """Whoever recorded a seed gets these puzzles again; if the algorithm must change, say so in CHANGELOG.md."""
    made = generate_many(1, seed=2026, first=7)
    question = "..9817.5......9...4..6521..36.4752...9...8..1..2..6.4.......4....6.....514....6.8"
    assert SudokuTask(3, 3).format(made.questions[0]) == question
    assert generate_many(1, seed=2027, first=7).questions.tolist() != made.questions.tolist()


@pytest.mark.parametrize("workers", ["a process", "threads"])
def test_shards_are_the_whole(workers: str) -> None:
    whole = generate_many(60, seed=4, givens=(24, 34))
    spawn = multiprocessing.get_context("spawn")
    pool: Executor = ThreadPoolExecutor(2) if workers == "threads" else ProcessPoolExecutor(1, mp_context=spawn)
    with pool:
        making = [pool.submit(generate_many, 20, seed=4, givens=(24, 34), first=first) for first in (40, 20, 0)]
        shards = [shard.result() for shard in reversed(making)]
    assert [made.first for made in shards] == [0, 20, 40]
    assert same(join(shards), whole)


def test_chunks_are_the_whole_and_progress_is_told() -> None:
    whole = generate_many(25, seed=5, first=100, difficulty="medium")
    told: list[int] = []
    chunks = list(generate_chunks(25, seed=5, first=100, chunk=10, difficulty="medium", progress=told.append))
    assert [len(made) for made in chunks] == told == [10, 10, 5]
    assert [made.first for made in chunks] == [100, 110, 120]
    assert same(join(chunks), whole)


def test_an_interrupted_series_goes_on_where_it_ended() -> None:
    kept = next(generate_chunks(30, seed=6, chunk=10))
    rest = list(generate_chunks(20, seed=6, chunk=20, first=kept.first + len(kept)))
    assert len(rest) == 1
    assert same(rest[0], generate_many(20, seed=6, first=10))


def test_ctrl_c_comes_through() -> None:
    generate_many(1, seed=0)  # compiled
    began = time.monotonic()
    threading.Timer(0.1, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        generate_many(1_000_000, seed=0)
    assert time.monotonic() - began < 5


# -- no visible bias ------------------------------------------------------------------------------
def test_no_cell_and_no_digit_is_special() -> None:
    count = 3000
    made = generate_many(count, seed=7, givens=27)
    digits = (made.answers[..., None] == np.arange(1, 10)).sum(axis=0)  # [9, 9, digit]
    # Chi-squared of the 81 tables of 9 counts: mean 8, standard deviation 4 each.
    chi = ((digits - count / 9) ** 2 / (count / 9)).sum(axis=2)
    assert abs(chi.mean() - 8) < 4 * 4 / 9
    clues = np.count_nonzero(made.questions, axis=0)
    assert abs(clues - count / 3).max() < 5 * (count * 2 / 9) ** 0.5


def test_grids_are_not_symmetric_images_of_a_few() -> None:
    """Cycle lengths between the lines of a band are the same for all images of a grid, and tell most grids apart."""
    answers = generate_many(300, seed=8, givens=40).answers
    assert len({_invariant(answer) for answer in answers}) > 290
    image = answers[0].T[[1, 0, 2, 6, 8, 7, 3, 4, 5]]
    relabelled = np.array([0, 3, 1, 2, 9, 8, 7, 6, 5, 4])[image]
    assert _invariant(relabelled) == _invariant(answers[0])


def _invariant(answer: NDArray[np.int8]) -> tuple[Any, ...]:
    sides = []
    for lines in (answer, answer.T):
        bands = []
        for band in range(0, 9, 3):
            pairs = [_cycles(lines[a], lines[b]) for a, b in combinations(range(band, band + 3), 2)]
            bands.append(tuple(sorted(pairs)))
        sides.append(tuple(sorted(bands)))
    return tuple(sorted(sides))


def _cycles(above: NDArray[np.int8], below: NDArray[np.int8]) -> tuple[int, ...]:
    follows = dict(zip(above.tolist(), below.tolist(), strict=True))
    lengths = []
    while follows:
        digit = next(iter(follows))
        length = 0
        while digit in follows:
            digit = follows.pop(digit)
            length += 1
        lengths.append(length)
    return tuple(sorted(lengths))


# -- rating and solving ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("box", "givens", "count"),
    [((3, 3), (23, 36), 150), ((2, 2), (4, 8), 20), ((2, 3), (9, 14), 60), ((3, 4), (54, 72), 10), ((4, 4), 112, 2)],
)
def test_rating_equals_the_one_in_python(box: tuple[int, int], givens: int | tuple[int, int], count: int) -> None:
    made = generate_many(count, seed=9, box_rows=box[0], box_cols=box[1], givens=givens)
    technique, backtracks = rate_many(made.questions, box_rows=box[0], box_cols=box[1])
    assert technique.dtype == np.uint8
    assert backtracks.dtype == np.int32
    task = SudokuTask(*box)
    for index, question in enumerate(made.questions):
        rating = task.rate(question)
        assert rating.technique is TECHNIQUES[technique[index]]
        assert rating.backtracks == backtracks[index]
    assert np.array_equal(technique, made.technique)
    assert np.array_equal(backtracks, made.backtracks)
    if box == (3, 3):
        assert set(technique.tolist()) == {0, 1, 2, 3}


def test_rating_equals_the_one_in_python_on_the_hardest_known() -> None:
    if not VALIDATION.exists():
        pytest.skip("the shared data is not here")
    lines = VALIDATION.read_text().splitlines()[1::30]
    questions = grids(*(line.split(",")[1] for line in lines))
    technique, backtracks = rate_many(questions)
    ratings = [SudokuTask(3, 3).rate(question) for question in questions]
    assert [TECHNIQUES[code] for code in technique] == [rating.technique for rating in ratings]
    assert backtracks.tolist() == [rating.backtracks for rating in ratings]


def test_rating_more_than_one_solution_and_full_grids() -> None:
    """The rules hold for any grid with a solution; a full one needs nothing."""
    full = generate_many(1, seed=0).answers
    two = grids("12..34..2143....", side=4)
    assert [codes.tolist() for codes in rate_many(full)] == [[0], [0]]
    (technique,), _ = rate_many(two, box_rows=2, box_cols=2)
    assert TECHNIQUES[technique] is SudokuTask(2, 2).rate(two[0]).technique


def test_solving_counts_solutions() -> None:
    task = SudokuTask(2, 2)
    questions = grids("1...............", "12343412214343..", "11..............", "1234......1.....", side=4)
    answers, solutions = solve_many(questions, box_rows=2, box_cols=2)
    assert solutions.tolist() == [2, 1, 0, task.count_solutions(questions[3])]
    assert solve_many(questions, box_rows=2, box_cols=2, limit=1000)[1].tolist() == [72, 1, 0, 3]
    assert task.check(questions[0], answers[0]) is None
    assert task.format(answers[1]) == "1234341221434321"
    assert not answers[2].any()


def test_solving_gives_the_answers_back() -> None:
    made = generate_many(50, seed=10, givens=24)
    answers, solutions = solve_many(made.questions.astype(np.int64)[:, ::-1][:, ::-1])  # any integers, any strides
    assert np.array_equal(answers, made.answers)
    assert (solutions == 1).all()


def test_nothing_to_do() -> None:
    none = np.zeros((0, 9, 9), dtype=np.int8)
    assert [array.shape for array in solve_many(none)] == [(0, 9, 9), (0,)]
    assert [array.shape for array in rate_many(none)] == [(0,), (0,)]


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku_bulk, "PATIENCE", 10)
    hard = grids(HARDEST)
    with pytest.raises(InvalidPuzzle, match=r"puzzle 0 .* given up after 10 backtracks"):
        solve_many(hard)
    with pytest.raises(InvalidPuzzle, match=r"puzzle 0 .* given up after 10 backtracks"):
        rate_many(hard)


# -- bad input ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0 .*, not -1"),
        ({"seed": 2**64}, "below 2\\*\\*64"),
        ({"first": -1}, "first=-1: puzzles of a series are counted from 0"),
        ({"givens": 0}, "1 to 15 clues"),
        ({"givens": 16}, "1 to 15 clues"),
        ({"givens": (9, 8)}, "givens=\\(9, 8\\)"),
        ({"givens": "few"}, "givens=few: .* 1 to 15 clues, or a range"),
        ({"givens": (4, 5, 6)}, "or a range of those"),
        ({"givens": 6.5}, "givens=6.5"),
        ({"difficulty": 3}, "Unknown difficulty '3'"),
        ({"givens": 3}, "givens=3: not reached in .* tries. Ask for 4 or more"),
        ({"difficulty": "hrad"}, "Did you mean 'hard'"),
        ({"difficulty": "extreme"}, "difficulty 'extreme': not reached .*reached: easy"),
        ({"difficulty": "hard", "givens": 2}, "with 2 to 2 clues: not reached .*none with so few clues"),
        ({"box_rows": 1}, "a box needs two rows"),
    ],
)
def test_what_cannot_be_made_is_said(options: dict[str, Any], message: str) -> None:
    asked = {"count": 1, "seed": 0, "box_rows": 2, "box_cols": 2} | options
    with pytest.raises(InvalidInput, match=message):
        generate_many(**asked)
    with pytest.raises(InvalidInput, match=message):
        next(generate_chunks(**asked))


def test_chunks_refuse_before_the_first_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match="chunk=0"):
        generate_chunks(1, seed=0, chunk=0)
    with pytest.raises(InvalidInput, match="count must be"):
        generate_chunks(0, seed=0)


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        (np.zeros((9, 9), dtype=np.int8), "an array of 9 x 9 given; .* count x 9 x 9"),
        (np.zeros((1, 4, 4), dtype=np.int8), "an array of 1 x 4 x 4 given; grids with boxes of 3x3"),
        (np.zeros((1, 9, 9)), "grids of float64 given"),
        (np.full((1, 9, 9), 10), "values 10 to 10 given; sudoku-9x9 has 0"),
        (np.full((1, 9, 9), 257), "values 257 to 257 given"),
        (np.full((1, 9, 9), -1, dtype=np.int8), "values -1 to -1 given"),
    ],
)
def test_what_is_no_grid_is_refused(questions: NDArray[Any], message: str) -> None:
    for take in (solve_many, rate_many):
        with pytest.raises(InvalidPuzzle, match=message):
            take(questions)


def test_what_has_no_solution_is_not_rated() -> None:
    questions = np.concatenate([generate_many(1, seed=0).questions, grids("11" + 79 * ".")])
    with pytest.raises(InvalidPuzzle, match=r"puzzle 1 .* has no solution"):
        rate_many(questions)


def test_a_limit_is_a_count() -> None:
    with pytest.raises(InvalidInput, match="limit=0"):
        solve_many(np.zeros((1, 9, 9), dtype=np.int8), limit=0)


def test_without_numba_one_line_says_how_to_get_it() -> None:
    script = """
import sys
sys.modules["numba"] = None
from trm_edge.data.sudoku_bulk import generate_many
from trm_edge.errors import MissingDependency
try:
    generate_many(1, seed=0)
except MissingDependency as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "'numba' is not installed. Install it with: pip install 'trm-edge[data]'\n"
