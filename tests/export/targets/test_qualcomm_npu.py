from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.export.targets import qualcomm_npu as module
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("qualcomm-npu")


def test_it_says_that_no_phone_was_at_hand() -> None:
    assert TARGET.evidence is Evidence.SIMULATOR
    assert "never run on a phone" in TARGET.evidence_note


def test_step_graphs_wholly_in_integers() -> None:
    runs = {(one.format, one.graph, one.precision) for one in TARGET.choices()}
    assert runs == {(Format.ONNX, GraphVariant.STEP, precision) for precision in (Precision.W8A16, Precision.W8A8)}
    assert TARGET.choose().precision is Precision.W8A16
    assert TARGET.writers == {Format.ONNX: "trm_edge.export.write_whole_integer"}


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"graph": GraphVariant.LOOP}, "no Loop.*nearest that 'qualcomm-npu' runs: --format onnx --graph step"),
        ({"graph": GraphVariant.UNROLLED}, "takes step graphs only"),
        ({"precision": Precision.FP32}, "computes in integers"),
        ({"precision": Precision.W8A8_DYNAMIC}, "w8a8-dynamic leaves tensors in float"),
        ({"format": Format.EXECUTORCH}, "takes ONNX graphs"),
    ],
)
def test_refusals(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        TARGET.choose(**wish)


def test_bytes_come_with_a_warning() -> None:
    assert "8 bits are few" in (TARGET.note(Precision.W8A8, GraphVariant.STEP) or "")
    assert TARGET.note(Precision.W8A16, GraphVariant.STEP) is None


def test_the_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = ModuleSpec("onnxruntime_qnn", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(module, "find_spec", lambda name: package)
    assert TARGET.device() is None
    (tmp_path / "libQnnHtp.so").touch()
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert TARGET.device() == "Qualcomm's HTP simulator (libQnnHtp.so)"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert TARGET.device() == "Qualcomm HTP (libQnnHtp.so)"
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert TARGET.device() is None
