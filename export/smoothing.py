"""Two exact rewritings that make activations easier to quantize; the float model answers as before.

*Equalization*: what lies before a block's last product is linear in the product before it (``up`` in a SwiGLU, ``v`` in
attention), so each of its units may be divided by a number there and multiplied by it in the last weight. Units with
large activations then no longer decide how coarsely all others are rounded (SmoothQuant, arXiv 2211.10438; between two
weights as in arXiv 1906.04721). It costs nothing at run time.

*Channel scales*: a token-mixing product sums over tokens, channel by channel, so each channel may be scaled before it
and scaled back after it. That costs two multiplications, and is done where channels differ much: the post-norm over
tokens hides from training that a few channels grow forty times as large as the others.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trm_edge.export.quantization import model_sites
from trm_edge.model.network import RecursiveModel

MIGRATION = 0.75  #: share of a unit's size that moves from the activation into the next weight (SmoothQuant's alpha)
SPREAD = 8.0  #: channels are scaled where the largest peak is this many times the median one
_QUIET = 1e-3  #: units are taken for at least this share of the largest: one that never spoke may yet speak
_SMALLEST = 1e-5  #: peaks below this do not count: dividing by them would only make noise large


@dataclass(frozen=True, eq=False)
class Peaks:
    """Largest magnitudes that were seen at a site before a block's last product.

    Attributes:
        units: of each unit that the product sums over, float32 [in].
        channels: of each channel that it does not sum over, float32 [hidden]; token mixing only.
    """

    units: NDArray[np.float32]
    channels: NDArray[np.float32] | None

    @classmethod
    def of(cls, x: Tensor, *, over_tokens: bool) -> Peaks:
        """Of one activation: [batch, in, hidden] over tokens, else [batch, seq, in]."""
        size = x.detach().abs().float()
        if over_tokens:
            return cls(size.amax((0, 2)).numpy(), size.amax((0, 1)).numpy())
        return cls(size.amax((0, 1)).numpy(), None)

    def joined(self, other: Peaks) -> Peaks:
        """The larger of both, number by number."""
        channels = self.channels
        if channels is not None and other.channels is not None:
            channels = np.maximum(channels, other.channels)
        return Peaks(np.maximum(self.units, other.units), channels)

    def channel_scales(self) -> NDArray[np.float32] | None:
        """A divisor for every channel, or None where they are alike."""
        if self.channels is None or self.channels.max() <= SPREAD * max(float(np.median(self.channels)), _SMALLEST):
            return None
        scales: NDArray[np.float32] = np.maximum(self.channels, np.float32(_SMALLEST * self.channels.max()))
        return scales


def equalized(model: RecursiveModel, peaks: Mapping[str, Peaks]) -> RecursiveModel:
    """A copy of ``model`` whose units before the last product of every block are of like size."""
    clone = copy.deepcopy(model)
    places = {place.name: place for place in model_sites(clone)}
    with torch.no_grad():
        for name, seen in peaks.items():
            first = places[name.removesuffix("inner") + "in"].weights["v" if ".a." in name else "up"]
            (last,) = places[name].weights.values()
            of_weight = last.weight.abs().amax(0).clamp_min(_SMALLEST)
            units = torch.from_numpy(seen.units).clamp_min(max(_QUIET * float(seen.units.max()), _SMALLEST))
            moved = units**MIGRATION / of_weight ** (1 - MIGRATION)
            moved /= moved.log().mean().exp()  # by and large the weights keep their size
            first.weight.div_(moved[:, None])
            last.weight.mul_(moved)
    return clone
