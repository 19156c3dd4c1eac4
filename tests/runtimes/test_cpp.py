"""The C++ runner: built once from its sources against the installed wheel, installed, and held to the Python session.

The tests of arm64 cross-compile it and run it in an emulator. They want the unpacked aarch64 wheel of executorch in the
folder that ``TRM_EDGE_EXECUTORCH_AARCH64`` names, see docs/cpp.md.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("executorch")

from trm_edge.bundle import Bundle, CarrySpec, Halting, Manifest, read_bundle, write_bundle
from trm_edge.export.executorch import build_program
from trm_edge.export.pipeline import ExportOptions, export_bundle
from trm_edge.model.checkpoint import load_checkpoint
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.models_registry import resolve
from trm_edge.profile.samples import Samples
from trm_edge.runtimes.executorch import ExecuTorchSession
from trm_edge.specs import Evidence, Format, GraphVariant, Precision
from trm_edge.tasks import get_task
from trm_edge.tasks.base import Puzzle
from trm_edge.verify.bounds import DEFAULT_BOUNDS
from trm_edge.verify.golden import GoldenReport
from trm_edge.verify.steps import Batch, supervision_steps

VECTORS = Path(__file__).parents[1] / "vectors"
ARM64_WHEEL = "TRM_EDGE_EXECUTORCH_AARCH64"
BUDGET = 6
Run = Callable[..., subprocess.CompletedProcess[str]]


# -- building -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def run(cpp_runner: Path) -> Run:
    """Run the runner with arguments; ``text`` is its standard input."""

    def run(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [cpp_runner, *arguments], input=text, capture_output=True, text=True, errors="replace", timeout=60
        )

    return run


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundled 4x4 model, in float three puzzles at a time, and a random HRM with puzzle embeddings."""
    folder = tmp_path_factory.mktemp("bundles")
    checkpoint = load_checkpoint(resolve("sudoku-4x4"))
    paths = {"hrm": write_hrm(folder / "hrm")}
    for precision, batch in ((Precision.FP32, 3), (Precision.W8A8_DYNAMIC, 1)):
        options = ExportOptions(precision=precision, format=Format.EXECUTORCH, steps=BUDGET, batch=batch)
        paths[precision.value] = export_bundle(checkpoint, options, folder / precision, name="sudoku-4x4")
    return paths


def write_hrm(path: Path) -> Path:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"puzzle_emb_ndim": 40, "num_puzzle_identifiers": 5, "H_layers": 1, "expansion": 1.0}
    config = ModelConfig(6, 9, hidden_size=32, L_layers=1, H_cycles=2, L_cycles=2, no_ACT_continue=False, **settings)
    model = RecursiveModel(config).eval()
    torch.nn.init.normal_(model.q_head.weight)
    assert model.puzzle_emb is not None
    torch.nn.init.normal_(model.puzzle_emb.weight)
    program = build_program(model, precision=Precision.FP32, puzzles=(3, 0), batch=2)
    manifest = Manifest(
        name="tiny",
        task="fake",
        seq_len=config.seq_len,
        vocab_size=config.vocab_size,
        format=Format.EXECUTORCH,
        graph=GraphVariant.STEP,
        precision=Precision.FP32,
        target="cpu",
        steps=BUDGET,
        halting=Halting(policy="act", threshold=0.0, min_steps=1, max_steps=BUDGET),
        inputs=program.inputs,
        outputs=program.outputs,
        carry=tuple(
            CarrySpec(name, f"{name}_next", tuple(init.tolist()))
            for name, init in (("z_H", model.H_init), ("z_L", model.L_init))
        ),
        puzzles=(3, 0),
        puzzle_prefix_len=config.prefix_len,
        model=config.to_dict(),
        created="2026-11-24",
        evidence=Evidence.HARDWARE,
        model_file="model.pte",
    )
    return write_bundle(path, manifest, {"model.pte": program.data})


def changed(
    source: Path,
    target: Path,
    *,
    manifest: Callable[[dict[str, Any]], object] = lambda document: None,
    files: dict[str, bytes] | None = None,
) -> Path:
    """A copy of a bundle with other files, listed as they are, and then another manifest."""
    shutil.copytree(source, target)
    document = json.loads((target / "manifest.json").read_text())
    for name, data in (files or {}).items():
        (target / name).write_bytes(data)
        document["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    manifest(document)
    (target / "manifest.json").write_text(json.dumps(document))
    return target


def refused(run: Run, *arguments: str | Path, text: str = "") -> str:
    """The one line with which the runner refuses."""
    done = run(*arguments, text=text)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("trm-edge-run: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("\n")
    return done.stderr


# -- answers ------------------------------------------------------------------------------------


def python_steps(bundle: Bundle, tokens: Any, puzzle_id: int) -> tuple[Any, Any]:
    """Answers [steps, n, seq_len] and halting logits [steps, n] of the Python session."""
    width = bundle.manifest.fixed_batch
    assert width is not None
    answers, q_halt = [], []
    with ExecuTorchSession.from_bundle(bundle, threads=1) as session:
        for low in range(0, len(tokens), width):
            rows = tokens[low : low + width]
            results = list(supervision_steps(session, Batch.of(rows, [puzzle_id] * len(rows), width=width), BUDGET))
            answers.append([result.answers for result in results])
            q_halt.append([result.q_halt for result in results])
    return np.concatenate(answers, axis=1), np.concatenate(q_halt, axis=1)


@pytest.mark.parametrize("kind", ["fp32", "w8a8-dynamic", "hrm"])
def test_it_answers_as_the_python_session_does(run: Run, bundles: dict[str, Path], kind: str) -> None:
    bundle, rng = read_bundle(bundles[kind]), np.random.default_rng(5)
    if kind == "hrm":
        tokens, puzzle_id = rng.integers(0, 6, (8, 9), dtype=np.int32), 0  # the second of the kept embeddings
    else:
        task = get_task("sudoku-4x4")
        tokens, puzzle_id = np.stack([task.encode(task.generate(rng).question) for _ in range(8)]), 0
    answers, q_halt = python_steps(bundle, tokens, puzzle_id)
    threshold = np.sort(q_halt, axis=None)[q_halt.size // 2]  # one of the logits, which is not greater than itself
    halts = q_halt > threshold
    steps = np.where(halts.any(0), halts.argmax(0), BUDGET - 1)
    assert len(set(steps.tolist())) > 1

    text = "\n".join(" ".join(map(str, row)) for row in tokens.tolist())
    chosen = ("--puzzle-id", "0") if kind == "hrm" else ()
    done = run(bundle.path, "--puzzles", "-", "--threshold", str(threshold), "--threads", "1", *chosen, text=text)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [int(step) for _, step, _ in lines] == (steps + 1).tolist()
    for row, (answer, _, logit) in enumerate(lines):
        assert answer.split() == [str(token) for token in answers[steps[row], row]]
        assert np.float32(logit) == q_halt[steps[row], row]


def test_fixed_steps_and_budget(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "puzzles.txt"
    file.write_text("2 1 1 1  1 1 1 1  1 1 1 1  1 1 1 1\n\n" * 4)  # 4 puzzles, 3 at a time; empty lines are skipped
    settings = {
        ("--halt", "fixed"): BUDGET,
        ("--halt", "fixed:3"): 3,
        ("--halt", "fixed:3", "--budget", "2"): 2,
        ("--halt", "act:threshold=1e9,min=2", "--budget", "5"): 5,
        ("--halt", " act : min=4, threshold=-1e9"): 4,
        ("--threshold", "-1e9", "--threads", "2"): 1,
    }
    for options, expected in settings.items():
        done = run(bundles["fp32"], "--puzzles", file, *options)
        assert [line.split("\t")[1] for line in done.stdout.splitlines()] == [str(expected)] * 4, (options, done)


# -- golden vectors -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fp32", "w8a8-dynamic"])
def test_it_replays_the_golden_vectors(run: Run, bundles: dict[str, Path], kind: str) -> None:
    done = run(bundles[kind], "--golden")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "golden vectors: 4 of 4 answers, 4 of 4 halting steps\n"


@pytest.mark.parametrize("kind", ["fp32", "w8a8-dynamic"])
def test_golden_vectors_must_agree_as_far_as_verify_demands(
    run: Run, bundles: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    bounds = DEFAULT_BOUNDS[Precision(kind)]
    golden = json.loads((bundles[kind] / "golden.json").read_text())
    codes = set()
    for wrong_answers, wrong_steps in ((1, 0), (2, 0), (3, 0), (0, 1), (0, 2)):
        document = copy.deepcopy(golden)
        for row in range(wrong_answers):
            document["answers"][row][0] = 5 - document["answers"][row][0]
        for row in range(wrong_steps):
            document["halting_steps"][row] = BUDGET
        report = GoldenReport(4, 4 - wrong_answers, 4, 4 - wrong_steps, (0.0,))
        expected = 0 if all(check.kept for check in bounds.golden_checks(report)) else 1
        path = tmp_path / f"{wrong_answers}-{wrong_steps}"
        done = run(changed(bundles[kind], path, files={"golden.json": json.dumps(document).encode()}), "--golden")
        said = f"golden vectors: {4 - wrong_answers} of 4 answers, {4 - wrong_steps} of 4 halting steps\n"
        assert (done.returncode, done.stdout) == (expected, said)
        codes.add(expected)
    assert codes == {0, 1}


def test_bad_golden_vectors_are_refused(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    good = json.loads((bundles["fp32"] / "golden.json").read_text())
    damages: dict[str, Callable[[dict[str, Any]], object]] = {
        "tokens": lambda golden: golden["tokens"][1].pop(),
        "answers": lambda golden: golden["answers"].pop(),
        "last_answers": lambda golden: golden.pop("last_answers"),
        "puzzle_ids": lambda golden: golden.update(puzzle_ids=[0, 0, 0, True]),
        "halting_steps": lambda golden: golden["halting_steps"].__setitem__(0, BUDGET + 1),
        "q_halt": lambda golden: golden["q_halt"][0].__setitem__(0, "much"),
    }
    for field, damage in damages.items():
        document = copy.deepcopy(good)
        damage(document)
        path = changed(bundles["fp32"], tmp_path / field, files={"golden.json": json.dumps(document).encode()})
        assert f"'{field}'" in refused(run, path, "--golden")
    vocabulary = copy.deepcopy(good)
    vocabulary["tokens"][0][0] = 6
    path = changed(bundles["fp32"], tmp_path / "high", files={"golden.json": json.dumps(vocabulary).encode()})
    assert "from 0 to 5" in refused(run, path, "--golden")
    assert "holds no golden.json" in refused(run, bundles["hrm"], "--golden")


# -- bundles that are refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: flip(path / "model.pte"), "does not match its SHA-256"),
        (lambda path: flip(path / "golden.json"), "does not match its SHA-256"),
        (lambda path: (path / "model.pte").write_bytes(b""), "0 bytes, its manifest says"),
        (lambda path: (path / "model.pte").unlink(), "lacks 'model.pte'"),
        (lambda path: (path / "stray\x1b.txt").touch(), "holds 'stray?.txt'"),
        (lambda path: (path / "manifest.json").unlink(), "has no manifest.json"),
        (lambda path: link(path / "model.pte"), "not a regular file"),
        (lambda path: link(path / "manifest.json"), "not a regular file"),
        (lambda path: pipe(path / "model.pte"), "not a regular file"),
        (lambda path: shutil.rmtree(path), "No bundle at"),
        (lambda path: (path / "manifest.json").write_bytes(b" " * (4 * 1024**2 + 1)), "larger than"),
        (lambda path: (path / "manifest.json").write_bytes(b"[" * 10**6), "nested"),
    ],
)
def test_damaged_bundles_are_refused(
    run: Run, bundles: dict[str, Path], tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    path = changed(bundles["fp32"], tmp_path / "bundle")
    damage(path)
    assert reason in refused(run, path, "--golden")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_litter_of_operating_systems_is_passed_over(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    path = changed(bundles["fp32"], tmp_path / "bundle")
    (path / ".DS_Store").touch()
    assert run(path, "--golden").returncode == 0


def test_archives_are_to_be_unpacked(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    assert "unpack it" in refused(run, shutil.make_archive(str(tmp_path / "tiny"), "zip", bundles["fp32"]), "--golden")


def for_cpp(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that this runner replays: those that say nothing else; the others give a reason."""
    return [case for case in cases if "only" not in case]


def texts_of(document: dict[str, Any], section: str) -> list[tuple[dict[str, Any], str]]:
    """Cases of a section of refusals.json or golden_refusals.json, each with the text that is read."""
    cases = for_cpp(document[section])
    texts = for_cpp(document[f"{section}_text"])
    return [(case, json.dumps(apply(document["base"], case))) for case in cases] + [
        (case, document["base_text"].replace(case["find"], case["put"])) for case in texts
    ]


def test_manifests_that_every_reader_refuses(run: Run, tmp_path: Path) -> None:
    document = json.loads((VECTORS / "refusals.json").read_text())
    path = tmp_path / "manifest.json"
    for case, text in texts_of(document, "refused"):
        path.write_text(text, newline="")
        line = refused(run, tmp_path, "--golden")
        assert case["says"] in line, case["name"]
        assert "this runner" not in line, case["name"]  # the fault was found, not merely another format
    for case, text in texts_of(document, "accepted"):
        path.write_text(text, newline="")
        assert "this runner opens executorch" in refused(run, tmp_path, "--golden"), case["name"]
    for text in document["not_json"]:
        path.write_text(text)
        refused(run, tmp_path, "--golden")


def test_golden_vectors_that_every_reader_refuses(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    document = json.loads((VECTORS / "golden_refusals.json").read_text())
    for number, (case, text) in enumerate(texts_of(document, "refused")):
        if case["name"] == "a puzzle id that was not kept":  # this bundle keeps none, so any will do
            continue
        path = changed(bundles["fp32"], tmp_path / str(number), files={"golden.json": text.encode()})
        assert case["says"] in refused(run, path, "--golden"), case["name"]


def apply(base: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a case: ``set``, then ``remove`` (JSON pointers)."""
    document = copy.deepcopy(base)

    def place(pointer: str) -> tuple[Any, Any]:
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        target: Any = document
        for part in parents:
            target = target[int(part) if isinstance(target, list) else part]
        return target, int(last) if isinstance(target, list) else last

    for pointer, value in case.get("set", {}).items():
        target, key = place(pointer)
        target[key] = value
    for pointer in case.get("remove", ()):
        target, key = place(pointer)
        del target[key]
    return document


def test_programs_that_do_not_fit_their_manifest(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    def other_batch(document: dict[str, Any]) -> None:
        for tensor in document["inputs"] + document["outputs"]:
            tensor["shape"][0] = 2

    def open_batch(document: dict[str, Any]) -> None:
        for tensor in document["inputs"] + document["outputs"]:
            tensor["shape"][0] = "batch"

    def second_network(document: dict[str, Any]) -> None:
        document["model"]["H_layers"] = 1

    def one_network(document: dict[str, Any]) -> None:
        document["model"]["H_layers"] = 0

    def another_policy(document: dict[str, Any]) -> None:
        document["halting"]["policy"] = "stable:3"

    cases: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
        ("fp32", other_batch, "'embed' is int32 [3, 16] -> float32 [3, 16, 64], its manifest says int32 [2, 16]"),
        ("fp32", open_batch, "leave the batch open"),
        ("fp32", second_network, "lacks the method 'network_H'"),
        ("hrm", one_network, "methods that its manifest's model does not call"),
        ("fp32", another_policy, "no halting policy 'stable:3'"),
    ]
    for number, (kind, change, reason) in enumerate(cases):
        path = changed(bundles[kind], tmp_path / str(number), manifest=change)
        text = "0 " * read_bundle(bundles[kind]).manifest.seq_len
        assert reason in refused(run, path, "--puzzles", "-", text=text), reason


def test_what_is_no_program_is_refused_with_executorchs_reason(
    run: Run, bundles: dict[str, Path], tmp_path: Path
) -> None:
    data = (bundles["fp32"] / "model.pte").read_bytes()
    for number, (program, reason) in enumerate(((b"no program" * 99, "identifier"), (data[: len(data) // 2], "small"))):
        path = changed(bundles["fp32"], tmp_path / str(number), files={"model.pte": program})
        line = refused(run, path, "--golden")
        assert "cannot load" in line
        assert reason in line


# -- arguments and puzzles that are refused -----------------------------------------------------


def test_arguments(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = str(bundles["fp32"])
    cases: dict[tuple[str, ...], str] = {
        (): "Name a bundle",
        (bundle,): "either --golden or --puzzles",
        (bundle, "--golden", "--puzzles", "-"): "either --golden or --puzzles",
        (bundle, "--golden", "--budget", "3"): "leave out",
        (bundle, "--golden", "--loud"): "--loud",
        (bundle, "--golden", "another"): "another",
        (bundle, "--puzzles"): "--puzzles needs a value",
        (bundle, "--puzzles", str(tmp_path / "none")): "Cannot read",
        (bundle, "--puzzles", str(tmp_path)): "Cannot read",
        (bundle, "--puzzles", "-"): "holds no puzzles",
        (bundle, "--puzzles", "-", "--budget", "0"): "--budget",
        (bundle, "--puzzles", "-", "--threads", "-1"): "--threads",
        (bundle, "--puzzles", "-", "--threshold", "nan"): "--threshold",
        (bundle, "--puzzles", "-", "--threshold", "1e39"): "--threshold",
        (bundle, "--puzzles", "-", "--halt", "fixed", "--threshold", "1"): "not for fixed",
        (str(bundles["hrm"]), "--puzzles", "-", "--puzzle-id", "1"): "Puzzle id 1 is not in this bundle",
    }
    for arguments, reason in cases.items():
        assert reason in refused(run, *arguments), arguments
    assert run("--help").stdout.startswith("Usage: trm-edge-run BUNDLE")


def test_policies_that_every_reader_refuses(run: Run) -> None:
    for policy in json.loads((VECTORS / "halting.json").read_text())["refused"]:
        refused(run, "nowhere", "--puzzles", "-", "--halt", policy)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 " * 15, "Line 2 holds 15 tokens, a puzzle of this bundle has 16"),
        ("1 " * 17, "Line 2 holds 17 tokens"),
        ("1 " * 15 + "6", "Line 2: a token must be a whole number from 0 to 5, not '6'"),
        ("1 " * 15 + "-1", "not '-1'"),
        ("1 " * 15 + "1.5", "not '1.5'"),
    ],
)
def test_puzzles(run: Run, bundles: dict[str, Path], line: str, reason: str) -> None:
    assert reason in refused(run, bundles["fp32"], "--puzzles", "-", text=f"{'1 ' * 16}\n{line}\n")


# -- bench --------------------------------------------------------------------------------------


def puzzles_file(
    path: Path, puzzles: list[Puzzle], damage: Callable[[dict[str, Any]], object] = lambda _: None
) -> Path:
    task = get_task("sudoku-4x4")
    rows = [
        {
            "tokens": task.encode(puzzle.question).tolist(),
            "answer": None if puzzle.answer is None else task.encode(puzzle.answer).tolist(),
            "puzzle_id": 0,
        }
        for puzzle in puzzles
    ]
    document = {"puzzles": rows}
    damage(document)
    path.write_text(json.dumps(document))
    return path


def sudokus(count: int) -> list[Puzzle]:
    rng = np.random.default_rng(5)
    return [get_task("sudoku-4x4").generate(rng, givens=4) for _ in range(count)]


@pytest.mark.parametrize("kind", ["fp32", "w8a8-dynamic"])  # three puzzles at a time, and one
def test_bench_measures_what_the_python_session_answers(
    run: Run, bundles: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    bundle, puzzles, out = read_bundle(bundles[kind]), sudokus(4), tmp_path / "out.json"
    puzzles[2] = dataclasses.replace(puzzles[2], answer=None)
    file = puzzles_file(tmp_path / "puzzles.json", puzzles)
    done = run("bench", bundle.path, file, out, "--rounds", "2", "--steps", "4", "--threads", "1", "--halt", "fixed:3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    samples = Samples.from_dict(json.loads(out.read_text()))
    manifest = bundle.manifest
    assert (samples.name, samples.task, samples.precision) == (manifest.name, manifest.task, manifest.precision)
    assert (samples.format, samples.graph, samples.target) == (manifest.format, manifest.graph, manifest.target)
    assert (samples.threads, samples.batch, samples.steps) == (1, manifest.fixed_batch, 4)
    assert samples.file_bytes == (bundles[kind] / "model.pte").stat().st_size

    task = get_task("sudoku-4x4")
    answers, q_halt = python_steps(bundle, np.stack([task.encode(puzzle.question) for puzzle in puzzles]), 0)
    known = [None if puzzle.answer is None else task.encode(puzzle.answer).tolist() for puzzle in puzzles]
    right = [[None if k is None else a.tolist() == k for a, k in zip(row, known, strict=True)] for row in answers]
    assert len(samples.runs) == len(samples.reference_seconds) == 2
    assert all(seconds > 0 for seconds in samples.reference_seconds)
    for one in samples.runs:
        assert [run.puzzle for run in one] == [0, 1, 2, 3]
        for place, run_ in enumerate(one):
            assert [np.float32(q) for q in run_.q_halt] == q_halt[:4, place].tolist()
            assert list(run_.right) == [row[place] for row in right[:4]]
            assert all(seconds > 0 for seconds in run_.step_seconds)
    (whole,) = samples.whole
    assert (whole.policy, whole.budget, len(whole.rounds)) == ("fixed:3", BUDGET, 2)
    assert [(solve.steps, solve.right) for solve in whole.rounds[1]] == [(3, verdict) for verdict in right[2]]


def test_bench_tells_about_its_process(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run("bench", bundles["fp32"], puzzles_file(tmp_path / "p.json", sudokus(1)), out).returncode == 0
    samples = Samples.from_dict(json.loads(out.read_text()))
    assert (samples.steps, samples.threads) == (BUDGET, None)
    assert samples.whole[0].policy == "act"
    assert len(samples.load_seconds) == len(samples.cold_seconds) == 1
    assert 0 < samples.load_seconds[0] <= samples.cold_seconds[0] + 0.02  # the process's age comes in hundredths
    assert samples.resident_bytes is not None
    assert samples.peak_bytes is not None
    assert 0 < samples.resident_bytes <= samples.peak_bytes
    assert samples.machine["os"] == f"{os.uname().sysname} {os.uname().release}"


def test_bench_refuses(run: Run, bundles: dict[str, Path], tmp_path: Path) -> None:
    def first(**fields: Any) -> Callable[[dict[str, Any]], object]:
        return lambda document: document["puzzles"][0].update(fields)

    damages: list[tuple[Callable[[dict[str, Any]], object], str]] = [
        (lambda document: document.pop("puzzles"), "field 'puzzles' is missing"),
        (lambda document: document["puzzles"].clear(), "holds no puzzles"),
        (lambda document: document["puzzles"][0].pop("answer"), "'puzzles[0].answer' is missing"),
        (first(tokens=[1] * 15), "'puzzles[0].tokens' must be 16 tokens from 0 to 5"),
        (first(tokens=[6] * 16), "'puzzles[0].tokens'"),
        (first(answer=[1.5] * 16), "'puzzles[0].answer'"),
        (first(puzzle_id=-1), "'puzzles[0].puzzle_id'"),
    ]
    out = tmp_path / "out.json"
    for number, (damage, reason) in enumerate(damages):
        file = puzzles_file(tmp_path / f"{number}.json", sudokus(1), damage)
        assert reason in refused(run, "bench", bundles["fp32"], file, out), reason
        assert not out.exists()
    good = puzzles_file(tmp_path / "good.json", sudokus(1))
    commands: list[tuple[list[str | Path], str]] = [
        ([bundles["fp32"], good], "bench BUNDLE PUZZLES.json OUT.json"),
        ([bundles["fp32"], good, out, "--golden"], "bench BUNDLE PUZZLES.json OUT.json"),
        ([bundles["fp32"], good, out, "another"], "another"),
        ([bundles["fp32"], good, out, "--rounds", "0"], "--rounds"),
        ([bundles["fp32"], good, out, "--steps", "1025"], "--steps"),
        ([bundles["fp32"], good, out, "--halt", "verified"], "no halting policy 'verified'"),
        ([bundles["fp32"], tmp_path / "none", out], "Cannot read"),
        ([bundles["fp32"], tmp_path, out], "Cannot read"),
        ([bundles["fp32"], good, tmp_path / "none" / "out.json"], "Cannot write"),
        ([bundles["hrm"], good, out], "9 tokens from 0 to 5"),
        ([bundles["fp32"], good, good], "exists: choose another name"),
    ]
    for arguments, reason in commands:
        assert reason in refused(run, "bench", *arguments), reason
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * (len(damages) + 1)


# -- arm64 ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def arm64(tmp_path_factory: pytest.TempPathFactory, build_runner: Callable[..., Path]) -> Path:
    wheel = os.environ.get(ARM64_WHEEL)
    if not wheel:
        pytest.skip(f"{ARM64_WHEEL} does not name an unpacked aarch64 wheel of executorch, see docs/cpp.md")
    if shutil.which("qemu-aarch64-static") is None:
        pytest.skip("qemu-aarch64-static is not installed")
    target = ("-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64")
    return build_runner(Path(wheel) / "executorch", tmp_path_factory.mktemp("arm64"), "aarch64-linux-gnu-g++", *target)


@pytest.mark.arm64
@pytest.mark.parametrize("kind", ["fp32", "w8a8-dynamic"])
@pytest.mark.parametrize(
    "processor",
    ["cortex-a53", "neoverse-n1", "max,sme=off"],  # no integer dot products; dot products; matrix products
)
def test_golden_vectors_on_arm64(arm64: Path, bundles: dict[str, Path], kind: str, processor: str) -> None:
    emulator = ["qemu-aarch64-static", "-cpu", processor, "-L", "/usr/aarch64-linux-gnu"]
    done = subprocess.run([*emulator, arm64, bundles[kind], "--golden"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "golden vectors: 4 of 4 answers, 4 of 4 halting steps\n"
