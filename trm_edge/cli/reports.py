"""Where a report goes: to people as tables, to programs as JSON, to a file as a chart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trm_edge.atomic import atomic_file, check_destination

STDOUT = Path("-")


class ReportOutput:
    """The destinations a command was given.

    Args:
        json: file for the JSON document; ``-`` is standard output, which then holds nothing else.
        svg: file for the chart.
        overwrite: replace files that exist.

    Raises:
        InvalidInput: a file exists and ``overwrite`` is False; said before any work is done.
    """

    def __init__(self, json: Path | None, svg: Path | None = None, *, overwrite: bool = False) -> None:
        self._json, self._svg, self._overwrite = json, svg, overwrite
        for path in (json, svg):
            if path is not None and path != STDOUT:
                check_destination(path, overwrite=overwrite)

    def tables(self, lines: Iterable[Any]) -> None:
        """Print text and rich renderables, unless standard output is for JSON."""
        if self._json == STDOUT:
            return
        from rich.console import Console

        console = Console()
        for line in lines:
            console.print(line, soft_wrap=isinstance(line, str), highlight=False, markup=False)

    def document(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document, if it was asked for."""
        if self._json is None:
            return
        text = json.dumps(document, indent=2, allow_nan=False)
        if self._json == STDOUT:
            print(text)
        else:
            self._store(self._json, f"{text}\n")

    def chart(self, svg: str) -> None:
        """Write the chart, if it was asked for."""
        if self._svg is not None:
            self._store(self._svg, svg)

    def _store(self, path: Path, text: str) -> None:
        with atomic_file(path, overwrite=self._overwrite) as file:
            file.write(text.encode())
