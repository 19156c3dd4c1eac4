"""Machines that only exist in a folder, and findings by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from trm_edge.doctor.finding import Finding
from trm_edge.doctor.machine import Done, Machine, Package

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Makes a machine: files by path, packages by name (a version or a Package), programs by name."""

    def make(
        *,
        files: Mapping[str, str] | None = None,
        packages: Mapping[str, str | Package] | None = None,
        programs: Mapping[str, Done] | None = None,
        **facts: Any,
    ) -> Machine:
        for path, text in (files or {}).items():
            place = tmp_path / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        known = programs or {}

        def run(command: Sequence[str]) -> Done:
            return known.get(Path(command[0]).name) or known.get(command[-1]) or Done(None, err="No such file")

        usual: dict[str, Any] = {"system": "Linux", "architecture": "x86-64", "python": "3.11.7"}
        return Machine(
            **{**usual, **facts},
            packages={n: p if isinstance(p, Package) else Package(p) for n, p in (packages or {}).items()},
            root=tmp_path,
            which=lambda name: f"/usr/bin/{name}" if name in known else None,
            run=run,
        )

    return make


@pytest.fixture
def by_name() -> Found:
    return lambda findings: {finding.name: finding for finding in findings}
