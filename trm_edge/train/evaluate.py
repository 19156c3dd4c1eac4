"""Exact accuracy of the float model on puzzles with known answers (official-style: a fixed number of steps)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trm_edge.model.network import RecursiveModel
from trm_edge.train.data import Puzzles
from trm_edge.train.loss import IGNORE


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Result of :func:`evaluate`.

    Attributes:
        correct: [puzzles] bool, whole answer right after the last step.
        halting_steps: [puzzles] int, first step whose halting logit is > 0, or the budget.
        halted_correct: [puzzles] bool, answer at the halting step right.
        cells: share of all counted cells that are right after the last step.
    """

    correct: NDArray[np.bool_]
    halting_steps: NDArray[np.int64]
    halted_correct: NDArray[np.bool_]
    cells: float

    @property
    def exact(self) -> float:
        """Share of puzzles solved after the last step."""
        return float(self.correct.mean())


def evaluate(
    model: RecursiveModel, puzzles: Puzzles, *, steps: int = 16, batch_size: int = 256, bf16: bool = False
) -> Accuracy:
    """Run ``steps`` supervision steps on every puzzle; also note where ACT would have halted."""
    model = model.eval()
    device = next(model.parameters()).device
    correct, halted_at, halted_correct, cells = [], [], [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for low in range(0, len(puzzles), batch_size):
            rows = puzzles.rows(slice(low, low + batch_size))
            tokens, labels = torch.from_numpy(rows.tokens).to(device), torch.from_numpy(rows.labels).to(device)
            ids = torch.from_numpy(rows.puzzle_ids).to(device)
            counted = labels != IGNORE
            z_H, z_L = model.initial_carry(len(tokens))
            halt = torch.zeros(len(tokens), dtype=torch.int64, device=device)
            right_at_halt = torch.zeros(len(tokens), dtype=torch.bool, device=device)
            for step in range(1, steps + 1):
                z_H, z_L, logits, q_halt = model.step(z_H, z_L, tokens, ids)
                right = (logits.argmax(-1) == labels) | ~counted
                whole = right.all(-1)
                now = (halt == 0) & ((q_halt > 0) | (step == steps))
                halt[now], right_at_halt[now] = step, whole[now]
            correct.append(whole)
            halted_at.append(halt)
            halted_correct.append(right_at_halt)
            cells.append((right & counted).sum(-1) / counted.sum(-1))
    return Accuracy(
        torch.cat(correct).cpu().numpy(),
        torch.cat(halted_at).cpu().numpy(),
        torch.cat(halted_correct).cpu().numpy(),
        float(torch.cat(cells).mean()),
    )
