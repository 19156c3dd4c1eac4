"""The training loop: deep supervision with a persistent ACT carry (paper, figure 3; official ``pretrain.py``).

A run lives in a folder: ``state.safetensors`` (to resume), ``model.safetensors`` (the averaged weights, what one
exports), ``log.csv``, TensorBoard files. Killing it at any moment loses at most the steps since the last save.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import save_checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.train.data import Puzzles, Rows
from trm_edge.train.evaluate import evaluate
from trm_edge.train.log import RunLog
from trm_edge.train.loss import StepLoss, step_loss
from trm_edge.train.recipe import Recipe
from trm_edge.train.state import ActState, TrainState, load_state, save_state

Step = Callable[[ActState], tuple[Tensor, Tensor, StepLoss, Tensor]]


@dataclass(frozen=True)
class Limits:
    """When to stop, save and report.

    Attributes:
        max_minutes: stop after so many minutes of this run (resume later); None = no limit.
        save_every: seconds between saves.
        eval_every: steps between evaluations on held-out puzzles, besides the one at the end; 0 = none.
        log_every: steps between lines of the log.
    """

    max_minutes: float | None = None
    save_every: float = 120.0
    eval_every: int = 1000
    log_every: int = 50

    def __post_init__(self) -> None:
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise InvalidInput(f"max_minutes must be more than 0, not {self.max_minutes}")


def train(
    recipe: Recipe,
    puzzles: Puzzles,
    out: Path,
    *,
    limits: Limits = Limits(),
    held_out: Puzzles | None = None,
    device: torch.device | None = None,
    on_step: Callable[[TrainState, dict[str, float]], None] | None = None,
) -> TrainState:
    """Train, or continue the run that lies in ``out``.

    Args:
        recipe: what to train.
        puzzles: training puzzles.
        out: the run's folder, made if absent.
        limits: when to stop, save and report.
        held_out: puzzles for the evaluations.
        device: where to train; the GPU if there is one.
        on_step: called after every step with the state and its metrics (for a progress bar).

    Returns:
        The last state. ``state.step < recipe.steps`` if stopped by time, SIGINT or SIGTERM (``state.stopped_by``).

    Raises:
        InvalidInput: the run in ``out`` was started with another recipe, or ``out`` holds a model without its state.
        TrmEdgeError: the loss is not finite any more; what was saved last is kept.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = start(recipe, puzzles, device)
    state_file, model_file = out / "state.safetensors", out / "model.safetensors"
    if state_file.exists():
        load_state(state_file, state, recipe)
    elif model_file.exists():
        raise InvalidInput(
            f"{out} holds a model, but no state to resume from. Choose another --out: nothing is replaced."
        )
    step = _supervision_step(recipe, state.model, device)
    began = saved = time.monotonic()
    before = state.seconds

    def save() -> None:
        nonlocal saved
        state.seconds = before + time.monotonic() - began
        save_state(state_file, state, recipe)
        save_checkpoint(model_file, averaged(state, recipe), recipe.task, overwrite=True)
        log.flush()
        saved = time.monotonic()

    with RunLog(out, resume_at=state.step) as log, _interruption() as signalled:
        while state.step < recipe.steps and not signalled():
            if limits.max_minutes is not None and time.monotonic() - began > limits.max_minutes * 60:
                break
            metrics = _optimizer_step(recipe, state, puzzles, step)
            if not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["grad_norm"])):
                raise TrmEdgeError(
                    f"The loss is {metrics['loss']} and its gradient {metrics['grad_norm']} at step {state.step}: "
                    "the run has diverged. "
                    f"Lower lr and lr_other, or set clip = 1.0; {out} keeps what was saved last."
                )
            if on_step is not None:
                on_step(state, metrics)
            if state.step % limits.log_every == 0 or state.step == recipe.steps:
                log.write(state.step, {"minutes": (before + time.monotonic() - began) / 60, **metrics})
            if held_out is not None and _evaluation_due(state.step, recipe, limits):
                accuracy = evaluate(averaged(state, recipe).to(device), held_out)
                log.write(state.step, {"held_out_exact": accuracy.exact})
            if time.monotonic() - saved > limits.save_every:
                save()
        save()
        state.stopped_by = signalled()
    return state


def _evaluation_due(step: int, recipe: Recipe, limits: Limits) -> bool:
    return step == recipe.steps or (limits.eval_every > 0 and step % limits.eval_every == 0)


def start(recipe: Recipe, puzzles: Puzzles, device: torch.device) -> TrainState:
    """The state before the first step."""
    torch.manual_seed(recipe.seed)
    config = recipe.model_config(vocab_size=puzzles.task.vocab_size, seq_len=puzzles.task.seq_len)
    model = RecursiveModel(config).to(device)
    ema = {name: value.detach().clone() for name, value in model.named_parameters()}
    return TrainState(model, ema, make_optimizer(recipe, model), ActState.fresh(model, recipe.batch_size, device))


def make_optimizer(recipe: Recipe, model: RecursiveModel) -> torch.optim.Optimizer:
    """AdamW with two groups: matrices of the network, and everything else (embeddings, heads)."""
    inside = [p for name, p in model.named_parameters() if name.startswith(("L_level.", "H_level."))]
    outside = [p for name, p in model.named_parameters() if not name.startswith(("L_level.", "H_level."))]
    groups = [{"params": inside, "lr": recipe.lr}, {"params": outside, "lr": recipe.lr_other}]
    return torch.optim.AdamW(groups, betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True)


def averaged(state: TrainState, recipe: Recipe) -> RecursiveModel:
    """A model with the exponential moving average of the weights (the raw weights without EMA)."""
    model = RecursiveModel(state.model.config)
    model.load_state_dict(state.model.state_dict())
    if recipe.ema:
        model.load_state_dict(state.ema, strict=False)  # the initial states are buffers, not averaged
    return model.eval()


def _supervision_step(recipe: Recipe, model: RecursiveModel, device: torch.device) -> Step:
    """One supervision step with its loss, as a function of the carry.

    Only the recursion is compiled: it is nearly all of the time, and with the halting head in the same graph the
    compiled backward of torch 2.13 wrote past its buffers on the CPU (docs/experiments.md).
    """
    recurse = torch.compile(model.recurse) if recipe.compile else model.recurse

    def step(act: ActState) -> tuple[Tensor, Tensor, StepLoss, Tensor]:
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bf16):
            z_H, z_L = recurse(act.z_H, act.z_L, act.tokens, act.puzzle_ids)
            logits, q = model.heads(z_H)
        q_halt = model.halting_logit(q).float()
        return z_H, z_L, step_loss(recipe.loss, logits, q_halt, act.labels), q_halt

    return step


def _optimizer_step(recipe: Recipe, state: TrainState, puzzles: Puzzles, step: Step) -> dict[str, float]:
    """Refill halted rows, one supervision step, one update; returns the metrics."""
    act = state.act
    count = int(act.halted.sum())
    if count:
        _refill(act, state.model, puzzles.draw(recipe, state.step, count))
    z_H, z_L, loss, q_halt = step(act)
    loss.loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip or float("inf"))
    scale = recipe.lr_scale(state.step)
    for group, lr in zip(state.optimizer.param_groups, (recipe.lr, recipe.lr_other), strict=True):
        group["lr"] = lr * scale
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    if recipe.ema:
        parameters = dict(state.model.named_parameters())
        torch._foreach_lerp_(list(state.ema.values()), [parameters[n].detach() for n in state.ema], 1 - recipe.ema)
    act.z_H, act.z_L = z_H.detach().float(), z_L.detach().float()
    act.steps += 1
    act.halted = _halted(recipe, state, q_halt.detach())
    finished = act.halted.sum().clamp(min=1)
    metrics = {
        "loss": loss.loss,
        "token_loss": loss.token,
        "exact": (loss.correct & act.halted).sum() / finished,
        "cells": loss.cells.mean(),
        "halting_steps": (act.steps * act.halted).sum() / finished,
        "q_accuracy": ((q_halt > 0) == loss.correct).float().mean(),
        "grad_norm": norm,
    }
    state.step += 1
    return {"lr": recipe.lr * scale, **{name: float(value.detach()) for name, value in metrics.items()}}


def _refill(act: ActState, model: RecursiveModel, rows: Rows) -> None:
    """Put new puzzles, with a fresh carry, into the halted rows."""
    where, device = act.halted, act.tokens.device
    act.z_H[where], act.z_L[where] = model.H_init, model.L_init
    act.tokens[where] = torch.from_numpy(rows.tokens).to(device)
    act.labels[where] = torch.from_numpy(rows.labels).to(device)
    act.puzzle_ids[where] = torch.from_numpy(rows.puzzle_ids).to(device)
    act.steps[where] = 0


def _halted(recipe: Recipe, state: TrainState, q_halt: Tensor) -> Tensor:
    """Rows that stop now: budget spent, or the model says so and exploration does not hold them (official)."""
    steps, most = state.act.steps, state.model.config.halt_max_steps
    generator = torch.Generator(steps.device).manual_seed((recipe.seed << 32) + state.step)
    explore = torch.rand(steps.shape, generator=generator, device=steps.device) < recipe.halt_exploration_prob
    least = torch.randint(2, max(3, most + 1), steps.shape, generator=generator, device=steps.device)
    return (steps >= most) | ((q_halt > 0) & (~explore | (steps >= least)))


@contextmanager
def _interruption() -> Iterator[Callable[[], int]]:
    """Note SIGINT and SIGTERM instead of obeying, so that the step under way ends and the state is saved.

    Gives a function that tells the number of the signal, 0 before one came.
    """
    received = 0

    def note(number: int, _: object) -> None:
        nonlocal received
        received = number

    try:
        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals are the host program's business
        old = {}
    try:
        yield lambda: received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
