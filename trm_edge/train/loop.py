"""The training loop: deep supervision with a persistent ACT carry (paper, figure 3; official ``pretrain.py``).

A run lives in a folder: ``state-STEP/`` (to resume), ``model.safetensors`` (the averaged weights, what one exports),
``log.csv``, ``evaluations.jsonl``, TensorBoard files. Killing it at any moment loses at most the steps since the last
save.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trm_edge.errors import InvalidInput, TrmEdgeError
from trm_edge.model.checkpoint import load_checkpoint, save_checkpoint
from trm_edge.model.network import RecursiveModel
from trm_edge.tasks import get_task
from trm_edge.tasks.difficulty import natural_groups
from trm_edge.train.data import Feed, Puzzles
from trm_edge.train.evaluations import append_evaluation
from trm_edge.train.held_out import measure
from trm_edge.train.log import RunLog
from trm_edge.train.optimizers import make_optimizers
from trm_edge.train.ranks import ALONE, Ranks, joined
from trm_edge.train.recipe import Recipe
from trm_edge.train.run_file import announced
from trm_edge.train.shards import LIMIT
from trm_edge.train.state import ActState, TrainState, load_state, newest_state, save_state
from trm_edge.train.step import Stepper, metrics


@dataclass(frozen=True)
class Limits:
    """When to stop, save and report.

    Attributes:
        max_minutes: stop after so many minutes of this run (resume later); None = no limit.
        save_every: seconds between saves.
        eval_every: steps between evaluations on held-out puzzles, besides the one at the end; 0 = none.
        eval_steps: supervision steps of an evaluation.
        log_every: steps between lines of the log, each the mean over them.
        small_state: see :func:`trm_edge.train.state.save_state`.
    """

    max_minutes: float | None = None
    save_every: float = 120.0
    eval_every: int = 1000
    eval_steps: int = 16
    log_every: int = 50
    small_state: bool = False

    def __post_init__(self) -> None:
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise InvalidInput(f"max_minutes must be more than 0, not {self.max_minutes}")
        if self.eval_every < 0 or self.eval_steps < 1:
            raise InvalidInput(f"eval_every = {self.eval_every}, eval_steps = {self.eval_steps}: at least 0 and 1")


def train(
    recipe: Recipe,
    puzzles: Puzzles,
    out: Path,
    *,
    limits: Limits = Limits(),
    held_out: Puzzles | None = None,
    init_from: Path | None = None,
    device: torch.device | None = None,
    on_step: Callable[[TrainState, dict[str, float]], None] | None = None,
) -> TrainState:
    """Train, or continue the run that lies in ``out``. Under ``torchrun`` all processes together train one model.

    Args:
        recipe: what to train.
        puzzles: training puzzles.
        out: the run's folder, made if absent.
        limits: when to stop, save and report.
        held_out: puzzles for the evaluations.
        init_from: checkpoint whose weights a *new* run begins with; family of puzzles and shapes must be the recipe's,
            the size of the puzzles and the number of recursions and of supervision steps need not. Ignored by a run
            that goes on.
        device: where to train; a GPU if there is one.
        on_step: called in the first process with the state and the metrics of the step before (for a progress bar);
            after every step on a CPU, every tenth on a GPU, so that it need not be waited for.

    Returns:
        The last state. ``state.step < recipe.steps`` if stopped by time, SIGINT or SIGTERM (``state.stopped_by``).

    Raises:
        InvalidInput: the run in ``out`` was started with another recipe or other puzzles, ``out`` holds a model
            without its state, or ``init_from`` does not fit.
        InvalidCheckpoint: the state or ``init_from`` is damaged.
        TrmEdgeError: the loss is not finite any more; what was saved last is kept.
    """
    began = time.monotonic()
    with joined(device) as (ranks, where):
        if recipe.batch_size < ranks.size:
            raise InvalidInput(f"batch_size = {recipe.batch_size} is too small for {ranks.size} processes.")
        state = start(recipe, puzzles, where, ranks)
        data = puzzles.fingerprint()
        saved = newest_state(out)
        if saved is not None:
            load_state(saved, state, recipe, data=data, ranks=ranks)
        elif (out / "model.safetensors").exists():
            raise InvalidInput(
                f"{out} holds a model, but no state to resume from. Choose another --out: nothing is replaced."
            )
        elif init_from is not None:
            _begin_with(init_from, state, recipe)
        ranks.wait()  # nobody writes before all have read
        run = _Run(recipe, puzzles, out, limits, held_out, data, state, ranks, began)
        return run(on_step)


def start(recipe: Recipe, puzzles: Puzzles, device: torch.device, ranks: Ranks = ALONE) -> TrainState:
    """The state before the first step."""
    torch.manual_seed(recipe.seed)
    config = recipe.model_config(vocab_size=puzzles.task.vocab_size, seq_len=puzzles.task.seq_len)
    model = RecursiveModel(config).to(device)
    ema = {name: value.detach().clone() for name, value in model.named_parameters()}
    share = ranks.rows(recipe.batch_size)
    act = ActState.fresh(model, share.stop - share.start, device)
    return TrainState(model, ema, make_optimizers(recipe, model), act)


def _begin_with(path: Path, state: TrainState, recipe: Recipe) -> None:
    """Take the weights of a checkpoint."""
    checkpoint = load_checkpoint(path)
    if get_task(checkpoint.task).family != get_task(recipe.task).family:
        raise InvalidInput(f"{path} was trained for {checkpoint.task}, the recipe is for {recipe.task}.")
    try:
        state.model.load_state_dict(checkpoint.model.state_dict())
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise InvalidInput(f"{path} has another shape than the recipe's model: {reason}") from None
    for name, value in state.model.named_parameters():
        state.ema[name].copy_(value.detach())
    # the carry of the fresh state was made before the weights were known
    state.act = ActState.fresh(state.model, len(state.act.tokens), state.act.tokens.device)


def averaged(state: TrainState, recipe: Recipe) -> RecursiveModel:
    """A model with the exponential moving average of the weights (the raw weights without EMA)."""
    model = RecursiveModel(state.model.config)
    model.load_state_dict(state.model.state_dict())
    if recipe.ema:
        model.load_state_dict(state.ema, strict=False)  # the initial states are buffers, not averaged
    return model.eval()


def save_model(path: Path, model: RecursiveModel, task: str) -> None:
    """Write the weights that one exports, in one file: in bfloat16 where float32 would take more than 16 MiB."""
    size = sum(4 * value.numel() for value in model.state_dict().values())
    save_checkpoint(path, model.bfloat16() if size > LIMIT else model, task, overwrite=True)


@dataclass(eq=False)
class _Run:
    """One call of :func:`train`, in one process."""

    recipe: Recipe
    puzzles: Puzzles
    out: Path
    limits: Limits
    held_out: Puzzles | None
    data: str
    state: TrainState
    ranks: Ranks
    began: float

    def __post_init__(self) -> None:
        self.log: RunLog | None = None  # the first process's
        self.before = self.state.seconds
        self.device = self.state.act.tokens.device
        self.fetch_every = 1 if self.device.type == "cpu" else 10
        self.waiting: list[Tensor] = []  # sums of steps that have not been fetched from the device
        held_out = self.held_out
        self.groups = (
            natural_groups(held_out.task, held_out.inputs, held_out.labels, held_out.ratings) if held_out else []
        )
        self.window: list[list[float]] = []  # sums of steps since the last line of the log

    def __call__(self, on_step: Callable[[TrainState, dict[str, float]], None] | None) -> TrainState:
        state, recipe = self.state, self.recipe
        step = Stepper(recipe, self.puzzles, state, self.ranks)
        saved = time.monotonic()
        with (
            announced(self.out, recipe.to_dict()) if self.ranks.first else nullcontext(),
            RunLog(self.out, resume_at=state.step) if self.ranks.first else nullcontext() as self.log,
            Feed(self.puzzles, recipe.seed, recipe.batch_size) as feed,
            _interruption() as signalled,
        ):
            first, stop = state.step, 0
            while state.step < recipe.steps and not stop:
                self.waiting.append(step(feed.take(state.step)))
                if state.step == first + 1:
                    self._fetch()
                    state.startup = time.monotonic() - self.began
                if not self._due():
                    continue
                if self.waiting:
                    self._fetch()
                if on_step is not None and self.ranks.first:
                    on_step(state, self._metrics(self.window[-1:]))
                self._report()
                stop, save = self._agreed(signalled(), saved)
                if save:
                    self._save()
                    saved = time.monotonic()
            self._save()
            state.stopped_by = signalled()
        return state

    def _due(self) -> bool:
        """Whether this step's metrics are wanted now."""
        step, limits = self.state.step, self.limits
        every = (self.fetch_every, limits.log_every, limits.eval_every or self.fetch_every)
        return step == self.recipe.steps or any(step % number == 0 for number in every)

    def _fetch(self) -> None:
        """Bring the sums of the last steps from the device, and see that they are numbers."""
        sums = torch.stack(self.waiting)
        norms = sums[:, -1].clone()
        sums = self.ranks.sum(sums)
        sums[:, -1] = norms  # the gradient is everybody's already
        self.waiting.clear()
        news = sums.tolist()
        self.window += news
        if not all(math.isfinite(number) for step in news for number in step):
            found = self._metrics(news[-1:])
            raise TrmEdgeError(
                f"The loss is {found['loss']} and its gradient {found['grad_norm']} at step {self.state.step}: "
                "the run has diverged. "
                f"Lower lr and lr_other, or set clip = 1.0; {self.out} keeps what was saved last."
            )

    def _metrics(self, sums: list[list[float]]) -> dict[str, float]:
        return {"lr": self.recipe.lr * self.recipe.lr_scale(self.state.step - 1), **metrics(sums)}

    def _minutes(self) -> float:
        return (self.before + time.monotonic() - self.began) / 60

    def _report(self) -> None:
        """A line of the log and an evaluation, where they are due."""
        step, last = self.state.step, self.state.step == self.recipe.steps
        if step % self.limits.log_every == 0 or last:
            if self.log is not None:
                self.log.write(step, {"minutes": self._minutes(), **self._metrics(self.window)})
            self.window.clear()
        every = self.limits.eval_every
        if self.held_out is not None and (last or (every and step % every == 0)):
            model = averaged(self.state, self.recipe).to(self.device)
            found = measure(
                model,
                self.held_out,
                groups=self.groups,
                steps=self.limits.eval_steps,
                bf16=self.recipe.bf16,
                ranks=self.ranks,
            )
            if self.log is not None:
                append_evaluation(self.out, step, found)
                total = found.total
                self.log.write(
                    step,
                    {
                        "held_out_exact": total.exact,
                        "held_out_halt_exact": total.exact_at_halt,
                        "held_out_halt_steps": total.mean_steps,
                    },
                )

    def _agreed(self, signalled: int, saved: float) -> tuple[int, int]:
        """Whether to stop and whether to save: the same for all processes, since both need all of them."""
        now, limit = time.monotonic(), self.limits.max_minutes
        over = limit is not None and now - self.began > limit * 60
        wishes = torch.tensor([signalled or over, now - saved > self.limits.save_every], dtype=torch.int32)
        stop, save = self.ranks.sum(wishes.to(self.device)).tolist()
        return stop, save

    def _save(self) -> None:
        self.state.seconds = self.before + time.monotonic() - self.began
        save_state(self.out, self.state, self.recipe, data=self.data, small=self.limits.small_state, ranks=self.ranks)
        if self.log is not None:
            save_model(self.out / "model.safetensors", averaged(self.state, self.recipe), self.recipe.task)
            self.log.flush()


@contextmanager
def _interruption() -> Iterator[Callable[[], int]]:
    """Note SIGINT and SIGTERM instead of obeying, so that the step under way ends and the state is saved.

    Gives a function that tells the number of the signal, 0 before one came.
    """
    received = 0

    def note(number: int, _: object) -> None:
        nonlocal received
        received = number

    try:
        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals are the host program's business
        old = {}
    try:
        yield lambda: received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
