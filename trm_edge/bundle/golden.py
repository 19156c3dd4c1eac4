"""Golden vectors: what the float model answered, so that every runtime can prove itself on the device.

Knows arrays and JSON; does not know how to run anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trm_edge.bundle.fields import Fields, parse_json
from trm_edge.bundle.manifest import GOLDEN, Manifest
from trm_edge.errors import InvalidBundle

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """``n`` puzzles and what the float model made of them.

    Attributes:
        tokens: puzzles, int32 [n, seq_len].
        puzzle_ids: original puzzle ids (not rows), int32 [n].
        answers: answers at the halting step of the bundle's default policy, int32 [n, seq_len].
        last_answers: answers at the last step, int32 [n, seq_len].
        halting_steps: the halting step, counted from 1, int32 [n].
        q_halt: halting logits, float32 [steps, n].

    Raises:
        InvalidBundle: shapes that do not fit each other, values out of range.
    """

    tokens: NDArray[np.int32]
    puzzle_ids: NDArray[np.int32]
    answers: NDArray[np.int32]
    last_answers: NDArray[np.int32]
    halting_steps: NDArray[np.int32]
    q_halt: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            dtype = np.float32 if name == "q_halt" else np.int32
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=dtype))
        if self.tokens.ndim != 2 or not self.tokens.size:
            raise _invalid("tokens", "[n, seq_len]", self.tokens)
        if self.q_halt.ndim != 2 or not self.q_halt.size:
            raise _invalid("q_halt", "[steps, n]", self.q_halt)
        n, seq_len = self.tokens.shape
        steps = self.q_halt.shape[0]
        shapes: dict[str, tuple[int, ...]] = {
            "puzzle_ids": (n,),
            "answers": (n, seq_len),
            "last_answers": (n, seq_len),
            "halting_steps": (n,),
            "q_halt": (steps, n),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise _invalid(name, str(list(shape)), getattr(self, name))
        if self.halting_steps.min() < 1 or self.halting_steps.max() > steps:
            raise InvalidBundle(f"{GOLDEN}: 'halting_steps' must lie in 1..{steps}")
        if not np.isfinite(self.q_halt).all():
            raise InvalidBundle(f"{GOLDEN}: 'q_halt' holds NaN or infinity")

    def __len__(self) -> int:
        return len(self.tokens)

    def to_json(self) -> str:
        """The vectors as compact JSON, one line a field; float32 values round-trip exactly."""
        lines = (f"{json.dumps(f.name)}: {json.dumps(getattr(self, f.name).tolist())}" for f in fields(self))
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> GoldenVectors:
        """Read and validate.

        Raises:
            InvalidBundle: names the field that is missing, ragged, mistyped or out of range.
        """
        data = Fields(parse_json(text, GOLDEN), GOLDEN)
        return cls(**{f.name: _array(data, f.name, whole=f.name != "q_halt") for f in fields(cls)})

    def check(self, manifest: Manifest) -> None:
        """Check that the vectors belong to a model of this manifest.

        Raises:
            InvalidBundle: other sequence length, tokens outside the vocabulary, puzzle ids not kept.
        """
        if self.tokens.shape[1] != manifest.seq_len:
            raise InvalidBundle(
                f"{GOLDEN}: {self.tokens.shape[1]} tokens a puzzle, the manifest says {manifest.seq_len}"
            )
        for name in ("tokens", "answers", "last_answers"):
            values = getattr(self, name)
            if values.min() < 0 or values.max() >= manifest.vocab_size:
                raise InvalidBundle(f"{GOLDEN}: '{name}' must lie in 0..{manifest.vocab_size - 1}")
        strangers = set(self.puzzle_ids.tolist()) - set(manifest.puzzles)
        if manifest.puzzles and strangers:
            raise InvalidBundle(f"{GOLDEN}: puzzle id {min(strangers)} is not among the kept puzzles of the manifest")


def _array(data: Fields, name: str, *, whole: bool) -> NDArray[Any]:
    values = data.array(name)
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        data.refuse(name, "a rectangular array")
    kind = "truth" if _holds_truth(values) else array.dtype.kind
    if whole:
        if kind != "i" or not ((array >= 0) & (array <= np.iinfo(np.int32).max)).all():
            data.refuse(name, "an array of whole numbers >= 0")
    elif kind not in ("i", "f") or not (np.abs(array) <= _FLOAT32_MAX).all():
        data.refuse(name, "an array of float32 numbers")
    return array


def _holds_truth(value: Any) -> bool:
    """Whether true or false is among numbers, which numpy would take for 1 and 0."""
    return any(map(_holds_truth, value)) if isinstance(value, list) else isinstance(value, bool)


def _invalid(name: str, shape: str, array: NDArray[Any]) -> InvalidBundle:
    return InvalidBundle(f"{GOLDEN}: '{name}' must have shape {shape}, not {list(array.shape)}")
