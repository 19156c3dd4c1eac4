"""Votes, against sessions whose answer to every start is scripted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, Refused
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.solve.variants import Variant, symmetric
from trm_edge.solve.voting import MAX_STARTS, Vote, Voted, parse_vote, vote
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Grid, Puzzle, Task

STARTS = 4
SUDOKU, ARC = get_task("sudoku-4x4"), get_task("arc-10x10")

Said = Sequence[tuple[Grid, float]]
"""Of each start its answer, in the symbols of the puzzle itself, and its halting logit."""


def puzzles_of(task: Task, count: int) -> list[Puzzle]:
    return [task.generate(np.random.default_rng(seed)) for seed in range(count)]


def right(puzzle: Puzzle) -> Grid:
    assert puzzle.answer is not None
    return puzzle.answer


def wrong(puzzle: Puzzle, cell: int = 0) -> Grid:
    """The answer with one cell, not a given, that breaks a rule."""
    grid = right(puzzle).copy()
    place = tuple(np.argwhere(puzzle.question == 0)[cell])
    grid[place] = grid[place] % 4 + 1
    return grid


def session_of(
    task: Task, puzzles: Sequence[Puzzle], said: Sequence[Said], graph: GraphVariant = GraphVariant.STEP
) -> FakeSession:
    """Answers each start as ``said`` [puzzle][start], after one step; in a second step nothing changes."""
    variants = symmetric(task, STARTS)
    tokens, answers, q_halt = [], [], []
    for puzzle, of_start in zip(puzzles, said, strict=True):
        for variant, (answer, q) in zip(variants(puzzle), of_start, strict=True):
            tokens.append(task.encode(variant.of(puzzle).question))
            answers.append(task.encode(variant.symmetry.apply(answer)))
            q_halt.append(q)
    return FakeSession.scripted(
        tokens, [q_halt] * 2, [answers] * 2, vocab_size=task.vocab_size, task=task.id, graph=graph
    )


def voted_on(how: str, task: Task, puzzles: Sequence[Puzzle], said: Sequence[Said]) -> list[Voted]:
    return list(vote(Solver(session_of(task, puzzles, said), task, batch_size=2), puzzles, how))


# -- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["verified:8", "majority:1", f"confident:{MAX_STARTS}", "top2:10"])
def test_the_text_reads_as_the_vote(text: str) -> None:
    assert str(parse_vote(text)) == text
    assert parse_vote(f" {text.replace(':', ' : ')} ") == parse_vote(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unknown vote ''"),
        ("verifed:8", "Did you mean 'verified'"),
        ("verified", "'' is not a number of starts"),
        ("verified:", "'' is not a number of starts"),
        ("verified:x", "'x' is not a number of starts"),
        ("verified:-1", "'-1' is not a number of starts"),
        ("verified:٣", "is not a number of starts"),
        ("verified:8:9", "'8:9' is not a number of starts"),
        ("verified:0", "1 to 10000 starts"),
        ("majority:10001", "1 to 10000 starts"),
        ("majority:" + "9" * 5000, "is not a number of starts"),
        ("x" * 5000, "Unknown vote"),
    ],
)
def test_refused_text(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        parse_vote(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300
    assert "Examples: verified:8" in str(error.value)


# -- verified ---------------------------------------------------------------------------------


def test_the_first_lawful_answer_ends_the_vote_and_is_given_in_the_puzzles_own_symbols() -> None:
    puzzles = puzzles_of(SUDOKU, 3)
    said = [
        [(right(puzzles[0]), 1.0)] * STARTS,
        [(wrong(puzzles[1]), 3.0), (wrong(puzzles[1]), 2.0), (right(puzzles[1]), 1.0), (right(puzzles[1]), 1.0)],
        [(wrong(puzzles[2], start % 2), float(start)) for start in (1, 4, 3, 2)],
    ]
    found = voted_on("verified:4", SUDOKU, puzzles, said)
    assert [one.best.puzzle for one in found] == puzzles
    assert [one.starts for one in found] == [1, 3, 4]
    assert [one.steps for one in found] == [1, 3, 4], "a step of each start"
    assert [one.best.solved for one in found] == [True, True, False]
    for one, puzzle in zip(found[:2], puzzles, strict=False):
        assert np.array_equal(one.best.grid, right(puzzle))
        assert np.array_equal(one.best.answer, SUDOKU.encode(right(puzzle)))
    assert np.array_equal(found[2].best.grid, wrong(puzzles[2], 0)), "the most confident, where none obeys the rules"
    assert [one.alone.solved for one in found] == [True, False, False]
    assert np.array_equal(found[1].alone.grid, wrong(puzzles[1]))


def test_only_what_is_not_solved_goes_on_and_batches_stay_full() -> None:
    puzzles = puzzles_of(SUDOKU, 6)
    said = [
        [(wrong(p), 1.0), (right(p) if n % 2 else wrong(p), 1.0)] + [(right(p), 1.0)] * 2 for n, p in enumerate(puzzles)
    ]
    session = session_of(SUDOKU, puzzles, said)
    found = list(vote(Solver(session, SUDOKU, batch_size=3), puzzles, "verified:4"))
    assert [one.starts for one in found] == [3, 2] * 3
    assert [len(call["tokens"]) for call in session.calls] == [3, 3, 3, 3, 3], "6 + 6 + 3 starts in full batches"


def test_a_stream_is_answered_puzzle_by_puzzle_with_a_batch_of_one() -> None:
    puzzles = puzzles_of(SUDOKU, 3)
    events: list[str] = []

    def stream() -> Iterator[Puzzle]:
        for puzzle in puzzles:
            events.append("read")
            yield puzzle

    said = [[(wrong(puzzle), 1.0)] * 2 + [(right(puzzle), 1.0)] * 2 for puzzle in puzzles]
    solver = Solver(session_of(SUDOKU, puzzles, said), SUDOKU, batch_size=1)
    for _ in vote(solver, stream(), "verified:4"):
        events.append("answered")
    assert events == ["read", "answered"] * 3


@pytest.mark.parametrize("graph", GraphVariant)
def test_any_graph_can_vote(graph: GraphVariant) -> None:
    puzzles = puzzles_of(SUDOKU, 2)
    said = [[(wrong(puzzle), 1.0), *[(right(puzzle), 1.0)] * 3] for puzzle in puzzles]
    solver = Solver(session_of(SUDOKU, puzzles, said, graph), SUDOKU)
    assert [(one.starts, one.best.solved) for one in vote(solver, puzzles, "verified:4")] == [(2, True)] * 2


def test_the_trace_is_in_the_puzzles_own_symbols() -> None:
    (puzzle,) = puzzles_of(SUDOKU, 1)
    said = [[(wrong(puzzle), 1.0), *[(right(puzzle), -1.0)] * 3]]
    solver = Solver(session_of(SUDOKU, [puzzle], said), SUDOKU)
    (one,) = vote(solver, [puzzle], "verified:2", trace=True)
    assert one.best.trace is not None
    assert np.array_equal(one.best.trace.answers, np.stack([SUDOKU.encode(right(puzzle))] * 2))
    assert one.best.trace.q_halt.tolist() == [-1, -1]


def test_a_task_without_rules_has_nothing_to_verify() -> None:
    puzzles = puzzles_of(ARC, 1)
    solver = Solver(session_of(ARC, puzzles, [[(right(puzzles[0]), 1.0)] * STARTS]), ARC)
    with pytest.raises(Refused, match="majority, confident or top2"):
        vote(solver, puzzles, "verified:4")


# -- majority, confident, top2 ----------------------------------------------------------------

A, B, C = (np.full((2, width), 3, np.int8) for width in (1, 2, 3))


@pytest.mark.parametrize(
    ("how", "said", "winners"),
    [
        ("majority:4", [(A, 9), (B, -1), (C, 0), (B, -1)], [B]),
        ("majority:4", [(A, 1), (B, 2), (A, 1), (B, 2)], [B]),
        ("majority:4", [(A, 1), (B, 1), (A, 1), (B, 1)], [A]),
        # the mean of sigmoids, not of logits: 0.5 for A, 0.54 for B
        ("majority:4", [(A, -9), (B, 0.2), (A, 9), (B, 0.1)], [B]),
        ("majority:1", [(A, -9), (B, 0), (B, 9), (B, 0)], [A]),
        ("confident:4", [(A, 1), (B, 2), (A, 1), (B, -7)], [B]),
        ("confident:4", [(A, 1), (B, 1), (A, 1), (C, 1)], [A]),
        ("top2:4", [(A, 1), (B, 2), (C, 3), (B, 2)], [B, C]),
        ("top2:4", [(A, 1), (A, 2), (A, 3), (A, 2)], [A]),
        ("top2:2", [(A, 1), (B, 2), (C, 9), (C, 9)], [B, A]),
    ],
)
def test_which_answers_win(how: str, said: list[tuple[Grid, float]], winners: list[Grid]) -> None:
    (puzzle,) = puzzles_of(ARC, 1)
    (one,) = voted_on(how, ARC, [puzzle], [said])
    assert [answer.grid.tolist() for answer in one.answers] == [winner.tolist() for winner in winners]
    assert one.starts == parse_vote(how).starts
    assert one.votes == sum(np.array_equal(answer, winners[0]) for answer, _ in said[: one.starts])


def test_a_winner_is_the_most_confident_start_that_gave_it() -> None:
    (puzzle,) = puzzles_of(ARC, 1)
    (one,) = voted_on("majority:4", ARC, [puzzle], [[(B, 9), (A, 1), (A, 3), (A, 2)]])
    assert (one.best.q_halt, one.votes, one.alone.q_halt) == (3, 3, 9)


def test_an_answer_without_a_cell_is_an_answer() -> None:
    (puzzle,) = puzzles_of(ARC, 1)
    tokens = [ARC.encode(variant.of(puzzle).question) for variant in symmetric(ARC, 2)(puzzle)]
    session = FakeSession.scripted(tokens, [[1.0] * 2], [np.zeros((2, 100))], vocab_size=12, task=ARC.id)
    (one,) = vote(Solver(session, ARC), [puzzle], "majority:2")
    assert (one.best.grid.shape, one.votes) == ((0, 0), 2)
    assert np.array_equal(ARC.decode(one.best.answer), one.best.grid)


def test_starts_can_be_given_and_are_as_many_as_there_are() -> None:
    puzzles = puzzles_of(SUDOKU, 2)
    said = [[(right(puzzle), 1.0)] * STARTS for puzzle in puzzles]
    solver = Solver(session_of(SUDOKU, puzzles, said), SUDOKU)
    found = vote(solver, puzzles, Vote("majority", 8), variants=lambda puzzle: [Variant()] * 2)
    assert [(one.starts, one.votes) for one in found] == [(2, 2)] * 2


def test_huge_logits_do_not_overflow() -> None:
    (puzzle,) = puzzles_of(ARC, 1)
    (one,) = voted_on("majority:4", ARC, [puzzle], [[(A, -3e38), (B, 3e38), (A, -3e38), (B, 3e38)]])
    assert np.array_equal(one.best.grid, B)
