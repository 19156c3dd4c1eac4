"""Exact accuracy of the float model on puzzles with known answers (official-style: a fixed number of steps)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trm_edge.model.network import RecursiveModel
from trm_edge.train.data import Puzzles
from trm_edge.train.loss import IGNORE
from trm_edge.train.ranks import ALONE, Ranks


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
    model: RecursiveModel,
    puzzles: Puzzles,
    *,
    steps: int = 16,
    batch_size: int = 256,
    bf16: bool = False,
    ranks: Ranks = ALONE,
) -> Accuracy:
    """Run ``steps`` supervision steps on every puzzle; each process takes its share, and all get the whole result."""
    share = ranks.rows(len(puzzles))
    parts = [
        _run(model.eval(), puzzles, slice(low, min(low + batch_size, share.stop)), steps, bf16)
        for low in range(share.start, share.stop, batch_size)
    ]
    found = [part for theirs in ranks.gathered(parts) for part in theirs]
    return Accuracy(
        np.concatenate([right for right, _, _ in found], axis=1),
        np.concatenate([q_halt for _, q_halt, _ in found], axis=1),
        float(np.concatenate([cells for _, _, cells in found]).mean()),
    )


@torch.inference_mode()
def _run(
    model: RecursiveModel, puzzles: Puzzles, index: slice, steps: int, bf16: bool
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
    """Right and halting logit [steps, rows], share of right cells after the last step [rows]."""
    device = next(model.parameters()).device
    rows = puzzles.rows(index)
    tokens, labels = torch.from_numpy(rows.tokens).to(device), torch.from_numpy(rows.labels).to(device)
    ids = torch.from_numpy(rows.puzzle_ids).to(device)
    counted = labels != IGNORE
    z_H, z_L = model.initial_carry(len(tokens))
    right, q_halts = [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for _ in range(steps):
            z_H, z_L, logits, q_halt = model.step(z_H, z_L, tokens, ids)
            hit = (logits.argmax(-1) == labels) | ~counted
            right.append(hit.all(-1))
            q_halts.append(q_halt)
    cells = (hit & counted).sum(-1) / counted.sum(-1).clamp(min=1)
    return torch.stack(right).cpu().numpy(), torch.stack(q_halts).cpu().numpy(), cells.cpu().numpy()
