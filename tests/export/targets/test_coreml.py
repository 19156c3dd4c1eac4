from __future__ import annotations

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("coreml")


def test_it_was_never_run() -> None:
    assert TARGET.evidence is Evidence.COMPILED
    assert "never compiled or run on a Mac" in TARGET.evidence_note
    assert TARGET.device() is None


def test_usually_a_program_in_fp16() -> None:
    choice = TARGET.choose()
    assert str(choice) == "--format executorch --graph step --precision fp16"


def test_the_neural_engine_does_not_compute_in_fp32() -> None:
    assert "fp32 runs on the GPU" in (TARGET.note(Precision.FP32, GraphVariant.STEP) or "")
    assert TARGET.note(Precision.FP16, GraphVariant.STEP) is None


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"precision": Precision.W8A8}, r"takes fp32, fp16 and w8, not w8a8\..*nearest that 'coreml' runs"),
        ({"format": Format.ONNX}, "not ONNX graphs"),
        ({"graph": GraphVariant.LOOP}, "no loop graph"),
    ],
)
def test_what_it_refuses(wish: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        TARGET.choose(**wish)  # type: ignore[arg-type]
