"""The reference models that come with the package: their names, files and headers.

A model is a folder of :data:`MODELS_DIR` with ``model.safetensors`` (a trm-edge checkpoint), ``model-card.md`` and,
optionally, ``results.json`` (an object of measured numbers by name). Standard library only: no weights are loaded, a
header says enough.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trm_edge.errors import InvalidCheckpoint, InvalidInput, unknown

MODELS_DIR = Path(__file__).with_name("models")
DEFAULT = "sudoku-9x9"
WEIGHTS = "model.safetensors"
RESULTS = "results.json"

MAX_HEADER_BYTES = 16 * 1024**2
MAX_RESULTS_BYTES = 1024**2

_BUFFERS = ("H_init", "L_init")  # initial states: in the file, but not trained


@dataclass(frozen=True)
class ModelInfo:
    """What a checkpoint's header says.

    Attributes:
        name: folder of the model.
        path: its safetensors file.
        task: id of the task it was trained for.
        config: the model's configuration.
        parameters: trained numbers.
        size: bytes of the file.
        results: measured numbers, as in ``results.json``.
    """

    name: str
    path: Path
    task: str
    config: dict[str, Any]
    parameters: int
    size: int
    results: dict[str, Any] = field(default_factory=dict)


def model_names() -> list[str]:
    """Names of the bundled models, the default first."""
    names = sorted(path.parent.name for path in MODELS_DIR.glob(f"*/{WEIGHTS}"))
    return sorted(names, key=lambda name: name != DEFAULT)


def resolve(name_or_path: str | None) -> Path:
    """The safetensors file of a bundled model, or of a path that exists (a file, or a folder that holds one).

    Args:
        name_or_path: None means :data:`DEFAULT`. A bundled name wins over a file of that name.

    Raises:
        InvalidInput: neither a bundled model nor a file.
    """
    name = DEFAULT if name_or_path is None else name_or_path
    names = model_names()
    if name in names:
        return MODELS_DIR / name / WEIGHTS
    path = Path(name)
    if path.is_file():
        return path
    if (path / WEIGHTS).is_file():
        return path / WEIGHTS
    raise InvalidInput(unknown("model", name, [*names, f"FILE{path.suffix or '.safetensors'}"]))


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file: tensors by name, and ``__metadata__``. No weights are read.

    Raises:
        InvalidCheckpoint: not a safetensors file, or a header above :data:`MAX_HEADER_BYTES`.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MAX_HEADER_BYTES:
                raise InvalidCheckpoint(f"{path} is not a safetensors file (a header of {length} bytes).")
            header = json.loads(file.read(length))
    except OSError as error:
        raise InvalidCheckpoint(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise InvalidCheckpoint(f"{path} is not a safetensors file (its header is not JSON).") from None
    if not isinstance(header, dict):
        raise InvalidCheckpoint(f"{path} is not a safetensors file (its header is not an object).")
    return header


def model_info(path: Path) -> ModelInfo:
    """Describe a trm-edge checkpoint by its header, and by ``results.json`` beside it.

    Raises:
        InvalidCheckpoint: not a checkpoint of ours, or unreadable results.
    """
    header = read_header(path)
    try:
        metadata = header.pop("__metadata__")
        task, config = str(metadata["task"]), json.loads(metadata["config"])
        counts = {name: math.prod(tensor["shape"]) for name, tensor in header.items()}
    except (KeyError, TypeError, ValueError):
        raise InvalidCheckpoint(
            f"{path} is a safetensors file, but not a trm-edge checkpoint: its header lacks 'task' or 'config'."
        ) from None
    return ModelInfo(
        name=path.absolute().parent.name,
        path=path,
        task=task,
        config=config,
        parameters=sum(count for name, count in counts.items() if name not in _BUFFERS),
        size=path.stat().st_size,
        results=_read_results(path.with_name(RESULTS)),
    )


def to_dict(info: ModelInfo) -> dict[str, Any]:
    """All fields, JSON-ready."""
    return {**asdict(info), "path": str(info.path)}


def _read_results(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_RESULTS_BYTES:
        raise InvalidCheckpoint(f"{path} is larger than {MAX_RESULTS_BYTES} bytes.")
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidCheckpoint(f"{path} is not readable as JSON: {error}.") from None
    if not isinstance(results, dict):
        raise InvalidCheckpoint(f"{path} must hold one JSON object.")
    return results
