from __future__ import annotations

import numpy as np
import pytest

from trm_edge.tasks.sudoku import SudokuTask
from trm_edge.tasks.sudoku_rate import Technique, rate
from trm_edge.tasks.sudoku_solve import search

NINE = SudokuTask(3, 3)
CLASSIC = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
CLASSIC_ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
SEVENTEEN = "000000010400000000020000000000050407008000300001090000300400200050100000000806000"
NEEDS_POINTING = "....5..399...12....6......7..3....6.8...29....1.....7....1.5...2....35.45...4.7.."
NEEDS_A_PAIR = "14........9.43..6....1..7.5...3.76..78..5...........9.2....1..9...2...5.6..7..1.4"
HARDEST = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."


@pytest.mark.parametrize("text", [CLASSIC, SEVENTEEN, HARDEST])
def test_known_puzzles_have_one_solution(text: str) -> None:
    question = NINE.parse(text).question
    assert NINE.count_solutions(question) == 1
    answer = NINE.solve(question)
    assert answer is not None
    assert NINE.check(question, answer) is None


def test_the_solution_is_the_known_one() -> None:
    answer = NINE.solve(NINE.parse(CLASSIC).question)
    assert answer is not None
    assert NINE.format(answer) == CLASSIC_ANSWER


def test_counting_is_exact_up_to_the_limit() -> None:
    four = SudokuTask(2, 2)
    empty = np.zeros((4, 4), dtype=np.int8)
    assert four.count_solutions(empty, limit=1000) == 288  # the known number of 4x4 grids
    assert four.count_solutions(empty) == 2
    found = search(empty, 2, 2, limit=1000).solutions
    assert len({grid.tobytes() for grid in found}) == 288


def test_no_solution_and_contradictory_givens() -> None:
    question = NINE.parse("12345678." + "........9" + "." * 63).question  # no digit is left for the ninth cell
    assert NINE.count_solutions(question) == 0
    assert NINE.solve(question) is None
    twice = np.zeros((9, 9), dtype=np.int8)
    twice[0, 0] = twice[0, 5] = 4
    assert NINE.count_solutions(twice) == 0


def test_a_budget_ends_the_search() -> None:
    found = search(NINE.parse(HARDEST).question, 3, 3, budget=0)
    assert not found.complete
    assert found.solutions == ()


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        (CLASSIC_ANSWER[:-1] + ".", Technique.NAKED_SINGLE),
        (CLASSIC, Technique.NAKED_SINGLE),
        (SEVENTEEN, Technique.HIDDEN_SINGLE),
        (NEEDS_POINTING, Technique.PAIRS),
        (NEEDS_A_PAIR, Technique.PAIRS),
        (HARDEST, Technique.SEARCH),
    ],
)
def test_the_hardest_technique(text: str, technique: Technique) -> None:
    rating = rate(NINE.parse(text).question, 3, 3)
    assert rating.technique is technique
    if technique is Technique.SEARCH:
        assert rating.backtracks > 0
    elif technique is not Technique.PAIRS:  # the solver guesses where a human sees a pair
        assert rating.backtracks == 0
