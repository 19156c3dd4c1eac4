"""The log of a run: ``log.csv`` for people and scripts, TensorBoard files where the package is installed."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

COLUMNS = (
    "step",
    "minutes",
    "lr",
    "loss",
    "token_loss",
    "exact",
    "cells",
    "halting_steps",
    "q_accuracy",
    "grad_norm",
    "held_out_exact",
    "held_out_halt_exact",
    "held_out_halt_steps",
)


class RunLog:
    """Appends metrics; on resume drops lines that the resumed run will write again."""

    def __init__(self, out: Path, *, resume_at: int) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._path = out / "log.csv"
        kept = _rows_until(self._path, resume_at)
        temporary = out / f".log.csv.{os.getpid()}.tmp"
        self._file = temporary.open("w", newline="", encoding="utf-8", buffering=1)
        self._csv = csv.DictWriter(self._file, COLUMNS, restval="")
        self._csv.writeheader()
        self._csv.writerows(kept)
        self._file.flush()
        os.replace(temporary, self._path)
        self._board = _tensorboard(out / "tensorboard", resume_at)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """One line; unknown metrics are an error of the caller."""
        self._csv.writerow({"step": step, **{name: f"{value:.6g}" for name, value in metrics.items()}})
        if self._board is not None:
            for name, value in metrics.items():
                self._board.add_scalar(name, value, step)

    def flush(self) -> None:
        """Bring everything to disk."""
        self._file.flush()
        if self._board is not None:
            self._board.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _rows_until(path: Path, step: int) -> list[dict[str, str]]:
    """Lines of an earlier run up to ``step``; a line cut off by a kill is dropped."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    rows = [row for row in csv.DictReader(whole.splitlines()) if (row.get("step") or "").isdigit()]
    return [{name: row.get(name) or "" for name in COLUMNS} for row in rows if int(row["step"]) <= step]


def _tensorboard(folder: Path, purge_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=purge_step)
