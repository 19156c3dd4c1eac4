"""How a target chooses what to write from what somebody wishes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from trm_edge.environments import ENVIRONMENTS
from trm_edge.errors import Refused
from trm_edge.export.targets.base import Choice, Target
from trm_edge.specs import Evidence, Format, GraphVariant, Precision

STEP8 = Choice(Format.ONNX, GraphVariant.STEP, Precision.W8A8)


@dataclass(frozen=True, kw_only=True)
class Picky(Target):
    """Runs w8a8 steps, and w8a8 and fp32 unrolled."""

    def supports(self, precision: Precision, graph: GraphVariant, format: Format = Format.ONNX) -> str | None:
        if format is not Format.ONNX:
            return "It reads ONNX only."
        if graph is GraphVariant.LOOP:
            return "It has no Loop."
        allowed = (Precision.W8A8, Precision.FP32) if graph is GraphVariant.UNROLLED else (Precision.W8A8,)
        return None if precision in allowed else f"It has no {precision} {graph}."

    def device(self) -> str | None:
        return None


PICKY = Picky(
    id="picky",
    description="of the tests",
    evidence=Evidence.COMPILED,
    evidence_note="never run",
    package="trm_edge_picky",
    extra="picky",
    usual=STEP8,
)


def test_without_a_wish_it_is_the_usual() -> None:
    assert PICKY.choose() == STEP8


def test_a_wish_that_it_runs_is_kept() -> None:
    wish = Choice(Format.ONNX, GraphVariant.UNROLLED, Precision.FP32)
    assert PICKY.choose(graph=wish.graph, precision=wish.precision) == wish


def test_a_wish_that_leaves_room_is_kept_where_the_usual_rest_does_not_fit() -> None:
    assert PICKY.choose(precision=Precision.FP32) == Choice(Format.ONNX, GraphVariant.UNROLLED, Precision.FP32)


def test_an_impossible_wish_gets_the_reason_and_what_comes_nearest() -> None:
    with pytest.raises(Refused) as caught:
        PICKY.choose(graph=GraphVariant.LOOP, precision=Precision.FP32)
    nearest = "--format onnx --graph unrolled --precision fp32"
    assert str(caught.value) == f"It has no Loop. The nearest that 'picky' runs: {nearest}."
    with pytest.raises(Refused, match="nearest that 'picky' runs: --format onnx --graph step --precision w8a8"):
        PICKY.choose(format=Format.EXECUTORCH)


def test_the_choices_are_what_it_supports() -> None:
    assert len(PICKY.choices()) == 3
    assert STEP8 in PICKY.choices()


def test_a_runtime_in_our_environment_is_a_package() -> None:
    assert not PICKY.installed()
    assert PICKY.install_line() == "pip install 'trm-edge[picky]'"
    assert replace(PICKY, package="json").installed()


def test_a_runtime_in_an_environment_of_its_own_is_that_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("TRM_EDGE_CACHE", str(tmp_path))
    name = next(iter(ENVIRONMENTS))
    target = replace(PICKY, environment=name, package="json")
    assert not target.installed()
    assert target.install_line() == f"trm-edge targets install {name}"
    monkeypatch.setenv("TRM_EDGE_ENVIRONMENT", name)
    assert target.installed(), "inside it, it is the package that counts"
