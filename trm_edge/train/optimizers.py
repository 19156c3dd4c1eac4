"""The optimizers of a run: AdamW or Muon for the network's matrices, AdamW for embeddings and heads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from trm_edge.errors import InvalidConfig
from trm_edge.train.recipe import Recipe

NETWORKS = ("L_level.", "H_level.")
PUZZLE_TABLE = "puzzle_emb.weight"


class SignDescent(torch.optim.Optimizer):
    """Sign descent on the rows of a table that took part in the step (official ``models/sparse_embedding.py``).

    A row of which no gradient came is left alone: neither moved nor decayed.
    """

    def __init__(self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update; ``closure`` is not used."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    used = (table.grad != 0).any(dim=-1, keepdim=True)
                    kept = table * (1 - group["lr"] * group["weight_decay"]) - group["lr"] * table.grad.sign()
                    table.copy_(torch.where(used, kept, table))


def make_optimizers(recipe: Recipe, model: nn.Module) -> list[torch.optim.Optimizer]:
    """One optimizer, or several; together they hold each parameter once.

    Every group remembers its rate before the schedule as ``base_lr``: see :func:`set_rates`.

    Muon updates are scaled to the size of AdamW's ("match_rms_adamw"), so that the same rates fit both.

    Raises:
        InvalidConfig: this PyTorch has no Muon.
    """
    named = dict(model.named_parameters())
    table = {PUZZLE_TABLE: named[PUZZLE_TABLE]} if recipe.lr_puzzle and PUZZLE_TABLE in named else {}
    inside = [value for name, value in named.items() if name.startswith(NETWORKS)]
    outside = [value for name, value in named.items() if not name.startswith(NETWORKS) and name not in table]
    adamw_groups: list[dict[str, Any]] = [{"params": outside, "lr": recipe.lr_other}]
    optimizers: list[torch.optim.Optimizer] = []
    if recipe.optimizer == "muon":
        optimizers.append(_muon(recipe, inside))
    else:
        adamw_groups.insert(0, {"params": inside, "lr": recipe.lr})
    optimizers.append(torch.optim.AdamW(adamw_groups, betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True))
    if table:
        optimizers.append(SignDescent(table.values(), lr=recipe.lr_puzzle, weight_decay=recipe.weight_decay_puzzle))
    for group in groups(optimizers):
        group["base_lr"] = group["lr"]
    return optimizers


def _muon(recipe: Recipe, matrices: list[nn.Parameter]) -> torch.optim.Optimizer:
    if not hasattr(torch.optim, "Muon"):
        raise InvalidConfig(f"optimizer = 'muon' needs PyTorch 2.9 or newer; this is {torch.__version__}.")
    return torch.optim.Muon(
        matrices,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        adjust_lr_fn="match_rms_adamw",
    )


def groups(optimizers: Iterable[torch.optim.Optimizer]) -> Iterable[dict[str, Any]]:
    """Parameter groups of all optimizers."""
    return itertools.chain.from_iterable(optimizer.param_groups for optimizer in optimizers)


def set_rates(optimizers: Iterable[torch.optim.Optimizer], scale: float) -> None:
    """Learning rate of every group: ``scale`` times the recipe's."""
    for group in groups(optimizers):
        group["lr"] = group["base_lr"] * scale


def slots(optimizers: Iterable[torch.optim.Optimizer], parameter: Tensor) -> dict[str, Any]:
    """The state of the optimizer that ``parameter`` belongs to; empty before its first step."""
    for optimizer in optimizers:
        if parameter in optimizer.state:
            return dict(optimizer.state[parameter])
    return {}
