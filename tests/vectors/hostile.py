"""Damaged and hostile bundles."""

from __future__ import annotations

import zipfile
from pathlib import Path


def zip_folder(folder: Path, path: Path) -> None:
    """A bundle's folder as an archive, deflated, as a file manager would make it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
