"""Integers for Ethos-U, by PyTorch's quantization of exported graphs (PT2E) and ExecuTorch's quantizer for Arm.

The processor has no float, so that norms, gates and sums are integers too. With eight bits for all of them the bundled
9x9 model solves 5 of 100 puzzles where float solves 92, so they always have 16 bits, and the precision says what enters
and leaves the products with weights: 16 bits (w8a16) or 8 (w8a8). The two products of attention, which have no weights,
follow it, too, except on U55 and U65, which have them in 8 bits only.

Weights have one scale a row. States, in and out, have one scale that nothing needs to calibrate: RMSNorm bounds them.
Knows nothing of Vela or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from executorch.backends.arm.ethosu import EthosUCompileSpec
from executorch.backends.arm.quantizer import (
    EthosUQuantizer,
    get_symmetric_a16w8_quantization_config,
    get_symmetric_quantization_config,
)
from executorch.backends.arm.quantizer.quantization_config import TOSAQuantizationConfig
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import FixedQParamsQuantizationSpec

from trm_edge.errors import InvalidInput, unknown
from trm_edge.export.executorch_modules import ResidualLinear
from trm_edge.export.executorch_quantize import OBSERVERS, Pass
from trm_edge.specs import Precision

LIMIT = 32767  #: states and results lie in -LIMIT..LIMIT
_SMALLEST_SCALE = 2.0**-24  #: of anything; the library's own floors, 2**-12 and 2**-16, cost small numbers bits

_QUANTIZE = torch.ops.quantized_decomposed.quantize_per_tensor.default
_DEQUANTIZE = torch.ops.quantized_decomposed.dequantize_per_tensor.default


@dataclass(frozen=True, eq=False)
class IntegerMethod:
    """An exported method that takes states and gives results in int16.

    Attributes:
        program: the method.
        scales: of its results, in order; their zero point is 0.
    """

    program: ExportedProgram
    scales: tuple[float, ...]


def quantize(
    methods: Mapping[str, nn.Module],
    examples: Mapping[str, tuple[Tensor, ...]],
    passes: Iterable[Pass],
    *,
    precision: Precision,
    L_cycles: int,
    state_scale: float,
    spec: EthosUCompileSpec,
    calibration: str = "mse",
) -> dict[str, IntegerMethod]:
    """Export methods in integers.

    Args:
        methods: ``network_L`` (an HRM also ``network_H``) and ``heads``, in float.
        examples: their inputs, of the batch size to build in.
        passes: what to calibrate with: inputs of network passes along whole trajectories. Read once, in order.
        precision: w8a8 or w8a16.
        L_cycles: passes before one that gives an answer state.
        state_scale: of every state that goes in or out.
        spec: of the processor that it is for.
        calibration: how a range of 8 bits is found, a name in
            :data:`~trm_edge.export.executorch_quantize.OBSERVERS`; 16 bits cover whatever was seen.

    Raises:
        InvalidInput: an unknown calibration, or a network without a pass to calibrate it with.
    """
    if calibration not in OBSERVERS:
        raise InvalidInput(unknown("calibration of ExecuTorch", calibration, OBSERVERS))
    prepared = {}
    for name, module in methods.items():
        exported = torch.export.export(module, examples[name], strict=False)
        # halting is decided by the sign of a result of `heads`, once a step: 16 bits cost nothing there
        chosen = Precision.W8A16 if name == "heads" else precision
        quantizer = _Quantizer(spec, chosen, state_scale, calibration, name != "heads")
        prepared[name] = prepare_pt2e(exported.module(check_guards=False), quantizer)
    _calibrate(prepared, passes, L_cycles)
    return {name: _integers(convert_pt2e(module), examples[name]) for name, module in prepared.items()}


def _calibrate(prepared: Mapping[str, nn.Module], passes: Iterable[Pass], L_cycles: int) -> None:
    """Show the observers every pass, and the heads every answer state."""
    idle = set(prepared)
    with torch.inference_mode():
        for number, (level, z, injected) in enumerate(passes, 1):
            name = f"network_{level}" if f"network_{level}" in prepared else "network_L"
            z_next = prepared[name](z, injected)  # observed, not quantized
            idle.discard(name)
            if number % (L_cycles + 1) == 0:
                prepared["heads"](z_next)
                idle.discard("heads")
    if idle:
        raise InvalidInput(
            f"Integers of fixed scale need calibration inputs, and there are none for {', '.join(sorted(idle))}. "
            "Give puzzles to calibrate on."
        )


class _Quantizer(EthosUQuantizer):  # type: ignore[misc]  # the library is not typed
    """The library's quantizer, with one fixed scale for the states of a method.

    Left to itself it would observe what goes into the first sum once more, and convert it; and calibration gives that
    sum in one piece, so that a summand would seem to be zero.
    """

    def __init__(
        self, spec: EthosUCompileSpec, precision: Precision, state_scale: float, calibration: str, gives_state: bool
    ) -> None:
        super().__init__(spec)
        # 16 bits need not cut a distribution: what lies inside is fine enough
        wide = _config(get_symmetric_a16w8_quantization_config(), OBSERVERS["min-max"])
        narrow = _config(get_symmetric_quantization_config(), OBSERVERS[calibration])
        self.set_global(wide)
        if precision is Precision.W8A8:
            for layer in (nn.Linear, ResidualLinear):
                self.set_module_type(layer, narrow)
        if spec.tosa_spec.is_U55_subset:  # which has no product of two activations of 16 bits
            self.set_node_target(torch.ops.aten.bmm.default, narrow)
        self.state = FixedQParamsQuantizationSpec(
            torch.int16, state_scale, 0, -LIMIT, LIMIT, torch.per_tensor_symmetric
        )
        self.gives_state = gives_state
        outputs = self.state if gives_state else wide.output_activation
        self.set_io(TOSAQuantizationConfig(outputs, self.state, None, None, "states"))

    def annotate(self, model: GraphModule) -> GraphModule:
        """Mark the graph, and the readers and the writer of states with the scale of states."""
        model = super().annotate(model)
        for node in model.graph.nodes:
            if node.op == "placeholder":
                for user in node.users:
                    _annotation(user).input_qspec_map[node] = self.state
        if self.gives_state:
            for node in model.graph.output_node().all_input_nodes:
                _annotation(node).output_qspec = self.state
        return model


def _annotation(node: Node) -> Any:
    return node.meta["quantization_annotation"]


def _config(library: Any, observer: Any) -> TOSAQuantizationConfig:
    """A configuration of the library's with observers of ours and a floor for scales that is low enough."""
    weight = get_symmetric_quantization_config(eps=_SMALLEST_SCALE)
    activation = replace(library.input_activation, observer_or_fake_quant_ctr=observer.with_args(eps=_SMALLEST_SCALE))
    return TOSAQuantizationConfig(activation, activation, weight.weight, weight.bias, library.label)


def _integers(module: GraphModule, example: tuple[Tensor, ...]) -> IntegerMethod:
    """Take the conversions at the edges away, so that integers go in and out."""
    graph = module.graph
    for node in graph.nodes:
        if node.op == "placeholder":
            for user in list(node.users):
                _expect(user, _QUANTIZE)
                user.replace_all_uses_with(node)
                graph.erase_node(user)
    output = graph.output_node()
    scales = []
    for node in output.all_input_nodes:
        _expect(node, _DEQUANTIZE)
        stored, scale = node.args[:2]
        assert isinstance(stored, Node)
        assert isinstance(scale, float)
        output.replace_input_with(node, stored)
        scales.append(scale)
        graph.erase_node(node)
    module.recompile()
    integers = tuple(torch.zeros_like(tensor, dtype=torch.int16) for tensor in example)
    return IntegerMethod(torch.export.export(module, integers, strict=False), tuple(scales))


def _expect(node: Any, target: Any) -> None:
    if node.target is not target:
        raise NotImplementedError(f"{node.name} is {node.target}, not {target}: the quantizer has changed")
