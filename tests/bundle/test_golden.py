"""Golden vectors as Python holds them; tests/test_vectors.py holds their reader to what every reader refuses."""

from __future__ import annotations

from dataclasses import replace

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
