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
    """What one supervision step gives, row by row.

    Attributes:
        loss: [batch], ``token loss + halting_weight * halting loss``; its mean is what training minimises.
        token: [batch], mean cross entropy per counted cell, without gradient.
        correct: [batch] bool, whole answer right.
        cells: [batch] float32, share of the counted cells that are right.
    """

    loss: Tensor
    token: Tensor
    correct: Tensor
    cells: Tensor


def stablemax_log_probability(logits: Tensor) -> Tensor:
    """Logarithm of stablemax, ``s(x) = x + 1`` for ``x >= 0``, else ``1 / (1 - x)`` (arXiv 2501.04697).

    ``logits`` are [..., vocab]; computed in float64 as the official code does.
    """
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x.clamp(max=0.0)), x + 1)
    return torch.log(s / s.sum(-1, keepdim=True))


def softmax_log_probability(logits: Tensor) -> Tensor:
    """Logarithm of softmax, float32; ``logits`` are [..., vocab]."""
    return F.log_softmax(logits.float(), dim=-1)


LOG_PROBABILITIES = {"stablemax": stablemax_log_probability, "softmax": softmax_log_probability}


def cross_entropy(kind: str, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross entropy of every cell.

    Args:
        kind: ``stablemax`` or ``softmax``.
        logits: [batch, seq, vocab].
        labels: [batch, seq] int64, :data:`IGNORE` where a cell does not count.
        smoothing: share of the wanted probability that is spread evenly over the vocabulary.

    Returns:
        [batch, seq], 0 where the label is :data:`IGNORE`.
    """
    log_probability = LOG_PROBABILITIES[kind](logits)
    counted = labels != IGNORE
    picked = log_probability.gather(-1, labels.where(counted, 0).unsqueeze(-1)).squeeze(-1)
    if smoothing:
        picked = (1 - smoothing) * picked + smoothing * log_probability.mean(-1)
    return -picked.where(counted, 0.0)


def step_loss(
    kind: str,
    logits: Tensor,
    q_halt: Tensor,
    labels: Tensor,
    smoothing: float = 0.0,
    halting_weight: float = 0.5,
) -> StepLoss:
    """Token loss (each row weighs the same) plus the weighted halting loss: is the whole answer right now?"""
    counted = labels != IGNORE
    cells = counted.sum(-1).clamp(min=1)  # [batch]
    with torch.no_grad():
        right = (logits.argmax(-1) == labels) & counted
        correct = right.sum(-1) == counted.sum(-1)
    token = cross_entropy(kind, logits, labels, smoothing).sum(-1) / cells
    halting = F.binary_cross_entropy_with_logits(q_halt.float(), correct.float(), reduction="none")
    return StepLoss(token + halting_weight * halting, token.detach(), correct, right.sum(-1) / cells)
