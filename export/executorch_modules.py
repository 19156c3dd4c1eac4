"""The recursive model cut into the methods of a program: ``embed``, ``network_L``, ``network_H``, ``heads``.

The same numbers as :mod:`trm_edge.model.network`, written so that XNNPACK takes a network pass whole:

- the mean of squares of RMSNorm is a product with a constant row, whose bias is the epsilon (``mean`` over the last
  dimension is not delegated, and a scalar to add becomes an input that cuts the graph into pieces);
- token mixing is a linear layer between two transpositions, because integer kernels want the weight on the right;
- attention is spelt out in batched products, because the fused operator is not delegated;
- what is constant is folded: the scales and positions of the embedding, the softmax scale, the sign of a rotation.

Knows nothing of lowering, precisions or files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trm_edge.model.config import ModelConfig
from trm_edge.model.network import Attention, Block, Network, RecursiveModel, SwiGLU, rotary_table

_QUIET = 1e-4  #: channels are taken for at least this share of the loudest: one that never spoke may yet speak
_INTERVALS = 256  #: of a table of 16-bit numbers, over the positive ones


class ResidualLinear(nn.Linear):
    """A linear layer whose result is added to the state: a type of its own, for it is quantized with more care."""


class Embed(nn.Module):
    """Tokens int32 [batch, seq] (and rows of the kept puzzles, int32 [batch]) to ``x`` [batch, prefix + seq, hidden].

    Args:
        model: the float model.
        puzzles: rows of its puzzle table to keep. One is a constant; of several, the second input chooses.
    """

    tokens: Tensor
    positions: Tensor | None
    rows: Tensor | None

    def __init__(self, model: RecursiveModel, puzzles: Sequence[int]) -> None:
        super().__init__()
        config = model.config
        prefix = config.prefix_len
        scale = math.sqrt(config.hidden_size)
        positions = None
        if model.embed_pos is not None:
            scale *= math.sqrt(0.5)  # keeps the variance of one embedding
            positions = model.embed_pos.weight.detach() * scale
        self.register_buffer("tokens", model.embed_tokens.weight.detach() * scale)
        self.register_buffer("positions", positions[prefix:].clone() if positions is not None else None)
        self.register_buffer("rows", None)
        if model.puzzle_emb is not None:
            rows = model.puzzle_emb.weight.detach()[list(puzzles)] * scale
            rows = F.pad(rows, (0, prefix * config.hidden_size - config.puzzle_emb_ndim))
            rows = rows.view(-1, prefix, config.hidden_size)
            self.rows = rows + positions[:prefix] if positions is not None else rows

    def forward(self, tokens: Tensor, puzzle_ids: Tensor | None = None) -> Tensor:
        """Look the rows up."""
        x = F.embedding(tokens, self.tokens)
        if self.positions is not None:
            x = x + self.positions
        if self.rows is None:
            return x
        row = self.rows if puzzle_ids is None else self.rows[puzzle_ids]
        return torch.cat((row.expand(x.shape[0], -1, -1), x), dim=1)


class NetworkPass(nn.Module):
    """One network pass: ``z`` and what is injected, each [batch, prefix + seq, hidden], to the next ``z``."""

    def __init__(self, network: Network, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Block(layer, config) for layer in network.layers if isinstance(layer, Block))

    def forward(self, z: Tensor, injected: Tensor) -> Tensor:
        """``net(z + injected)``."""
        x = z + injected
        for layer in self.layers:
            x = layer(x)
        return x


def balance(networks: Mapping[str, NetworkPass], passes: Iterable[tuple[str, Tensor, Tensor]]) -> None:
    """Make network passes fit for integers of one scale a tensor, in place; they answer as before.

    *Channels of token mixing get one size.* The norm over tokens works channel by channel and takes its size away, so
    that training does not care if a few channels grow hundreds of times as large as the others, and their squares a
    hundred thousand times. A factor a channel before the norm changes nothing.

    *Norms get two steps.* Integers look the reciprocal root up in a table of even intervals, which is of no use for
    mean squares of less than a few of them. A rough norm first, whose large epsilon keeps its own table steady, lifts
    such rows, and its errors go with their size in the second.

    The epsilons of the norms are made too small to count.

    Args:
        networks: float passes by level. A model of one network has the level ``"L"`` alone.
        passes: level and inputs of passes to measure the norms with, some of each network.
    """
    blocks = [layer for network in networks.values() for layer in network.layers if isinstance(layer, _Block)]
    norms = [(block, norm) for block in blocks for norm in (block.norm, block.channel_norm)]
    peaks: dict[nn.Module, Tensor] = {}  # of channels; one for all where the norm is over channels
    squares: dict[nn.Module, Tensor] = {}  # likewise, means over a row

    def see(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (x,) = inputs  # [batch, rows, width]
        for seen, values in ((peaks, x.abs().amax(-1)), (squares, (x * x).mean(-1))):
            largest = values.amax(0)
            seen[norm] = torch.maximum(seen.get(norm, largest), largest)

    hooks = [norm.register_forward_pre_hook(see) for _, norm in norms]
    with torch.no_grad():
        for level, z, injected in passes:
            networks.get(level, networks["L"])(z, injected)
    for hook in hooks:
        hook.remove()
    for block, norm in norms:
        largest = squares[norm]
        if block.tokens is not None and norm is block.norm:
            peak = peaks[norm]
            peak = peak.clamp_min(_QUIET * float(peak.max()))
            block.channel_scales = (1 / peak)[:, None]
            largest = largest / peak**2
            norm.eps = norm.eps / float(peak.max()) ** 2
        rough = float(largest.max()) / _INTERVALS
        norm.rough_eps = torch.full((1,), rough)
        norm.eps = norm.eps / (float(largest.max()) + rough)


class Heads(nn.Module):
    """``z_H`` [batch, prefix + seq, hidden] to ``logits`` [batch, seq, vocab] and the halting logit [batch]."""

    q_weight: Tensor
    q_bias: Tensor

    def __init__(self, model: RecursiveModel) -> None:
        super().__init__()
        config = model.config
        self.prefix = config.prefix_len
        self.lm_head = _linear(model.lm_head.weight.detach())
        weight, bias = model.q_head.weight.detach(), model.q_head.bias.detach()
        if not config.no_ACT_continue:  # halt when q[0] > q[1]
            weight, bias = weight - weight[1], bias - bias[1]
        self.register_buffer("q_weight", weight[:1].clone())
        self.register_buffer("q_bias", bias[:1].clone())

    def forward(self, z_H: Tensor) -> tuple[Tensor, Tensor]:
        """Read the answer off its positions and the halting logit off the first."""
        answer = z_H[:, self.prefix :] if self.prefix else z_H
        q_halt = F.linear(z_H[:, :1], self.q_weight, self.q_bias)  # [batch, 1, 1]
        return self.lm_head(answer), q_halt.view(-1)


class _RMSNorm(nn.Module):
    """RMSNorm without a gain over the last dimension, after a rough one where `balance` asked for it."""

    mean: Tensor
    eps: Tensor
    rough_eps: Tensor | None

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, width), 1.0 / width))
        self.register_buffer("eps", torch.full((1,), eps))
        self.register_buffer("rough_eps", None)

    def forward(self, x: Tensor) -> Tensor:
        if self.rough_eps is not None:
            x = x * torch.rsqrt(F.linear(x * x, self.mean, self.rough_eps))
        return x * torch.rsqrt(F.linear(x * x, self.mean, self.eps))


class _SwiGLU(nn.Module):
    """SwiGLU over the last dimension, whichever that is."""

    def __init__(self, mlp: SwiGLU) -> None:
        super().__init__()
        self.gate, self.up = _linear(mlp.gate_proj.weight.detach()), _linear(mlp.up_proj.weight.detach())
        self.down = _linear(mlp.down_proj.weight.detach(), ResidualLinear)

    def forward(self, x: Tensor, scaled: Tensor | None = None) -> Tensor:
        """The block of ``x``; what is linear in it may be given in another scale, which the result then has."""
        gate = self.gate(x)
        mixed: Tensor = self.down(gate * torch.sigmoid(gate) * self.up(x if scaled is None else scaled))
        return mixed


class _Attention(nn.Module):
    """Bidirectional attention; ``cos`` and ``sin`` [length, head_dim] are None without rotary positions."""

    cos: Tensor | None
    sin: Tensor | None

    def __init__(self, attention: Attention, rotary: tuple[Tensor, Tensor] | None) -> None:
        super().__init__()
        self.heads, self.head_dim = attention.num_heads, attention.head_dim
        self.q = _linear(attention.q_proj.weight.detach() * self.head_dim**-0.5)
        self.k, self.v = _linear(attention.k_proj.weight.detach()), _linear(attention.v_proj.weight.detach())
        self.o = _linear(attention.o_proj.weight.detach(), ResidualLinear)
        cos, sin = rotary if rotary is not None else (None, None)
        if sin is not None:
            sign = torch.ones(self.head_dim)
            sign[: self.head_dim // 2] = -1.0
            sin = sin * sign
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        q, k = self._rotate(self._split(self.q(x))), self._rotate(self._split(self.k(x)))
        weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)), dim=-1)  # [batch * heads, length, length]
        out = torch.bmm(weights, self._split(self.v(x))).view(batch, self.heads, length, self.head_dim)
        merged: Tensor = self.o(out.transpose(1, 2).reshape(batch, length, hidden))
        return merged

    def _split(self, x: Tensor) -> Tensor:  # [batch, length, hidden] -> [batch * heads, length, head_dim]
        batch, length, _ = x.shape
        x = x.view(batch, length, self.heads, self.head_dim).transpose(1, 2)
        return x.reshape(batch * self.heads, length, self.head_dim)

    def _rotate(self, x: Tensor) -> Tensor:
        if self.cos is None or self.sin is None:
            return x
        half = self.head_dim // 2
        return x * self.cos + torch.cat((x[..., half:], x[..., :half]), dim=-1) * self.sin


class _Block(nn.Module):
    """One post-norm layer."""

    channel_scales: Tensor | None

    def __init__(self, block: Block, config: ModelConfig) -> None:
        super().__init__()
        self.register_buffer("channel_scales", None)  # [hidden, 1], see `balance`
        self.tokens: _SwiGLU | None = None
        self.attention: _Attention | None = None
        if block.token_mlp is not None:
            self.tokens = _SwiGLU(block.token_mlp)
            self.norm = _RMSNorm(config.total_len, block.eps)
        elif block.attention is not None:
            self.attention = _Attention(block.attention, rotary_table(config))
            self.norm = _RMSNorm(config.hidden_size, block.eps)
        self.channels = _SwiGLU(block.mlp)
        self.channel_norm = _RMSNorm(config.hidden_size, block.eps)

    def forward(self, x: Tensor) -> Tensor:
        if self.tokens is not None:
            turned = x.transpose(1, 2)  # [batch, hidden, length]; the official norm is over the tokens here
            scaled = turned if self.channel_scales is None else turned * self.channel_scales
            x = self.norm(scaled + self.tokens(turned, scaled)).transpose(1, 2)
        elif self.attention is not None:
            x = self.norm(x + self.attention(x))
        normed: Tensor = self.channel_norm(x + self.channels(x))
        return normed


def _linear(weight: Tensor, kind: type[nn.Linear] = nn.Linear) -> nn.Linear:
    """A linear layer without a bias, holding ``weight`` [out, in]; of a network pass, exactly these are quantized."""
    layer = kind(weight.shape[1], weight.shape[0], bias=False)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer
