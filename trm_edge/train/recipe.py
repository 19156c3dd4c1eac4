"""A training recipe: frozen data, read from TOML (standard library only)."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the puzzles.

    Attributes:
        task: task id.
        model: the model's settings without ``vocab_size`` and ``seq_len``, which come from the task.
        steps: optimizer steps (= supervision steps of the batch).
        batch_size: rows.
        lr: learning rate of matrices in the network.
        lr_other: learning rate of embeddings and heads.
        betas: AdamW.
        weight_decay: AdamW, on everything with two dimensions.
        clip: largest gradient norm; 0 = no clipping.
        warmup: steps of linear warm-up.
        schedule: ``constant``, ``cosine`` (to ``lr_min_ratio``) or ``linear`` (the same, straight).
        decay_from: share of ``steps`` after which the decay begins.
        lr_min_ratio: last learning rate / first.
        ema: decay of the averaged weights; 0 = none.
        loss: ``stablemax`` or ``softmax``.
        halt_exploration_prob: share of rows kept on to a random step (official ``trm.py``).
        augment: random symmetries of every new puzzle.
        reveal: smallest and largest share of the blanks that are given away, drawn per puzzle.
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
    lr: float = 1e-4
    lr_other: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 0.0
    warmup: int = 0
    schedule: str = "constant"
    decay_from: float = 0.0
    lr_min_ratio: float = 0.0
    ema: float = 0.999
    loss: str = "stablemax"
    halt_exploration_prob: float = 0.1
    augment: bool = True
    reveal: tuple[float, float] = (0.0, 0.0)
    generate: int = 10000
    generate_options: Mapping[str, Any] | None = None
    bf16: bool = True
    compile: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            self._in_range(name, 1, 1 << 40)
        self._in_range("generate", 1, 1 << 40)
        for name in ("lr", "lr_other"):
            self._in_range(name, 0.0, 10.0)
        for name in ("decay_from", "lr_min_ratio", "ema", "halt_exploration_prob"):
            self._in_range(name, 0.0, 1.0)
        for name in ("weight_decay", "clip", "warmup", "seed"):
            self._in_range(name, 0, 1 << 40)
        low, high = self.reveal
        if not 0 <= low <= high <= 1:
            raise InvalidConfig(f"reveal = [{low}, {high}] is out of range. Allowed: 0 <= low <= high <= 1.")
        if self.schedule not in SCHEDULES:
            raise InvalidConfig(unknown("schedule", self.schedule, SCHEDULES))
        if self.loss not in LOSS_NAMES:
            raise InvalidConfig(unknown("loss", self.loss, LOSS_NAMES))

    def _in_range(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InvalidConfig(f"{name} = {value!r} is out of range. Allowed: {low} to {high}.")

    def model_config(self, *, vocab_size: int, seq_len: int) -> ModelConfig:
        """The model's configuration for a task of this vocabulary and length."""
        return ModelConfig.from_dict({"vocab_size": vocab_size, "seq_len": seq_len, **self.model})

    def lr_scale(self, step: int) -> float:
        """Learning rate of ``step`` (from 0), relative to ``lr`` and ``lr_other``."""
        import math

        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        start = self.decay_from * self.steps
        if self.schedule == "constant" or step <= start:
            return warm
        done = min(1.0, (step - start) / max(1.0, self.steps - start))
        left = 1 - done if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return warm * (self.lr_min_ratio + (1 - self.lr_min_ratio) * left)

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
        raise InvalidConfig(unknown("recipe", name, [*recipe_names(), "FILE.toml"]))
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not a TOML file: {error}.") from None
    return recipe_from_dict(values, source=str(path))


def recipe_from_dict(values: Mapping[str, Any], *, source: str) -> Recipe:
    """Build a recipe from plain data, naming an unknown or missing field."""
    names = [field.name for field in fields(Recipe)]
    for name in values:
        if name not in names:
            raise InvalidConfig(f"{source}: {unknown('setting', name, names)}")
    for name in ("task", "model", "steps"):
        if name not in values:
            raise InvalidConfig(f"{source}: the setting '{name}' is missing.")
    pairs = {name: tuple(values[name]) for name in ("betas", "reveal") if name in values}
    for name, pair in pairs.items():
        if len(pair) != 2:
            raise InvalidConfig(f"{source}: {name} = {list(pair)} must hold two numbers.")
    return Recipe(**{**values, **pairs})


def recipe_names() -> list[str]:
    """Names of the bundled recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))
