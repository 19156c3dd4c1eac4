"""Imports of packages that only some users need.

The core needs numpy, typer and rich; everything heavier is an extra and is imported where it is
used, through :func:`require`, so that ``trm-edge --help`` loads none of it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from trm_edge.errors import MissingDependency


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module`` or say in one line how to install it.

    Args:
        module: dotted module name, for example ``"onnxruntime"``.
        extra: the extra of ``pyproject.toml`` that brings it.

    Raises:
        MissingDependency: the package (not one of its own imports) is absent.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise MissingDependency(f"'{top}' is not installed. Install it with: pip install 'trm-edge[{extra}]'") from None
