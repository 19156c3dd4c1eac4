"""The loss of one supervision step (paper, section 2; official ``models/losses.py``)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE = -100
"""Label of cells that do not count (padding)."""


@dataclass(frozen=True, eq=False)
class StepLoss:
    """What one supervision step gives.

    Attributes:
        loss: scalar, mean over rows of ``token loss + 0.5 * halting loss``.
        token: scalar, mean cross entropy per counted cell.
        correct: [batch] bool, whole answer right.
        cells: [batch] float32, share of the counted cells that are right.
    """

    loss: Tensor
    token: Tensor
    correct: Tensor
    cells: Tensor


def stablemax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy under stablemax, ``s(x) = x + 1`` for ``x >= 0``, else ``1 / (1 - x)`` (arXiv 2501.04697).

    Args:
        logits: [batch, seq, vocab]; computed in float64 as the official code does.
        labels: [batch, seq] int64, :data:`IGNORE` where a cell does not count.

    Returns:
        [batch, seq] float64, 0 where the label is :data:`IGNORE`.
    """
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x.clamp(max=0.0)), x + 1)
    log_probability = torch.log(s / s.sum(-1, keepdim=True))
    counted = labels != IGNORE
    picked = log_probability.gather(-1, labels.where(counted, 0).unsqueeze(-1)).squeeze(-1)
    return -picked.where(counted, 0.0)


def softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Ordinary cross entropy, [batch, seq] float32; 0 where the label is :data:`IGNORE`."""
    return F.cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=IGNORE, reduction="none")


LOSSES = {"stablemax": stablemax_cross_entropy, "softmax": softmax_cross_entropy}


def step_loss(kind: str, logits: Tensor, q_halt: Tensor, labels: Tensor) -> StepLoss:
    """Token loss (each row weighs the same) plus half the halting loss: is the whole answer right now?"""
    counted = labels != IGNORE
    cells = counted.sum(-1).clamp(min=1)  # [batch]
    with torch.no_grad():
        right = (logits.argmax(-1) == labels) & counted
        correct = right.sum(-1) == counted.sum(-1)
    token = (LOSSES[kind](logits, labels).sum(-1) / cells).mean()
    halting = F.binary_cross_entropy_with_logits(q_halt.float(), correct.float())
    return StepLoss(token + 0.5 * halting, token.detach(), correct, right.sum(-1) / cells)
