from __future__ import annotations

import pytest
import torch

from trm_edge.errors import InvalidConfig
from trm_edge.train.data import Puzzles
from trm_edge.train.loop import start
from trm_edge.train.optimizers import SignDescent, groups, make_optimizers, set_rates
from trm_edge.train.recipe import Recipe


def names_of(recipe: Recipe, puzzles: Puzzles) -> list[tuple[str, float, set[str]]]:
    model = start(recipe, puzzles, torch.device("cpu")).model
    names = {parameter: name for name, parameter in model.named_parameters()}
    optimizers = make_optimizers(recipe, model)
    held = [parameter for group in groups(optimizers) for parameter in group["params"]]
    assert len(held) == len(names)
    assert set(held) == set(names)
    return [
        (type(optimizer).__name__, group["lr"], {names[p].split(".")[0] for p in group["params"]})
        for optimizer in optimizers
        for group in optimizer.param_groups
    ]


def test_matrices_of_the_network_have_their_own_learning_rate(recipe: Recipe, puzzles: Puzzles) -> None:
    inside, outside = {"L_level"}, {"embed_tokens", "lm_head", "q_head"}
    assert names_of(recipe, puzzles) == [("AdamW", recipe.lr, inside), ("AdamW", recipe.lr_other, outside)]
    muon = recipe.changed(optimizer="muon")
    assert names_of(muon, puzzles) == [("Muon", recipe.lr, inside), ("AdamW", recipe.lr_other, outside)]
    table = recipe.changed(model={**recipe.model, "puzzle_emb_ndim": 16}, lr_puzzle=0.5)
    assert names_of(table, puzzles)[-1] == ("SignDescent", 0.5, {"puzzle_emb"})


def test_the_schedule_scales_every_rate(recipe: Recipe, puzzles: Puzzles) -> None:
    optimizers = make_optimizers(recipe, start(recipe, puzzles, torch.device("cpu")).model)
    set_rates(optimizers, 0.25)
    set_rates(optimizers, 0.5)
    assert [group["lr"] for group in groups(optimizers)] == [0.5 * recipe.lr, 0.5 * recipe.lr_other]


def test_sign_descent_leaves_rows_alone_that_took_no_part() -> None:
    table = torch.nn.Parameter(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
    table.grad = torch.tensor([[0.1, -5.0], [0.0, 0.0]])
    SignDescent([table], lr=0.5, weight_decay=0.1).step()
    assert torch.allclose(table.detach(), torch.tensor([[0.95 - 0.5, -1.9 + 0.5], [3.0, 4.0]]))


def test_an_old_pytorch_has_no_muon(recipe: Recipe, puzzles: Puzzles, monkeypatch: pytest.MonkeyPatch) -> None:
    model = start(recipe, puzzles, torch.device("cpu")).model
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(InvalidConfig, match=r"PyTorch 2\.9 or newer"):
        make_optimizers(recipe.changed(optimizer="muon"), model)
