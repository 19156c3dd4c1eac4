from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.specs import GraphVariant

Cli = Callable[..., Any]
Make = Callable[..., Any]


@pytest.mark.parametrize("graph", GraphVariant)
def test_answers_steps_and_verdict_as_json(cli: Cli, scripted: Make, graph: GraphVariant) -> None:
    bundle = scripted(graph)
    outcome = cli("solve", bundle.path, *bundle.questions, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert [json.loads(line) for line in outcome.out.splitlines()] == [
        {
            "puzzle": bundle.questions[0],
            "answer": bundle.answer,
            "steps": 3,
            "q_halt": 4.5,
            "halted": True,
            "solved": True,
        },
        {
            "puzzle": bundle.questions[1],
            "answer": bundle.wrong,
            "steps": 4,
            "q_halt": -3.0,
            # a loop graph halts inside, its host cannot tell a halt at the last step from a spent budget
            "halted": False,
            "solved": False,
        },
    ]


def test_people_get_a_grid_and_a_plain_verdict(cli: Cli, scripted: Make) -> None:
    bundle = scripted()
    outcome = cli("solve", bundle.path, *bundle.questions)
    assert outcome.code == 0, "an unsolved puzzle is a result, not an error"
    assert "┏━━━┯━━━┳" in outcome.out
    assert "solved in 3 steps (halting logit +4.50), rules: ok\n" in outcome.out
    assert "NOT solved in 4 steps (halting logit -3.00), rules: " in outcome.out
    assert "the step budget was spent" in outcome.out
    assert outcome.out.endswith("2 puzzles, 1 solved by the rules\n")


def test_the_halting_policy_and_the_budget_can_be_chosen(cli: Cli, scripted: Make) -> None:
    bundle = scripted()

    def steps(*options: str) -> int:
        outcome = cli("solve", bundle.path, bundle.questions[0], "--json", *options)
        return int(json.loads(outcome.out)["steps"])

    assert steps() == 3
    assert steps("--halt", "fixed:2") == 2
    assert steps("--halt", "any(fixed:4,stable:1)") == 2
    assert steps("--halt", "verified") == 3
    assert steps("--budget", "1") == 1


def test_the_trace_shows_every_step_and_marks_what_changed(cli: Cli, scripted: Make) -> None:
    bundle = scripted()
    outcome = cli("solve", bundle.path, bundle.questions[0], "--trace")
    assert "step 1: first answer, halting logit -2.00\n" in outcome.out
    assert "step 2: 0 cells changed, halting logit -1.00\nstep 3: 1 cell changed, halting logit +4.50\n" in outcome.out
    assert outcome.out.count("*") == 1
    found = json.loads(cli("solve", bundle.path, bundle.questions[0], "--trace", "--json").out)
    assert [step["q_halt"] for step in found["trace"]] == [-2.0, -1.0, 4.5]
    assert found["trace"][0]["answer"].count(".") == 1
    assert found["trace"][2]["answer"] == found["answer"]


def test_a_drawing_is_one_svg_document_with_the_steps_that_changed(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, svg, png = scripted(), tmp_path / "out.svg", tmp_path / "out.png"
    outcome = cli("solve", bundle.path, bundle.questions[0], "--svg", svg, "--png", png)
    assert outcome.code == 0, outcome.err
    assert "step 1:" not in outcome.out, "a drawing does not ask for the trace in the terminal"
    ElementTree.fromstring(svg.read_text())
    captions = re.findall(r">([a-z].*?)</text>", svg.read_text())
    assert captions == ["question", "step 1", "step 3", "answer, 3 steps"]
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_loop_bundle_is_drawn_without_its_steps(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, svg = scripted(GraphVariant.LOOP), tmp_path / "out.svg"
    assert cli("solve", bundle.path, bundle.questions[0], "--svg", svg).code == 0
    assert ">step 1</text>" not in svg.read_text()
    cli("solve", bundle.path, bundle.questions[0], "--trace").refused("loop graph")


def test_nothing_is_overwritten_unless_asked(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, svg = scripted(), tmp_path / "out.svg"
    svg.write_text("mine")
    cli("solve", bundle.path, bundle.questions[0], "--svg", svg).refused("exists", "--overwrite")
    assert svg.read_text() == "mine"
    assert cli("solve", bundle.path, bundle.questions[0], "--svg", svg, "--overwrite").code == 0
    assert svg.read_text().startswith("<svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.svg", "scripted"], "no temporary file is left"


def test_a_drawing_takes_one_puzzle_only(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, svg = scripted(), tmp_path / "out.svg"
    cli("solve", bundle.path, *bundle.questions, "--svg", svg).refused("one puzzle")
    assert not svg.exists()


def test_puzzles_from_a_file_and_from_standard_input(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, file = scripted(), tmp_path / "puzzles.csv"
    file.write_text("question\n" + "\n".join(bundle.questions) + "\n")
    from_arguments = cli("solve", bundle.path, *bundle.questions, "--json").out
    assert cli("solve", bundle.path, "--file", file, "--json").out == from_arguments
    lines = "\n\n".join(bundle.questions).encode()
    assert cli("solve", bundle.path, "-", "--json", stdin=lines).out == from_arguments
    assert cli("solve", bundle.path, "-", "--json", "--batch-size", 1, stdin=lines).out == from_arguments


def test_a_bad_line_is_named_and_those_before_it_are_answered(cli: Cli, scripted: Make) -> None:
    bundle = scripted()
    stdin = f"{bundle.questions[0]}\n\n12x\n{bundle.questions[1]}\n".encode()
    outcome = cli("solve", bundle.path, "-", "--json", stdin=stdin)
    assert outcome.code == 2
    assert json.loads(outcome.out)["answer"] == bundle.answer
    assert outcome.err.startswith("error: standard input, line 3: character 3 is 'x'")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("graph", GraphVariant)
def test_a_slow_stream_is_answered_line_by_line(
    cli: Cli, scripted: Make, monkeypatch: pytest.MonkeyPatch, graph: GraphVariant
) -> None:
    """With a batch of one, the first answer is printed before the second line is read."""
    from trm_edge.cli import show
    from trm_edge.tasks.sudoku import SudokuTask

    events: list[str] = []
    bundle = scripted(graph)

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            events.append(name)
            return function(*given)

        return call

    monkeypatch.setattr(SudokuTask, "parse", noted("read", SudokuTask.parse))
    monkeypatch.setattr(show, "to_dict", noted("answered", show.to_dict))
    cli("solve", bundle.path, "-", "--json", "--batch-size", 1, stdin="\n".join(bundle.questions).encode())
    assert events == ["read", "answered", "read", "answered"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["123"], ["puzzle 1", "3 cells given"]),
        (["1" * 16], ["contradict"]),
        ([], ["--file"]),
        (["-", "-"], ["alone"]),
        (["-"], ["standard input holds no puzzles"]),
        (["QUESTION", "--file", "x.csv"], ["one of the three"]),
        (["--file", "absent.csv"], ["Cannot read absent.csv"]),
        (["QUESTION", "--halt", "actt"], ["Unknown halting policy 'actt'", "Did you mean 'act'?"]),
        (["QUESTION", "--budget", "0"], ["budget"]),
        (["QUESTION", "--batch-size", "0"], ["batch size"]),
    ],
)
def test_bad_input_is_one_line(cli: Cli, scripted: Make, arguments: list[str], parts: list[str]) -> None:
    bundle = scripted()
    given = [bundle.questions[0] if text == "QUESTION" else text for text in arguments]
    cli("solve", bundle.path, *given).refused(*parts)


def test_a_line_that_is_no_text_is_named(cli: Cli, scripted: Make) -> None:
    cli("solve", scripted().path, "-", stdin=b"\xff\xfe\n").refused("standard input, line 1", "UTF-8")


def test_no_bundle_and_a_damaged_one(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    cli("solve", tmp_path / "absent", "1").refused("No bundle at")
    bundle = scripted()
    (bundle.path / "model.onnx").write_bytes(b"changed")
    cli("solve", bundle.path, bundle.questions[0]).refused("model.onnx")


def test_an_unrolled_graph_has_no_more_steps_than_it_has(cli: Cli, scripted: Make) -> None:
    bundle = scripted(GraphVariant.UNROLLED)
    cli("solve", bundle.path, bundle.questions[0], "--budget", 5).refused("5 steps", "4")


def test_the_only_kept_puzzle_embedding_needs_no_naming(cli: Cli, scripted: Make) -> None:
    """A bundle that kept the embedding 7 alone is used with 7; another id is refused."""
    bundle = scripted(puzzle_ids=(7,))
    assert cli("solve", bundle.path, bundle.questions[0], "--json").code == 0
    cli("solve", bundle.path, bundle.questions[0], "--puzzle-id", 3).refused("Puzzle id 3", "7")
