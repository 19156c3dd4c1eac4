from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from trm_edge.errors import InvalidInput
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Solver
from trm_edge.specs import GraphVariant
from trm_edge.tasks.base import Puzzle, Task
from trm_edge.verify.steps import Batch, check_same_model, halting, one_step, supervision_steps

Fake = Callable[..., FakeSession]
Script = dict[str, np.ndarray]


@pytest.mark.parametrize("graph", GraphVariant)
@pytest.mark.parametrize("width", [None, 8])
def test_every_variant_lays_open_the_same_steps(
    fake: Fake, script: Script, graph: GraphVariant, width: int | None
) -> None:
    session = fake(graph, fixed_batch=width)
    batch = Batch.of(script["tokens"], [0] * 5, width=width)
    results = list(supervision_steps(session, batch, 3))
    assert np.array_equal([r.answers for r in results], script["answers"])
    assert np.array_equal([r.q_halt for r in results], script["q_halt"])
    assert all(len(r.logits) == 5 for r in results)


@pytest.mark.parametrize("graph", GraphVariant)
def test_a_smaller_budget_gives_the_first_steps(fake: Fake, script: Script, graph: GraphVariant) -> None:
    results = list(supervision_steps(fake(graph), Batch.of(script["tokens"], [0] * 5), 2))
    assert np.array_equal([r.answers for r in results], script["answers"][:2])


def test_one_step_goes_on_from_the_carry_it_is_given(fake: Fake, script: Script) -> None:
    session, batch = fake(), Batch.of(script["tokens"], [0] * 5)
    first = one_step(session, batch, session.initial_carry(5))
    second = one_step(session, batch, {name: state.astype(np.float64) for name, state in first.carry.items()})
    assert np.array_equal(second.answers, script["answers"][1])


def test_puzzle_ids_become_rows(task: Task, script: Script) -> None:
    played = script["tokens"], script["q_halt"], script["answers"]
    session = FakeSession.scripted(*played, vocab_size=6, task=task.id, puzzles=(7, 3))
    list(supervision_steps(session, Batch.of(script["tokens"], [7, 3, 3, 7, 7], width=6), 1))
    assert session.calls[0]["puzzle_ids"].tolist() == [0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("act", [1, 2, 3, 3, 3]),
        ("fixed:2", [2, 2, 2, 2, 2]),
        ("stable:1", [2, 3, 2, 2, 2]),
        ("verified", [1, 2, 3, 3, 3]),
        ("act:threshold=5", [3, 3, 3, 3, 3]),
    ],
)
def test_halting_follows_the_policy(
    fake: Fake, script: Script, task: Task, puzzles: list[Puzzle], policy: str, expected: list[int]
) -> None:
    solver = Solver(fake(), task, policy=policy)
    steps, answers = halting(solver, puzzles, script["answers"], script["q_halt"])
    assert steps.tolist() == expected
    assert np.array_equal(answers, [script["answers"][step - 1, i] for i, step in enumerate(expected)])


def test_a_loop_graph_is_asked_where_it_halts(fake: Fake, script: Script, task: Task, puzzles: list[Puzzle]) -> None:
    session = fake(GraphVariant.LOOP)
    steps, answers = halting(Solver(session, task), puzzles, np.zeros_like(script["answers"]), script["q_halt"] * 0)
    assert steps.tolist() == [1, 2, 3, 3, 3]
    assert np.array_equal(answers[0], script["answers"][0, 0])


def test_sessions_of_other_models_are_refused(fake: Fake, task: Task) -> None:
    reference, tested = fake(), fake()
    check_same_model(reference, tested)
    tested.manifest = replace(tested.manifest, task="sudoku-6x6")
    with pytest.raises(InvalidInput, match=r"task is sudoku-6x6, the float model's is sudoku-4x4"):
        check_same_model(reference, tested)
    other = FakeSession.scripted(np.zeros((1, 9)), np.zeros((1, 1)), np.zeros((1, 1, 9)), vocab_size=6, task=task.id)
    with pytest.raises(InvalidInput, match="sequence length is 9"):
        check_same_model(reference, other)
    with pytest.raises(InvalidInput, match="must be a step graph, not loop"):
        check_same_model(fake(GraphVariant.LOOP), fake())


def test_a_carry_of_another_width_is_refused(fake: Fake) -> None:
    tested = fake()
    carry = tuple(replace(state, init=(0.0,) * 3) for state in tested.manifest.carry)

    def wide(specs: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(replace(s, shape=(*s.shape[:2], 3)) if s.name.startswith("z_") else s for s in specs)

    m = tested.manifest
    tested.manifest = replace(m, carry=carry, inputs=wide(m.inputs), outputs=wide(m.outputs))
    with pytest.raises(InvalidInput, match=r"carry is z_H of 3.*name the checkpoint"):
        check_same_model(fake(), tested)
