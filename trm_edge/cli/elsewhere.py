"""Running the command that was typed once more, in an environment of its own."""

from __future__ import annotations

import subprocess

import typer


def run_elsewhere(name: str, arguments: list[str]) -> None:
    """Run ``trm-edge ARGUMENTS`` in an environment and end with its exit code; does nothing where we are in it already.

    The terminal is handed on, so that progress, errors and Ctrl-C are the same as here.

    Raises:
        MissingDependency: the environment has not been made.
    """
    from trm_edge.environments import environment

    place = environment(name)
    if place.current:
        return
    done = subprocess.run(place.command("trm_edge", *arguments), env=place.variables(), check=False)
    raise typer.Exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)
