"""Our own checkpoint: one safetensors file whose header also holds the configuration. No pickle.

The header's metadata has ``format`` = ``"trm-edge"``, ``config`` = the :class:`ModelConfig` as JSON and
``task`` = a task id; the tensors are the model's ``state_dict``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput, TrmEdgeError
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel

FORMAT = "trm-edge"

_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model with the task it was trained for."""

    model: RecursiveModel
    task: str


def save_checkpoint(path: Path, model: RecursiveModel, task: str, *, overwrite: bool = False) -> None:
    """Write ``model`` to ``path`` (``.safetensors``) atomically.

    Raises:
        InvalidInput: the file exists and ``overwrite`` is false.
        TrmEdgeError: the system could not write it.
    """
    if path.exists() and not overwrite:
        raise InvalidInput(f"{path} exists. Choose another name, or pass --overwrite.")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"format": FORMAT, "config": json.dumps(model.config.to_dict()), "task": task}
    save_tensors(path, tensors, metadata)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file under a temporary name, then rename it into place.

    Raises:
        TrmEdgeError: the system could not write it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        save_file(dict(tensors), temporary, dict(metadata))
        os.replace(temporary, path)
    except SafetensorError as error:  # what it makes of a full disk
        raise TrmEdgeError(f"Cannot write {path}: {error}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, and its metadata.

    Raises:
        InvalidCheckpoint: the file is missing, truncated or not safetensors.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InvalidCheckpoint(f"Cannot read {path}: {error}.") from None


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint written by :func:`save_checkpoint`.

    Raises:
        InvalidCheckpoint: not ours, damaged, or the weights do not fit the configuration.
        InvalidConfig: the configuration inside is out of range.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("format") != FORMAT:
        raise InvalidCheckpoint(
            f"{path} is a safetensors file, but not a trm-edge checkpoint. "
            "Convert an official checkpoint with: trm-edge import OFFICIAL_DIR --task TASK --out FILE"
        )
    try:
        config = ModelConfig.from_dict(json.loads(metadata["config"]))
        task = metadata["task"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidCheckpoint(f"{path}: the header's configuration cannot be read ({error}).") from None
    return Checkpoint(build_model(config, tensors, source=str(path)), task)


def build_model(config: ModelConfig, tensors: Mapping[str, Tensor], *, source: str) -> RecursiveModel:
    """The model of ``config`` with ``tensors`` as its weights, in float32 and evaluation mode.

    Raises:
        InvalidCheckpoint: a tensor is missing, unexpected, of another shape, not of floats, or not finite.
    """
    with torch.device("meta"):  # shapes only: nothing is allocated for a configuration that the weights do not fit
        expected = {name: tuple(tensor.shape) for name, tensor in RecursiveModel(config).state_dict().items()}
    weights: dict[str, Tensor] = {}
    for name, shape in expected.items():
        if name not in tensors:
            raise InvalidCheckpoint(f"{source}: tensor '{name}' is missing; expected shape {shape}.")
        tensor = tensors[name]
        if tensor.shape != shape:
            raise InvalidCheckpoint(f"{source}: tensor '{name}' has shape {tuple(tensor.shape)}, expected {shape}.")
        if tensor.dtype not in _FLOATS or tensor.layout is not torch.strided or tensor.is_meta:
            raise InvalidCheckpoint(
                f"{source}: tensor '{name}' is {tensor.dtype}, {tensor.layout}; expected plain floating-point numbers."
            )
        weights[name] = tensor.float()
        if not torch.isfinite(weights[name]).all():
            raise InvalidCheckpoint(f"{source}: tensor '{name}' holds NaN or infinite values.")
    for name in tensors:
        if name not in expected:
            raise InvalidCheckpoint(f"{source}: tensor '{name}' has no place in a {config.kind} of this shape.")
    model = RecursiveModel(config)
    model.load_state_dict(weights)
    return model.eval()
