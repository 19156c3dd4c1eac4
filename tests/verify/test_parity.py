from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput, Refused
from trm_edge.model.network import RecursiveModel
from trm_edge.runtimes import open_session
from trm_edge.runtimes.fake import FakeSession
from trm_edge.runtimes.torch_eager import TorchEagerSession
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify.parity import compare, remarks

Fake = Callable[..., FakeSession]
Script = dict[str, np.ndarray]


@pytest.mark.parametrize("graph", GraphVariant)
@pytest.mark.parametrize("fixed_batch", [None, 2])
def test_equal_sides_agree(
    fake: Fake, task: Task, puzzles: list[Puzzle], graph: GraphVariant, fixed_batch: int | None
) -> None:
    report = compare(fake(), fake(graph, fixed_batch=fixed_batch), task, puzzles, batch_size=3)
    assert (report.puzzles, report.answers, report.last_answers, report.halting_steps) == (5, 5, 5, 5)
    assert (report.halted, report.halted_answers, report.unsettled) == (2, 2, 0)
    assert report.confusion == {(1, 1): 1, (2, 2): 1, (3, 3): 3}
    assert [e.step for e in report.trajectory] == [1, 2, 3]
    assert all(e.logits_max == e.q_halt_max == e.cells == 0 and e.identical == 1 for e in report.trajectory)
    assert len(report.local) == (3 if graph is GraphVariant.STEP else 1)
    assert report.logits_error == 0
    assert (report.answer_agreement, report.last_answer_agreement, report.halting_agreement) == (1, 1, 1)


@pytest.mark.parametrize("graph", GraphVariant)
def test_a_wrong_cell_is_found_at_its_depth(
    fake: Fake, script: Script, task: Task, puzzles: list[Puzzle], graph: GraphVariant
) -> None:
    answers = script["answers"].copy()
    answers[1, 1, :2] = 0
    report = compare(fake(), fake(graph, answers=answers), task, puzzles)
    assert [e.cells for e in report.trajectory] == [0, 2, 0]
    assert [e.identical for e in report.trajectory] == [1, 0.8, 1]
    assert [e.logits_max for e in report.trajectory] == [0, 1, 0]
    assert (report.answers, report.last_answers, report.halted, report.halted_answers) == (4, 5, 2, 1)


@pytest.mark.parametrize("graph", GraphVariant)
def test_halting_elsewhere_is_in_the_confusion(
    fake: Fake, script: Script, task: Task, puzzles: list[Puzzle], graph: GraphVariant
) -> None:
    q_halt = script["q_halt"].copy()
    q_halt[0, 0] = -1
    report = compare(fake(), fake(graph, q_halt=q_halt), task, puzzles)
    assert report.confusion == {(1, 2): 1, (2, 2): 1, (3, 3): 3}
    assert report.halting_agreement == 0.8
    assert report.answer_agreement == 1
    assert [e.q_halt_max for e in report.trajectory] == [3, 0, 0]
    assert report.trajectory[0].q_halt_mean == pytest.approx(3 / 5)


def test_policy_and_budget_apply_to_both_sides(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    report = compare(fake(), fake(), task, puzzles, policy="fixed:1", budget=2)
    assert report.policy == "fixed:1"
    assert report.confusion == {(1, 1): 5}
    assert len(report.trajectory) == 2


def test_what_a_graph_cannot_follow_is_refused(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    with pytest.raises(Refused, match="exceeds the 3"):
        compare(fake(), fake(GraphVariant.UNROLLED), task, puzzles, budget=4)
    with pytest.raises(Refused, match="loop graph halts inside"):
        compare(fake(), fake(GraphVariant.LOOP), task, puzzles, policy="stable:2")
    with pytest.raises(InvalidInput, match="no puzzles"):
        compare(fake(), fake(), task, [])


def test_puzzles_are_read_batch_by_batch(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    tested, read = fake(), []

    def source() -> Iterator[Puzzle]:
        for number, puzzle in enumerate(puzzles):
            read.append((number, len(tested.calls)))
            yield puzzle

    compare(fake(), tested, task, source(), batch_size=2)
    assert [calls for _, calls in read] == [0, 0, 6, 6, 12]  # 3 steps, each once on either carry


def test_the_local_error_does_not_see_what_came_before(
    model: RecursiveModel, task: Task, puzzles: list[Puzzle]
) -> None:
    other = deepcopy(model)
    with torch.no_grad():
        other.H_init += 0.5  # only the first step of the bundle's own run starts elsewhere
    reference, tested = (TorchEagerSession.from_model(m, task.id, threads=1) for m in (model, other))
    report = compare(reference, tested, task, puzzles)
    assert all(e.logits_max == 0 for e in report.local)
    assert all(e.carries[name].max == 0 for e in report.local for name in ("z_H", "z_L"))
    assert all(e.carries["z_H"].cosine == 1 for e in report.local)
    assert all(e.logits_max > 0 and 0 < e.logits_mean < e.logits_max for e in report.trajectory)
    assert all(e.carries["z_H"].max > 0 and e.carries["z_H"].cosine < 1 for e in report.trajectory)


def test_an_untrained_model_that_amplifies_is_called_out(
    model: RecursiveModel, task: Task, puzzles: list[Puzzle]
) -> None:
    nearly = deepcopy(model)
    with torch.no_grad():
        nearly.embed_tokens.weight *= 1 + 1e-6
    reference, tested = (TorchEagerSession.from_model(m, task.id, threads=1) for m in (model, nearly))
    report = compare(reference, tested, task, puzzles, budget=20)
    assert report.unsettled > 0
    assert report.logits_error < 1e-2 < report.trajectory[-1].logits_max
    [said] = remarks(report)
    assert said.startswith(f"On {report.unsettled} of 5 puzzles the logits error grew")
    assert "untrained" in said


def test_remarks_are_silent_where_there_is_nothing_to_say(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    assert remarks(compare(fake(), fake(), task, puzzles)) == []
    [said] = remarks(compare(fake(), fake(GraphVariant.LOOP), task, puzzles))
    assert "does not show its carry" in said


class _Overflowing(FakeSession):
    def _infer(self, inputs: Any) -> dict[str, Any]:
        outputs = super()._infer(inputs)
        outputs["logits"][:, 0, 0] = np.inf
        return outputs


def test_an_overflow_keeps_no_bound(fake: Fake, script: Script, task: Task, puzzles: list[Puzzle]) -> None:
    bad = _Overflowing.scripted(script["tokens"], script["q_halt"], script["answers"], vocab_size=6, task=task.id)
    report = compare(fake(), bad, task, puzzles)
    assert report.logits_error == np.inf
    report = compare(bad, bad, task, puzzles)  # infinity minus infinity
    assert np.isnan(report.logits_error)
    assert report.unsettled == 5


@pytest.mark.parametrize("graph", GraphVariant)
def test_an_exported_graph_keeps_to_the_float_model(
    export: Callable[[GraphVariant], Bundle],
    model: RecursiveModel,
    task: Task,
    puzzles: list[Puzzle],
    graph: GraphVariant,
) -> None:
    reference = TorchEagerSession.from_model(model, task.id, threads=1)
    with export(graph) as bundle, open_session(bundle, threads=1) as session:
        report = compare(reference, session, task, puzzles)
    assert report.logits_error < 1e-4
    assert report.answers == report.halting_steps == 5
    assert bool(report.local[0].carries) is (graph is GraphVariant.STEP)


def test_accuracy_is_judged_at_each_sides_halting_step(
    fake: Fake, script: Script, task: Task, puzzles: list[Puzzle]
) -> None:
    answers = script["answers"].copy()
    answers[0, 0, 0] = 0  # wrong where puzzle 0 halts, right later
    answers[2, 3] = task.encode(puzzles[3].answer)  # type: ignore[arg-type]  # solved only by the bundle
    report = compare(fake(), fake(answers=answers), task, puzzles)
    assert (report.judged, report.float_right, report.bundle_right) == (5, 3, 3)
    assert (report.lost, report.gained, report.drop) == (1, 1, 0)
    worse = compare(fake(), fake(answers=script["answers"] * 0), task, puzzles)
    assert (worse.float_accuracy, worse.bundle_accuracy, worse.lost) == (0.6, 0, 3)
    assert worse.drop == pytest.approx(60)


def test_without_known_answers_the_rules_judge(fake: Fake, task: Task, puzzles: list[Puzzle]) -> None:
    report = compare(fake(), fake(), task, [replace(p, answer=None) for p in puzzles])
    assert (report.judged, report.float_right, report.bundle_right) == (5, 3, 3)


def test_a_task_without_rules_is_judged_by_known_answers_alone() -> None:
    arc = get_task("arc-10x10")
    grid = np.ones((2, 2), np.int8)
    known, unknown = Puzzle(grid, grid), Puzzle(grid + 1, None)
    tokens = np.stack([arc.encode(p.question) for p in (known, unknown)])
    side = FakeSession.scripted(tokens, np.ones((1, 2)), tokens[None], vocab_size=arc.vocab_size, task=arc.id)
    report = compare(side, side, arc, [known, unknown])
    assert (report.puzzles, report.judged, report.float_right) == (2, 1, 1)
    nothing = compare(side, side, arc, [unknown])
    assert nothing.drop is nothing.float_accuracy is nothing.bundle_accuracy is None


def test_the_halting_table_counts_both_sides(fake: Fake, script: Script, task: Task, puzzles: list[Puzzle]) -> None:
    q_halt = script["q_halt"].copy()
    q_halt[0, 0] = -1
    table = compare(fake(), fake(q_halt=q_halt), task, puzzles).halting_table()
    assert [(row.step, row.of_float, row.of_bundle, row.of_both) for row in table] == [
        (1, 1, 0, 0),
        (2, 1, 2, 1),
        (3, 3, 3, 3),
    ]
