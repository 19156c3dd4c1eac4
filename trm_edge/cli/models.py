"""``trm-edge models``: the reference models that come with the package."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def models(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the bundled reference models."""
    from trm_edge import models_registry as registry

    infos = [registry.model_info(registry.resolve(name)) for name in registry.model_names()]
    if as_json:
        print(json.dumps([registry.to_dict(info) for info in infos]))
        return
    if not infos:
        print("No models are bundled. Train one: trm-edge train --recipe sudoku-4x4")
    for info in infos:
        default = " (default)" if info.name == registry.DEFAULT else ""
        print(f"{info.name}{default}: {info.task}, {info.parameters:,} weights, {info.size:,} bytes")
        for name, value in info.results.items():
            if not isinstance(value, dict | list):
                print(f"  {name}: {value}")
