"""Everything a training run must remember, and its folder ``state-STEP``: files of 16 MiB at most, whole or absent.

Resuming from it gives the very run that was interrupted: weights, averaged weights, optimizer moments,
the ACT carry and the step are all there; random numbers are functions of the seed and the step.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput
from trm_edge.model.network import RecursiveModel
from trm_edge.train.optimizers import slots
from trm_edge.train.ranks import ALONE, Ranks
from trm_edge.train.recipe import Recipe
from trm_edge.train.shards import read_index, read_shards, write_shards

# settings that may differ between an interrupted run and its continuation
CHANGEABLE = ("steps", "accumulate", "compile", "lr", "lr_other", "lr_puzzle", "schedule", "decay_from", "lr_min_ratio")

_NAME = re.compile(r"state-(\d{9,})")


@dataclass(eq=False)
class ActState:
    """The persistent carry of deep supervision: one row per puzzle in flight (official ``ACTV1Carry``).

    With several processes each holds its own rows of the batch.
    """

    z_H: Tensor  # [rows, prefix + seq, hidden]
    z_L: Tensor  # [rows, prefix + seq, hidden]
    tokens: Tensor  # [rows, seq] int32
    labels: Tensor  # [rows, seq] int64
    puzzle_ids: Tensor  # [rows] int32
    steps: Tensor  # [rows] int32, supervision steps spent on the puzzle so far
    halted: Tensor  # [rows] bool, to be replaced before the next step

    @classmethod
    def fresh(cls, model: RecursiveModel, rows: int, device: torch.device) -> ActState:
        """All rows halted, so that the first step fills them with puzzles."""
        config = model.config
        z_H, z_L = (z.detach().to(device, copy=True).contiguous() for z in model.initial_carry(rows))
        return cls(
            z_H=z_H,
            z_L=z_L,
            tokens=torch.zeros(rows, config.seq_len, dtype=torch.int32, device=device),
            labels=torch.zeros(rows, config.seq_len, dtype=torch.int64, device=device),
            puzzle_ids=torch.zeros(rows, dtype=torch.int32, device=device),
            steps=torch.zeros(rows, dtype=torch.int32, device=device),
            halted=torch.ones(rows, dtype=torch.bool, device=device),
        )


@dataclass(eq=False)
class TrainState:
    """A run at the end of optimizer step ``step``."""

    model: RecursiveModel
    ema: dict[str, Tensor]
    optimizers: list[torch.optim.Optimizer]
    act: ActState
    step: int = 0
    seconds: float = 0.0  # training time so far, over all runs
    startup: float = 0.0  # seconds from the start of this run to the end of its first step; not saved
    stopped_by: int = 0  # number of the signal that ended this run early; not saved


def newest_state(out: Path) -> Path | None:
    """The state folder of a run to go on from, or None."""
    found = [(int(match[1]), path) for path in out.glob("state-*") if (match := _NAME.fullmatch(path.name))]
    return max(found)[1] if found else None


def read_facts(folder: Path) -> dict[str, Any]:
    """What a state folder says of its run: ``step``, ``seconds``, ``recipe``, ``data``.

    Raises:
        InvalidCheckpoint: the folder is damaged.
    """
    facts: dict[str, Any] = read_index(folder)["metadata"]
    return facts


def save_state(
    out: Path, state: TrainState, recipe: Recipe, *, data: str, small: bool = False, ranks: Ranks = ALONE
) -> None:
    """Write the whole state into ``out`` and remove older ones; all processes have to call it.

    Args:
        out: the run's folder.
        state: of this process.
        recipe: of the run.
        data: fingerprint of the training puzzles.
        small: leave the carry out and round averages and moments to bfloat16, for places where size counts. The
            run that goes on from there begins its batch with new puzzles and is not the very same.
        ranks: the processes that share the batch.
    """
    batch = recipe.batch_size
    carry = {} if small else {f"act.{name}": ranks.whole(value, batch) for name, value in vars(state.act).items()}
    if ranks.first:
        kept: dict[str, Tensor] = {f"ema.{name}": value for name, value in state.ema.items()}
        for name, parameter in state.model.named_parameters():
            for key, value in slots(state.optimizers, parameter).items():
                kept[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
        if small:
            kept = {name: value.bfloat16() if value.numel() > 1 else value for name, value in kept.items()}
        weights = {f"model.{name}": value for name, value in state.model.state_dict().items()}
        facts = {"step": state.step, "seconds": state.seconds, "recipe": recipe.to_dict(), "data": data}
        folder = out / f"state-{state.step:09d}"
        if not folder.exists():  # the same step again: a run that was asked for nothing more
            write_shards(folder, weights | kept | carry, facts)
        for old in [*out.glob("state-*"), *out.glob(".state-*.tmp")]:
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
    ranks.wait()


def load_state(folder: Path, state: TrainState, recipe: Recipe, *, data: str, ranks: Ranks = ALONE) -> None:
    """Fill ``state`` (built for ``recipe``) from ``folder``.

    Raises:
        InvalidInput: the folder belongs to a run with another recipe or other puzzles; the difference is named.
        InvalidCheckpoint: the folder is damaged.
    """
    tensors, facts = read_shards(folder)
    try:
        saved: dict[str, Any] = dict(facts["recipe"])
        trained_on = str(facts["data"])
        state.step, state.seconds = int(facts["step"]), float(facts["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(f"{folder} is not the state of a training run ({error}).") from None
    ours: dict[str, Any] = json.loads(json.dumps(recipe.to_dict()))
    for name, value in ours.items():
        if name not in CHANGEABLE and saved.get(name) != value:
            raise InvalidInput(
                f"{folder} was trained with {name} = {saved.get(name)}, now {name} = {value} is asked for. "
                "Use the same recipe to resume, or another --out."
            )
    if trained_on != data:
        raise InvalidInput(
            f"{folder} was trained on other puzzles. Give the same --data to resume, or begin a new run from its "
            f"weights: --init-from {folder.parent / 'model.safetensors'} and another --out."
        )

    def group(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        state.model.load_state_dict(group("model."))
        averaged, carry = group("ema."), group("act.")
        for name in state.ema:
            state.ema[name].copy_(averaged[name])
        if carry:
            rows = ranks.rows(recipe.batch_size)
            for name, value in vars(state.act).items():
                value.copy_(carry[name][rows])
        _load_slots(state, group("optimizer."))
    except (KeyError, RuntimeError) as error:
        raise InvalidCheckpoint(f"{folder} does not fit this model: {str(error).splitlines()[0]}") from None


def _load_slots(state: TrainState, saved: dict[str, Tensor]) -> None:
    """Give each optimizer what it remembered of its parameters; the names are ``slot.parameter``."""
    found: dict[str, dict[str, Tensor]] = {}
    for key, value in saved.items():
        slot, _, name = key.partition(".")
        found.setdefault(name, {})[slot] = value
    names = {parameter: name for name, parameter in state.model.named_parameters()}
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if names[parameter] in found:
                    optimizer.state[parameter] = {
                        slot: value.to(
                            parameter.device, torch.float32
                        )  # "step" too: the fused optimizer wants it there
                        for slot, value in found[names[parameter]].items()
                    }
