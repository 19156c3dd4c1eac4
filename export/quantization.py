"""How the products of one model are quantized: int8 weights, activation scales, and the plan that says which where.

A *site* is a tensor that enters products with weights: the input of a SwiGLU or attention (``L0.c.in``: gate and up;
``L0.a.in``: q, k and v) and what lies before its last product (``L0.c.inner``: down; ``L0.a.inner``: o). Products of a
site share its scale. Names: level and layer (``L0``), then ``t`` token mixing, ``a`` attention or ``c`` channels.

Knows numbers and the float model's layout, no file format. The same functions serve the graph writer and the
simulation in PyTorch, so that what is searched is what is written.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trm_edge.export.precision import INTEGER, Arithmetic
from trm_edge.model.network import Block, RecursiveModel

_LEVELS = {"int8": (-128, 127), "uint8": (0, 255), "uint16": (0, 65535)}
_SMALLEST = 1e-8  #: a range below this is no range: the tensor is zero, and any scale will do
_SMALLEST_WEIGHT = 1e-30  #: weights below this have decayed to zero: float32 holds no scale for them


@dataclass(frozen=True)
class Scale:
    """An affine quantization of activations: ``real = scale * (stored - zero_point)``.

    Attributes:
        scale: greater than 0.
        zero_point: the stored value of 0.
        dtype: ``"int8"``, ``"uint8"`` or ``"uint16"``.
    """

    scale: float
    zero_point: int
    dtype: str

    @classmethod
    def of_range(cls, low: float, high: float, dtype: str) -> Scale:
        """The scale that covers ``low`` to ``high`` and holds 0 exactly. A degenerate range gives a harmless one."""
        first, last = _LEVELS[dtype]
        low, high = min(low, 0.0), max(high, 0.0)
        if not high - low > _SMALLEST:
            return cls(1.0 / (last - first), (first + last + 1) // 2, dtype)
        scale = float(np.float32((high - low) / (last - first)))
        return cls(scale, int(np.clip(round(first - low / scale), first, last)), dtype)

    def rounded(self, x: Tensor) -> Tensor:
        """``x`` as the stored integers give it back."""
        first, last = _LEVELS[self.dtype]
        return ((x / self.scale).round() + self.zero_point).clamp(first, last).sub(self.zero_point).mul(self.scale)


@dataclass(frozen=True, eq=False)
class Site:
    """How the products of one site are computed.

    Attributes:
        arithmetic: of its products.
        scale: of a static site, and of no other.
        channels: integer token mixing only: what each channel is divided by before it is quantized, and multiplied by
            after the product; float32 [hidden].
    """

    arithmetic: Arithmetic
    scale: Scale | None = None
    channels: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if (self.arithmetic is Arithmetic.STATIC) != (self.scale is not None):
            raise ValueError("a static site has a scale, and no other has")
        if self.channels is not None and self.arithmetic not in INTEGER:
            raise ValueError("only an integer site has channel scales")


FLOAT_SITE = Site(Arithmetic.FLOAT)


@dataclass(frozen=True)
class Plan:
    """Which products of a model are quantized, and how.

    Attributes:
        sites: by name; a site that is missing stays float.
        per_channel: a weight scale for every output channel, else one for the whole matrix.
        weight_limit: largest magnitude of a stored weight.
    """

    sites: Mapping[str, Site] = field(default_factory=dict)
    per_channel: bool = True
    weight_limit: int = 127

    def site(self, name: str) -> Site:
        """How the products of a site are computed."""
        return self.sites.get(name, FLOAT_SITE)

    def weight(self, matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """A weight [out, in] as int8 [out, in] with scales [out]; a channel of zeros stays one."""
        largest = np.abs(matrix).max(axis=1 if self.per_channel else None, keepdims=True)
        scale = (np.where(largest > _SMALLEST_WEIGHT, largest, self.weight_limit) / self.weight_limit).astype(
            np.float32
        )
        stored = np.clip(np.rint(matrix / scale), -self.weight_limit, self.weight_limit).astype(np.int8)
        return stored, np.broadcast_to(scale.reshape(-1), (len(matrix),)).copy()


@dataclass(frozen=True, eq=False)
class SiteModules:
    """Where a site is in the float model.

    Attributes:
        name: see the module.
        tap: the identity that the tensor passes.
        weights: the linear layers that multiply it, by projection (``gate``, ``up``, ``down``, ``q``, ...).
    """

    name: str
    tap: nn.Module
    weights: Mapping[str, nn.Linear]

    @property
    def weight_names(self) -> tuple[str, ...]:
        """What graphs call its weights: ``L0.c.gate``."""
        block = self.name.rpartition(".")[0]
        return tuple(f"{block}.{which}" for which in self.weights)

    @property
    def weight_count(self) -> int:
        """Numbers in its weights; multiply-adds of a network pass are these times positions."""
        return sum(linear.weight.numel() for linear in self.weights.values())


def model_sites(model: RecursiveModel) -> list[SiteModules]:
    """All sites of a model, in the order in which they are computed."""
    return [
        SiteModules(f"{block_name}.{end}", tap, {which: getattr(module, f"{which}_proj") for which in weights})
        for block_name, module in _mixers(model)
        for end, tap, weights in (
            ("in", module.input_tap, "qkv" if block_name.endswith("a") else ("gate", "up")),
            ("inner", module.inner_tap, "o" if block_name.endswith("a") else ("down",)),
        )
    ]


def uniform_sites(
    model: RecursiveModel,
    arithmetic: Arithmetic,
    *,
    scales: Mapping[str, Scale] | None = None,
    channels: Mapping[str, NDArray[np.float32]] | None = None,
) -> dict[str, Site]:
    """The same arithmetic for all sites of a model; static ones find their scale in ``scales``.

    ``channels`` are the channel scales of the integer sites that have some.
    """
    names = [site.name for site in model_sites(model)]
    return {name: Site(arithmetic, (scales or {}).get(name), (channels or {}).get(name)) for name in names}


def simulated(model: RecursiveModel, plan: Plan) -> RecursiveModel:
    """A copy of ``model`` that computes in float32 with the numbers that ``plan`` rounds to."""
    clone = copy.deepcopy(model)
    with torch.no_grad():
        for place in model_sites(clone):
            site = plan.site(place.name)
            if site.arithmetic is Arithmetic.FLOAT:
                continue
            for linear in place.weights.values():
                stored, scale = plan.weight(linear.weight.float().numpy())
                linear.weight.copy_(torch.from_numpy(stored * scale[:, None]))
            if site.arithmetic is not Arithmetic.WEIGHTS:
                place.tap.register_forward_hook(_rounding(site))
    return clone


def _rounding(site: Site) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(module: nn.Module, inputs: Any, x: Tensor) -> Tensor:
        scale = site.scale or Scale.of_range(float(x.min()), float(x.max()), "uint8")
        if site.channels is None:
            return scale.rounded(x)
        channels = torch.from_numpy(site.channels)  # [batch, inner, hidden]: the last axis
        return scale.rounded(x / channels) * channels

    return hook


def token_mixings(model: RecursiveModel) -> list[tuple[str, nn.Module]]:
    """The SwiGLUs over tokens of a model, by name: ``L0.t``."""
    return [(name, module) for name, module in _mixers(model) if name.endswith(".t")]


def _mixers(model: RecursiveModel) -> Iterator[tuple[str, Any]]:
    for level, network in (("L", model.L_level), ("H", model.H_level)):
        for number, block in enumerate(network.layers if network is not None else ()):
            assert isinstance(block, Block)
            if block.token_mlp is not None:
                yield f"{level}{number}.t", block.token_mlp
            else:
                yield f"{level}{number}.a", block.attention
            yield f"{level}{number}.c", block.mlp
