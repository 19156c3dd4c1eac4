"""Reading checkpoints of the official TRM and HRM code: ``step_N`` beside ``all_config.yaml``.

The file is a bare ``torch.save(state_dict)`` (read with ``weights_only=True``); names are
``[_orig_mod.]model.inner.*``. The yaml does not say the vocabulary, the number of puzzles or the sequence
length: the first two are shapes of tensors, the third is a shape too where tokens are mixed by an MLP or positions
are learned, and comes from the task otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput
from trm_edge.model.checkpoint import Checkpoint, build_model
from trm_edge.model.config import ModelConfig
from trm_edge.tasks.base import Task

MAX_CONFIG_BYTES = 1 << 20

# fields of `arch:` that are read as they are
_ARCH_FIELDS = (
    *("hidden_size", "expansion", "num_heads", "pos_encodings", "H_cycles", "L_cycles", "L_layers"),
    *("puzzle_emb_ndim", "halt_max_steps", "mlp_t", "rms_norm_eps", "rope_theta"),
)


def load_official(path: Path, task: Task) -> Checkpoint:
    """Read an official checkpoint.

    Args:
        path: the folder (its newest ``step_N`` is taken) or one ``step_N`` file in it.
        task: what the model was trained for; gives the sequence length where no tensor does.

    Raises:
        InvalidInput: the folder lacks a file.
        InvalidCheckpoint: damaged, unsafe, of another architecture, or shapes that do not fit; the tensor, its
            shape and the expected shape are named.
        InvalidConfig: the yaml holds a setting out of range.
    """
    weights_path = path if path.is_file() else _newest_step(path)
    arch = _read_arch(weights_path.with_name("all_config.yaml"))
    tensors = _rename(_read_weights(weights_path), str(weights_path))
    config = _config(arch, tensors, task, str(weights_path))
    return Checkpoint(build_model(config, tensors, source=str(weights_path)), task.id)


def _newest_step(folder: Path) -> Path:
    found = [file for file in folder.glob("step_*") if re.fullmatch(r"step_\d+", file.name)]
    if not found:
        raise InvalidInput(f"{folder} holds no official checkpoint. Expected a file 'step_N' beside 'all_config.yaml'.")
    return max(found, key=lambda file: int(file.name.removeprefix("step_")))


def _read_arch(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InvalidInput(f"{path} is missing. The official code writes it beside its 'step_N' files.")
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise InvalidInput(f"{path} is larger than {MAX_CONFIG_BYTES} bytes; this is not an official configuration.")
    try:
        arch = yaml.safe_load(path.read_text(encoding="utf-8"))["arch"]
        if not isinstance(arch, dict):
            raise TypeError("'arch' is not a table")
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidCheckpoint(f"{path} is not an official configuration: {str(error).splitlines()[0]}.") from None
    return arch


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle makes the unpickler raise almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidCheckpoint(f"Cannot read {path} as a file of tensors: {reason}") from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InvalidCheckpoint(f"{path} is not a state_dict: expected a table of tensors.")
    return {str(name): value for name, value in state.items()}


def _rename(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Official names to ours; fused projections are cut into their parts."""
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        short = name.removeprefix("_orig_mod.").removeprefix("model.").removeprefix("inner.")
        short = short.replace("embedding_weight", "weight").replace("puzzle_emb.weights", "puzzle_emb.weight")
        short = short.replace(".mlp_t.", ".token_mlp.").replace(".self_attn.", ".attention.")
        for fused, parts in (("gate_up_proj", ("gate_proj", "up_proj")), ("qkv_proj", ("q_proj", "k_proj", "v_proj"))):
            if fused in short:
                if value.ndim != 2 or value.shape[0] % len(parts):
                    raise InvalidCheckpoint(
                        f"{source}: tensor '{name}' has shape {tuple(value.shape)}, expected two dimensions "
                        f"with the first divisible by {len(parts)}."
                    )
                for part, piece in zip(parts, value.chunk(len(parts)), strict=True):
                    tensors[short.replace(fused, part)] = piece
                break
        else:
            tensors[short] = value
    return tensors


def _config(arch: Mapping[str, Any], tensors: Mapping[str, Tensor], task: Task, source: str) -> ModelConfig:
    for name in ("embed_tokens.weight", "lm_head.weight", "q_head.weight"):
        if name not in tensors or tensors[name].ndim != 2:
            raise InvalidCheckpoint(f"{source}: tensor '{name}' is missing; is this a TRM or HRM checkpoint?")
    settings = {name: arch[name] for name in _ARCH_FIELDS if name in arch}
    is_hrm = "H_level.layers.0.mlp.gate_proj.weight" in tensors
    settings["H_layers"] = arch.get("H_layers", 0) if is_hrm else 0  # TRM's yaml has the field, and ignores it
    # what a yaml leaves out has the official default, which is not always ours; HRM's own has none of these three
    settings.setdefault("mlp_t", False)
    settings["no_ACT_continue"] = arch.get("no_ACT_continue", not is_hrm)
    if settings.get("puzzle_emb_ndim", 0):
        settings["puzzle_emb_len"] = arch.get("puzzle_emb_len", 0 if is_hrm else 16)
        if "puzzle_emb.weight" in tensors and tensors["puzzle_emb.weight"].ndim:
            settings["num_puzzle_identifiers"] = tensors["puzzle_emb.weight"].shape[0]
    if "expansion" in settings and isinstance(settings["expansion"], int):
        settings["expansion"] = float(settings["expansion"])
    vocab_size = tensors["embed_tokens.weight"].shape[0]
    if vocab_size != task.vocab_size:
        raise InvalidCheckpoint(
            f"{source}: tensor 'embed_tokens.weight' has {vocab_size} rows, but task '{task.id}' has a vocabulary of "
            f"{task.vocab_size}. Pass the task that the model was trained for."
        )
    config = ModelConfig.from_dict({"vocab_size": vocab_size, "seq_len": task.seq_len, **settings})
    for name in ("L_level.layers.0.token_mlp.down_proj.weight", "embed_pos.weight"):
        if name in tensors and tensors[name].ndim and tensors[name].shape[0] != config.total_len:
            found = tensors[name].shape[0] - config.prefix_len
            raise InvalidCheckpoint(
                f"{source}: tensor '{name}' has shape {tuple(tensors[name].shape)}: puzzles of {found} tokens, "
                f"but task '{task.id}' has {task.seq_len}. Pass the task that the model was trained for."
            )
    return config
