"""The fake is what other tests trust, so it is tested as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trm_edge.runtimes.fake import FakeSession
from trm_edge.specs import GraphVariant

TOKENS = np.array([[1, 2], [3, 4]], np.int32)
Q = np.array([[-1, 1], [1, 2], [2, 3]], np.float32)
ANSWERS = np.array([[[1, 1], [2, 2]], [[3, 3], [4, 4]], [[5, 5], [6, 6]]])


def test_step() -> None:
    session = FakeSession.scripted(TOKENS, Q, ANSWERS)
    carry = session.initial_carry(2)
    for step in range(5):  # beyond the script its last step repeats
        outputs = session.infer({"tokens": TOKENS, **carry})
        np.testing.assert_array_equal(outputs["logits"].argmax(-1), ANSWERS[min(step, 2)])
        np.testing.assert_array_equal(outputs["q_halt"], Q[min(step, 2)])
        carry = {"z_H": outputs["z_H_next"], "z_L": outputs["z_L_next"]}
    assert len(session.calls) == 5


def test_it_notices_carries_of_other_rows() -> None:
    session = FakeSession.scripted(TOKENS, Q, ANSWERS)
    outputs = session.infer({"tokens": TOKENS, **session.initial_carry(2)})
    with pytest.raises(AssertionError, match="wrong puzzle"):
        session.infer({"tokens": TOKENS, "z_H": outputs["z_H_next"][::-1].copy(), "z_L": outputs["z_L_next"]})


def test_unrolled() -> None:
    outputs = FakeSession.scripted(TOKENS, Q, ANSWERS, graph=GraphVariant.UNROLLED).infer({"tokens": TOKENS[1:]})
    np.testing.assert_array_equal(outputs["logits"].argmax(-1), ANSWERS[:, 1:])
    np.testing.assert_array_equal(outputs["q_halt"], Q[:, 1:])


@pytest.mark.parametrize(
    ("budget", "threshold", "steps"), [(3, 0, [2, 1]), (1, 0, [1, 1]), (3, np.inf, [3, 3]), (9, 2.5, [9, 3])]
)
def test_loop(budget: int, threshold: float, steps: list[int]) -> None:
    session = FakeSession.scripted(TOKENS, Q, ANSWERS, graph=GraphVariant.LOOP)
    limits: dict[str, NDArray[Any]] = {
        "budget": np.array(budget, np.int64),
        "threshold": np.array(threshold, np.float32),
    }
    outputs = session.infer({"tokens": TOKENS, **limits})
    assert outputs["steps"].tolist() == steps
    at = np.minimum(steps, 3) - 1
    np.testing.assert_array_equal(outputs["logits"].argmax(-1), ANSWERS[at, [0, 1]])
