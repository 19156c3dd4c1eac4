"""``--vote`` of ``solve`` and ``evaluate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task

Cli = Callable[..., Any]
Make = Callable[..., Any]


@pytest.mark.parametrize("graph", GraphVariant)
def test_solve_says_what_the_vote_cost(cli: Cli, scripted: Make, graph: GraphVariant) -> None:
    """The script solves the first puzzle at the first start; what it has not seen, it answers with nothing."""
    bundle = scripted(graph)
    outcome = cli("solve", bundle.path, *bundle.questions, "--json", "--vote", "verified:3")
    assert (outcome.code, outcome.err) == (0, "")
    first, second = (json.loads(line) for line in outcome.out.splitlines())
    assert (first["answer"], first["solved"], first["steps"]) == (bundle.answer, True, 3)
    assert first["vote"] == {"starts": 1, "votes": 1, "steps": 3}
    assert (second["solved"], second["vote"]["starts"], second["vote"]["steps"]) == (False, 3, 12)


def test_people_are_told_too(cli: Cli, scripted: Make) -> None:
    bundle = scripted()
    out = cli("solve", bundle.path, *bundle.questions, "--vote", "verified:3").out
    assert "solved in 3 steps (halting logit +4.50), rules: ok\nvote: 1 of 1 start, 3 steps in all\n" in out
    assert "of 3 starts, 12 steps in all\n2 puzzles, 1 solved by the rules\n" in out


def test_the_second_answer_is_shown(cli: Cli, scripted: Make) -> None:
    bundle = scripted()
    found = json.loads(cli("solve", bundle.path, bundle.questions[0], "--json", "--vote", "top2:3").out)
    assert found["vote"]["votes"] == 2, "the two unknown variants are answered alike"
    assert found["vote"]["second"] == bundle.answer
    assert "second answer:" in cli("solve", bundle.path, bundle.questions[0], "--vote", "top2:3").out


def test_the_winner_is_traced_and_drawn(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, svg = scripted(), tmp_path / "out.svg"
    outcome = cli("solve", bundle.path, bundle.questions[0], "--vote", "verified:2", "--trace", "--json", "--svg", svg)
    assert [step["q_halt"] for step in json.loads(outcome.out)["trace"]] == [-2.0, -1.0, 4.5]
    assert ">step 3</text>" in svg.read_text()


def test_evaluate_shows_one_start_beside_the_vote(cli: Cli, scripted: Make, tmp_path: Path) -> None:
    bundle, data = scripted(), tmp_path / "puzzles.csv"
    data.write_text("question\n" + "\n".join(bundle.questions) + "\n")
    arguments = ("evaluate", bundle.path, "--data", data, "--vote", "verified:3")
    out = cli(*arguments).out
    assert "2 puzzles, vote verified:3, halting by act, at most 4 steps a start\n" in out
    assert "exact answers   50.0% with one start, 50.0% by the vote\n" in out
    assert "steps           3.50 with one start, 7.50 of all starts, on average\n" in out
    found = json.loads(cli(*arguments, "--json", "-").out)
    assert (found["mean_steps"], found["processes"], found["vote"]["mean_starts"]) == (7.5, 1, 2)
    assert found["vote"]["one_start"]["exact"] == found["exact"] == 0.5
    assert "exact alone" in cli(*arguments, "--by", "givens").out
    assert "vote" not in json.loads(cli(*arguments[:4], "--json", "-").out)


@pytest.mark.parametrize("command", ["solve", "evaluate"])
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--vote", "verifed:8"], ["Unknown vote 'verifed'", "Did you mean 'verified'?"]),
        (["--vote", "verified"], ["not a number of starts", "Examples: verified:8"]),
        (["--vote", "verified:0"], ["1 to 10000 starts"]),
        (["--identifiers", "x.json"], ["--identifiers belongs to --vote"]),
        (["--vote", "top2:8", "--identifiers", "x.json"], ["Cannot read x.json"]),
        (["--vote", "top2:8", "--identifiers", "x.json", "--puzzle-id", "3"], ["give one of them"]),
    ],
)
def test_bad_input_is_one_line(cli: Cli, scripted: Make, command: str, options: list[str], parts: list[str]) -> None:
    bundle = scripted()
    puzzles = [bundle.questions[0]] if command == "solve" else ["--generate", 2]
    cli(command, bundle.path, *puzzles, *options).refused(*parts)


def test_each_version_of_an_arc_task_has_its_own_puzzle_embedding(cli: Cli, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel

    torch.manual_seed(0)
    config = ModelConfig(
        vocab_size=12, seq_len=9, hidden_size=8, puzzle_emb_ndim=8, num_puzzle_identifiers=5, H_cycles=1, L_cycles=1
    )
    options = ExportOptions(steps=2, golden=1, puzzles=(1, 2, 3))
    bundle = export_bundle(Checkpoint(RecursiveModel(config).eval(), "arc-3x3"), options, tmp_path / "arc", name="arc")
    grid = get_task("arc-3x3").generate(np.random.default_rng(0)).question.tolist()
    tasks = {name: {"train": [], "test": [{"input": grid, "output": grid}]} for name in ("a", "b")}
    data, identifiers = tmp_path / "tasks.json", tmp_path / "identifiers.json"
    data.write_text(json.dumps(tasks))
    identifiers.write_text(json.dumps(["<blank>", "b", "a|||t4|||0213456789", "a", "c"]))

    arguments = ("evaluate", bundle, "--data", data, "--vote", "top2:8", "--json", "-", "--threads", 1)
    found = json.loads(cli(*arguments, "--identifiers", identifiers).out)
    assert found["vote"]["starts"] == [{"starts": 1, "puzzles": 1}, {"starts": 2, "puzzles": 1}]
    assert found["by_rules"] is None
    cli("evaluate", bundle, "--data", data, "--vote", "verified:8", "--threads", 1).refused("no rules to verify")
    data.write_text(json.dumps(tasks | {"c": tasks["a"]}))
    cli(*arguments, "--identifiers", identifiers).refused("named after the task 'c'")
