"""Policies and the solver, against scripted sessions; tests/test_vectors.py holds them to the shared vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.errors import InvalidBundle, InvalidInput, Refused
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Act, AllOf, AnyOf, Fixed, Solution, Solver, Stable, Verified, default_policy, parse_policy
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Grid, Puzzle, Task, Tokens

SEQ, VOCAB = 2, 200


class FakeTask(Task):
    """Two cells; an answer solves a puzzle if all its cells hold one of ``solves``."""

    family = "fake"
    id = "fake"
    seq_len = SEQ
    vocab_size = VOCAB

    def __init__(self, solves: Collection[int] = ()) -> None:
        self.solves = list(solves)
        self.checks = 0

    def encode(self, grid: Grid) -> Tokens:
        return grid.reshape(-1).astype(np.int32)

    def decode(self, tokens: Tokens) -> Grid:
        return tokens.reshape(1, -1).astype(np.int8)

    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        self.checks += 1
        return np.asarray(np.isin(answers, self.solves).all(axis=1))

    @classmethod
    def from_id(cls, id: str) -> Self:
        raise NotImplementedError

    def parse(self, text: str) -> Puzzle:
        raise NotImplementedError

    def read(self, text: str, *, format: str) -> Iterator[Puzzle]:
        raise NotImplementedError

    def format(self, grid: Grid) -> str:
        raise NotImplementedError

    def check(self, question: Grid, answer: Grid) -> str | None:
        raise NotImplementedError

    def picture(self, grid: Grid, **options: Any) -> Any:
        raise NotImplementedError

    def generate(self, rng: np.random.Generator, **options: Any) -> Puzzle:
        raise NotImplementedError


def tokens_of(n: int) -> NDArray[np.int32]:
    """``n`` different puzzles; (0, 0) is none of them."""
    return np.stack([np.arange(n) + 1, np.arange(n) % 7], axis=1).astype(np.int32)


def puzzles_of(n: int, puzzle_id: int = 0) -> list[Puzzle]:
    return [Puzzle(row.astype(np.int8).reshape(1, -1), puzzle_id=puzzle_id) for row in tokens_of(n)]


def session_of(q_halt: Any, answers: Any, graph: GraphVariant = GraphVariant.STEP, **settings: Any) -> FakeSession:
    """A session scripted by ``q_halt`` and answer labels, both [steps, n]; a label fills the whole answer."""
    labels = np.asarray(answers)
    cells = np.repeat(labels[..., None], SEQ, axis=-1)
    return FakeSession.scripted(tokens_of(labels.shape[1]), q_halt, cells, vocab_size=VOCAB, graph=graph, **settings)


def random_session(n: int, graph: GraphVariant = GraphVariant.STEP, **settings: Any) -> FakeSession:
    rng = np.random.default_rng(n)
    return session_of(rng.normal(-1, 1, (8, n)), rng.integers(0, VOCAB, (8, n)), graph, **settings)


def told(solution: Solution) -> tuple[Any, ...]:
    return solution.answer.tolist(), solution.steps, solution.q_halt, solution.halted, solution.solved


# -- policies ---------------------------------------------------------------------------------


def test_misspelt_policy_gets_a_hint() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'stable'"):
        parse_policy("stabel:3")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Act(min_steps=0),
        lambda: Act(threshold=float("nan")),
        lambda: Fixed(0),
        lambda: Stable(0),
        lambda: AnyOf(()),
        lambda: AllOf(()),
    ],
)
def test_a_policy_out_of_range_cannot_be_made(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()


# -- one puzzle -------------------------------------------------------------------------------


def test_solution_holds_the_puzzle_and_its_grid() -> None:
    puzzle = puzzles_of(1)[0]
    solution = Solver(session_of([[1]], [[9]]), FakeTask()).solve(puzzle)
    assert solution.puzzle is puzzle
    assert solution.grid.tolist() == [[9, 9]]
    assert solution.trace is None


@pytest.mark.parametrize("graph", [GraphVariant.STEP, GraphVariant.UNROLLED])
def test_trace(graph: GraphVariant) -> None:
    session = session_of([[-2, -1], [-1, 3], [1, 4]], [[5, 8], [6, 7], [7, 7]], graph)
    solutions = list(Solver(session, FakeTask()).solve_many(puzzles_of(2), trace=True))
    traces = [solution.trace for solution in solutions]
    assert traces[0] is not None
    assert traces[1] is not None
    assert traces[0].answers.tolist() == [[5, 5], [6, 6], [7, 7]]
    assert traces[0].q_halt.tolist() == [-2, -1, 1]
    assert traces[1].answers.tolist() == [[8, 8], [7, 7]]


def test_rules_are_checked_once_a_step_at_most() -> None:
    task = FakeTask([7])
    policy = AnyOf((Verified(), AllOf((Verified(), Act()))))
    Solver(session_of([[0]] * 3, [[5], [6], [7]]), task, policy=policy).solve(puzzles_of(1)[0])
    assert task.checks == 3


def test_a_task_without_rules_says_nothing_about_solved() -> None:
    task = FakeTask()
    task.has_rules = False  # type: ignore[attr-defined,unused-ignore]
    assert Solver(session_of([[1]], [[9]]), task).solve(puzzles_of(1)[0]).solved is None


def test_solutions_do_not_share_memory_with_the_batch() -> None:
    solver = Solver(random_session(6), FakeTask(), batch_size=2)
    solutions = list(solver.solve_many(puzzles_of(6)))
    before = [told(solution) for solution in solutions]
    list(solver.solve_many(puzzles_of(6)))
    assert [told(solution) for solution in solutions] == before


# -- many puzzles -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["act", "fixed", "fixed:3", "act:threshold=-0.5"])
@pytest.mark.parametrize("batch_size", [1, 3, 8, 64])
@pytest.mark.parametrize("graph", GraphVariant)
def test_batches_answer_as_single_puzzles_do(graph: GraphVariant, batch_size: int, policy: str) -> None:
    alone = Solver(random_session(20), FakeTask(), policy=policy)
    expected = [told(alone.solve(puzzle)) for puzzle in puzzles_of(20)]
    solver = Solver(random_session(20, graph), FakeTask(), policy=policy, batch_size=batch_size)
    assert [told(solution) for solution in solver.solve_many(puzzles_of(20))] == expected


@pytest.mark.parametrize("policy", ["stable:1", "any(act,stable:2)", "all(act:min=2,fixed:3)", "verified"])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("trace", [False, True])
def test_compaction_keeps_the_history_of_each_row(batch_size: int, policy: str, trace: bool) -> None:
    rng = np.random.default_rng(3)
    script = rng.normal(-1, 1, (8, 20)), rng.integers(0, 3, (8, 20))
    alone = Solver(session_of(*script), FakeTask([1]), policy=policy)
    solver = Solver(session_of(*script), FakeTask([1]), policy=policy, batch_size=batch_size)
    for puzzle, solution in zip(puzzles_of(20), solver.solve_many(puzzles_of(20), trace=trace), strict=True):
        assert told(solution) == told(alone.solve(puzzle))
        if trace:
            assert solution.trace is not None
            assert (
                solution.trace.q_halt.tolist()
                == script[0].astype(np.float32)[: solution.steps, solution.puzzle.question[0, 0] - 1].tolist()
            )


def test_rows_that_halt_make_room_at_once() -> None:
    """One puzzle takes 6 steps, five take 1: the slow one never waits, and no row is computed in vain."""
    q_halt = np.full((6, 6), 1.0)
    q_halt[:, 0] = -1
    session = session_of(q_halt, np.full((6, 6), 9))
    list(Solver(session, FakeTask(), batch_size=2, budget=6).solve_many(puzzles_of(6)))
    firsts = [call["tokens"][:, 0].tolist() for call in session.calls]
    assert [sorted(first) for first in firsts] == [[1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [1]]


def test_order_is_kept_and_the_source_is_read_as_rows_become_free() -> None:
    taken = 0

    def source() -> Iterator[Puzzle]:
        nonlocal taken
        for puzzle in puzzles_of(100):
            taken += 1
            yield puzzle

    solver = Solver(random_session(100), FakeTask(), batch_size=4)
    for number, solution in enumerate(solver.solve_many(source())):
        assert solution.puzzle.question[0, 0] == number + 1
        assert taken <= number + 1 + 4 * (solver.budget + 1)
    assert taken == 100


def test_two_streams_of_one_solver_do_not_disturb_each_other() -> None:
    solver = Solver(random_session(10), FakeTask(), batch_size=3)
    expected = [told(solution) for solution in solver.solve_many(puzzles_of(10))]
    pairs = list(zip(solver.solve_many(puzzles_of(10)), solver.solve_many(puzzles_of(10)), strict=True))
    assert [told(first) for first, _ in pairs] == expected
    assert [told(second) for _, second in pairs] == expected


@pytest.mark.parametrize("graph", GraphVariant)
def test_no_puzzles(graph: GraphVariant) -> None:
    session = random_session(1, graph)
    assert list(Solver(session, FakeTask()).solve_many([])) == []
    assert session.calls == []


@pytest.mark.parametrize("graph", GraphVariant)
@pytest.mark.parametrize("count", [1, 4, 7])
def test_a_batch_size_built_into_the_graph(graph: GraphVariant, count: int) -> None:
    alone = Solver(random_session(7), FakeTask())
    expected = [told(alone.solve(puzzle)) for puzzle in puzzles_of(count)]
    session = random_session(7, graph, fixed_batch=4)
    solver = Solver(session, FakeTask(), batch_size=32)
    assert [told(solution) for solution in solver.solve_many(puzzles_of(count))] == expected
    assert told(solver.solve(puzzles_of(1)[0])) == expected[0]
    assert {len(call["tokens"]) for call in session.calls} == {4}


# -- puzzle ids -------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", GraphVariant)
def test_puzzle_ids_become_rows(graph: GraphVariant) -> None:
    session = random_session(3, graph, puzzles=(11, 42))
    puzzles = [
        replace(puzzle, puzzle_id=puzzle_id) for puzzle, puzzle_id in zip(puzzles_of(3), (42, 11, 42), strict=True)
    ]
    list(Solver(session, FakeTask(), policy="fixed:2", batch_size=3).solve_many(puzzles))
    assert session.calls[0]["puzzle_ids"].tolist() == [1, 0, 1]


def test_a_puzzle_id_that_was_not_kept() -> None:
    solver = Solver(random_session(1, puzzles=(11, 42)), FakeTask())
    with pytest.raises(InvalidInput, match=r"Puzzle id 7 is not in this bundle\. Kept: 11, 42"):
        solver.solve(puzzles_of(1, puzzle_id=7)[0])


def test_the_only_kept_puzzle_is_checked_too() -> None:
    solver = Solver(random_session(1, puzzles=(11,)), FakeTask())
    solver.solve(puzzles_of(1, puzzle_id=11)[0])
    with pytest.raises(InvalidInput, match="Kept: 11"):
        solver.solve(puzzles_of(1, puzzle_id=0)[0])


# -- refusals and defaults --------------------------------------------------------------------


def test_defaults_come_from_the_bundle() -> None:
    session = random_session(1)
    solver = Solver(session, FakeTask())
    assert (solver.policy, solver.budget) == (Act(), 8)
    halting = replace(session.manifest.halting, threshold=0.5, min_steps=2)
    assert default_policy(replace(session.manifest, halting=halting)) == Act(0.5, 2)
    stable = replace(session.manifest.halting, policy="stable:2")
    assert default_policy(replace(session.manifest, halting=stable)) == Stable(2)


def test_budget_beyond_an_unrolled_graph() -> None:
    with pytest.raises(Refused, match=r"budget of 9 steps exceeds the 8 .* step graph"):
        Solver(random_session(1, GraphVariant.UNROLLED), FakeTask(), budget=9)


def test_budget_beyond_the_default_of_a_step_graph() -> None:
    solver = Solver(random_session(1), FakeTask(), policy="fixed", budget=50)
    assert solver.solve(puzzles_of(1)[0]).steps == 50


@pytest.mark.parametrize("policy", ["stable:2", "verified", "act:min=2", "any(act,fixed:3)"])
def test_policies_beyond_a_loop_graph(policy: str) -> None:
    with pytest.raises(Refused, match="export a step graph"):
        Solver(random_session(1, GraphVariant.LOOP), FakeTask(), policy=policy)


def test_a_loop_graph_has_no_trace() -> None:
    solver = Solver(random_session(1, GraphVariant.LOOP), FakeTask())
    with pytest.raises(Refused, match="step or unrolled graph"):
        solver.solve(puzzles_of(1)[0], trace=True)
    with pytest.raises(Refused):
        solver.solve_many(puzzles_of(1), trace=True)


@pytest.mark.parametrize("settings", [{"budget": 0}, {"budget": 2**31}, {"batch_size": 0}, {"policy": "nonsense"}])
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Solver(random_session(1), FakeTask(), **settings)


def test_another_task() -> None:
    with pytest.raises(InvalidInput, match="made for the task 'maze-30x30', not 'fake'"):
        Solver(random_session(1, task="maze-30x30"), FakeTask())
    other = FakeTask()
    other.vocab_size = 12
    with pytest.raises(InvalidInput, match="2 tokens of 200 values"):
        Solver(random_session(1), other)


def test_nan_reaches_the_user_as_one_line() -> None:
    session = session_of([[-1], [np.nan]], [[5], [6]])
    with pytest.raises(InvalidBundle, match="NaN in 'q_halt'"):
        Solver(session, FakeTask()).solve(puzzles_of(1)[0])
