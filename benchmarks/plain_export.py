"""The plain way, as a baseline: the official block with its ``chunk`` and transposes, traced by ``torch.onnx.export``.

This is what one gets without trm-edge: the step as the official code writes it, handed to the standard exporter.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trm_edge.model.network import RecursiveModel, SwiGLU
from trm_edge.runtimes.onnxruntime import load_onnxruntime


class PlainSwiGLU(nn.Module):
    """Gate and up in one product, then cut in two (official ``layers.py``)."""

    def __init__(self, source: SwiGLU) -> None:
        super().__init__()
        self.gate_up = nn.Parameter(torch.cat((source.gate_proj.weight, source.up_proj.weight)).detach())
        self.down = nn.Parameter(source.down_proj.weight.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """[.., width] to [.., width]."""
        gate, up = F.linear(x, self.gate_up).chunk(2, dim=-1)
        return F.linear(F.silu(gate) * up, self.down)


def plain_rms_norm(x: Tensor, eps: float) -> Tensor:
    """Official ``rms_norm``, over the last dimension."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)


class PlainStep(nn.Module):
    """One supervision step of a token-mixing-MLP TRM, as the official code writes it."""

    def __init__(self, model: RecursiveModel) -> None:
        super().__init__()
        self.model, self.config = model, model.config
        self.token = nn.ModuleList(PlainSwiGLU(layer.token_mlp) for layer in model.L_level.layers)
        self.channel = nn.ModuleList(PlainSwiGLU(layer.mlp) for layer in model.L_level.layers)

    def network(self, x: Tensor) -> Tensor:
        """One network pass with the transposes of the official block."""
        eps = self.config.rms_norm_eps
        for token, channel in zip(self.token, self.channel, strict=True):
            x = x.transpose(1, 2)
            x = plain_rms_norm(x + token(x), eps).transpose(1, 2)
            x = plain_rms_norm(x + channel(x), eps)
        return x

    def forward(self, tokens: Tensor, z_H: Tensor, z_L: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``logits``, the halting logit and the new carry."""
        x = self.model.embed(tokens)
        for _ in range(self.config.H_cycles):
            for _ in range(self.config.L_cycles):
                z_L = self.network(z_L + (z_H + x))
            z_H = self.network(z_H + z_L)
        logits, q = self.model.heads(z_H)
        return logits, q[:, 0], z_H, z_L


def plain_onnx(model: RecursiveModel) -> bytes:
    """``PlainStep`` through ``torch.onnx.export``, batch of one."""
    tokens = torch.ones(1, model.config.seq_len, dtype=torch.int32)
    z_H, z_L = (z.clone() for z in model.initial_carry(1))
    program = torch.onnx.export(PlainStep(model).eval(), (tokens, z_H, z_L), dynamo=True, verbose=False)
    assert program is not None
    file = io.BytesIO()
    program.save(file)
    return file.getvalue()


def plain_int8(data: bytes) -> bytes:
    """A plain export in dynamic int8, the usual way.

    ``quantize_dynamic`` passes by a weight that is not a constant, and the exporter leaves transposes in between; so
    ONNX Runtime's basic optimisation folds them first.
    """
    ort = load_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        folded, quantized = Path(folder, "folded.onnx"), Path(folder, "quantized.onnx")
        settings = ort.SessionOptions()
        settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        settings.optimized_model_filepath = str(folded)
        settings.log_severity_level = 3
        ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
        quantize_dynamic(folded, quantized, weight_type=QuantType.QInt8)
        return quantized.read_bytes()
