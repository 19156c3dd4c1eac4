"""A training recipe: frozen data, read from TOML (standard library only)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from trm_edge.errors import InvalidConfig, unknown
from trm_edge.model.config import ModelConfig

RECIPES = Path(__file__).with_name("recipes")
SCHEDULES = ("constant", "cosine", "linear")
LOSS_NAMES = ("stablemax", "softmax")
OPTIMIZERS = ("adamw", "muon")
MAX_BYTES = 1 << 20  #: a recipe is a page

# setting -> smallest and largest value; the upper bounds only stop absurd allocations
_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, 1 << 40),
    "batch_size": (1, 1 << 24),
    "lr": (0.0, 10.0),
    "lr_other": (0.0, 10.0),
    "lr_puzzle": (0.0, 10.0),
    "momentum": (0.0, 0.999999),
    "betas": (0.0, 0.999999),
    "weight_decay": (0.0, 1000.0),
    "weight_decay_puzzle": (0.0, 1000.0),
    "label_smoothing": (0.0, 0.999),
    "accumulate": (1, 1 << 16),
    "clip": (0.0, 1e6),
    "warmup": (0, 1 << 40),
    "decay_from": (0.0, 1.0),
    "lr_min_ratio": (0.0, 1.0),
    "ema": (0.0, 1.0),
    "halting_weight": (0.0, 100.0),
    "halt_exploration_prob": (0.0, 1.0),
    "reveal": (0.0, 1.0),
    "generate": (1, 1 << 32),
    "seed": (0, (1 << 31) - 1),
}
_TYPE_NAMES = {
    "str": "a text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "tuple[float, float]": "a list of two numbers",
    "Mapping[str, Any]": "a table",
}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the puzzles.

    Attributes:
        task: task id.
        model: the model's settings without ``vocab_size`` and ``seq_len``, which come from the task.
        steps: optimizer steps (= supervision steps of the batch).
        batch_size: rows, over all processes.
        accumulate: parts that a process computes its rows in, one after another, to save memory; the update is
            the same.
        lr: learning rate of matrices in the network.
        lr_other: learning rate of embeddings and heads.
        lr_puzzle: learning rate of the puzzle embedding's own sign descent (official
            ``CastedSparseEmbeddingSignSGD``); 0 trains it like the other embeddings.
        optimizer: of the network's matrices, ``adamw`` or ``muon``; everything else has AdamW.
        momentum: Muon.
        betas: AdamW.
        weight_decay: decoupled, on all parameters (as official).
        weight_decay_puzzle: of the puzzle embedding's sign descent, on the rows in use.
        clip: largest gradient norm; 0 = no clipping.
        warmup: steps of linear warm-up.
        schedule: ``constant``, ``cosine`` (to ``lr_min_ratio``) or ``linear`` (the same, straight).
        decay_from: share of ``steps`` after which the decay begins.
        lr_min_ratio: last learning rate / first.
        ema: decay of the averaged weights, see :meth:`ema_decay`; 0 = none.
        loss: ``stablemax`` or ``softmax``.
        label_smoothing: share of the probability that the loss wants spread over all tokens.
        halting_weight: of the halting loss beside the token loss (official: a half).
        halt_exploration_prob: share of rows kept on to a random step (official ``trm.py``).
        augment: random symmetries of every new puzzle.
        reveal: smallest and largest share of the answer that is given away, drawn per puzzle
            (:func:`trm_edge.train.augment.reveal`).
        generate: puzzles to generate when no data file is given.
        generate_options: passed to the task's generator.
        bf16: bfloat16 products under autocast.
        compile: ``torch.compile`` the step.
        seed: of everything random.
    """

    task: str
    model: Mapping[str, Any]
    steps: int
    batch_size: int = 64
    accumulate: int = 1
    lr: float = 1e-4
    lr_other: float = 1e-4
    lr_puzzle: float = 0.0
    optimizer: str = "adamw"
    momentum: float = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    weight_decay_puzzle: float = 0.1
    clip: float = 0.0
    warmup: int = 0
    schedule: str = "constant"
    decay_from: float = 0.0
    lr_min_ratio: float = 0.0
    ema: float = 0.999
    loss: str = "stablemax"
    label_smoothing: float = 0.0
    halting_weight: float = 0.5
    halt_exploration_prob: float = 0.1
    augment: bool = True
    reveal: tuple[float, float] = (0.0, 0.0)
    generate: int = 10000
    generate_options: Mapping[str, Any] | None = None
    bf16: bool = True
    compile: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_type(field.name, str(field.type))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not all(low <= number <= high for number in (value if isinstance(value, tuple) else (value,))):
                raise InvalidConfig(f"{name} = {_shown(value)} is out of range. Allowed: {low} to {high}.")
        if self.reveal[0] > self.reveal[1]:
            raise InvalidConfig(f"reveal = {_shown(self.reveal)} is out of order. Write the smaller share first.")
        if self.schedule not in SCHEDULES:
            raise InvalidConfig(unknown("schedule", self.schedule, SCHEDULES))
        if self.optimizer not in OPTIMIZERS:
            raise InvalidConfig(unknown("optimizer", self.optimizer, OPTIMIZERS))
        if self.accumulate > self.batch_size:
            raise InvalidConfig(
                f"accumulate = {self.accumulate} is more than the {self.batch_size} rows of a batch. "
                f"Allowed: 1 to {self.batch_size}."
            )
        if self.loss not in LOSS_NAMES:
            raise InvalidConfig(unknown("loss", self.loss, LOSS_NAMES))
        for name in ("vocab_size", "seq_len"):
            if name in self.model:
                raise InvalidConfig(f"model.{name} is not for a recipe to say: it comes from the task.")

    def _check_type(self, name: str, annotation: str) -> None:
        """Refuse a value of another type (TOML brings strings where numbers are meant)."""
        value = getattr(self, name)
        kind = annotation.removesuffix(" | None")
        good = {
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
            "int": _is_number(value) and isinstance(value, int),
            "float": _is_number(value),
            "tuple[float, float]": isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value)),
            "Mapping[str, Any]": isinstance(value, Mapping),
        }[kind]
        if not good and not (value is None and kind != annotation):
            raise InvalidConfig(f"{name} = {_shown(value)} is not {_TYPE_NAMES[kind]}.")

    def model_config(self, *, vocab_size: int, seq_len: int) -> ModelConfig:
        """The model's configuration for a task of this vocabulary and length."""
        return ModelConfig.from_dict({"vocab_size": vocab_size, "seq_len": seq_len, **self.model})

    def lr_scale(self, step: int) -> float:
        """Learning rate of ``step`` (from 0), relative to ``lr`` and ``lr_other``."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        start = self.decay_from * self.steps
        if self.schedule == "constant" or step <= start:
            return warm
        done = min(1.0, (step - start) / max(1.0, self.steps - start))
        left = 1 - done if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return warm * (self.lr_min_ratio + (1 - self.lr_min_ratio) * left)

    def ema_decay(self, step: int) -> float:
        """Decay of the averaged weights after ``step`` steps: shorter at first, so that the average soon forgets where
        the weights began. (The official ``EMAHelper`` keeps 32 % of that after 570 steps of decay 0.998.)
        """
        return min(self.ema, (1 + step) / (10 + step))

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)

    def changed(self, **changes: Any) -> Recipe:
        """A copy with some fields replaced; None leaves a field as it is."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


def load_recipe(name: str) -> Recipe:
    """Read a bundled recipe by name, or a TOML file by path.

    Raises:
        InvalidConfig: no such recipe, not TOML, or a bad setting (which is named).
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise InvalidConfig(f"No recipe at {path}. Bundled recipes: {', '.join(recipe_names())}.")
        raise InvalidConfig(unknown("recipe", name, [*recipe_names(), "FILE.toml"]))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidConfig(f"{path} is larger than {MAX_BYTES} bytes; this is not a recipe.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig(f"Cannot read {path}: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidConfig(f"{path} is not a TOML file: {error}.") from None
    return recipe_from_dict(values, source=str(path))


def recipe_from_dict(values: Mapping[str, Any], *, source: str) -> Recipe:
    """Build a recipe from plain data.

    Raises:
        InvalidConfig: an unknown, missing or bad setting (which is named).
    """
    names = [field.name for field in fields(Recipe)]
    for name in values:
        if name not in names:
            raise InvalidConfig(f"{source}: {unknown('setting', name, names)}")
    for name in ("task", "model", "steps"):
        if name not in values:
            raise InvalidConfig(f"{source}: the setting '{name}' is missing.")
    pairs = {name: tuple(values[name]) for name in ("betas", "reveal") if isinstance(values.get(name), list)}
    try:
        return Recipe(**{**values, **pairs})
    except InvalidConfig as error:
        raise InvalidConfig(f"{source}: {error}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)


def recipe_names() -> list[str]:
    """Names of the bundled recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))
