from __future__ import annotations

import pytest

from trm_edge.export.targets import get_target
from trm_edge.specs import Format, GraphVariant, Precision


def test_fp16_runs_with_a_note() -> None:
    target = get_target("cpu")
    assert target.supports(Precision.FP16, GraphVariant.STEP) is None
    assert "fp32 behind casts" in (target.note(Precision.FP16, GraphVariant.STEP) or "")
    assert target.note(Precision.FP32, GraphVariant.STEP) is None


def test_an_executorch_program_is_a_step() -> None:
    cpu = get_target("cpu")
    assert cpu.supports(Precision.FP32, GraphVariant.STEP, Format.EXECUTORCH) is None
    reason = cpu.supports(Precision.FP32, GraphVariant.LOOP, Format.EXECUTORCH)
    assert reason is not None
    assert "--graph step" in reason


@pytest.mark.parametrize(("machine", "architecture"), [("AMD64", "x86-64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_the_processor_of_this_machine(monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    device = get_target("cpu").device()
    assert device is not None
    assert device.startswith(architecture)
