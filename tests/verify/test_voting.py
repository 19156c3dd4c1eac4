from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput, Refused
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solution, Solver
from trm_edge.solve.variants import Variant
from trm_edge.solve.voting import Voted
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Grid, Puzzle, Task
from trm_edge.verify import voting_report
from trm_edge.verify.voting import VoteEvaluation, evaluate, judge

Fake = Callable[..., FakeSession]


def twice(puzzle: Puzzle) -> list[Variant]:
    """The same start again: the script solves puzzle i at step i + 1, the last two never."""
    return [Variant()] * 2


def found(session: FakeSession, task: Task, puzzles: list[Puzzle]) -> VoteEvaluation:
    return evaluate(Solver(session, task), puzzles, "verified:2", variants=twice, by="givens")


def solution(puzzle: Puzzle, grid: Grid, *, solved: bool | None) -> Solution:
    return Solution(puzzle, np.zeros(1, np.int32), grid, steps=2, q_halt=1.0, halted=True, solved=solved)


def test_one_start_and_the_vote_are_counted_side_by_side(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    result = found(fake(), task, puzzles)
    assert (result.vote, result.starts, result.mean_starts) == ("verified:2", {1: 3, 2: 2}, 1.4)
    assert (result.alone.total.exact, result.voted.total.exact) == (0.6, 0.6)
    assert result.alone.steps == {1: 1, 2: 1, 3: 3}
    assert result.voted.steps == {1: 1, 2: 1, 3: 1, 6: 2}
    assert result.alone.groups.keys() == result.voted.groups.keys()
    assert sum(group.puzzles for group in result.voted.groups.values()) == 5
    assert result.lawful_but_wrong == ()


def test_a_lawful_answer_that_is_not_the_known_one_is_named(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    answer = puzzles[0].answer
    assert answer is not None
    other = replace(puzzles[0], answer=np.roll(answer, 1))  # as if the puzzle had a second solution
    result = found(fake(), task, [other, *puzzles[1:]])
    assert result.lawful_but_wrong == (task.format(puzzles[0].question),)
    assert result.voted.total.exact == 0.4


def test_of_two_answers_the_right_one_counts() -> None:
    arc = get_task("arc-10x10")
    right, wrong = np.ones((2, 2), np.int8), np.zeros((2, 2), np.int8)
    puzzle = Puzzle(np.zeros((2, 2), np.int8), right)
    first, second = (solution(puzzle, grid, solved=None) for grid in (wrong, right))
    outcome = judge(arc, Voted((first, second), first, starts=3, votes=2, steps=6))
    assert (outcome.alone.correct, outcome.voted.correct, outcome.voted.steps, outcome.starts) == (False, True, 6, 3)
    outcome = judge(arc, Voted((first,), first, starts=3, votes=2, steps=6))
    assert outcome.voted.correct is False
    assert outcome.lawful_but_wrong is None


def test_bad_input_is_refused_before_any_work(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    session = fake()
    solver = Solver(session, task)
    with pytest.raises(InvalidInput, match="Did you mean 'givens'"):
        evaluate(solver, puzzles, "verified:2", by="given")
    with pytest.raises(InvalidInput, match="Unknown vote 'most'"):
        evaluate(solver, puzzles, "most:2")
    with pytest.raises(InvalidInput, match="no puzzles"):
        evaluate(solver, [], "verified:2")
    assert session.calls == []


def test_no_rules_no_verified_vote() -> None:
    arc = get_task("arc-10x10")
    puzzle = arc.generate(np.random.default_rng(0))
    tokens = arc.encode(puzzle.question)[None]
    session = FakeSession.scripted(tokens, [[1.0]], tokens[None], vocab_size=arc.vocab_size, task=arc.id)
    with pytest.raises(Refused, match="no rules"):
        evaluate(Solver(session, arc), [puzzle], "verified:2")


def test_the_report_as_json_and_as_text(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    session = fake()
    answer = puzzles[0].answer
    assert answer is not None
    result = found(session, task, [replace(puzzles[0], answer=np.roll(answer, 1)), *puzzles[1:]])
    document = json.loads(json.dumps(voting_report.to_dict(result, session, "somewhere"), allow_nan=False))
    assert (document["exact"], document["puzzles"], document["mean_steps"]) == (0.4, 5, 3.6)
    assert document["vote"]["vote"] == "verified:2"
    assert document["vote"]["starts"] == [{"starts": 1, "puzzles": 3}, {"starts": 2, "puzzles": 2}]
    assert document["vote"]["one_start"]["mean_steps"] == 2.4
    assert [group["group"] for group in document["vote"]["one_start"]["groups"]] == [
        group["group"] for group in document["groups"]
    ]
    assert document["vote"]["lawful_but_wrong"] == [task.format(puzzles[0].question)]
    lines = [line for line in voting_report.lines(result, session.manifest) if isinstance(line, str)]
    assert lines[0] == "fake: 5 puzzles, vote verified:2, halting by act, at most 3 steps a start"
    assert lines[1] == "exact answers   40.0% with one start, 40.0% by the vote"
    assert lines[4] == "starts          1.40 on average"
    assert lines[5] == "steps           2.40 with one start, 3.60 of all starts, on average"
    assert lines[-2:] == [
        "answers that obey the rules and are not the known ones: 1, for example to",
        f"  {task.format(puzzles[0].question)}",
    ]
