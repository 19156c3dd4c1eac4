"""Tensors in a folder of safetensors files, none larger than a limit; the folder appears whole or not at all.

``index.json`` names the files with their hashes and says where each tensor lies. A tensor larger than a file is cut
into pieces. Useful where files travel one by one: version control, object stores, machines that are lent for minutes.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidInput, TrmEdgeError

LIMIT = 16 << 20
"""Largest file, in bytes."""

_HEADER = 64 << 10  #: room left in each file for its header
_ENTRY = 160  #: bytes that one more piece adds to a header, roughly
MAX_INDEX = 16 << 20  #: largest index that is read


def write_shards(folder: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any], limit: int = LIMIT) -> None:
    """Write ``tensors`` and ``metadata`` (JSON-ready) as a new ``folder``.

    Raises:
        InvalidInput: ``folder`` exists.
        TrmEdgeError: the system could not write it.
    """
    if folder.exists():
        raise InvalidInput(f"{folder} exists; nothing is replaced.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        index: dict[str, Any] = {"metadata": dict(metadata), "files": [], "tensors": {}}
        for number, pieces in enumerate(_packed(tensors, limit, index["tensors"])):
            content = save(pieces)
            name = f"part-{number:03d}.safetensors"
            _write(temporary / name, content)
            index["files"].append({"name": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
        _write(temporary / "index.json", json.dumps(index).encode())
        os.replace(temporary, folder)
    except OSError as error:
        raise TrmEdgeError(f"Cannot write {folder}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _packed(tensors: Mapping[str, Tensor], limit: int, places: dict[str, Any]) -> list[dict[str, Tensor]]:
    """Contents of the files; fills ``places`` with each tensor's shape and pieces."""
    files: list[dict[str, Tensor]] = [{}]
    free = limit - _HEADER
    for name, tensor in tensors.items():
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        places[name] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch."), "pieces": []}
        start = 0
        while start < flat.numel():
            count = min(flat.numel() - start, (free - _ENTRY) // flat.element_size())
            if count <= 0:
                files.append({})
                free = limit - _HEADER
                continue
            key = f"{name}@{start}"
            files[-1][key] = flat[start : start + count].clone()
            places[name]["pieces"].append([len(files) - 1, key])
            free -= count * flat.element_size() + _ENTRY
            start += count
    return files


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_index(folder: Path) -> dict[str, Any]:
    """``index.json`` of a folder.

    Raises:
        InvalidCheckpoint: missing, too large, or not an index.
    """
    path = folder / "index.json"
    try:
        if path.stat().st_size > MAX_INDEX:
            raise InvalidCheckpoint(f"{path} is larger than {MAX_INDEX} bytes; this is no index.")
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(index[key], kind) for key, kind in _SHAPE.items()):
            raise TypeError("another layout")
    except OSError as error:
        raise InvalidCheckpoint(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidCheckpoint(f"{path} cannot be read ({error}).") from None
    return index


_SHAPE = {"metadata": dict, "files": list, "tensors": dict}


def read_shards(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the metadata that :func:`write_shards` wrote.

    Raises:
        InvalidCheckpoint: a file is missing, changed or not what the index says.
    """
    index = read_index(folder)
    try:
        files = [_read_part(folder, entry) for entry in index["files"]]
        tensors = {name: _joined(files, place) for name, place in index["tensors"].items()}
    except OSError as error:
        raise InvalidCheckpoint(f"Cannot read {folder}: {error.strerror or error}.") from None
    except (SafetensorError, ValueError, KeyError, IndexError, TypeError, RuntimeError, AttributeError) as error:
        raise InvalidCheckpoint(f"{folder} is damaged ({error}).") from None
    return tensors, index["metadata"]


def _read_part(folder: Path, entry: Mapping[str, Any]) -> dict[str, Tensor]:
    name = entry["name"]
    if Path(name).name != name:
        raise ValueError(f"'{name}' is no file name")
    path = folder / name
    if path.stat().st_size != entry["bytes"]:
        raise ValueError(f"{name} has {path.stat().st_size} bytes, not {entry['bytes']}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ValueError(f"{name} has changed since it was written")
    tensors: dict[str, Tensor] = load(content)
    return tensors


def _joined(files: list[dict[str, Tensor]], place: Mapping[str, Any]) -> Tensor:
    pieces = [files[number][key] for number, key in place["pieces"]]
    dtype = getattr(torch, place["dtype"])
    flat = torch.cat(pieces) if pieces else torch.empty(0, dtype=dtype)
    if flat.dtype is not dtype or flat.numel() != math.prod(place["shape"]):
        raise ValueError("a tensor is not what the index says")
    return flat.reshape(place["shape"])
