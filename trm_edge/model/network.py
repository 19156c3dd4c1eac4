"""The recursive network: TRM, and HRM as the case with a second network.

Follows the paper (arXiv 2510.04871, figure 3) and the official code
(``models/recursive_reasoning/trm.py``, ``hrm.py``, ``models/layers.py``) number for number. Written so that it
also lowers well: gate and up (and q, k, v) are products of their own, so nothing is split; token mixing puts
the weight on the left, so nothing is transposed; squares are ``x * x``.

What enters a product with weights passes a *tap*, an identity that calibration hooks into.

Knows nothing about losses, halting policies or tasks.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trm_edge.model.config import ModelConfig

Carry = tuple[Tensor, Tensor]
"""``(z_H, z_L)``: answer and latent state, each [batch, prefix + seq, hidden]."""


def rms_norm(x: Tensor, eps: float, dim: int = -1) -> Tensor:
    """RMSNorm without a gain over ``dim``, computed in float32 (official ``layers.py``)."""
    wide = x.float()
    return (wide * torch.rsqrt((wide * wide).mean(dim, keepdim=True) + eps)).to(x.dtype)


class SwiGLU(nn.Module):
    """``down(silu(gate(x)) * up(x))`` without biases, over the last dimension or over the tokens."""

    def __init__(self, width: int, inner: int, *, over_tokens: bool = False) -> None:
        super().__init__()
        self.over_tokens = over_tokens
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)
        self.input_tap, self.inner_tap = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # [batch, seq, hidden] -> the same
        """Apply it; over tokens the weight stands on the left: [inner, seq] @ [batch, seq, hidden]."""
        x = self.input_tap(x)
        if self.over_tokens:
            inner = F.silu(self.gate_proj.weight @ x) * (self.up_proj.weight @ x)  # [batch, inner, hidden]
            mixed: Tensor = self.down_proj.weight @ self.inner_tap(inner)
            return mixed
        hidden: Tensor = self.down_proj(self.inner_tap(F.silu(self.gate_proj(x)) * self.up_proj(x)))
        return hidden


class Attention(nn.Module):
    """Bidirectional multi-head attention, optionally with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.head_dim = config.num_heads, config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.input_tap, self.inner_tap = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:  # [batch, seq, hidden]
        """Attend; ``rotary`` is ``(cos, sin)``, each [seq, head_dim], or None."""
        x = self.input_tap(x)
        q, k, v = self._heads(self.q_proj(x)), self._heads(self.k_proj(x)), self._heads(self.v_proj(x))
        if rotary is not None:
            q, k = apply_rotary(q, *rotary), apply_rotary(k, *rotary)
        # the fused kernel's backward takes twice as long on a CPU as the plain products (docs/experiments.md)
        plain = self.training and q.device.type == "cpu"
        out = attend(q, k, v) if plain else F.scaled_dot_product_attention(q, k, v)  # [batch, heads, seq, head_dim]
        merged: Tensor = self.o_proj(self.inner_tap(out.transpose(1, 2).flatten(2)))
        return merged

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.num_heads, self.head_dim).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention written out; all [batch, heads, seq, head_dim], the softmax in float32."""
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    mixed: Tensor = scores.float().softmax(-1).to(v.dtype) @ v
    return mixed


def rotary_table(config: ModelConfig) -> tuple[Tensor, Tensor] | None:
    """``(cos, sin)`` of rotary positions, each [prefix + seq, head_dim] float32; None without rotary positions.

    In one dimension as the official ``RotaryEmbedding``. In two, the first half of the frequencies turns with the
    row, the second with the column; a prefix lies in the rows above the grid.
    """
    if not config.rotary:
        return None
    width = config.head_dim // config.axes
    frequency = 1.0 / config.rope_theta ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    position = torch.arange(config.total_len)
    coordinates: tuple[Tensor, ...] = (position,)
    if config.axes == 2:
        cell, columns = position - config.prefix_len, config.grid_columns
        coordinates = (cell.div(columns, rounding_mode="floor"), cell % columns)
    angle = torch.cat([torch.outer(along.float(), frequency) for along in coordinates] * 2, dim=-1)
    return angle.cos(), angle.sin()


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each half-pair of the last dimension in float32; ``x`` is [batch, heads, seq, head_dim]."""
    wide = x.float()
    first, second = wide.chunk(2, dim=-1)
    return (wide * cos + torch.cat((-second, first), dim=-1) * sin).to(x.dtype)


class Block(nn.Module):
    """One post-norm layer: mix tokens, then mix channels."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.eps = config.rms_norm_eps
        self.token_mlp: SwiGLU | None = None
        self.attention: Attention | None = None
        if config.mlp_t:
            length = config.total_len
            self.token_mlp = SwiGLU(length, config.inner_size(length), over_tokens=True)
        else:
            self.attention = Attention(config)
        self.mlp = SwiGLU(config.hidden_size, config.inner_size(config.hidden_size))

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:  # [batch, seq, hidden]
        """Apply the layer. After token mixing the official code normalises over the *tokens*, not the channels."""
        if self.token_mlp is not None:
            x = rms_norm(x + self.token_mlp(x), self.eps, dim=1)
        elif self.attention is not None:
            x = rms_norm(x + self.attention(x, rotary), self.eps)
        return rms_norm(x + self.mlp(x), self.eps)


class Network(nn.Module):
    """The few layers that everything is made of; one call is one "network pass"."""

    def __init__(self, config: ModelConfig, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(config) for _ in range(layers))

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None) -> Tensor:  # [batch, seq, hidden]
        """All layers in turn."""
        for layer in self.layers:
            x = layer(x, rotary)
        return x


class RecursiveModel(nn.Module):
    """TRM (``config.H_layers == 0``) or HRM.

    Weights are float32; run it under ``torch.autocast`` for bfloat16 products.
    """

    H_init: Tensor
    L_init: Tensor
    rotary_cos: Tensor
    rotary_sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden_size
        self.embed_tokens = nn.Embedding(config.vocab_size, hidden)
        self.puzzle_emb = (
            nn.Embedding(config.num_puzzle_identifiers, config.puzzle_emb_ndim) if config.puzzle_emb_ndim else None
        )
        self.embed_pos = nn.Embedding(config.total_len, hidden) if config.pos_encodings == "learned" else None
        self.L_level = Network(config, config.L_layers)
        self.H_level = Network(config, config.H_layers) if config.H_layers else None
        self.lm_head = nn.Linear(hidden, config.vocab_size, bias=False)
        self.q_head = nn.Linear(hidden, 2)
        self.register_buffer("H_init", torch.empty(hidden))
        self.register_buffer("L_init", torch.empty(hidden))
        rotary = rotary_table(config)
        if rotary is not None:
            self.register_buffer("rotary_cos", rotary[0], persistent=False)
            self.register_buffer("rotary_sin", rotary[1], persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise as the official code: truncated LeCun normal, puzzle embeddings 0, halting head -5."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _truncated_normal(module.weight, module.in_features**-0.5)
            elif isinstance(module, nn.Embedding):
                _truncated_normal(module.weight, self.config.hidden_size**-0.5)
        _truncated_normal(self.H_init, 1.0)
        _truncated_normal(self.L_init, 1.0)
        with torch.no_grad():
            if self.puzzle_emb is not None:
                self.puzzle_emb.weight.zero_()
            self.q_head.weight.zero_()
            self.q_head.bias.fill_(-5.0)

    @property
    def prefix_len(self) -> int:
        """Tokens before the puzzle."""
        return self.config.prefix_len

    def initial_carry(self, batch: int) -> Carry:
        """``(z_H, z_L)`` before the first supervision step, each [batch, prefix + seq, hidden]."""
        shape = (batch, self.config.total_len, self.config.hidden_size)
        return self.H_init.expand(shape), self.L_init.expand(shape)

    def embed(self, tokens: Tensor, puzzle_ids: Tensor | None = None) -> Tensor:
        """Tokens [batch, seq] and rows of the puzzle table [batch] to ``x`` [batch, prefix + seq, hidden].

        Without ``puzzle_ids`` every puzzle uses row 0.
        """
        config = self.config
        x: Tensor = self.embed_tokens(tokens)
        if self.puzzle_emb is not None:
            if puzzle_ids is None:
                puzzle_ids = tokens.new_zeros(tokens.shape[0])
            row = self.puzzle_emb(puzzle_ids)  # [batch, puzzle_emb_ndim]
            row = F.pad(row, (0, config.prefix_len * config.hidden_size - config.puzzle_emb_ndim))
            x = torch.cat((row.view(-1, config.prefix_len, config.hidden_size), x), dim=1)
        if self.embed_pos is not None:
            x = math.sqrt(0.5) * (x + self.embed_pos.weight)  # keeps the variance of one embedding
        return math.sqrt(config.hidden_size) * x

    def recurse(
        self, z_H: Tensor, z_L: Tensor, tokens: Tensor, puzzle_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The recursion of one supervision step: new ``z_H`` and ``z_L``, not detached.

        Gradients flow through the last answer update only: with all its latent updates in TRM, with the last
        of them in HRM (paper, sections 2 and 4). Arguments as in :meth:`forward`.
        """
        config = self.config
        answer_net = self.H_level or self.L_level
        rotary = (self.rotary_cos, self.rotary_sin) if config.rotary else None
        x = self.embed(tokens, puzzle_ids)
        total = config.H_cycles * config.L_cycles
        without_grad = total - (config.L_cycles if config.kind == "trm" else 1)
        for update in range(total):
            with torch.set_grad_enabled(torch.is_grad_enabled() and update >= without_grad):
                z_L = self.L_level(z_L + (z_H + x), rotary)
                if (update + 1) % config.L_cycles == 0:
                    z_H = answer_net(z_H + z_L, rotary)
        return z_H, z_L

    def heads(self, z_H: Tensor) -> tuple[Tensor, Tensor]:
        """``logits`` [batch, seq, vocab] and ``q`` [batch, 2], read off the answer state."""
        logits: Tensor = self.lm_head(z_H[:, self.config.prefix_len :])
        return logits, self.q_head(z_H[:, 0])

    def forward(
        self, z_H: Tensor, z_L: Tensor, tokens: Tensor, puzzle_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One supervision step.

        Args:
            z_H: answer state [batch, prefix + seq, hidden].
            z_L: latent state, same shape.
            tokens: the puzzle [batch, seq], int32 or int64.
            puzzle_ids: rows of the puzzle table [batch], or None for row 0.

        Returns:
            ``z_H``, ``z_L`` (not detached), ``logits`` [batch, seq, vocab], ``q`` [batch, 2].
        """
        z_H, z_L = self.recurse(z_H, z_L, tokens, puzzle_ids)
        return z_H, z_L, *self.heads(z_H)

    def halting_logit(self, q: Tensor) -> Tensor:
        """[batch, 2] to [batch]: the model wants to halt where this is > 0."""
        return q[:, 0] if self.config.no_ACT_continue else q[:, 0] - q[:, 1]

    @torch.inference_mode()
    def step(
        self, z_H: Tensor, z_L: Tensor, tokens: Tensor, puzzle_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One supervision step at inference: ``z_H``, ``z_L``, ``logits`` and the halting logit [batch]."""
        z_H, z_L, logits, q = self(z_H, z_L, tokens, puzzle_ids)
        return z_H, z_L, logits.float(), self.halting_logit(q).float()


def _truncated_normal(tensor: Tensor, std: float) -> None:
    """Normal cut at two standard deviations and scaled back to ``std`` (JAX's initialiser, as official)."""
    cut = 0.87962566103423978  # standard deviation of a unit normal cut at +-2
    nn.init.trunc_normal_(tensor, std=std / cut, a=-2 * std / cut, b=2 * std / cut)
