"""The whole road without Python on the other side: the C++ runner, on a phone behind adb and on a host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trm_edge.bundle import read_bundle
from trm_edge.errors import InvalidInput, Refused, TrmEdgeError
from trm_edge.profile.candidates import Setting
from trm_edge.profile.devices import open_device
from trm_edge.profile.devices.remote import profile_on
from trm_edge.profile.devices.runner_road import join_rounds
from trm_edge.profile.measure import Options
from trm_edge.profile.run import Request
from trm_edge.runtimes.executorch import ExecuTorchSession
from trm_edge.solve import Solver
from trm_edge.tasks import get_task
from trm_edge.tasks.comparison import comparison_puzzles

BRIEFLY = Options(repeat=2, warmup=0, cold=0)
AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00\x01\x00\x00\x00"
Programs = Callable[[str], Path]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Bundles of a tiny untrained model as an ExecuTorch program; they differ in name and halting threshold."""
    pytest.importorskip("executorch")
    import torch

    from trm_edge.export.pipeline import ExportOptions, export_bundle
    from trm_edge.model.checkpoint import Checkpoint
    from trm_edge.model.config import ModelConfig
    from trm_edge.model.network import RecursiveModel
    from trm_edge.specs import Format

    folder = tmp_path_factory.mktemp("programs")
    torch.manual_seed(0)
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=16, hidden_size=8, H_cycles=1, L_cycles=1)).eval()
    torch.nn.init.normal_(model.q_head.weight)
    options = ExportOptions(format=Format.EXECUTORCH, steps=3, golden=1)
    export_bundle(Checkpoint(model, "sudoku-4x4"), options, folder / "one", name="one")
    shutil.copytree(folder / "one", folder / "two")
    for name, threshold in (("one", 0.0), ("two", 0.5)):
        manifest = json.loads((folder / name / "manifest.json").read_text())
        manifest["name"] = name
        manifest["halting"]["threshold"] = threshold
        (folder / name / "manifest.json").write_text(json.dumps(manifest))
    return lambda name: folder / name


def runner_that(path: Path, does: str) -> Path:
    """A runner that starts, and then does something else than measuring."""
    path.write_text(f'#!/bin/sh\nif [ "$1" = --help ]; then exit 0; fi\n{does}\n')
    return path


def test_a_profile_of_either_device(reached: Any, programs: Programs, cpp_runner: Path) -> None:
    request = Request(
        bundles=[programs("one"), programs("two")],
        settings=[Setting(1), Setting(2)],
        puzzles=3,
        options=replace(BRIEFLY, warmup=1),
    )
    said: list[str] = []
    results = profile_on(reached.device, request, runner=cpp_runner, say=said.append).results
    names = ["one, 1 thread", "one, 2 threads", "two, 1 thread", "two, 2 threads"]
    assert [(side.name, side.threads) for side in results.sides] == list(zip(names, (1, 2, 1, 2), strict=True))
    for side in results.sides:
        assert (len(side.runs), len(side.runs[0]), side.steps) == (2, 3, 3)
        assert (len(side.load_seconds), len(side.cold_seconds), len(side.whole[0].rounds)) == (2, 2, 2)
        assert len(side.reference_seconds) == 2
        assert side.machine["device"] == reached.device.scheme
    assert results.data == "3 generated"
    assert said[0] == f"sending the runner and 2 bundle(s) to {reached.device}"
    assert said[-1] == f"measuring on {reached.device}, round 2"
    assert reached.other_side.left() == []


def test_it_measures_what_the_session_here_answers(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    device, runner = open_device("adb:"), cpp_runner.parent.parent  # the folder that it was installed in
    request = Request(bundles=[programs("one")], budget=2, puzzles=5, options=BRIEFLY)
    (side,) = profile_on(device, request, runner=runner).results.sides
    threshold = sorted(run.q_halt[0] for run in side.runs[0])[2]
    request = replace(request, policy=f"act:threshold={threshold:.4f}")
    (side,) = profile_on(device, request, runner=runner).results.sides
    task = get_task("sudoku-4x4")
    with read_bundle(programs("one")) as bundle, ExecuTorchSession.from_bundle(bundle) as session:
        solver = Solver(session, task, policy=request.policy, budget=request.budget)
        solutions = [solver.solve(puzzle) for puzzle in comparison_puzzles(task, None, 5)]
    (whole,) = side.whole
    assert [solve.steps for solve in whole.rounds[1]] == [solution.steps for solution in solutions]
    assert {solution.steps for solution in solutions} == {1, 2}
    assert [solve.right for solve in whole.rounds[1]] == [solution.solved for solution in solutions]
    assert (side.steps, whole.budget) == (2, 2)


def test_the_state_of_the_phone_is_recorded(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    (side,) = profile_on(
        open_device("adb:"), Request(bundles=[programs("one")], puzzles=1, options=BRIEFLY), runner=cpp_runner
    ).results.sides
    expected = {
        "device": "adb",
        "model": "Google Pixel 8 Pro",
        "governor": "powersave, sched_pixel",
        "celsius_before": 47.5,
        "celsius_after": 47.5,
        "throttling_before": "moderate",
        "battery_percent_after": 81.0,
    }
    assert {name: side.machine.get(name) for name in expected} == expected
    assert "8A1X" not in json.dumps(side.to_dict())


def test_bundles_take_turns(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    request = Request(bundles=[programs("one"), programs("two")], puzzles=1, options=BRIEFLY)
    profile_on(open_device("adb:"), request, runner=cpp_runner)
    calls = (phone.folder / "calls").read_text().splitlines()
    turns = [line.partition("bench bundle")[2][0] for line in calls if "bench bundle" in line]
    assert turns == ["0", "1", "0", "1"]


def test_time_ends_the_rounds(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    request = Request(bundles=[programs("one")], puzzles=1, options=Options(seconds=1e-6, warmup=0, cold=0))
    (side,) = profile_on(open_device("adb:"), request, runner=cpp_runner).results.sides
    assert len(side.runs) == 1


@pytest.mark.parametrize(
    ("does", "error", "reason"),
    [
        (
            "echo 'trm-edge-run: The program answers NaN at step 3' >&2; exit 2",
            TrmEdgeError,
            "failed: The program answ",
        ),
        ("kill -9 $$", TrmEdgeError, r"^Measuring one on (ssh:board|adb:8A1X) failed: "),
        ("true", TrmEdgeError, "No such file"),
        ("echo '{' > samples.json", InvalidInput, "cannot be read: .*not valid JSON"),
        ("echo '{}' > samples.json", InvalidInput, "'name' is missing"),
    ],
)
def test_a_runner_that_fails(
    reached: Any, programs: Programs, tmp_path: Path, does: str, error: type[TrmEdgeError], reason: str
) -> None:
    request = Request(bundles=[programs("one")], puzzles=1, options=BRIEFLY)
    with pytest.raises(error, match=reason) as raised:
        profile_on(reached.device, request, runner=runner_that(tmp_path / "runner", does))
    assert "\n" not in str(raised.value)
    assert reached.other_side.left() == []


def test_a_runner_for_another_processor(phone: Any, programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "runner").write_bytes(AARCH64)
    request = Request(bundles=[programs("one")], puzzles=1, options=BRIEFLY)
    with pytest.raises(TrmEdgeError, match=r"^The runner does not start on adb:8A1X \(architecture: .*docs/cpp\.md"):
        profile_on(open_device("adb:"), request, runner=tmp_path / "runner")
    assert phone.left() == []


def test_what_the_runner_cannot_do(phone: Any, programs: Programs, exported: Callable[..., Path]) -> None:
    request = Request(bundles=[programs("one")], options=BRIEFLY)
    cases: list[tuple[Request, type[TrmEdgeError], str]] = [
        (replace(request, bundles=[exported()]), Refused, r"tiny\S* holds onnx; .*--format executorch"),
        (replace(request, target="webgpu"), Refused, "made for cpu"),
        (replace(request, settings=[Setting(1, 8)]), Refused, "batch of 1 built in"),
        (replace(request, options=Options(policies=("act",))), Refused, "give --halt once"),
        (replace(request, bundles=[programs("one")] * 2), InvalidInput, "the same bundle"),
        (request, InvalidInput, "no runner at 'nowhere'"),
    ]
    for wish, error, reason in cases:
        with pytest.raises(error, match=reason):
            profile_on(open_device("adb:"), wish, runner=Path("nowhere"))
    assert not (phone.folder / "calls").exists()  # nothing was asked of the phone


def test_a_policy_that_the_runner_does_not_know(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    request = Request(bundles=[programs("one")], policy="verified", puzzles=1, options=BRIEFLY)
    with pytest.raises(TrmEdgeError, match="no halting policy 'verified'"):
        profile_on(open_device("adb:"), request, runner=cpp_runner)


def test_rounds_of_different_things_are_not_joined(phone: Any, programs: Programs, cpp_runner: Path) -> None:
    request = Request(bundles=[programs("one")], puzzles=1, options=BRIEFLY)
    (side,) = profile_on(open_device("adb:"), request, runner=cpp_runner).results.sides
    with pytest.raises(InvalidInput, match="different halting policies"):
        join_rounds([side, replace(side, whole=())])
    longer = replace(side, runs=tuple((*one, replace(one[0], puzzle=9)) for one in side.runs), whole=())
    with pytest.raises(InvalidInput, match="same puzzles"):
        join_rounds([replace(side, whole=()), longer])
