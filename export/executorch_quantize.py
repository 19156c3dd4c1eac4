"""Integer products for XNNPACK, by PyTorch's own quantization of exported graphs (PT2E).

Only the linear layers of a network pass are quantized; norms, gates and sums stay in float32. Weights are int8,
symmetric, one scale a row. Activations are int8 too:

- ``w8a8-dynamic``: one scale a row of the activation, taken anew at every product, with a float32 result;
- ``w8a8``: one scale a tensor, fixed by calibration. XNNPACK then wants the *result* in int8 as well, which a layer
  that adds to the state does not survive: with those in static int8 the bundled 9x9 model solves 23 % of a sample
  where float solves 42 %. So they (``down``, ``o``) are scaled dynamically in ``w8a8`` too, which costs no time.

Knows nothing of recursion: what a network pass is fed comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer_utils import OP_TO_ANNOTATOR
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e import HistogramObserver, MinMaxObserver, PerChannelMinMaxObserver, PlaceholderObserver
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import QuantizationConfig, QuantizationSpec, Quantizer

from trm_edge.errors import InvalidInput, unknown
from trm_edge.export.executorch_modules import ResidualLinear

OBSERVERS = {"min-max": MinMaxObserver, "mse": HistogramObserver}
"""How a fixed range is found: the extremes seen, or the cut that loses the least square error."""

_SMALLEST_SCALE = 2.0**-20
"""Of anything. The library's own floor, 2**-12, costs a trained layer bits: its small rows end below 127 x 2**-12."""

Pass = tuple[str, Tensor, Tensor]
"""Level (``"L"`` or ``"H"``), ``z`` and ``injected`` of network passes, each [any, prefix + seq, hidden]."""


def quantize(
    modules: Mapping[str, nn.Module],
    example: tuple[Tensor, Tensor],
    passes: Iterable[Pass] | None,
    *,
    calibration: str = "mse",
) -> dict[str, ExportedProgram]:
    """Export network passes with integer products.

    Args:
        modules: the network passes in float, by level. A model of one network has the level ``"L"`` alone, which then
            is calibrated with the passes of both.
        example: inputs of the batch size to build in.
        passes: what to calibrate the activations with; None scales them anew at every product. Read once, in order.
        calibration: name in :data:`OBSERVERS`; of no account without ``passes``.

    Raises:
        InvalidInput: an unknown calibration, or a network without a pass to calibrate it with.
    """
    if calibration not in OBSERVERS:
        raise InvalidInput(unknown("calibration of ExecuTorch", calibration, OBSERVERS))
    quantizer = _LinearQuantizer(
        {
            nn.Linear: _config(None if passes is None else OBSERVERS[calibration]),
            ResidualLinear: _config(None),
        }
    )
    prepared = {}
    for level, module in modules.items():
        exported = torch.export.export(module, example, strict=False)
        prepared[level] = prepare_pt2e(exported.module(check_guards=False), quantizer)
    if passes is None:  # the weights want to be seen once all the same
        passes = [(level, *example) for level in modules]
    _calibrate(prepared, passes, example[0].shape[0])
    return {
        level: torch.export.export(convert_pt2e(module), example, strict=False) for level, module in prepared.items()
    }


def _calibrate(prepared: Mapping[str, nn.Module], passes: Iterable[Pass], batch: int) -> None:
    """Show the observers every pass, cut into the batch size of the graph; the last cut is filled with its own rows."""
    idle = set(prepared)
    with torch.inference_mode():
        for level, z, injected in passes:
            network = level if level in prepared else "L"
            for start in range(0, z.shape[0], batch):
                rows = torch.arange(start, start + batch) % z.shape[0]
                prepared[network](z[rows], injected[rows])
                idle.discard(network)
    if idle:
        raise InvalidInput(
            f"Static int8 needs calibration inputs, and there are none for network {', '.join(sorted(idle))}. "
            "Use --precision w8a8-dynamic."
        )


class _LinearQuantizer(Quantizer):  # type: ignore[misc]  # the library is not typed
    """Marks the linear layers for quantization, by the type of their module.

    ``XNNPACKQuantizer`` does it too, after tracing two dozen patterns of convolutions: a third of the whole export.
    """

    def __init__(self, configs: Mapping[type[nn.Module], QuantizationConfig]) -> None:
        super().__init__()
        self.configs = {f"{kind.__module__}.{kind.__qualname__}": config for kind, config in configs.items()}

    def annotate(self, model: GraphModule) -> GraphModule:
        """Mark the inputs, weights and results of the layers."""
        for kind, config in self.configs.items():
            OP_TO_ANNOTATOR["linear"](model, config, partial(_belongs_to, kind))
        return model

    def validate(self, model: GraphModule) -> None:
        """Nothing to check: the lowered program is (:mod:`trm_edge.export.executorch_stats`)."""


def _belongs_to(kind: str, node: Node) -> bool:
    """Whether the innermost module that a node was exported from is of a type."""
    modules = list(node.meta.get("nn_module_stack", {}).values())
    return bool(modules) and modules[-1][1] == kind


def _config(observer: Any) -> QuantizationConfig:
    """Weights and activations of a linear layer; ``observer`` None means dynamic activations."""
    activation = QuantizationSpec(
        dtype=torch.int8,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_tensor_affine,
        is_dynamic=observer is None,
        observer_or_fake_quant_ctr=(observer or PlaceholderObserver).with_args(eps=_SMALLEST_SCALE),
    )
    weight = QuantizationSpec(
        dtype=torch.int8,
        quant_min=-127,
        quant_max=127,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
        observer_or_fake_quant_ctr=PerChannelMinMaxObserver.with_args(eps=_SMALLEST_SCALE),
    )
    return QuantizationConfig(activation, None if observer is None else activation, weight, None)
