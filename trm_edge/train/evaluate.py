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
        right: [steps, puzzles] bool, whole answer right after each step.
        q_halt: [steps, puzzles] float32, halting logit of each step.
        cells: share of all counted cells that are right after the last step.
    """

    right: NDArray[np.bool_]
    q_halt: NDArray[np.float32]
    cells: float

    @property
    def exact(self) -> float:
        """Share of puzzles solved after the last step."""
        return float(self.right[-1].mean())

    def at_halt(self, threshold: float = 0.0) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Halting step of each puzzle (from 1; the last, if it never halts), and whether its answer is right there."""
        halts = self.q_halt > threshold
        step = np.where(halts.any(0), halts.argmax(0), len(halts) - 1)
        return step + 1, self.right[step, np.arange(step.size)]


def evaluate(
    model: RecursiveModel, puzzles: Puzzles, *, steps: int = 16, batch_size: int = 256, bf16: bool = False
) -> Accuracy:
    """Run ``steps`` supervision steps on every puzzle."""
    model = model.eval()
    device = next(model.parameters()).device
    right, q_halts, cells = [], [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for low in range(0, len(puzzles), batch_size):
            rows = puzzles.rows(slice(low, low + batch_size))
            tokens, labels = torch.from_numpy(rows.tokens).to(device), torch.from_numpy(rows.labels).to(device)
            ids = torch.from_numpy(rows.puzzle_ids).to(device)
            counted = labels != IGNORE
            z_H, z_L = model.initial_carry(len(tokens))
            trajectory = []
            for _ in range(steps):
                z_H, z_L, logits, q_halt = model.step(z_H, z_L, tokens, ids)
                hit = (logits.argmax(-1) == labels) | ~counted
                trajectory.append((hit.all(-1), q_halt))
            right.append(torch.stack([whole for whole, _ in trajectory]))
            q_halts.append(torch.stack([q_halt for _, q_halt in trajectory]))
            cells.append((hit & counted).sum(-1) / counted.sum(-1))
    return Accuracy(
        torch.cat(right, dim=1).cpu().numpy(),
        torch.cat(q_halts, dim=1).cpu().numpy(),
        float(torch.cat(cells).mean()),
    )
