from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solution, Solver
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify import accuracy_report
from trm_edge.verify.accuracy import evaluate, judge, score

Fake = Callable[..., FakeSession]


def solution(puzzle: Puzzle, grid: np.ndarray, *, solved: bool | None = True) -> Solution:
    return Solution(puzzle, np.zeros(1, np.int32), grid, steps=2, q_halt=1.0, halted=True, solved=solved)


@pytest.mark.parametrize("graph", GraphVariant)
def test_the_script_is_counted_as_it_was_written(
    fake: Fake, task: Task, puzzles: list[Puzzle], graph: GraphVariant
) -> None:
    found = evaluate(Solver(fake(graph), task, batch_size=2), iter(puzzles), by="givens")
    total = found.total
    assert (total.puzzles, total.exact, total.by_rules) == (5, 0.6, 0.6)
    assert found.steps == {1: 1, 2: 1, 3: 3}
    assert total.mean_steps == pytest.approx(12 / 5)
    assert total.median_steps == 3
    assert found.unjudged == 0
    assert (found.policy, found.budget) == ("act", 3)
    blanks = [int((p.question == 0).sum()) for p in puzzles]
    assert total.blank_cells == pytest.approx(sum(blanks[:3]) / sum(blanks))
    assert total.cells == pytest.approx(1 - sum(blanks[3:]) / 80)
    assert sum(group.puzzles for group in found.groups.values()) == 5


def test_the_budget_is_told_from_the_policy(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    assert evaluate(Solver(fake(), task), puzzles).total.halted == 0.6
    assert evaluate(Solver(fake(), task, budget=1), puzzles).total.halted == 0.2


def test_without_an_answer_the_rules_decide(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    total = evaluate(Solver(fake(), task), [replace(p, answer=None) for p in puzzles]).total
    assert (total.exact, total.by_rules) == (0.6, 0.6)
    assert total.cells is total.blank_cells is None


def test_a_lawful_answer_that_is_not_the_known_one_is_not_exact(task: Task, puzzles: list[Puzzle]) -> None:
    answer = puzzles[0].answer
    assert answer is not None
    outcome = judge(solution(puzzles[0], np.roll(answer, 1), solved=True))
    assert outcome.correct is False
    assert outcome.by_rules is True


def test_an_answer_of_another_size_has_no_right_cells() -> None:
    arc = get_task("arc-10x10")
    puzzle = Puzzle(np.zeros((2, 2), np.int8), np.ones((3, 3), np.int8))
    outcome = judge(solution(puzzle, np.ones((3, 2), np.int8), solved=None))
    assert (outcome.correct, outcome.by_rules, outcome.cells, outcome.cells_right) == (False, None, 9, 0)
    assert (outcome.blanks, outcome.blanks_right) == (9, 0)
    outcome = judge(solution(puzzle, np.ones((3, 3), np.int8), solved=None))
    assert (outcome.correct, outcome.cells_right, outcome.blanks_right) == (True, 9, 9)
    unknown = judge(solution(replace(puzzle, answer=None), np.ones((3, 3), np.int8), solved=None))
    assert unknown.correct is None
    both = score([outcome, unknown])
    assert (both.puzzles, both.exact, both.by_rules) == (2, 1.0, None)
    assert arc.family == "arc"


def test_waiting_for_puzzles_does_not_count_as_solving(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    def slow() -> Iterator[Puzzle]:
        for puzzle in puzzles:
            time.sleep(0.1)
            yield puzzle

    found = evaluate(Solver(fake(), task), slow())
    assert 0 < found.seconds < 0.3
    assert found.puzzles_per_second == pytest.approx(5 / found.seconds)


def test_no_puzzles_is_an_error(fake: Fake, task: Task) -> None:
    with pytest.raises(InvalidInput, match="no puzzles"):
        evaluate(Solver(fake(), task), [])


def test_a_grouping_is_refused_before_any_work(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    session = fake()
    with pytest.raises(InvalidInput, match="Did you mean 'givens'"):
        evaluate(Solver(session, task), puzzles, by="given")
    assert session.calls == []


def test_the_report_as_json_and_as_text(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    session = fake()
    found = evaluate(Solver(session, task), puzzles, by="givens")
    document = json.loads(json.dumps(accuracy_report.to_dict(found, session, "somewhere"), allow_nan=False))
    assert (document["exact"], document["puzzles"], document["data"]) == (0.6, 5, "somewhere")
    assert document["steps"][0] == {"step": 1, "puzzles": 1}
    assert document["groups"][0]["group"].endswith("givens")
    lines = [line for line in accuracy_report.lines(found, session.manifest) if isinstance(line, str)]
    assert lines[1] == "exact answers   60.0%"
    assert lines[4] == "halting         60.0% by the policy, 40.0% by the budget"
    assert lines[-1] == f"  step   3  {'#' * 40} 3"
