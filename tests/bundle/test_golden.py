from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trm_edge.bundle import GoldenVectors, Manifest
from trm_edge.errors import InvalidBundle


def test_round_trip_is_exact(golden: GoldenVectors) -> None:
    again = GoldenVectors.from_json(golden.to_json())
    for name in ("tokens", "puzzle_ids", "answers", "last_answers", "halting_steps", "q_halt"):
        before, after = getattr(golden, name), getattr(again, name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert len(again) == 2


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("tokens", [[1, 2], [3]], "tokens"),
        ("tokens", [], "tokens"),
        ("tokens", [[1.5] * 16] * 2, "tokens"),
        ("tokens", [[-1] * 16] * 2, "tokens"),
        ("tokens", [[2**40] * 16] * 2, "tokens"),
        ("tokens", [[2**80] * 16] * 2, "tokens"),
        ("tokens", "1234", "tokens"),
        ("answers", [[1] * 16], "answers"),
        ("puzzle_ids", [[3, 7]], "puzzle_ids"),
        ("puzzle_ids", [True, False], "puzzle_ids"),
        ("halting_steps", [0, 1], "halting_steps"),
        ("halting_steps", [1, 5], "halting_steps"),
        ("q_halt", [[0.0] * 3] * 4, "q_halt"),
        ("q_halt", [[1e300] * 2] * 4, "q_halt"),
        ("q_halt", [["a", "b"]] * 4, "q_halt"),
    ],
)
def test_invalid_field(golden: GoldenVectors, field: str, value: Any, says: str) -> None:
    document = json.loads(golden.to_json())
    document[field] = value
    with pytest.raises(InvalidBundle, match=f"'{says}'"):
        GoldenVectors.from_json(json.dumps(document))


def test_missing_field(golden: GoldenVectors) -> None:
    document = json.loads(golden.to_json())
    del document["q_halt"]
    with pytest.raises(InvalidBundle, match="'q_halt' is missing"):
        GoldenVectors.from_json(json.dumps(document))


def test_nan_is_refused(golden: GoldenVectors) -> None:
    with pytest.raises(InvalidBundle, match="NaN"):
        replace(golden, q_halt=np.full((4, 2), np.nan))


def test_check_against_the_manifest(golden: GoldenVectors, manifest: Manifest) -> None:
    golden.check(manifest)
    with pytest.raises(InvalidBundle, match=r"'answers' must lie in 0\.\.5"):
        replace(golden, answers=np.full((2, 16), 6)).check(manifest)
    with pytest.raises(InvalidBundle, match="puzzle id 4"):
        replace(golden, puzzle_ids=np.array([3, 4])).check(manifest)
    shorter = np.zeros((2, 15), np.int32)
    with pytest.raises(InvalidBundle, match="15 tokens"):
        replace(golden, tokens=shorter, answers=shorter, last_answers=shorter).check(manifest)
