"""The one configuration of a recursive model, frozen and validated (standard library only).

Field names are those of the official configuration (``config/arch/trm.yaml`` and the pydantic classes
in ``models/recursive_reasoning/{trm,hrm}.py``), so that an official ``all_config.yaml`` reads one to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from trm_edge.errors import InvalidConfig, unknown

POS_ENCODINGS = ("rope", "rope_2d", "learned", "none")

# field -> smallest and largest value accepted; the upper bounds only stop absurd allocations
_RANGES: dict[str, tuple[float, float]] = {
    "vocab_size": (2, 1 << 20),
    "seq_len": (1, 1 << 20),
    "hidden_size": (1, 1 << 16),
    "L_layers": (1, 256),
    "H_layers": (0, 256),
    "H_cycles": (1, 256),
    "L_cycles": (1, 256),
    "num_heads": (1, 1 << 10),
    "expansion": (0.01, 64.0),
    "num_puzzle_identifiers": (1, 1 << 31),
    "puzzle_emb_ndim": (0, 1 << 24),
    "puzzle_emb_len": (0, 1 << 16),
    "halt_max_steps": (1, 1 << 16),
    "rms_norm_eps": (0.0, 1.0),
    "rope_theta": (1.0, 1e12),
    "grid_columns": (0, 1 << 20),
}


@dataclass(frozen=True)
class ModelConfig:
    """Shape and recursion of a TRM, or of an HRM (``H_layers > 0``: a second network updates ``z_H``).

    Attributes:
        vocab_size: number of token values, inputs and answers alike.
        seq_len: tokens of one puzzle, without the puzzle-embedding prefix.
        hidden_size: width of ``z_H`` and ``z_L``.
        L_layers: layers of the network.
        H_layers: layers of the second network (HRM); 0 = one network does both jobs (TRM).
        H_cycles: answer updates per supervision step ("T" in the paper, section 4).
        L_cycles: latent updates per answer update ("n" in the paper).
        mlp_t: mix tokens with a SwiGLU over the sequence instead of attention (paper, section 4.5).
        num_heads: attention heads; unused with ``mlp_t``.
        pos_encodings: ``rope`` or ``rope_2d`` (attention only), ``learned`` or ``none``. ``rope_2d`` is not in the
            official code: half of each head turns with the row, half with the column (axial rotary positions, as in
            vision transformers: arXiv 2403.13298), so that a cell's neighbours above and below are as near as those
            beside it.
        expansion: SwiGLU inner width = ``expansion * 2 / 3 * width``, rounded up to a multiple of 256.
        num_puzzle_identifiers: rows of the puzzle-embedding table.
        puzzle_emb_ndim: numbers in one row of the table; 0 = the model has no puzzle embedding.
        puzzle_emb_len: prefix tokens that a row fills (zero-padded); 0 = as many as it needs.
        halt_max_steps: supervision steps in training, and the default budget at inference.
        no_ACT_continue: halt when ``q[0] > 0``; False (HRM's Q-learning) halts when ``q[0] > q[1]``.
        rms_norm_eps: added to the mean of squares.
        rope_theta: base of the rotary frequencies.
        grid_columns: columns of the puzzle's grid, for ``rope_2d``; 0 otherwise.

    Raises:
        InvalidConfig: names the field, what was given and what is allowed.
    """

    vocab_size: int
    seq_len: int
    hidden_size: int = 512
    L_layers: int = 2
    H_layers: int = 0
    H_cycles: int = 3
    L_cycles: int = 6
    mlp_t: bool = True
    num_heads: int = 8
    pos_encodings: str = "none"
    expansion: float = 4.0
    num_puzzle_identifiers: int = 1
    puzzle_emb_ndim: int = 0
    puzzle_emb_len: int = 0
    halt_max_steps: int = 16
    no_ACT_continue: bool = True
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    grid_columns: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), str(field.type))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidConfig(f"{name} = {value} is out of range. Allowed: {low} to {high}.")
        if self.pos_encodings not in POS_ENCODINGS:
            raise InvalidConfig(unknown("pos_encodings", self.pos_encodings, POS_ENCODINGS))
        if self.mlp_t and self.rotary:
            raise InvalidConfig(
                f"pos_encodings = '{self.pos_encodings}' needs attention, but mlp_t = true mixes tokens without it. "
                "Use pos_encodings 'none' or 'learned', or mlp_t = false."
            )
        if not self.mlp_t and self.hidden_size % self.num_heads:
            raise InvalidConfig(
                f"num_heads = {self.num_heads} does not divide hidden_size = {self.hidden_size}. "
                "Choose a divisor of hidden_size."
            )
        if self.rotary and self.head_dim % (2 * self.axes):
            raise InvalidConfig(
                f"{self.pos_encodings} needs a head size that {2 * self.axes} divides, "
                f"but hidden_size / num_heads = {self.head_dim}."
            )
        if self.axes == 2 and (not self.grid_columns or self.seq_len % self.grid_columns):
            raise InvalidConfig(
                f"grid_columns = {self.grid_columns}: rope_2d needs the columns of the puzzle's grid, "
                f"a divisor of its {self.seq_len} cells."
            )
        if self.puzzle_emb_ndim == 0 and self.puzzle_emb_len:
            raise InvalidConfig(
                f"puzzle_emb_len = {self.puzzle_emb_len} without a puzzle embedding. "
                "Set puzzle_emb_ndim > 0, or puzzle_emb_len = 0."
            )
        if self.puzzle_emb_ndim > self.prefix_len * self.hidden_size:
            raise InvalidConfig(
                f"puzzle_emb_ndim = {self.puzzle_emb_ndim} does not fit into puzzle_emb_len x hidden_size = "
                f"{self.prefix_len} x {self.hidden_size}. Raise puzzle_emb_len, or set it to 0 (automatic)."
            )

    @property
    def kind(self) -> str:
        """``"trm"`` (one network) or ``"hrm"`` (two)."""
        return "hrm" if self.H_layers else "trm"

    @property
    def rotary(self) -> bool:
        """Whether attention turns queries and keys by their position."""
        return self.pos_encodings in ("rope", "rope_2d")

    @property
    def axes(self) -> int:
        """Coordinates of a position: 2 (row and column) with ``rope_2d``, otherwise 1."""
        return 2 if self.pos_encodings == "rope_2d" else 1

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def prefix_len(self) -> int:
        """Tokens that the puzzle embedding puts before the puzzle; 0 without one."""
        if self.puzzle_emb_ndim == 0:
            return 0
        return self.puzzle_emb_len or -(-self.puzzle_emb_ndim // self.hidden_size)

    @property
    def total_len(self) -> int:
        """Length of ``z_H`` and ``z_L``: prefix + puzzle."""
        return self.prefix_len + self.seq_len

    def inner_size(self, width: int) -> int:
        """Inner width of a SwiGLU over ``width`` (official ``layers.py``: multiple of 256)."""
        return -(-round(self.expansion * width * 2 / 3) // 256) * 256

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The inverse of :meth:`to_dict`; an unknown or missing field is named."""
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise InvalidConfig(unknown("model setting", name, names))
        for name in ("vocab_size", "seq_len"):
            if name not in values:
                raise InvalidConfig(f"The model configuration lacks '{name}'.")
        return cls(**values)


def _check_type(name: str, value: object, annotation: str) -> None:
    """Refuse a value of another type (YAML and JSON bring strings where numbers are meant)."""
    good = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
    }[annotation]
    if not good:
        raise InvalidConfig(f"{name} = {value!r} is not of type {annotation}.")
