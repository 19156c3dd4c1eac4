"""The recursive model as ONNX graphs: ``step``, ``unrolled`` and ``loop`` (inputs and outputs in docs/bundle.md).

What a phone pays for is kept small: RMSNorm is one operator from opset 23 on, gate and up are products of
their own (no Split), token mixing has the weight on the left (no Transpose), everything constant is folded, and
weights are stored once however deep the unrolling. Where token mixing is in integers the weight stands on the right,
between two transposes: integer kernels are twice as fast on packed weights, and the transposes cost less than that.

Reads numbers from the float model; how products are quantized is :mod:`trm_edge.export.products`'s to write. Knows
nothing of files or runtimes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from trm_edge.bundle.contract import BATCH
from trm_edge.export.graph_builder import DOMAIN, Constants, GraphBuilder, make_function, make_model
from trm_edge.export.precision import INTEGER
from trm_edge.export.products import Products
from trm_edge.export.quantization import Plan
from trm_edge.model.network import Block, RecursiveModel, SwiGLU, rotary_table
from trm_edge.specs import Dim, GraphVariant, TensorSpec

RMS_NORM_OPSET = 23  #: first opset with RMSNormalization

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Graph:
    """A written graph.

    Attributes:
        model: the ONNX model.
        inputs: its inputs, in order.
        outputs: its outputs, in order.
        weight_bytes: bytes of the constants, each counted once.
    """

    model: onnx.ModelProto
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    weight_bytes: int


def build_graph(
    model: RecursiveModel,
    variant: GraphVariant,
    *,
    puzzles: Sequence[int],
    steps: int,
    dtype: str = "float32",
    opset: int = 23,
    plan: Plan | None = None,
) -> Graph:
    """Write ``model`` as one of the graph variants.

    Args:
        model: the float model.
        variant: ``step``, ``unrolled`` or ``loop``.
        puzzles: rows of the puzzle-embedding table to keep. One row is folded into a constant; of several, the input
            ``puzzle_ids`` chooses. Empty for a model without a table.
        steps: supervision steps of ``unrolled``.
        dtype: ``"float32"`` or ``"float16"``: of weights, activations and carry; logits are float32 always.
        opset: of the default domain, 18 to 23.
        plan: which products are quantized; None: none. Needs ``dtype`` float32.

    Raises:
        InvalidCheckpoint: a weight is too large for ``dtype``, or not finite.
    """
    writer = GraphWriter(model, puzzles, dtype, opset, plan or Plan())
    build = {GraphVariant.STEP: writer.step, GraphVariant.LOOP: writer.loop}
    return writer.unrolled(steps) if variant is GraphVariant.UNROLLED else build[variant]()


class GraphWriter:
    """Writes one model; the methods named after graph variants are the ways to arrange the same pieces."""

    def __init__(
        self,
        model: RecursiveModel,
        puzzles: Sequence[int],
        dtype: str,
        opset: int,
        plan: Plan,
        batch: Dim = BATCH,
    ) -> None:
        self.model, self.config, self.batch = model, model.config, batch
        self.puzzles, self.dtype, self.opset, self.plan = tuple(puzzles), dtype, opset, plan
        self.constants = Constants()
        self.products = Products(self.constants, dtype, plan)
        self.main = GraphBuilder(self.constants)
        config = self.config
        carry = (self.batch, config.total_len, config.hidden_size)
        self.tokens = TensorSpec("tokens", (self.batch, config.seq_len), "int32")
        self.carry_in = (TensorSpec("z_H", carry, dtype), TensorSpec("z_L", carry, dtype))
        self.carry_out = (TensorSpec("z_H_next", carry, dtype), TensorSpec("z_L_next", carry, dtype))
        self.logits = (self.batch, config.seq_len, config.vocab_size)

    # -- the variants -------------------------------------------------------------------------

    def step(self) -> Graph:
        """One supervision step; the carry goes in and comes out."""
        g = self.main
        x = self._embed(g)
        z_H, _ = self._recurse(g, "z_H", "z_L", x, ("z_H_next", "z_L_next"))
        self._heads(g, z_H, ("logits", "q_halt"))
        outputs = (TensorSpec("logits", self.logits, "float32"), TensorSpec("q_halt", (self.batch,), "float32"))
        return self._finish((*self._puzzle_inputs(), *self.carry_in), (*outputs, *self.carry_out))

    def unrolled(self, steps: int) -> Graph:
        """``steps`` supervision steps in a row, each a call of one function (which runtimes inline)."""
        g = self.main
        x = self._embed(g)
        z_H, z_L = self._initial_carry(g, x)
        body = g.child("s")
        z_H_out, z_L_out = self._recurse(body, "z_H", "z_L", "x", None)
        logits, q_halt = self._heads(body, z_H_out, None)
        used = {name for node in body.nodes for name in node.input}
        weights = [name for name in self.constants.names() if name in used]
        function = make_function(
            "SupervisionStep",
            body,
            ["z_H", "z_L", "x", *weights],
            [z_H_out, z_L_out, logits, q_halt],
            opset=self.opset,
        )
        all_logits, all_q = [], []
        for number in range(1, steps + 1):
            names = [f"{name}{number}" for name in ("h", "l", "logits", "q")]
            z_H, z_L, logits, q_halt = g.ops("SupervisionStep", [z_H, z_L, x, *weights], names, domain=DOMAIN)
            all_logits.append(g.op("Unsqueeze", logits, g.ints(0)))
            all_q.append(g.op("Unsqueeze", q_halt, g.ints(0)))
        g.op("Concat", *all_logits, axis=0, output="logits")
        g.op("Concat", *all_q, axis=0, output="q_halt")
        outputs = (
            TensorSpec("logits", (steps, *self.logits), "float32"),
            TensorSpec("q_halt", (steps, self.batch), "float32"),
        )
        return self._finish(self._puzzle_inputs(), outputs, functions=[function])

    def loop(self) -> Graph:
        """A Loop that ends when every row has halted or the budget is spent; a halted row keeps its answer."""
        g, config = self.main, self.config
        x = self._embed(g)
        z_H, z_L = self._initial_carry(g, x)
        rows = g.op("Shape", "tokens", start=0, end=1)  # [1]
        zero_q = g.op("ConstantOfShape", rows, value=_scalar(0.0, np.float32))
        shape = g.op("Concat", rows, g.ints(config.seq_len, config.vocab_size), axis=0)
        zero_logits = g.op("ConstantOfShape", shape, value=_scalar(0.0, np.float32))
        zero_steps = g.op("ConstantOfShape", rows, value=_scalar(0, np.int64))
        active = g.op("ConstantOfShape", rows, value=_scalar(True, np.bool_))

        b = g.child("b")
        new_H, new_L = self._recurse(b, "b_H", "b_L", x, None)
        new_logits, new_q = self._heads(b, new_H, None)
        column = b.op("Reshape", "b_active", b.ints(-1, 1, 1))
        logits = b.op("Where", column, new_logits, "b_logits")
        q_halt = b.op("Where", "b_active", new_q, "b_q")
        steps = b.op("Add", "b_steps", b.op("Cast", "b_active", to=int(onnx.TensorProto.INT64)))
        left = b.op("Not", b.op("Greater", q_halt, "threshold"))  # a halted row keeps its q, and so stays halted
        some = b.op("ReduceMax", b.op("Cast", left, to=int(onnx.TensorProto.INT32)), keepdims=0)
        go_on = b.op("Cast", some, to=int(onnx.TensorProto.BOOL))

        row_specs = (
            ("float32", "logits", self.logits),
            ("float32", "q", (self.batch,)),
            ("int64", "steps", (self.batch,)),
            ("bool", "active", (self.batch,)),
        )
        carried = [TensorSpec(f"b_{n}", s.shape, s.dtype) for n, s in zip("HL", self.carry_in, strict=True)]
        carried += [TensorSpec(f"b_{name}", shape, dtype) for dtype, name, shape in row_specs]
        results = [new_H, new_L, logits, q_halt, steps, left]
        body = b.graph(
            "supervision_step",
            [TensorSpec("b_i", (), "int64"), TensorSpec("b_go", (), "bool"), *carried],
            [
                TensorSpec(go_on, (), "bool"),
                *(TensorSpec(name, spec.shape, spec.dtype) for name, spec in zip(results, carried, strict=True)),
            ],
        )
        g.ops(
            "Loop",
            ["budget", "", z_H, z_L, zero_logits, zero_q, zero_steps, active],
            ["end_H", "end_L", "logits", "q_halt", "steps", "unfinished"],
            body=body,
        )
        controls = (TensorSpec("budget", (), "int64"), TensorSpec("threshold", (), "float32"))
        outputs = (
            TensorSpec("logits", self.logits, "float32"),
            TensorSpec("q_halt", (self.batch,), "float32"),
            TensorSpec("steps", (self.batch,), "int64"),
        )
        return self._finish((*self._puzzle_inputs(), *controls), outputs)

    def _puzzle_inputs(self) -> tuple[TensorSpec, ...]:
        ids = (TensorSpec("puzzle_ids", (self.batch,), "int32"),) if len(self.puzzles) > 1 else ()
        return (self.tokens, *ids)

    def _finish(
        self,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        functions: Sequence[onnx.FunctionProto] = (),
    ) -> Graph:
        model = make_model(self.main, inputs, outputs, opset=self.opset, functions=functions)
        return Graph(model, inputs, outputs, self.constants.bytes())

    # -- the pieces ---------------------------------------------------------------------------

    def _initial_carry(self, g: GraphBuilder, x: str) -> tuple[str, str]:
        """``(z_H, z_L)`` before the first step, of the shape of ``x``: GPUs leave arithmetic on shapes to the CPU."""
        shape = g.op("Shape", x)
        z_H = g.op("Expand", self.products.weight("H_init", _numpy(self.model.H_init)), shape)
        return z_H, g.op("Expand", self.products.weight("L_init", _numpy(self.model.L_init)), shape)

    def _embed(self, g: GraphBuilder) -> str:
        """``x`` [batch, prefix + seq, hidden]; scales and positions are folded into the tables."""
        model, config = self.model, self.config
        prefix, hidden = config.prefix_len, config.hidden_size
        scale = math.sqrt(hidden) * (math.sqrt(0.5) if model.embed_pos is not None else 1.0)
        positions = _numpy(model.embed_pos.weight) * scale if model.embed_pos is not None else None
        x = g.op("Gather", self.products.weight("embed", _numpy(model.embed_tokens.weight) * scale), "tokens")
        if positions is not None:
            x = g.op("Add", x, self.products.weight("positions", positions[prefix:]))
        if model.puzzle_emb is None:
            return x
        flat = np.zeros((len(self.puzzles), prefix * hidden), dtype=np.float32)
        flat[:, : config.puzzle_emb_ndim] = _numpy(model.puzzle_emb.weight)[list(self.puzzles)] * scale
        table: Array = flat.reshape(-1, prefix, hidden)
        if positions is not None:
            table = table + positions[:prefix]
        if len(self.puzzles) > 1:
            rows = g.op("Gather", self.products.weight("puzzle_embed", table), "puzzle_ids")
        else:
            rows = self._for_every_row(g, table)
        return g.op("Concat", rows, x, axis=1)

    def _for_every_row(self, g: GraphBuilder, puzzle: Array) -> str:
        """The embedding of the only puzzle [1, prefix, hidden], for as many rows as there are tokens."""
        column = g.op("Gather", "tokens", g.const("corner", [[0]], "int64"), axis=1)  # [batch, 1, 1]
        return g.op("Expand", self.products.weight("puzzle_embed", puzzle), g.op("Shape", column))

    def _recurse(self, g: GraphBuilder, z_H: str, z_L: str, x: str, outputs: tuple[str, str] | None) -> tuple[str, str]:
        """The network passes of one supervision step."""
        config = self.config
        answer = "H" if self.model.H_level is not None else "L"
        for cycle in range(config.H_cycles):
            last_cycle = cycle == config.H_cycles - 1
            injected = g.op("Add", z_H, x)  # the same for all latent updates of a cycle
            for update in range(config.L_cycles):
                last = last_cycle and update == config.L_cycles - 1
                z_L = self._network(g, "L", g.op("Add", z_L, injected), outputs[1] if outputs and last else None)
            z_H = self._network(g, answer, g.op("Add", z_H, z_L), outputs[0] if outputs and last_cycle else None)
        return z_H, z_L

    def _heads(self, g: GraphBuilder, z_H: str, outputs: tuple[str, str] | None) -> tuple[str, str]:
        """``logits`` [batch, seq, vocab] and the halting logit [batch], both float32."""
        model, config = self.model, self.config
        logits_name, q_name = outputs or (None, None)
        answer = z_H
        if config.prefix_len:
            answer = g.op("Slice", z_H, g.ints(config.prefix_len), g.ints(config.total_len), g.ints(1))
        lm_head = self.products.weight("lm_head", _numpy(model.lm_head.weight).T)
        logits = self._float32_op(g, "MatMul", answer, lm_head, output=logits_name)
        weight, bias = _numpy(model.q_head.weight), _numpy(model.q_head.bias)
        if not config.no_ACT_continue:  # halt when q[0] > q[1]
            weight, bias = weight - weight[1], bias - bias[1]
        first = g.op("Gather", z_H, g.const("zero", 0, "int64"), axis=1)  # [batch, hidden]
        # [batch, 1]: a matrix of one column, since ONNX Runtime's WebGPU kernel fails at a vector
        q = g.op("MatMul", first, self.products.weight("q_weight", weight[:1].T))
        q = g.op("Squeeze", q, g.ints(1))
        return logits, self._float32_op(g, "Add", q, self.products.weight("q_bias", bias[0]), output=q_name)

    def _float32_op(self, g: GraphBuilder, kind: str, *inputs: str, output: str | None) -> str:
        """A node whose result leaves the graph: as float32, whatever the graph computes in."""
        if self.dtype == "float32":
            return g.op(kind, *inputs, output=output)
        return g.op("Cast", g.op(kind, *inputs), to=int(onnx.TensorProto.FLOAT), output=output)

    def _network(self, g: GraphBuilder, level: str, x: str, output: str | None) -> str:
        """One network pass."""
        network = self.model.L_level if level == "L" else self.model.H_level
        assert network is not None
        for number, layer in enumerate(network.layers):
            assert isinstance(layer, Block)
            last = number == len(network.layers) - 1
            x = self._block(g, layer, f"{level}{number}", x, output if last else None)
        return x

    def _block(self, g: GraphBuilder, block: Block, name: str, x: str, output: str | None) -> str:
        if block.token_mlp is not None:
            x = self._mix_tokens(g, block.token_mlp, f"{name}.t", x)
        else:
            x = self._rms_norm(g, g.op("Add", x, self._attention(g, block, f"{name}.a", x)), axis=-1)
        mixed = self._swiglu(g, block.mlp, f"{name}.c", x)
        return self._rms_norm(g, g.op("Add", x, mixed), axis=-1, output=output)

    def _mix_tokens(self, g: GraphBuilder, mlp: SwiGLU, name: str, x: str) -> str:
        """Token mixing with its residual and norm: weights on the left, or in integers between two transposes."""
        if not {self.plan.site(f"{name}.{end}").arithmetic for end in ("in", "inner")} & INTEGER:
            return self._rms_norm(g, g.op("Add", x, self._swiglu(g, mlp, name, x, left=True)), axis=1)
        x = g.op("Transpose", x, perm=[0, 2, 1])  # [batch, hidden, seq]
        x = self._rms_norm(g, g.op("Add", x, self._swiglu(g, mlp, name, x)), axis=-1, width=self.config.total_len)
        return g.op("Transpose", x, perm=[0, 2, 1])

    def _swiglu(self, g: GraphBuilder, mlp: SwiGLU, name: str, x: str, *, left: bool = False) -> str:
        def products(end: str, value: str, *which: str) -> list[str]:
            weights = {f"{name}.{one}": _numpy(getattr(mlp, f"{one}_proj").weight) for one in which}
            return self.products.write(g, f"{name}.{end}", value, weights, left=left)

        gate, up = products("in", x, "gate", "up")
        return products("inner", g.op("Mul", g.op("Mul", gate, g.op("Sigmoid", gate)), up), "down")[0]

    def _attention(self, g: GraphBuilder, block: Block, name: str, x: str) -> str:
        config, attention = self.config, block.attention
        assert attention is not None
        heads = g.ints(0, 0, config.num_heads, config.head_dim)
        weights = {f"{name}.{which}": _numpy(getattr(attention, f"{which}_proj").weight) for which in "qkvo"}
        weights[f"{name}.q"] = weights[f"{name}.q"] * np.float32(config.head_dim**-0.5)  # the scale of the scores
        output = {f"{name}.o": weights.pop(f"{name}.o")}
        projected = [g.op("Reshape", value, heads) for value in self.products.write(g, f"{name}.in", x, weights)]
        if config.rotary:
            projected[:2] = [self._rotate(g, value) for value in projected[:2]]
        orders = ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))  # the keys come out transposed
        q, k, v = (g.op("Transpose", value, perm=list(order)) for value, order in zip(projected, orders, strict=True))
        scores = g.op("Softmax", g.op("MatMul", q, k), axis=-1)  # [batch, heads, seq, seq]
        out = g.op("Transpose", g.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        out = g.op("Reshape", out, g.ints(0, 0, config.hidden_size))
        return self.products.write(g, f"{name}.inner", out, output)[0]

    def _rotate(self, g: GraphBuilder, x: str) -> str:
        """Rotary positions on [batch, seq, heads, head_dim]; the minus of the half turn is in the table of sines."""
        config, half = self.config, self.config.head_dim // 2
        table = rotary_table(config)
        assert table is not None  # the caller asked config.rotary
        cos, sin = (_numpy(values)[:, None] for values in table)
        sin = np.concatenate((-sin[..., :half], sin[..., half:]), axis=-1)
        end = g.ints(config.head_dim)
        turned = g.op(
            "Concat",
            g.op("Slice", x, g.ints(half), end, g.ints(3)),
            g.op("Slice", x, g.ints(0), g.ints(half), g.ints(3)),
            axis=-1,
        )
        return g.op(
            "Add",
            g.op("Mul", x, self.products.weight("rope_cos", cos)),
            g.op("Mul", turned, self.products.weight("rope_sin", sin)),
        )

    def _rms_norm(
        self,
        g: GraphBuilder,
        x: str,
        *,
        axis: int,
        width: int | None = None,
        epsilon: float | None = None,
        output: str | None = None,
    ) -> str:
        """RMSNorm over the last axis of ``width`` numbers (None: the channels) or over axis 1; sums in float32."""
        config, width = self.config, width or self.config.hidden_size
        epsilon = config.rms_norm_eps if epsilon is None else epsilon
        if axis == -1 and self.opset >= RMS_NORM_OPSET:
            ones = self.products.weight(f"ones{width}", np.ones(width, dtype=np.float32))
            return g.op("RMSNormalization", x, ones, axis=-1, epsilon=epsilon, output=output)
        wide = g.op("Cast", x, to=int(onnx.TensorProto.FLOAT)) if self.dtype != "float32" else x
        square = g.op("Mul", wide, wide)
        if axis == -1:
            mean = g.op("ReduceMean", square, g.ints(axis), keepdims=1)
        else:  # the mean over the tokens as a product: ONNX Runtime's ReduceMean is slow on any but the last axis
            row = np.full((1, config.total_len), 1.0 / config.total_len)
            mean = g.op("MatMul", g.const("mean", row, "float32"), square)  # [batch, 1, hidden]
        root = g.op("Sqrt", g.op("Add", mean, g.const("eps", epsilon, "float32")))
        scale = g.op("Reciprocal", root)  # of the small tensor: multiplying the large one is cheaper than dividing it
        if self.dtype == "float32":
            return g.op("Mul", wide, scale, output=output)
        return g.op("Cast", g.op("Mul", wide, scale), to=int(onnx.TensorProto.FLOAT16), output=output)


def _numpy(tensor: object) -> Array:
    """A tensor of the model as float32."""
    array: Array = tensor.detach().float().cpu().numpy()  # type: ignore[attr-defined]
    return array


def _scalar(value: float, dtype: type) -> onnx.TensorProto:
    proto: onnx.TensorProto = onnx.numpy_helper.from_array(np.array([value], dtype=dtype))
    return proto
