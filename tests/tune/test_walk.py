from __future__ import annotations

from itertools import pairwise

import pytest

from trm_edge.errors import Refused
from trm_edge.export.targets import get_target
from trm_edge.specs import Format, GraphVariant, Precision
from trm_edge.tune.walk import Heat, choices, heats


def test_what_is_worth_trying_leaves_out_fixed_depths_and_searches() -> None:
    found = choices(get_target("cpu"))
    assert {one.format for one in found} == set(Format)
    assert {one.graph for one in found} == {GraphVariant.STEP, GraphVariant.LOOP}
    assert Precision.AUTO not in {one.precision for one in found}
    assert len(found) == len(set(found))


def test_what_is_asked_for_is_tried() -> None:
    cpu = get_target("cpu")
    found = choices(cpu, graphs=[GraphVariant.UNROLLED], precisions=[Precision.AUTO, Precision.FP32])
    assert {(one.graph, one.precision) for one in found} == {
        (GraphVariant.UNROLLED, Precision.AUTO),
        (GraphVariant.UNROLLED, Precision.FP32),
    }
    assert all(one.format is Format.ONNX for one in choices(cpu, formats=[Format.ONNX]))


def test_what_a_target_cannot_run_is_refused() -> None:
    with pytest.raises(Refused, match=r"'cpu' runs nothing of what is asked for\. It runs: --format onnx"):
        choices(get_target("cpu"), formats=[Format.EXECUTORCH], graphs=[GraphVariant.LOOP])


@pytest.mark.parametrize("sides", range(1, 40))
@pytest.mark.parametrize("puzzles", [1, 7, 8, 64, 100])
def test_heats_halve_the_field_and_end_with_all_puzzles(sides: int, puzzles: int) -> None:
    found = heats(sides, puzzles)
    assert found[0].sides == sides
    assert found[-1].puzzles == puzzles
    assert found[-1].sides <= 2
    for before, after in pairwise(found):
        assert after.sides == max(2, -(-before.sides // 2))
        assert after.puzzles >= before.puzzles
    assert all(heat.puzzles >= min(8, puzzles) for heat in found)


def test_with_every_heat_half_of_the_sides_and_twice_the_puzzles() -> None:
    assert heats(7, 64) == [Heat(7, 16), Heat(4, 32), Heat(2, 64)]
    assert heats(2, 64) == [Heat(2, 64)]
