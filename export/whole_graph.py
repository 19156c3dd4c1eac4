"""The step graph as NPUs without float want it: fixed shapes, every sum over the last axis, channels of like size.

Written in float; :mod:`trm_edge.export.whole_integer` puts every tensor of it into integers. The layout differs from
:mod:`trm_edge.export.graphs` in three ways. The batch size is built in. Token mixing stands between two transposes, so
that its norm is an ``RMSNormalization``, too. And where the channels of a token mixing differ much in size, each is
divided by a number before the second product, which the norm over tokens takes out again:

    rms(x + down(silu(gate(x)) * up(x)))  =  rms(x / d + down(silu(gate(x)) * up(x / d)))

for any ``d`` [hidden], since ``up`` and ``down`` sum over tokens, channel by channel. That is exact but for the
constant that keeps the norm from dividing by zero. It costs one product by a constant, and without it the loudest
channels, hundreds of times as loud as the others, leave those a few levels of an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trm_edge.export.graph_builder import GraphBuilder
from trm_edge.export.graphs import RMS_NORM_OPSET, Graph, GraphWriter
from trm_edge.export.quantization import Plan
from trm_edge.model.network import RecursiveModel, SwiGLU

Array = NDArray[np.float32]


def build_whole_graph(
    model: RecursiveModel,
    *,
    puzzles: Sequence[int],
    batch: int,
    divisors: Mapping[str, Array] | None = None,
) -> Graph:
    """The step graph in float32, ready to be put into integers.

    Args:
        model: the float model, smoothed or not.
        puzzles: rows of the puzzle-embedding table to keep, as in :func:`trm_edge.export.graphs.build_graph`.
        batch: puzzles a call, built in.
        divisors: ``d`` of the token mixings that want one, float32 [hidden], by name: ``L0.t``.

    Raises:
        InvalidCheckpoint: a weight is not finite.
    """
    return _WholeWriter(model, puzzles, batch, divisors or {}).step()


class _WholeWriter(GraphWriter):
    def __init__(
        self, model: RecursiveModel, puzzles: Sequence[int], batch: int, divisors: Mapping[str, Array]
    ) -> None:
        super().__init__(model, puzzles, "float32", RMS_NORM_OPSET, Plan(), batch)
        self._copies, self._divisors = batch, divisors

    def _for_every_row(self, g: GraphBuilder, puzzle: Array) -> str:
        return self.products.weight("puzzle_embed", np.repeat(puzzle, self._copies, axis=0))

    def _mix_tokens(self, g: GraphBuilder, mlp: SwiGLU, name: str, x: str) -> str:
        x = g.op("Transpose", x, perm=[0, 2, 1])  # [batch, hidden, seq]
        divided, epsilon = x, self.config.rms_norm_eps
        if name in self._divisors:
            reciprocal = np.reciprocal(self._divisors[name][:, None])
            divided = g.op("Mul", x, self.products.weight(f"{name}.divide", reciprocal))
            epsilon *= float((reciprocal**2).min())  # of the loudest channel: too small for the others, never too large
        gate = self._product(g, f"{name}.gate", x, mlp.gate_proj.weight)
        up = self._product(g, f"{name}.up", divided, mlp.up_proj.weight)
        inner = g.op("Mul", g.op("Mul", gate, g.op("Sigmoid", gate)), up)
        mixed = g.op("Add", divided, self._product(g, f"{name}.down", inner, mlp.down_proj.weight))
        x = self._rms_norm(g, mixed, axis=-1, width=self.config.total_len, epsilon=epsilon)
        return g.op("Transpose", x, perm=[0, 2, 1])

    def _product(self, g: GraphBuilder, name: str, x: str, weight: object) -> str:
        matrix: Array = weight.detach().float().cpu().numpy()  # type: ignore[attr-defined]
        return g.op("MatMul", x, self.products.weight(name, matrix.T))
