from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from trm_edge.train.loss import IGNORE, cross_entropy, step_loss


def test_stablemax_by_hand() -> None:
    # s(1) = 2, s(0) = 1, s(-1) = 1/2
    loss = cross_entropy("stablemax", torch.tensor([[[1.0, 0.0, -1.0]]]), torch.tensor([[2]]))
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(-math.log(0.5 / 3.5), abs=1e-12)


def test_stablemax_is_the_official_formula() -> None:
    """``models/losses.py``: ``s(x) = 1 / (1 - x + 1e-30)`` below 0, ``x + 1`` above, in float64."""
    torch.manual_seed(0)
    logits, labels = 30 * torch.randn(4, 5, 7), torch.randint(7, (4, 5))
    x = logits.to(torch.float64)
    s = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)
    official = -torch.gather(torch.log(s / s.sum(-1, keepdim=True)), -1, labels[..., None]).squeeze(-1)
    assert torch.allclose(cross_entropy("stablemax", logits, labels), official, rtol=1e-12)


def test_stablemax_has_finite_gradients_everywhere() -> None:
    logits = torch.tensor([[[0.0, 1e6, -1e6, 1.0]]], requires_grad=True)
    cross_entropy("stablemax", logits, torch.tensor([[2]])).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0, 2] < 0, "the right answer is to grow"


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["stablemax", "softmax"])
def test_ignored_cells_cost_nothing(kind: str, smoothing: float) -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    labels = torch.tensor([[1, IGNORE, 2], [IGNORE, IGNORE, 4]])
    value = cross_entropy(kind, logits, labels, smoothing)
    assert torch.equal(value == 0, labels == IGNORE)
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.equal((logits.grad != 0).any(-1), labels != IGNORE)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_is_the_ordinary_cross_entropy(smoothing: float) -> None:
    logits, labels = torch.randn(2, 3, 5), torch.randint(5, (2, 3))
    expected = F.cross_entropy(logits.reshape(6, 5), labels.reshape(6), reduction="none", label_smoothing=smoothing)
    assert torch.allclose(cross_entropy("softmax", logits, labels, smoothing), expected.reshape(2, 3))


def test_rows_weigh_the_same_whatever_their_length() -> None:
    """One counted cell in the first row weighs as much as four in the second."""
    logits = torch.zeros(2, 4, 3)
    logits[0, 0, 0] = 5.0  # the first row is nearly right, the second guesses
    labels = torch.tensor([[0, IGNORE, IGNORE, IGNORE], [1, 1, 1, 1]])
    found = step_loss("softmax", logits, torch.zeros(2), labels)
    right = -math.log(math.exp(5) / (math.exp(5) + 2))
    assert found.token.tolist() == pytest.approx([right, math.log(3)], rel=1e-6)


@pytest.mark.parametrize("weight", [0.5, 0.02, 0.0])
def test_the_halting_logit_learns_whether_the_whole_answer_is_right(weight: float) -> None:
    logits = torch.zeros(3, 2, 3)
    logits[0, :, 1] = logits[1, 0, 1] = logits[2, 0, 1] = 1.0
    labels = torch.tensor([[1, 1], [1, 1], [1, IGNORE]])
    q_halt = torch.tensor([2.0, 2.0, -3.0], requires_grad=True)
    found = step_loss("stablemax", logits, q_halt, labels, halting_weight=weight)
    assert found.correct.tolist() == [True, False, True], "an ignored cell cannot be wrong"
    assert found.cells.tolist() == [1.0, 0.5, 1.0]
    halting = [weight * math.log1p(math.exp(-x)) for x in (2.0, -2.0, -3.0)]
    assert (found.loss - found.token).tolist() == pytest.approx(halting, abs=1e-6)
    found.loss.mean().backward()  # type: ignore[no-untyped-call]
    assert q_halt.grad is not None
    assert torch.equal(q_halt.grad < 0, found.correct if weight else torch.zeros(3, dtype=torch.bool)), (
        "up where right, down where wrong"
    )
