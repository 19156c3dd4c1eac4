"""Our own program as one file that any Python with numpy and an engine can run: ``python3 trm-edge.pyz profile ...``.

A ``.pyz`` is a zip with a ``__main__.py`` (:mod:`zipapp` of the standard library; its own function is not used, as it
keeps the order and the dates that files happen to have). Holds the sources of the package, without models.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import trm_edge
from trm_edge.errors import TrmEdgeError

NAME = "trm-edge.pyz"

_LEFT_OUT = ("__pycache__", "models", "cpp", "web_demo")  #: folders: compiled files, weights, other languages
_DATE = (1980, 1, 1, 0, 0, 0)  #: the earliest that a zip knows; equal sources make equal bytes
_FILE = 0o100644 << 16  #: ordinary file, read and write for its owner, read for others
# Fresh processes are started as `python -m trm_edge...`: they must find the package, too.
_MAIN = """\
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
from trm_edge.cli.main import main

main()
"""


def write_zipapp(path: Path) -> None:
    """Write the program to ``path``: some hundred kilobytes, the same bytes for the same sources.

    Raises:
        TrmEdgeError: our own sources are not files (we run from such a program ourselves).
    """
    root = Path(trm_edge.__file__).parent
    if not root.is_dir():
        raise TrmEdgeError("trm-edge must be installed here, not run from a .pyz, to be sent to another device.")
    with zipfile.ZipFile(path, "w") as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for file in sorted(_sources(root)):
            _add(archive, f"{root.name}/{file.relative_to(root).as_posix()}", file.read_bytes())


def _sources(root: Path) -> Iterator[Path]:
    """Modules of the package. Two of its folders are symlinks in a checkout, and ordinary folders once installed."""
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = _FILE
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
