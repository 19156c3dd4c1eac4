from __future__ import annotations

from typing import Any

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("openvino")


def test_the_cpu_plug_in_was_run_and_the_others_were_not() -> None:
    assert TARGET.evidence is Evidence.HARDWARE
    assert "GPUs and NPUs have not been run" in TARGET.evidence_note
    assert TARGET.device() == get_target("cpu").device()
    assert TARGET.install_line() == "pip install 'trm-edge[openvino]'"


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.W8, Precision.W8A8, Precision.AUTO])
def test_steps(precision: Precision) -> None:
    assert TARGET.supports(precision, GraphVariant.STEP) is None


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"graph": GraphVariant.UNROLLED}, "their step is a function"),
        ({"precision": Precision.W8A8_DYNAMIC}, "DynamicQuantizeLinear in float"),
        ({"precision": Precision.W8A16}, "16-bit activations"),
        ({"precision": Precision.W8A8, "graph": GraphVariant.LOOP}, "w8a8 cannot be proven"),
        ({"format": Format.EXECUTORCH}, "onnx graphs only"),
    ],
)
def test_refusals(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=f"{reason}.*The nearest that 'openvino' runs: --format onnx"):
        TARGET.choose(**wish)


def test_a_loop_in_float() -> None:
    assert TARGET.supports(Precision.FP32, GraphVariant.LOOP) is None
    assert "computed in fp32" in (TARGET.note(Precision.W8, GraphVariant.LOOP) or "")
