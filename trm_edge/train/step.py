"""One optimizer step: refill halted rows, one supervision step, one update (paper, figure 3; official ``trm.py``).

Nothing here waits for the device, so that a GPU is never idle: the metrics of a step stay there as sums until
somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from trm_edge.model.network import RecursiveModel
from trm_edge.train.augment import augment, generator, reveal
from trm_edge.train.data import PAD, Puzzles, Rows
from trm_edge.train.loss import IGNORE, StepLoss, step_loss
from trm_edge.train.optimizers import set_rates
from trm_edge.train.ranks import ALONE, Ranks, without_sync
from trm_edge.train.recipe import Recipe
from trm_edge.train.state import TrainState

_PUZZLES, _HALTING = 0, 1  # streams of random numbers


class SupervisionStep(nn.Module):
    """One supervision step with its loss, as a module, so that several processes can share it.

    Only the recursion is compiled: it is nearly all of the time, and with the halting head in the same graph the
    compiled backward of torch 2.13 wrote past its buffers on the CPU (docs/experiments.md).
    """

    def __init__(self, recipe: Recipe, model: RecursiveModel) -> None:
        super().__init__()
        self.model = model
        self._recipe = recipe
        self._recurse = torch.compile(model.recurse) if recipe.compile else model.recurse

    def forward(
        self, z_H: Tensor, z_L: Tensor, tokens: Tensor, labels: Tensor, puzzle_ids: Tensor
    ) -> tuple[Tensor, Tensor, StepLoss, Tensor]:
        """New ``z_H`` and ``z_L`` [rows, prefix + seq, hidden], the loss, and the halting logit [rows]."""
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self._recipe.bf16):
            z_H, z_L = self._recurse(z_H, z_L, tokens, puzzle_ids)
            logits, q = self.model.heads(z_H)
        q_halt = self.model.halting_logit(q).float()
        recipe = self._recipe
        loss = step_loss(recipe.loss, logits, q_halt, labels, recipe.label_smoothing, recipe.halting_weight)
        return z_H, z_L, loss, q_halt


METRICS = ("loss", "token_loss", "exact", "cells", "halting_steps", "q_accuracy", "grad_norm")


class Stepper:
    """Takes a run's optimizer steps.

    Args:
        recipe: of the run.
        task: of its puzzles, for augmentation.
        state: changed by every step.
        ranks: the processes that share the batch.
    """

    def __init__(self, recipe: Recipe, puzzles: Puzzles, state: TrainState, ranks: Ranks = ALONE) -> None:
        self._recipe, self._task, self._state, self._ranks = recipe, puzzles.task, state, ranks
        self._mine = ranks.rows(recipe.batch_size)
        self._device = state.act.tokens.device
        self._parameters = dict(state.model.named_parameters())
        self._forward = ranks.parallel(SupervisionStep(recipe, state.model))

    def __call__(self, rows: Rows) -> Tensor:
        """One step with ``rows`` (a whole batch) for those that have halted; returns its sums for :func:`metrics`."""
        recipe, state = self._recipe, self._state
        self._refill(rows)
        sums = self._backward()
        norm = torch.nn.utils.clip_grad_norm_(self._parameters.values(), recipe.clip or float("inf"))
        set_rates(state.optimizers, recipe.lr_scale(state.step))
        for optimizer in state.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        state.step += 1
        if recipe.ema:
            news = [self._parameters[name].detach() for name in state.ema]
            torch._foreach_lerp_(list(state.ema.values()), news, 1 - recipe.ema_decay(state.step))
        return torch.cat((sums, norm.detach().float().view(1)))

    def _refill(self, rows: Rows) -> None:
        """Put new puzzles, with a fresh carry, into the halted rows."""
        recipe, act, model = self._recipe, self._state.act, self._state.model
        tokens, labels, ids = (self._moved(value) for value in (rows.tokens, rows.labels, rows.puzzle_ids))
        random = generator(self._device, recipe.seed, self._state.step, _PUZZLES)
        tokens, answers = tokens.long(), labels.where(labels != IGNORE, PAD)
        if recipe.augment:
            tokens, answers = augment(random, self._task, tokens, answers)
        if recipe.reveal[1] > 0:
            tokens, answers = reveal(random, self._task, tokens, answers, *recipe.reveal)
        labels = answers.where(answers != PAD, IGNORE)
        new = act.halted
        act.z_H = torch.where(new[:, None, None], model.H_init, act.z_H)
        act.z_L = torch.where(new[:, None, None], model.L_init, act.z_L)
        act.tokens = torch.where(new[:, None], tokens[self._mine].int(), act.tokens)
        act.labels = torch.where(new[:, None], labels[self._mine], act.labels)
        act.puzzle_ids = torch.where(new, ids[self._mine], act.puzzle_ids)
        act.steps = act.steps * ~new

    def _moved(self, values: object) -> Tensor:
        tensor = torch.as_tensor(values)
        return tensor.pin_memory().to(self._device, non_blocking=True) if self._device.type == "cuda" else tensor

    def _backward(self) -> Tensor:
        """Gradients of the batch's mean loss; the carry moves on, and rows that are done are marked."""
        act, batch = self._state.act, self._recipe.batch_size
        parts = torch.arange(len(act.tokens)).tensor_split(self._recipe.accumulate)
        slices = [slice(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]
        carries, losses, logits = [], [], []
        for number, part in enumerate(slices):
            inputs = (act.z_H[part], act.z_L[part], act.tokens[part], act.labels[part], act.puzzle_ids[part])
            last = number == len(slices) - 1
            with nullcontext() if last else without_sync(self._forward):
                z_H, z_L, loss, q_halt = self._forward(*inputs)
                # processes average their gradients: their number makes that the sum
                (loss.loss.sum() * (self._ranks.size / batch)).backward()
            carries.append((z_H.detach().float(), z_L.detach().float()))
            losses.append(loss)
            logits.append(q_halt.detach())
        act.z_H, act.z_L = (_joined([carry[index] for carry in carries]) for index in (0, 1))
        act.steps = act.steps + 1
        q_halt = _joined(logits)
        act.halted = self._halted(q_halt)
        return self._sums(losses, q_halt)

    def _halted(self, q_halt: Tensor) -> Tensor:
        """Rows that stop now: budget spent, or the model says so and exploration does not hold them (official)."""
        recipe, steps = self._recipe, self._state.act.steps
        most = self._state.model.config.halt_max_steps
        random = generator(self._device, recipe.seed, self._state.step, _HALTING)
        shape = (recipe.batch_size,)
        explore = torch.rand(shape, generator=random, device=self._device) < recipe.halt_exploration_prob
        least = torch.randint(2, max(3, most + 1), shape, generator=random, device=self._device)
        mine = self._mine
        return (steps >= most) | ((q_halt > 0) & (~explore[mine] | (steps >= least[mine])))

    def _sums(self, losses: Sequence[StepLoss], q_halt: Tensor) -> Tensor:
        """What :func:`metrics` needs, added up over our rows, float32 [8]."""
        act = self._state.act
        loss, token, cells = (
            _joined([getattr(part, name).detach() for part in losses]) for name in ("loss", "token", "cells")
        )
        correct = _joined([part.correct for part in losses])
        return torch.stack(
            [
                value.sum(dtype=torch.float32)
                for value in (
                    loss,
                    token,
                    cells,
                    (q_halt > 0) == correct,
                    torch.ones_like(loss),
                    correct & act.halted,
                    act.steps * act.halted,
                    act.halted,
                )
            ]
        )


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def metrics(sums: Sequence[Sequence[float]]) -> dict[str, float]:
    """Means over some steps and all their rows, from what :class:`Stepper` returned, [steps, 9].

    ``exact`` and ``halting_steps`` are means over the puzzles that halted in these steps.
    """
    loss, token, cells, q_right, rows, exact, steps, halted, norm = (sum(column) for column in zip(*sums, strict=True))
    finished = max(halted, 1.0)
    return {
        "loss": loss / rows,
        "token_loss": token / rows,
        "exact": exact / finished,
        "cells": cells / rows,
        "halting_steps": steps / finished,
        "q_accuracy": q_right / rows,
        "grad_norm": norm / len(sums),
    }
