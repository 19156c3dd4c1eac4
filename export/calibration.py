"""Ranges of activations along whole trajectories of the float model.

A recursive network feeds itself: its activations after ten supervision steps need not look like those of the first.
So calibration watches every network pass of every step, of real puzzles that halt as they will on the device, and
keeps how each range drifts with depth.

Knows the float model and its taps; how ranges become scales is :mod:`trm_edge.export.ranges`'s to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trm_edge.errors import InvalidCheckpoint, InvalidConfig
from trm_edge.export.quantization import Scale, model_sites, token_mixings
from trm_edge.export.ranges import DEFAULT_METHOD, METHODS, Histogram, Range
from trm_edge.export.smoothing import Peaks, equalized
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks.base import Tokens

BATCH = 16  #: puzzles that run together; only memory depends on it
MAX_SAMPLES = 4096


@dataclass(frozen=True)
class CalibrationOptions:
    """How to calibrate.

    Attributes:
        method: a name out of :data:`~trm_edge.export.ranges.METHODS`; None: what suits the format.
        samples: puzzles.
    """

    method: str | None = None
    samples: int = 64

    def __post_init__(self) -> None:
        if self.method is not None and self.method not in METHODS:
            raise InvalidConfig(f"calibration = '{self.method}' is unknown. Allowed: {', '.join(METHODS)}.")
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise InvalidConfig(f"calibration-samples = {self.samples} is out of range. Allowed: 1 to {MAX_SAMPLES}.")


@dataclass(frozen=True)
class SiteRange:
    """What calibration saw of one site.

    Attributes:
        chosen: the range that its scale covers.
        seen: the smallest and largest value.
        by_step: the same of every supervision step that any puzzle reached, from the first.
    """

    chosen: Range
    seen: Range
    by_step: tuple[Range, ...]

    @property
    def drift(self) -> float:
        """Widest range of any step over the range of the first; 1 where depth changes nothing."""
        widths = [high - low for low, high in self.by_step]
        return max(widths) / widths[0] if widths[0] > 0 else 1.0


@dataclass(frozen=True)
class Calibration:
    """Ranges of all sites.

    Attributes:
        method: how they were chosen.
        puzzles: how many were run.
        steps: supervision steps of all puzzles together.
        sites: by name.
    """

    method: str
    puzzles: int
    steps: int
    sites: dict[str, SiteRange]

    def scales(self, dtype: str) -> dict[str, Scale]:
        """The scale of every site for activations of ``dtype``."""
        return {name: Scale.of_range(*site.chosen, dtype) for name, site in self.sites.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for a manifest; ranges are rounded to six digits."""
        return {
            "method": self.method,
            "puzzles": self.puzzles,
            "supervision_steps": self.steps,
            "ranges": {
                name: {
                    "chosen": _rounded(site.chosen),
                    "seen": _rounded(site.seen),
                    "drift": round(site.drift, 4),
                    "by_step": [_rounded(range_) for range_ in site.by_step],
                }
                for name, site in self.sites.items()
            },
        }


@dataclass(frozen=True, eq=False)
class Smoothed:
    """A model that is easier to quantize.

    Attributes:
        model: answers as the float model does.
        channels: divisors of the channels of the sites that want them, float32 [hidden].
    """

    model: RecursiveModel
    channels: dict[str, NDArray[np.float32]]


def smooth(
    model: RecursiveModel, tokens: Tokens, puzzle_ids: Sequence[int], *, steps: int, threshold: float
) -> Smoothed:
    """Watch the first :data:`BATCH` puzzles and rewrite the model after them. Arguments as in :func:`calibrate`."""
    peaks: dict[str, Peaks] = {}

    def see(site: str, step: int, x: Tensor) -> None:
        if site.endswith(".inner"):
            seen = Peaks.of(x, over_tokens=".t." in site)
            peaks[site] = peaks[site].joined(seen) if site in peaks else seen

    _run(model, tokens[:BATCH], puzzle_ids[:BATCH], steps, threshold, see)
    rewritten = equalized(model, peaks)
    peaks.clear()  # equal units, other channels
    _run(rewritten, tokens[:BATCH], puzzle_ids[:BATCH], steps, threshold, see)
    scales = {site: seen.channel_scales() for site, seen in peaks.items()}
    return Smoothed(rewritten, {site: scale for site, scale in scales.items() if scale is not None})


def channel_divisors(
    model: RecursiveModel, tokens: Tokens, puzzle_ids: Sequence[int], *, steps: int, threshold: float
) -> dict[str, NDArray[np.float32]]:
    """How loud each channel is where a token mixing enters its norm, of those mixings whose channels differ much.

    Watches the first :data:`BATCH` puzzles. Arguments as in :func:`calibrate`.

    Returns:
        The largest magnitude of each channel, float32 [hidden], by the name of the mixing: ``L0.t``.
    """
    peaks: dict[str, Peaks] = {}

    def watch(name: str) -> Callable[[Any, tuple[Tensor, ...], Tensor], None]:
        def see(module: Any, inputs: tuple[Tensor, ...], mixed: Tensor) -> None:
            seen = Peaks.of(inputs[0] + mixed, over_tokens=True)
            peaks[name] = peaks[name].joined(seen) if name in peaks else seen

        return see

    with ExitStack() as stack:
        for name, mixing in token_mixings(model):
            stack.callback(mixing.register_forward_hook(watch(name)).remove)
        for _ in trajectory(model, tokens[:BATCH], puzzle_ids[:BATCH], steps, threshold):
            pass
    scales = {name: seen.channel_scales() for name, seen in peaks.items()}
    return {name: scale for name, scale in scales.items() if scale is not None}


def calibrate(
    model: RecursiveModel,
    tokens: Tokens,
    puzzle_ids: Sequence[int],
    *,
    steps: int,
    threshold: float,
    method: str = DEFAULT_METHOD,
    channels: Mapping[str, NDArray[np.float32]] | None = None,
    progress: Callable[[int], None] = lambda puzzles: None,
) -> Calibration:
    """Run the float model over puzzles, halting as on the device, and choose a range for every site.

    Args:
        model: the float model, smoothed or not.
        tokens: puzzles, int32 [n, seq_len], at least one.
        puzzle_ids: their rows of the puzzle table [n].
        steps: budget of supervision steps.
        threshold: a puzzle halts when its halting logit is greater.
        method: out of :data:`~trm_edge.export.ranges.METHODS`.
        channels: what the channels of some sites are divided by before they are quantized.
        progress: called with the number of puzzles just done.

    Raises:
        InvalidCheckpoint: activations are NaN or infinite.
    """
    by_step: dict[str, list[Range]] = {}
    histograms: dict[str, Histogram] = {}
    divisors = {site: torch.from_numpy(scale) for site, scale in (channels or {}).items()}

    def see(site: str, step: int, x: Tensor) -> None:
        if site in divisors:
            x = x / divisors[site]
        low, high = (float(value) for value in torch.aminmax(x))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise InvalidCheckpoint(f"The weights give NaN or infinity at supervision step {step}; train them again.")
        ranges = by_step.setdefault(site, [])
        if len(ranges) < step:
            ranges.append((low, high))
        ranges[step - 1] = min(ranges[step - 1][0], low), max(ranges[step - 1][1], high)
        histograms.setdefault(site, Histogram()).add(x.detach(), low, high)

    made = _run(model, tokens, puzzle_ids, steps, threshold, see, progress)
    sites = {}
    for site, ranges in by_step.items():
        seen = min(low for low, _ in ranges), max(high for _, high in ranges)
        sites[site] = SiteRange(METHODS[method](histograms[site], seen), seen, tuple(ranges))
    return Calibration(method, len(tokens), made, sites)


def network_inputs(
    model: RecursiveModel,
    tokens: Tokens,
    puzzle_ids: Sequence[int],
    *,
    steps: int,
    threshold: float,
    progress: Callable[[int], None] = lambda puzzles: None,
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """What every network pass of every step takes, puzzle by puzzle, for calibrators that bring their own observers.

    Yields:
        ``(level, z, injected)`` of each pass, level ``"L"`` or ``"H"``, tensors [1, prefix + seq, hidden]. The two come
        as one sum: ``injected`` is zero.
    """
    passes: list[tuple[str, Tensor]] = []

    def watch(level: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        return lambda module, inputs: passes.append((level, inputs[0]))

    with ExitStack() as stack:
        for level, network in (("L", model.L_level), ("H", model.H_level)):
            if network is not None:
                stack.callback(network.register_forward_pre_hook(watch(level)).remove)
        for row in range(len(tokens)):
            for _ in trajectory(model, tokens[row : row + 1], puzzle_ids[row : row + 1], steps, threshold):
                yield from ((level, z, torch.zeros_like(z)) for level, z in passes)
                passes.clear()
            progress(1)


def _run(
    model: RecursiveModel,
    tokens: Tokens,
    puzzle_ids: Sequence[int],
    steps: int,
    threshold: float,
    see: Callable[[str, int, Tensor], None],
    progress: Callable[[int], None] = lambda puzzles: None,
) -> int:
    """Show ``see`` every site of every pass with the number of its supervision step; returns the steps made."""
    made = 0
    for start in range(0, len(tokens), BATCH):
        chosen = slice(start, start + BATCH)
        step = 1
        with _watched(model, lambda site, x: see(site, step, x)):  # noqa: B023 - called within the iteration
            for rows in trajectory(model, tokens[chosen], puzzle_ids[chosen], steps, threshold):
                made += rows
                step += 1
        progress(len(tokens[chosen]))
    return made


def trajectory(
    model: RecursiveModel, tokens: Tokens, puzzle_ids: Sequence[int], steps: int, threshold: float
) -> Iterator[int]:
    """Make one supervision step at a time with the puzzles that have not halted; gives how many took part."""
    rows, ids = torch.from_numpy(tokens), torch.tensor(list(puzzle_ids))
    z_H, z_L = model.initial_carry(len(rows))
    for _ in range(steps):
        z_H, z_L, _, q_halt = model.step(z_H, z_L, rows, ids)
        yield len(rows)
        left = ~(q_halt > threshold)
        if not left.any():
            return
        rows, ids, z_H, z_L = rows[left], ids[left], z_H[left], z_L[left]


@contextmanager
def _watched(model: RecursiveModel, see: Callable[[str, Tensor], None]) -> Iterator[None]:
    def watch(site: str) -> Callable[[Any, Any, Tensor], None]:
        return lambda module, inputs, x: see(site, x)

    with ExitStack() as stack:
        for site in model_sites(model):
            stack.callback(site.tap.register_forward_hook(watch(site.name)).remove)
        yield


def _rounded(range_: Range) -> list[float]:
    return [float(f"{value:.6g}") for value in range_]
