from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from trm_edge.doctor.engines import check_executorch, check_onnxruntime, check_torch
from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.machine import Done, Machine, Package

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]

ORT = {"onnxruntime": Package("1.32.0", modules=frozenset({"onnxruntime"}))}
SAID: dict[str, Any] = {
    "version": "1.32.0",
    "built_in": ["CPUExecutionProvider"],
    "devices": [["CPUExecutionProvider", "CPU", "AMD"]],
    "failed": {},
    "telemetry_off": True,
}


def answers(**changes: Any) -> dict[str, Done]:
    return {"onnxruntime": Done(0, json.dumps(SAID | changes) + "\n")}


def test_providers_devices_and_telemetry(fake: Fake, by_name: Found) -> None:
    found = by_name(check_onnxruntime(fake(packages=ORT, programs=answers())))
    assert found["providers"].found == "built in: CPUExecutionProvider"
    assert found["devices"].found == "CPUExecutionProvider on CPU (AMD)"
    assert found["telemetry"].state is State.OK


def test_telemetry_that_is_on_is_a_problem(fake: Fake, by_name: Found) -> None:
    found = by_name(check_onnxruntime(fake(packages=ORT, programs=answers(telemetry_off=False))))
    assert found["telemetry"].state is State.PROBLEM


def test_a_plug_in_that_does_not_load(fake: Fake, by_name: Found) -> None:
    failed = {"onnxruntime_qnn": "no such library"}
    found = by_name(check_onnxruntime(fake(packages=ORT, programs=answers(failed=failed))))
    assert found["onnxruntime_qnn"].state is State.PROBLEM
    assert found["onnxruntime_qnn"].mend == "pip install --upgrade onnxruntime_qnn"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Done(1, err="ImportError: libfoo.so.1"), "ImportError: libfoo.so.1"),
        (Done(-11), "ended by signal 11"),
        (Done(None, err="no answer after 120 s"), "no answer after 120 s"),
        (Done(0, "no JSON"), "answers nonsense"),
        (Done(0, ""), "answers nonsense"),
    ],
)
def test_an_engine_that_is_installed_and_broken(fake: Fake, done: Done, said: str) -> None:
    (found,) = check_onnxruntime(fake(packages=ORT, programs={"onnxruntime": done}))
    assert found.state is State.PROBLEM
    assert said in found.found
    assert found.mend.startswith("pip install --force-reinstall")


def test_absent_engines(fake: Fake) -> None:
    (found,) = check_onnxruntime(fake())
    assert (found.state, found.mend) == (State.NOTE, "pip install --upgrade 'trm-edge[onnx]'")
    assert [*check_torch(fake()), *check_executorch(fake())] == []


def test_gpus_and_back_ends(fake: Fake) -> None:
    programs = {
        "torch": Done(0, json.dumps({"version": "2.13.0", "gpus": ["NVIDIA H100"]})),
        "executorch": Done(0, json.dumps({"backends": ["QnnBackend"]})),
    }
    machine = fake(packages={"torch": "2.13.0", "executorch": "1.5.1"}, programs=programs)
    assert [one.found for one in check_torch(machine)] == ["loads; computes on NVIDIA H100"]
    assert [one.state for one in check_executorch(machine)] == [State.PROBLEM]


def test_the_real_probe_of_onnxruntime() -> None:
    pytest.importorskip("onnxruntime")
    done = subprocess.run(
        [sys.executable, "-m", "trm_edge.doctor.probe", "onnxruntime"], capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert "CPUExecutionProvider" in answer["built_in"]
    assert answer["telemetry_off"] is True
    assert answer.keys() >= SAID.keys()
