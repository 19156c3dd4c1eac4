from __future__ import annotations

from typing import Any

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("android")


def test_it_is_declared_and_says_so() -> None:
    assert TARGET.evidence is Evidence.DECLARED  # the weakest that there is
    assert TARGET.evidence_note.startswith("declared, not run")
    assert not TARGET.installed()
    assert TARGET.device() is None
    assert "onnxruntime-android" in TARGET.install_line()


def test_integer_kernels_are_those_of_arm64() -> None:
    assert TARGET.quantization == {"optimize_for": "arm64"}
    assert TARGET.supports(Precision.W8A8, GraphVariant.LOOP) is None
    assert TARGET.supports(Precision.W8A8, GraphVariant.STEP, Format.EXECUTORCH) is None


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"precision": Precision.W8A16}, "no integer kernels for 16-bit"),
        ({"format": Format.EXECUTORCH, "graph": GraphVariant.LOOP}, "driven by the host"),
        ({"format": Format.EXECUTORCH, "precision": Precision.W8}, "XNNPACK takes int8 weights"),
    ],
)
def test_refusals(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        TARGET.choose(**wish)
