"""Everything a training run must remember, and its file: one safetensors file, written atomically.

Resuming from it gives the very run that was interrupted: weights, averaged weights, optimizer moments,
the ACT carry and the step are all there; random numbers are functions of the seed and the step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput
from trm_edge.model.checkpoint import load_tensors, save_tensors
from trm_edge.model.network import RecursiveModel
from trm_edge.train.recipe import Recipe

# settings that may differ between an interrupted run and its continuation
CHANGEABLE = ("steps", "compile", "lr", "lr_other", "schedule", "decay_from", "lr_min_ratio")


@dataclass(eq=False)
class ActState:
    """The persistent carry of deep supervision: one row per puzzle in flight (official ``ACTV1Carry``)."""

    z_H: Tensor  # [batch, prefix + seq, hidden]
    z_L: Tensor  # [batch, prefix + seq, hidden]
    tokens: Tensor  # [batch, seq] int32
    labels: Tensor  # [batch, seq] int64
    puzzle_ids: Tensor  # [batch] int32
    steps: Tensor  # [batch] int32, supervision steps spent on the puzzle so far
    halted: Tensor  # [batch] bool, to be replaced before the next step

    @classmethod
    def fresh(cls, model: RecursiveModel, batch: int, device: torch.device) -> ActState:
        """All rows halted, so that the first step fills them with puzzles."""
        config = model.config
        z_H, z_L = (z.detach().to(device, copy=True).contiguous() for z in model.initial_carry(batch))
        return cls(
            z_H=z_H,
            z_L=z_L,
            tokens=torch.zeros(batch, config.seq_len, dtype=torch.int32, device=device),
            labels=torch.zeros(batch, config.seq_len, dtype=torch.int64, device=device),
            puzzle_ids=torch.zeros(batch, dtype=torch.int32, device=device),
            steps=torch.zeros(batch, dtype=torch.int32, device=device),
            halted=torch.ones(batch, dtype=torch.bool, device=device),
        )


@dataclass(eq=False)
class TrainState:
    """A run at the end of optimizer step ``step``."""

    model: RecursiveModel
    ema: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    act: ActState
    step: int = 0
    seconds: float = 0.0  # training time so far, over all runs
    stopped_by: int = 0  # number of the signal that ended this run early; not saved


def save_state(path: Path, state: TrainState, recipe: Recipe) -> None:
    """Write the whole state to ``path``."""
    tensors: dict[str, Tensor] = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in state.ema.items()}
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
    tensors |= {f"act.{name}": value for name, value in vars(state.act).items()}
    metadata = {"step": str(state.step), "seconds": repr(state.seconds), "recipe": json.dumps(recipe.to_dict())}
    save_tensors(path, {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata)


def load_state(path: Path, state: TrainState, recipe: Recipe) -> None:
    """Fill ``state`` (built for ``recipe``) from ``path``.

    Raises:
        InvalidInput: the file belongs to a run with another recipe; the differing setting is named.
        InvalidCheckpoint: the file is damaged.
    """
    tensors, metadata = load_tensors(path)
    try:
        saved: dict[str, Any] = json.loads(metadata["recipe"])
        state.step, state.seconds = int(metadata["step"]), float(metadata["seconds"])
    except (KeyError, ValueError) as error:
        raise InvalidCheckpoint(f"{path} is not the state of a training run ({error}).") from None
    ours: dict[str, Any] = json.loads(json.dumps(recipe.to_dict()))
    for name, value in ours.items():
        if name not in CHANGEABLE and saved.get(name) != value:
            raise InvalidInput(
                f"{path} was trained with {name} = {saved.get(name)}, now {name} = {value} is asked for. "
                "Use the same recipe to resume, or another --out."
            )

    def group(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        state.model.load_state_dict(group("model."))
        averaged, act = group("ema."), group("act.")
        for name in state.ema:
            state.ema[name].copy_(averaged[name])
        for name, value in vars(state.act).items():
            value.copy_(act[name])
        moments = {key: group(f"optimizer.{key}.") for key in ("step", "exp_avg", "exp_avg_sq")}
        for name, parameter in state.model.named_parameters():
            if name in moments["step"]:
                state.optimizer.state[parameter] = {
                    key: values[name].to(parameter.device)  # "step" too: the fused optimizer wants it there
                    for key, values in moments.items()
                }
    except (KeyError, RuntimeError) as error:
        raise InvalidCheckpoint(f"{path} does not fit this model: {str(error).splitlines()[0]}") from None
