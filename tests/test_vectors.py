"""The vectors that every language replays: Python through its public API, others by their own tests, none skipped."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.bundle import GoldenVectors, Manifest, read_bundle
from trm_edge.errors import InvalidBundle, InvalidInput
from trm_edge.runtimes import open_session
from trm_edge.runtimes.fake import FakeSession
from trm_edge.solve import Act, Fixed, Solution, Solver, parse_policy
from trm_edge.specs import GraphVariant
from trm_edge.tasks import get_task
from trm_edge.tasks.arc import ArcTask
from trm_edge.tasks.base import Puzzle, Tokens

ROOT = Path(__file__).parents[1]
VECTORS = Path(__file__).parent / "vectors"
FILES = ("tasks.json", "halting.json", "refusals.json", "golden_refusals.json")
MADE = ("runs.json", "hostile.json")
LANGUAGES = ("python", "java", "javascript")
Document = dict[str, Any]


# -- ids ----------------------------------------------------------------------------------------


def load(path: Path) -> Document:
    document: Document = json.loads(path.read_text())
    return document


DOCUMENTS = {name: load(VECTORS / name) for name in FILES}


def sections(document: Document) -> Iterator[tuple[str, list[Any]]]:
    """Name and cases of every section; an object's entries are its cases."""
    for name, value in document.items():
        if isinstance(value, list):
            yield name, value
        elif isinstance(value, dict) and name != "base":
            yield name, list(value.items())


def ids_of(file: str, section: str, cases: Iterable[Any]) -> dict[str, Any]:
    """Cases by id: by name, or by place where they have none."""
    return {
        f"{file}/{section}/{case['name'] if isinstance(case, dict) else place}": case
        for place, case in enumerate(cases)
    }


def missing(replayed: Iterable[str], language: str, fixtures: Path) -> list[str]:
    """Ids of the cases that a language should replay and did not; one that it made up counts, too."""
    documents = DOCUMENTS | {name: load(fixtures / name) for name in MADE}
    wanted = {
        id
        for file, document in documents.items()
        for section, cases in sections(document)
        for id, case in ids_of(file, section, cases).items()
        if not isinstance(case, dict) or language in case.get("only", LANGUAGES)
    }
    return sorted(wanted.symmetric_difference(replayed))


def test_names_are_unique_and_cases_say_why_a_language_is_left_out() -> None:
    for file, document in DOCUMENTS.items():
        for section, cases in sections(document):
            assert len(ids_of(file, section, cases)) == len(cases), f"{file}/{section} has two cases of one name"
            for case in cases:
                if isinstance(case, dict) and "only" in case:
                    assert case["reason"]
                    assert set(case["only"]) <= set(LANGUAGES)


def test_a_skipped_case_is_missed(apps_fixtures: Path) -> None:
    everything = missing([], "python", apps_fixtures)
    assert {id.partition("/")[0] for id in everything} == {*FILES, *MADE}
    assert missing(everything, "python", apps_fixtures) == []
    assert missing(everything[1:], "python", apps_fixtures) == everything[:1]
    assert missing([*everything, "tasks.json/parse/made up"], "python", apps_fixtures) == ["tasks.json/parse/made up"]
    assert any("executorch" in id for id in set(everything) - set(missing([], "java", apps_fixtures)))


# -- what Python does with a case ---------------------------------------------------------------


def refuses(says: str, attempt: Callable[[], object], kind: type[Exception] = InvalidInput) -> None:
    with pytest.raises(kind) as error:
        attempt()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def answers(case: Document, attempt: Callable[[], object], wanted: object) -> None:
    """What is refused if the case says so, else gives what is wanted."""
    if "says" in case:
        refuses(case["says"], attempt)
    else:
        assert attempt() == wanted


def grid_of(rows: list[list[int]]) -> NDArray[np.int8]:
    return np.array(rows, np.int8).reshape(len(rows), -1 if rows else 0)


def replay_task(case: Document) -> None:
    def attempt() -> object:
        task = get_task(case["id"])
        return task.id, task.seq_len, task.vocab_size

    answers(case, attempt, (case.get("canonical", case["id"]), case.get("seq_len"), case.get("vocab_size")))


def replay_parse(case: Document) -> None:
    answers(case, lambda: get_task(case["task"]).parse(case["text"]).question.tolist(), case.get("grid"))


def replay_format(case: Document) -> None:
    answers(case, lambda: get_task(case["task"]).format(grid_of(case["grid"])), case.get("text"))


def replay_encode(case: Document) -> None:
    answers(case, lambda: get_task(case["task"]).encode(grid_of(case["grid"])).tolist(), case.get("tokens"))


def replay_decode(case: Document) -> None:
    assert get_task(case["task"]).decode(np.array(case["tokens"], np.int32)).tolist() == case["grid"]


def replay_check(case: Document) -> None:
    task = get_task(case["task"])
    question, answer = grid_of(case["question"]), grid_of(case["answer"])
    assert task.check(question, answer) == case["reason"]
    assert task.solved(task.encode(question)[None], task.encode(answer)[None]).tolist() == [case["solved"]]


class Labels(ArcTask):
    """Answers of one cell, a label; those in ``solves`` obey the rules."""

    has_rules = True

    def __init__(self, solves: list[int]) -> None:
        super().__init__(2)
        self.solves = solves

    def solved(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        return np.isin(answers[:, 0], self.solves)


def replay_halting(case: Document) -> None:
    """In every graph variant that knows the policy."""
    policy, expect = parse_policy(case["policy"]), case["expect"]
    task, puzzle = Labels(case["solves"]), Puzzle(np.ones((1, 1), np.int8))
    cells = np.repeat(np.array(case["answers"])[:, None, None], task.seq_len, axis=2)
    is_plain = isinstance(policy, Fixed) or (isinstance(policy, Act) and policy.min_steps == 1)
    for graph in GraphVariant:
        if graph is GraphVariant.LOOP and not is_plain:
            continue
        script = task.encode(puzzle.question)[None], np.array(case["q"])[:, None], cells
        session = FakeSession.scripted(*script, vocab_size=task.vocab_size, graph=graph, task=task.id)
        solution = Solver(session, task, policy=policy, budget=case["budget"]).solve(puzzle)
        found = {"step": solution.steps, "halted": solution.halted, "answer": int(solution.answer[0])}
        assert found == expect, graph
        assert solution.solved == (expect["answer"] in case["solves"])
        assert solution.q_halt == np.float32(case["q"][expect["step"] - 1])


def replay_canonical(entry: tuple[str, str]) -> None:
    text, canonical = entry
    assert str(parse_policy(text)) == canonical
    assert parse_policy(canonical) == parse_policy(text)


def replay_no_policy(text: str) -> None:
    refuses("", lambda: parse_policy(text))


def changed(document: Document, case: Document) -> str:
    """The text of a document that a case changes: ``set``, then ``remove``, both by JSON pointers."""
    document = copy.deepcopy(document)

    def place(pointer: str) -> tuple[Any, Any]:
        *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        target: Any = document
        for part in path:
            target = target[int(part) if isinstance(target, list) else part]
        return target, int(last) if isinstance(target, list) else last

    for pointer, value in case.get("set", {}).items():
        target, key = place(pointer)
        target[key] = value
    for pointer in case.get("remove", []):
        target, key = place(pointer)
        del target[key]
    return json.dumps(document)


def put(text: str, case: Document) -> str:
    assert text.count(case["find"]) == 1
    return text.replace(case["find"], case["put"])


MANIFESTS, GOLDEN = DOCUMENTS["refusals.json"], DOCUMENTS["golden_refusals.json"]


def read_golden(text: str) -> None:
    GoldenVectors.from_json(text).check(Manifest.from_dict(MANIFESTS["base"]))


def test_base_text_is_the_base() -> None:
    for document in (MANIFESTS, GOLDEN):
        assert json.loads(document["base_text"]) == document["base"]


def refusing(document: Document, read: Callable[[str], object]) -> dict[str, Callable[[Any], object]]:
    """Replays of the sections that ``refusals.json`` and ``golden_refusals.json`` have in common."""
    base, text = document["base"], document["base_text"]
    return {
        "refused": lambda case: refuses(case["says"], lambda: read(changed(base, case)), InvalidBundle),
        "accepted": lambda case: read(changed(base, case)),
        "refused_text": lambda case: refuses(case["says"], lambda: read(put(text, case)), InvalidBundle),
        "accepted_text": lambda case: read(put(text, case)),
    }


REPLAYS: dict[str, dict[str, Callable[[Any], object]]] = {
    "tasks.json": {
        "tasks": replay_task,
        "parse": replay_parse,
        "format": replay_format,
        "encode": replay_encode,
        "decode": replay_decode,
        "check": replay_check,
    },
    "halting.json": {"cases": replay_halting, "canonical": replay_canonical, "refused": replay_no_policy},
    "refusals.json": refusing(MANIFESTS, Manifest.from_json)
    | {"not_json": lambda text: refuses("manifest.json", lambda: Manifest.from_json(text), InvalidBundle)},
    "golden_refusals.json": refusing(GOLDEN, read_golden),
}

KEPT = [
    pytest.param(file, section, case, id=id)
    for file, document in DOCUMENTS.items()
    for section, cases in sections(document)
    for id, case in ids_of(file, section, cases).items()
]


@pytest.mark.parametrize(("file", "section", "case"), KEPT)
def test_python(file: str, section: str, case: Any) -> None:
    """Every case of every section; a section that Python cannot replay fails."""
    REPLAYS[file][section](case)


# -- bundles ------------------------------------------------------------------------------------


def solutions_of(case: Document, fixtures: Path, *, alone: bool = False) -> list[Solution]:
    """Solutions of a run in its batches, or of one puzzle after the other."""
    with (
        read_bundle(fixtures / "bundles" / case["bundle"]) as bundle,
        open_session(bundle, target="cpu", threads=1) as session,
    ):
        task = get_task(bundle.manifest.task)
        batch = {} if case.get("batch") is None else {"batch_size": case["batch"]}
        solver = Solver(session, task, policy=case["policy"], budget=case["budget"], **batch)
        puzzles = [replace(task.parse(puzzle["question"]), puzzle_id=puzzle["puzzle_id"]) for puzzle in case["puzzles"]]
        return [solver.solve(puzzle) for puzzle in puzzles] if alone else list(solver.solve_many(puzzles))


def wrong(solution: Solution, expect: Document, tolerance: float | None) -> bool:
    found = (solution.answer.tolist(), solution.steps, solution.halted, solution.solved)
    far = tolerance is not None and abs(solution.q_halt - expect["q_halt"]) > tolerance
    return found != tuple(expect[name] for name in ("tokens", "steps", "halted", "solved")) or far


@pytest.mark.parametrize("alone", [False, True])
def test_runs(apps_fixtures: Path, alone: bool) -> None:
    for case in load(apps_fixtures / "runs.json")["runs"]:
        solutions = solutions_of(case, apps_fixtures, alone=alone)
        differ = [wrong(*pair, case["q_halt_tolerance"]) for pair in zip(solutions, case["expect"], strict=True)]
        assert sum(differ) <= case["forgive"], case["name"]
        task = get_task(read_bundle(apps_fixtures / "bundles" / case["bundle"]).manifest.task)
        texts = [task.format(task.decode(np.array(expect["tokens"]))) for expect in case["expect"]]
        assert texts == [expect["answer"] for expect in case["expect"]], case["name"]


def complaints(cases: list[Document], attempt: Callable[[Document], object]) -> dict[str, str]:
    """What is wrong with the way cases are refused, by name."""
    found = {}
    for case in cases:
        try:
            attempt(case)
        except InvalidInput as error:
            if case["says"] not in str(error) or "\n" in str(error):
                found[case["name"]] = str(error)
        else:
            found[case["name"]] = "not refused"
    return found


def test_refused_runs(apps_fixtures: Path) -> None:
    cases = load(apps_fixtures / "runs.json")["refused"]
    assert complaints(cases, lambda case: solutions_of(case, apps_fixtures)) == {}


def test_hostile_bundles(apps_fixtures: Path) -> None:
    document = load(apps_fixtures / "hostile.json")
    assert complaints(document["cases"], lambda case: read_bundle(apps_fixtures / case["path"])) == {}
    for case in document["accepted"]:
        with read_bundle(apps_fixtures / case["path"]) as bundle:
            assert bundle.golden().tokens.shape == (2, 16), case["name"]


def test_fixtures_do_not_overwrite(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, VECTORS / "make.py", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "exists" in done.stderr
    assert not list(tmp_path.iterdir())


# -- other languages ----------------------------------------------------------------------------


def replay_elsewhere(language: str, command: list[str | Path], fixtures: Path, scratch: Path) -> None:
    """Run a language's tests; they must pass, and leave the ids of all its cases."""
    record = scratch / "replayed.json"
    places = {"TRM_EDGE_VECTORS": VECTORS, "TRM_EDGE_FIXTURES": fixtures, "TRM_EDGE_REPLAYED": record}
    environment = os.environ | {name: str(path) for name, path in places.items()}
    environment["TRM_EDGE_PYTHON"] = sys.executable  # reads the profiles that they write
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    output = done.stdout + done.stderr
    if done.returncode and "offline mode" in output:
        pytest.skip(f"packages of {language} were not fetched: run its tests once by hand")
    assert done.returncode == 0, output[-8000:]
    skipped = missing(json.loads(record.read_text()), language, fixtures)
    assert not skipped, f"{language} replays other cases than it should: {len(skipped)}, among them {skipped[:20]}"


@pytest.mark.apps
def test_java(apps_fixtures: Path, tmp_path: Path) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("Maven is not installed")
    project = ROOT / "android_demo" / "pom.xml"
    options = ("--batch-mode", "--quiet", "--offline", "--projects", "core", "--also-make", "--file", project)
    replay_elsewhere("java", ["mvn", *options, "test"], apps_fixtures, tmp_path)


@pytest.mark.apps
def test_javascript(apps_fixtures: Path, tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("Node.js is not installed")
    project = ROOT / "web_demo"
    if not (project / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("web_demo has no packages: npm ci --prefix web_demo")
    replay_elsewhere("javascript", ["npm", "--prefix", project, "test"], apps_fixtures, tmp_path)
