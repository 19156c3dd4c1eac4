"""Matrix products with weights as ONNX nodes, in the arithmetic that a plan wants: the one place that writes them.

What is written is the form that runtimes turn into one integer kernel a product: ``QuantizeLinear`` and
``DequantizeLinear`` around a static product, ``DynamicQuantizeLinear`` and ``MatMulInteger`` for a dynamic one.

Int8 weights of a float product become a ``Cast`` and a ``Mul``, which runtimes fold into one float tensor when they
load the file. A ``DequantizeLinear`` ONNX Runtime (1.32) computes anew at every product, twice as slow and with all
results in memory; or, where a weight has one product only, fuses into a kernel that fails in the body of a loop.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from trm_edge.errors import InvalidCheckpoint
from trm_edge.export.graph_builder import Constants, GraphBuilder
from trm_edge.export.precision import INTEGER, Arithmetic
from trm_edge.export.quantization import Plan, Scale

Array = NDArray[np.float32]


class Products:
    """Writes products and the weights they need.

    Args:
        constants: where weights are stored.
        dtype: float type of the graph.
        plan: arithmetic of every site.
    """

    def __init__(self, constants: Constants, dtype: str, plan: Plan) -> None:
        self.constants, self.dtype, self.plan = constants, dtype, plan

    def weight(self, name: str, values: Array) -> str:
        """Store a float weight.

        Raises:
            InvalidCheckpoint: it is too large for the graph's float type, or not finite.
        """
        with np.errstate(over="ignore"):  # said below, with the name
            stored = values.astype(self.dtype)
        if not np.isfinite(stored).all():
            raise InvalidCheckpoint(f"The weight '{name}' does not fit into {self.dtype}. Use --precision fp32.")
        return self.constants.add(name, stored)

    def write(
        self, g: GraphBuilder, site: str, x: str, weights: Mapping[str, Array], *, left: bool = False
    ) -> list[str]:
        """``x @ w.T`` for every weight, or ``w @ x`` where the weight stands on the left.

        Args:
            g: takes the nodes.
            site: name of the tensor ``x`` in the plan.
            x: [batch, rows, in]; on the left [batch, in, columns].
            weights: by name, each [out, in].
            left: not for integer products: kernels want packed weights on the right.
        """
        planned = self.plan.site(site)
        assert not (left and planned.arithmetic in INTEGER)
        if planned.channels is not None:  # [batch, channels, in]
            x = g.op("Mul", x, self.weight(f"{site}.divide", np.reciprocal(planned.channels[:, None])))
        match planned.arithmetic:
            case Arithmetic.FLOAT:
                sides = [self.weight(name, weight if left else weight.T) for name, weight in weights.items()]
            case Arithmetic.WEIGHTS:
                sides = [self._folded(g, name, weight, left=left) for name, weight in weights.items()]
            case Arithmetic.STATIC:
                assert planned.scale is not None
                x = self._through_integers(g, site, x, planned.scale)
                sides = [self._widened(g, name, weight) for name, weight in weights.items()]
        if planned.arithmetic is Arithmetic.DYNAMIC:
            results = self._dynamic(g, x, weights)
        else:
            results = [g.op("MatMul", *((side, x) if left else (x, side))) for side in sides]
        if planned.channels is None:
            return results
        multiply = self.weight(f"{site}.multiply", planned.channels[:, None])
        return [g.op("Mul", result, multiply) for result in results]

    def _through_integers(self, g: GraphBuilder, site: str, x: str, scale: Scale) -> str:
        constants = (
            g.const(f"{site}.scale", scale.scale, "float32"),
            g.const(f"{site}.zero", scale.zero_point, scale.dtype),
        )
        return g.op("DequantizeLinear", g.op("QuantizeLinear", x, *constants), *constants)

    def _stored(self, name: str, matrix: Array, *, left: bool = False) -> tuple[str, str]:
        """Names of the int8 weight and of its scales, which multiply it as they are."""
        if not np.isfinite(matrix).all():
            raise InvalidCheckpoint(f"The weight '{name}' holds NaN or infinity; train the model again.")
        stored, scale = self.plan.weight(matrix)
        weight = self.constants.add(name, stored if left else np.ascontiguousarray(stored.T))
        if not self.plan.per_channel:
            scale = scale[:1].reshape(())
        elif left:
            scale = scale[:, None]
        return weight, self.constants.add(f"{name}.scale", scale)

    def _folded(self, g: GraphBuilder, name: str, matrix: Array, *, left: bool) -> str:
        weight, scale = self._stored(name, matrix, left=left)
        integers = g.shared(f"{name}.integers", "Cast", weight, to=int(onnx.TensorProto.FLOAT))
        return g.shared(f"{name}.float", "Mul", integers, scale)

    def _widened(self, g: GraphBuilder, name: str, matrix: Array) -> str:
        weight, scale = self._stored(name, matrix)
        axis = {"axis": 1} if self.plan.per_channel else {}
        return g.shared(f"{name}.float", "DequantizeLinear", weight, scale, **axis)

    def _dynamic(self, g: GraphBuilder, x: str, weights: Mapping[str, Array]) -> list[str]:
        x, x_scale, x_zero = g.several("DynamicQuantizeLinear", [x], 3)
        results = []
        for name, matrix in weights.items():
            weight, scale = self._stored(name, matrix)
            sums = g.op("Cast", g.op("MatMulInteger", x, weight, x_zero), to=int(onnx.TensorProto.FLOAT))
            results.append(g.op("Mul", sums, g.op("Mul", x_scale, scale)))
        return results
