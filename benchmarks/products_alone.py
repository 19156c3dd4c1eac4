"""The matrix products of one supervision step and nothing else: what a perfect int8 graph would still have to compute.

As many products as the step has, in the same shapes and by the kernel that a static int8 graph ends up with, on inputs
that are bytes already. No rounding, no activation function, no norm, no transpose.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rounds import Array

from trm_edge.export.quantization import Plan
from trm_edge.model.network import RecursiveModel, SwiGLU

_SCALE, _ZERO = np.float32(1 / 128), np.uint8(128)  # of the inputs; speed does not depend on the numbers


def products_alone(model: RecursiveModel) -> tuple[bytes, dict[str, Array]]:
    """The graph of a token-mixing TRM, and inputs for a batch of one.

    The graph is made of ONNX Runtime's own operators, which its optimiser leaves alone: standard ones on equal inputs
    it would merge.
    """
    config, plan = model.config, Plan()
    tokens, hidden = config.total_len, config.hidden_size
    constants = {"scale": np.array(_SCALE), "zero": np.array(_ZERO)}
    shapes: dict[str, tuple[int, int, int]] = {}
    nodes: list[onnx.NodeProto] = []
    passes = config.H_cycles * (config.L_cycles + 1)

    def product(name: str, weight: Array, x: str, rows: int) -> onnx.NodeProto:
        stored, scale = plan.weight(weight)  # [out, in]
        constants[name], constants[f"{name}.scale"] = np.ascontiguousarray(stored.T), scale
        shapes[x] = (1, rows, stored.shape[1])
        inputs = [x, name, "scale", f"{name}.scale", "zero"]
        return helper.make_node("MatMulIntegerToFloat", inputs, [""], domain="com.microsoft")

    for number, layer in enumerate(model.L_level.layers):
        for place, mlp, rows in (("token", layer.token_mlp, hidden), ("channel", layer.mlp, tokens)):
            assert isinstance(mlp, SwiGLU)
            for which, x in (("gate", place), ("up", place), ("down", f"{place}_inner")):
                weight = getattr(mlp, f"{which}_proj").weight.detach().numpy()
                nodes.append(product(f"{place}{number}.{which}", weight, x, rows))
    repeated = []
    for number in range(passes * len(nodes)):
        node = onnx.NodeProto()
        node.CopyFrom(nodes[number % len(nodes)])
        node.output[0] = f"product{number}"
        repeated.append(node)
    last = repeated[-1].output[0]  # nobody takes the others, so that their memory is used again
    graph = helper.make_graph(
        repeated,
        "products",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    document = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    rng = np.random.default_rng(0)
    inputs = {name: rng.integers(0, 256, shape, dtype=np.uint8) for name, shape in shapes.items()}
    return document.SerializeToString(), inputs
