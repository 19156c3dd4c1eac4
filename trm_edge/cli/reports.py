"""Where a report goes: to people as tables or a page, to programs as JSON or CSV, to a file as a chart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from trm_edge.atomic import atomic_file, check_destination
from trm_edge.errors import InvalidInput

STDOUT = Path("-")


class ReportOutput:
    """The destinations a command was given.

    Args:
        json: file for the JSON document; ``-`` is standard output, which then holds nothing else.
        svg: file for the chart.
        html: file for the page.
        csv: file for the sheet.
        png: file for the chart as pixels.
        overwrite: replace files that exist.

    Raises:
        InvalidInput: a file exists and ``overwrite`` is False, or is named twice; said before any work is done.
    """

    def __init__(
        self,
        json: Path | None,
        svg: Path | None = None,
        *,
        html: Path | None = None,
        csv: Path | None = None,
        png: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        self._json, self._svg, self._html, self._csv, self._png = json, svg, html, csv, png
        self._overwrite = overwrite
        files = [path for path in (json, svg, html, csv, png) if path is not None and path != STDOUT]
        for path in files:
            check_destination(path, overwrite=overwrite)
            if files.count(path) > 1:
                raise InvalidInput(f"{path} cannot hold two reports at once. Give each its own file.")

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

    def chart(self, svg: Callable[[], str]) -> None:
        """Draw and write the chart, if it was asked for.

        Raises:
            MissingDependency: as pixels, and Pillow is not installed.
        """
        if self._svg is None and self._png is None:
            return
        drawn = svg()
        if self._svg is not None:
            self._store(self._svg, drawn)
        if self._png is not None:
            from trm_edge.report.png import draw

            self._store_bytes(self._png, draw(drawn))

    def page(self, html: Callable[[], str]) -> None:
        """Make and write the page, if it was asked for."""
        if self._html is not None:
            self._store(self._html, html())

    def sheet(self, csv: Callable[[], str]) -> None:
        """Make and write the CSV, if it was asked for."""
        if self._csv is not None:
            self._store(self._csv, csv())

    def _store(self, path: Path, text: str) -> None:
        self._store_bytes(path, text.encode())

    def _store_bytes(self, path: Path, content: bytes) -> None:
        with atomic_file(path, overwrite=self._overwrite) as file:
            file.write(content)
