from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from trm_edge.errors import InvalidConfig
from trm_edge.model.config import ModelConfig

# field -> largest and smallest value that is too small, too large
RANGES: dict[str, tuple[float, float]] = {
    "vocab_size": (1, 2**20 + 1),
    "seq_len": (0, 2**20 + 1),
    "hidden_size": (0, 2**16 + 1),
    "L_layers": (0, 257),
    "H_layers": (-1, 257),
    "H_cycles": (0, 257),
    "L_cycles": (0, 257),
    "num_heads": (0, 1025),
    "expansion": (0.0, 64.5),
    "num_puzzle_identifiers": (0, 2**31 + 1),
    "puzzle_emb_ndim": (-1, 2**24 + 1),
    "puzzle_emb_len": (-1, 2**16 + 1),
    "halt_max_steps": (0, 2**16 + 1),
    "rms_norm_eps": (-1e-9, 1.5),
    "rope_theta": (0.5, 2e12),
    "grid_columns": (-1, 2**20 + 1),
}
WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "int": ("8", 8.0, True, None),
    "float": ("1e-5", True, None),
    "bool": (1, "true", None),
    "str": (3, None),
}


def config(**changes: Any) -> ModelConfig:
    return ModelConfig(**{"vocab_size": 6, "seq_len": 16, "hidden_size": 32, **changes})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, both in RANGES.items() for value in both])
def test_out_of_range(name: str, value: float) -> None:
    with pytest.raises(InvalidConfig) as caught:
        config(**{name: value})
    assert str(caught.value).startswith(f"{name} = {value} is out of range. Allowed: ")


def test_every_number_has_a_range() -> None:
    assert {field.name for field in fields(ModelConfig) if field.type in ("int", "float")} == RANGES.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [(field.name, value) for field in fields(ModelConfig) for value in WRONG_TYPES[str(field.type)]],
)
def test_wrong_type(name: str, value: object) -> None:
    kind = next(field.type for field in fields(ModelConfig) if field.name == name)
    with pytest.raises(InvalidConfig) as caught:
        config(**{name: value})
    assert str(caught.value) == f"{name} = {value!r} is not of type {kind}."


@pytest.mark.parametrize("name", ["rms_norm_eps", "expansion", "rope_theta"])
def test_not_a_number(name: str) -> None:
    with pytest.raises(InvalidConfig, match=f"{name} = nan is out of range"):
        config(**{name: float("nan")})


def test_a_whole_number_is_a_float_too() -> None:
    assert config(expansion=4).expansion == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"pos_encodings": "ropes"},
            "Unknown pos_encodings 'ropes'. Allowed: rope, rope_2d, learned, none. Did you mean 'rope'?",
        ),
        (
            {"pos_encodings": "rope"},
            "pos_encodings = 'rope' needs attention, but mlp_t = true mixes tokens without it.",
        ),
        ({"mlp_t": False, "num_heads": 5}, "num_heads = 5 does not divide hidden_size = 32."),
        (
            {"mlp_t": False, "num_heads": 32, "pos_encodings": "rope"},
            "rope needs a head size that 2 divides, but hidden_size / num_heads = 1.",
        ),
        (
            {"mlp_t": False, "num_heads": 16, "pos_encodings": "rope_2d", "grid_columns": 4},
            "rope_2d needs a head size that 4 divides, but hidden_size / num_heads = 2.",
        ),
        (
            {"mlp_t": False, "pos_encodings": "rope_2d"},
            "grid_columns = 0: rope_2d needs the columns of the puzzle's grid, a divisor of its 16 cells.",
        ),
        (
            {"mlp_t": False, "pos_encodings": "rope_2d", "grid_columns": 5},
            "grid_columns = 5: rope_2d needs the columns of the puzzle's grid, a divisor of its 16 cells.",
        ),
        (
            {"pos_encodings": "rope_2d", "grid_columns": 4},
            "pos_encodings = 'rope_2d' needs attention, but mlp_t = true mixes tokens without it.",
        ),
        ({"puzzle_emb_len": 2}, "puzzle_emb_len = 2 without a puzzle embedding."),
        (
            {"puzzle_emb_ndim": 65, "puzzle_emb_len": 2},
            "puzzle_emb_ndim = 65 does not fit into puzzle_emb_len x hidden_size = 2 x 32.",
        ),
    ],
)
def test_contradictions(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        config(**changes)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("changes", [{"num_heads": 5}, {"num_heads": 32, "pos_encodings": "learned"}])
def test_heads_do_not_matter_without_attention(changes: dict[str, Any]) -> None:
    config(mlp_t=True, **changes)


@pytest.mark.parametrize(
    ("ndim", "length", "prefix"),
    [(0, 0, 0), (1, 0, 1), (32, 0, 1), (33, 0, 2), (32, 16, 16), (64, 2, 2)],
)
def test_prefix(ndim: int, length: int, prefix: int) -> None:
    made = config(puzzle_emb_ndim=ndim, puzzle_emb_len=length)
    assert (made.prefix_len, made.total_len) == (prefix, prefix + 16)


@pytest.mark.parametrize(
    ("expansion", "width", "inner"),
    [(4.0, 512, 1536), (4.0, 97, 512), (4.0, 81, 256), (4.0, 96, 256), (1.0, 8, 256)],
)
def test_inner_size_is_that_of_the_official_code(expansion: float, width: int, inner: int) -> None:
    assert config(expansion=expansion).inner_size(width) == inner


def test_kind_and_head() -> None:
    assert config().kind == "trm"
    assert config(H_layers=1).kind == "hrm"
    assert config(num_heads=4).head_dim == 8


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        config().hidden_size = 64  # type: ignore[misc]


def test_round_trip_through_json() -> None:
    made = config(mlp_t=False, pos_encodings="rope", H_layers=2, puzzle_emb_ndim=40, no_ACT_continue=False)
    assert ModelConfig.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_from_dict_names_what_is_unknown_or_missing() -> None:
    with pytest.raises(InvalidConfig, match=r"Unknown model setting 'hiden_size'.* Did you mean 'hidden_size'\?"):
        ModelConfig.from_dict({"vocab_size": 6, "seq_len": 16, "hiden_size": 8})
    with pytest.raises(InvalidConfig, match="lacks 'seq_len'"):
        ModelConfig.from_dict({"vocab_size": 6})
