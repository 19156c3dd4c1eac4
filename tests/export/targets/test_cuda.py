from __future__ import annotations

from typing import Any

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import cuda as module
from trm_edge.export.targets import get_target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

TARGET = get_target("cuda")


def test_it_says_that_it_was_never_run() -> None:
    assert TARGET.evidence is Evidence.DECLARED  # the weakest that there is
    assert TARGET.evidence_note.startswith("never run")


@pytest.mark.parametrize("graph", list(GraphVariant))
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.W8])
def test_float_graphs_of_every_layout(graph: GraphVariant, precision: Precision) -> None:
    assert TARGET.supports(precision, graph) is None


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"precision": Precision.W8A8}, "in float between the quantizing nodes"),
        ({"precision": Precision.W8A8_DYNAMIC}, "no kernel for DynamicQuantizeLinear"),
        ({"format": Format.EXECUTORCH}, "onnx graphs only"),
    ],
)
def test_refusals(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        TARGET.choose(**wish)


def test_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", lambda: ["NVIDIA T4", "NVIDIA H100"])
    assert TARGET.device() == "NVIDIA T4"
    monkeypatch.setattr(module, "gpus", list)
    assert TARGET.device() is None
