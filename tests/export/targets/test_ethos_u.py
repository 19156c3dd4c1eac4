from __future__ import annotations

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.export.targets.ethos_u import ACCELERATORS
from trm_edge.specs import Format, GraphVariant, Precision


@pytest.mark.parametrize("precision", Precision)
def test_integers_of_fixed_scale_only(precision: Precision) -> None:
    reason = get_target("ethos-u").supports(precision, GraphVariant.STEP, Format.EXECUTORCH)
    if precision in (Precision.W8A8, Precision.W8A16):
        assert reason is None
    else:
        assert reason is not None
        assert f"w8a16 or w8a8, not {precision}" in reason


def test_the_usual_choice_is_16_bits_and_w8a8_says_why_not_it() -> None:
    target = get_target("ethos-u")
    assert target.choose() == target.usual
    assert (target.usual.format, target.usual.precision) == (Format.EXECUTORCH, Precision.W8A16)
    assert "w8a16" in (target.note(Precision.W8A8, GraphVariant.STEP) or "")
    assert target.note(Precision.W8A16, GraphVariant.STEP) is None


def test_a_wish_gets_the_reason_and_the_nearest() -> None:
    target = get_target("ethos-u")
    with pytest.raises(Refused, match=r"no ONNX runtime.*--format executorch --graph step --precision w8a8"):
        target.choose(format=Format.ONNX, precision=Precision.W8A8)
    with pytest.raises(Refused, match=r"stores the weights anew.*--graph step"):
        target.choose(graph=GraphVariant.UNROLLED)


def test_it_lives_in_an_environment_of_its_own_and_has_no_device_here() -> None:
    target = get_target("ethos-u")
    assert target.install_line() == "trm-edge targets install ethos-u"
    assert target.device() is None
    assert len(set(ACCELERATORS)) == len(ACCELERATORS)
    assert ACCELERATORS[0] == "ethos-u55-128"
