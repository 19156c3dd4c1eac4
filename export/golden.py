"""Golden vectors: a few puzzles and the float model's own run over them, to travel inside the bundle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

import numpy as np
import torch

from trm_edge.bundle import GoldenVectors
from trm_edge.errors import InvalidCheckpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks.base import Puzzle, Task

GOLDEN_SEED = 2510_04871  # the paper's number; any would do, as long as it stays the same


def golden_puzzles(task: Task, count: int) -> list[Puzzle]:
    """``count`` puzzles from the task's generator, always the same ones."""
    rng = np.random.default_rng(GOLDEN_SEED)
    return [task.generate(rng) for _ in range(count)]


def golden_vectors(
    model: RecursiveModel,
    task: Task,
    puzzles: Iterable[Puzzle],
    *,
    kept: Sequence[int],
    steps: int,
    threshold: float = 0.0,
) -> GoldenVectors:
    """Run the float model for ``steps`` supervision steps on every puzzle.

    Halting is the bundle's default: the first step with a halting logit > ``threshold``, else the last.

    Args:
        model: the float32 model.
        task: encodes the puzzles.
        puzzles: any number, at least one.
        kept: puzzle ids whose embeddings stay in the bundle; puzzles with another id are given one of these.
        steps: budget.
        threshold: the bundle's.

    Raises:
        InvalidCheckpoint: the weights give NaN or infinity.
    """
    chosen = list(puzzles)
    tokens = np.stack([task.encode(puzzle.question) for puzzle in chosen]).astype(np.int32)
    fallback = cycle(kept or (0,))
    ids = np.array([p.puzzle_id if p.puzzle_id in kept else next(fallback) for p in chosen], dtype=np.int32)
    answers, q_halt = [], []
    z_H, z_L = model.initial_carry(len(chosen))
    for step in range(1, steps + 1):
        z_H, z_L, logits, q = model.step(z_H, z_L, torch.from_numpy(tokens), torch.from_numpy(ids))
        if not (logits.isfinite().all() and q.isfinite().all()):
            raise InvalidCheckpoint(f"The weights give NaN or infinity at supervision step {step}; train them again.")
        answers.append(logits.argmax(-1).to(torch.int32).numpy())
        q_halt.append(q.numpy())
    q_all, answers_all = np.stack(q_halt), np.stack(answers)  # [steps, n], [steps, n, seq]
    halts = q_all > np.float32(threshold)
    halting = np.where(halts.any(0), halts.argmax(0), steps - 1)  # [n], from 0
    return GoldenVectors(
        tokens=tokens,
        puzzle_ids=ids,
        answers=answers_all[halting, np.arange(len(chosen))],
        last_answers=answers_all[-1],
        halting_steps=(halting + 1).astype(np.int32),
        q_halt=q_all.astype(np.float32),
    )
