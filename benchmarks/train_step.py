"""One optimizer step of the official Sudoku configuration: the published model, plain, against ours.

    python benchmarks/train_step.py [--batch 16] [--threads 2] [--rounds 5] [--steps 2] [--device cpu]

Plain is the model and the loss as the paper (arXiv 2510.04871, figure 3 and section 4) and the official code give
them, written anew: gate and up in one product that is split, tokens mixed by transposing, weights cast at every
product, stablemax in float64, an unfused optimizer, averages kept tensor by tensor, nothing compiled, 16 prefix tokens.
Ours is what ``trm-edge train`` runs: with the same prefix ("ours, prefix") and as its recipes have it, without
("ours"). All compute in bfloat16. Rounds run every side once, in turn.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import torch
import torch.nn.functional as F
from record import save
from rounds import in_turn, median_ratio
from torch import Tensor, nn

from trm_edge.tasks import get_task
from trm_edge.train.data import generate_puzzles
from trm_edge.train.loop import start
from trm_edge.train.recipe import Recipe
from trm_edge.train.step import Stepper

HIDDEN, PREFIX, H_CYCLES, L_CYCLES, LAYERS = 512, 16, 3, 6, 2
DTYPE = torch.bfloat16


class CastLinear(nn.Module):
    """A product whose float32 weight is cast at every call."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / math.sqrt(inputs))

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] to [..., outputs]."""
        return F.linear(x, self.weight.to(x.dtype))


class PlainSwiGLU(nn.Module):
    """Gate and up in one product, then split."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = -(-round(4 * width * 2 / 3) // 256) * 256
        self.gate_up, self.down = CastLinear(width, 2 * inner), CastLinear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Over the last dimension."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        down: Tensor = self.down(F.silu(gate) * up)
        return down


def plain_norm(x: Tensor) -> Tensor:
    """RMSNorm over the last dimension, in float32."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


class PlainLayer(nn.Module):
    """Mix tokens between two transpositions, then channels."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.over_tokens, self.over_channels = PlainSwiGLU(tokens), PlainSwiGLU(HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, tokens, hidden] to the same."""
        x = x.transpose(1, 2)
        x = plain_norm(x + self.over_tokens(x)).transpose(1, 2)
        return plain_norm(x + self.over_channels(x))


class PlainModel(nn.Module):
    """The published recursion of one supervision step."""

    def __init__(self, vocab: int, tokens: int) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(vocab, HIDDEN) / math.sqrt(HIDDEN))
        self.prefix = nn.Parameter(torch.zeros(PREFIX, HIDDEN))
        self.layers = nn.ModuleList(PlainLayer(tokens + PREFIX) for _ in range(LAYERS))
        self.head, self.q_head = CastLinear(HIDDEN, vocab), CastLinear(HIDDEN, 2)

    def network(self, x: Tensor) -> Tensor:
        """One pass."""
        for layer in self.layers:
            x = layer(x)
        return x

    def forward(self, z_H: Tensor, z_L: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """New carry, logits, halting logit."""
        prefix = self.prefix.to(DTYPE).expand(len(tokens), PREFIX, HIDDEN)
        x = math.sqrt(HIDDEN) * torch.cat((prefix, self.embed.to(DTYPE)[tokens]), dim=1)
        with torch.no_grad():
            for _ in range(H_CYCLES - 1):
                for _ in range(L_CYCLES):
                    z_L = self.network(z_L + (z_H + x))
                z_H = self.network(z_H + z_L)
        for _ in range(L_CYCLES):
            z_L = self.network(z_L + (z_H + x))
        z_H = self.network(z_H + z_L)
        return z_H.detach(), z_L.detach(), self.head(z_H)[:, PREFIX:], self.q_head(z_H[:, 0])[:, 0].float()


def plain_loss(logits: Tensor, q_halt: Tensor, labels: Tensor) -> Tensor:
    """Stablemax cross entropy in float64 plus half the halting loss, the mean over rows."""
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)
    log_probability = torch.log(s / s.sum(-1, keepdim=True))
    token = -log_probability.gather(-1, labels.unsqueeze(-1)).squeeze(-1).mean(-1)
    correct = (logits.argmax(-1) == labels).all(-1)
    halting = F.binary_cross_entropy_with_logits(q_halt, correct.float(), reduction="none")
    return (token + 0.5 * halting).mean()


class Plain:
    """The published training step, a step at a call."""

    def __init__(self, tokens: Tensor, labels: Tensor, vocab: int) -> None:
        self.tokens, self.labels = tokens.long(), labels
        with torch.device(tokens.device):
            self.model = PlainModel(vocab, tokens.shape[1])
            self.z_H = torch.randn(len(tokens), tokens.shape[1] + PREFIX, HIDDEN, dtype=DTYPE)
        self.z_L = self.z_H.clone()
        self.average = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=1.0)

    def __call__(self) -> None:
        """One optimizer step on the same rows."""
        self.z_H, self.z_L, logits, q_halt = self.model(self.z_H, self.z_L, self.tokens)
        plain_loss(logits, q_halt, self.labels).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        for name, value in self.model.named_parameters():
            self.average[name] = 0.999 * self.average[name] + 0.001 * value.detach()


def ours(batch: int, device: torch.device, prefix: int) -> Any:
    """Our training step, a step at a call; puzzles are drawn and augmented anew each time."""
    table = {"puzzle_emb_ndim": HIDDEN, "puzzle_emb_len": prefix} if prefix else {}
    recipe = Recipe(
        task="sudoku-9x9",
        model={"hidden_size": HIDDEN, "H_cycles": H_CYCLES, "L_cycles": L_CYCLES, "mlp_t": True, **table},
        steps=1 << 30,
        batch_size=batch,
        weight_decay=1.0,
    )
    puzzles = generate_puzzles(get_task(recipe.task), 100, 0)
    state = start(recipe, puzzles, device)
    step = Stepper(recipe, puzzles, state)
    return lambda: step(puzzles.draw(0, state.step, batch))


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="optimizer steps of a round")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    task = get_task("sudoku-9x9")
    rows = generate_puzzles(task, options.batch, 1).rows()
    tokens, labels = torch.from_numpy(rows.tokens).to(device), torch.from_numpy(rows.labels).to(device)
    steps = {
        "published, plain": Plain(tokens, labels, task.vocab_size),
        "ours, prefix": ours(options.batch, device, PREFIX),
        "ours": ours(options.batch, device, 0),
    }

    def side(step: Any) -> Any:
        def run() -> None:
            for _ in range(options.steps):
                step()
            if device.type == "cuda":
                torch.cuda.synchronize()

        return run

    compiled = {}
    for name, step in steps.items():  # the first steps compile, and are no part of the comparison
        began = time.monotonic()
        side(step)()
        compiled[name] = time.monotonic() - began
    times = in_turn({name: side(step) for name, step in steps.items()}, options.rounds)
    results = {
        name: {
            "ms_per_step": round(1000 * sorted(found)[len(found) // 2] / options.steps, 1),
            "speed_up": round(median_ratio(times["published, plain"], found), 2),
            "first_steps_s": round(compiled[name], 1),
        }
        for name, found in times.items()
    }
    for name, row in results.items():
        print(f"{name:18} {row['ms_per_step']:9.1f} ms a step  {row['speed_up']:.2f} x  first {row['first_steps_s']} s")
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    settings = {key: getattr(options, key) for key in ("batch", "threads", "rounds", "steps")}
    print(save("train_step", {**settings, "device": where, "dtype": "bfloat16"}, results))


if __name__ == "__main__":
    main()
