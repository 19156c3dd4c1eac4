"""The program ``trm-edge``: a table of commands, each imported only when it is called.

Knows how errors reach the user (one line and an exit code) and nothing of what the commands do, so that
``trm-edge --help`` loads neither numpy nor any framework.

Exit codes: 0 done, 1 a measured bound was not kept, 2 bad input or a missing package, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from trm_edge import __version__
from trm_edge.errors import TrmEdgeError

COMMANDS = {
    "demo": ("trm_edge.cli.demo:demo", "See the whole road once: export, solve, compare, time."),
    "models": ("trm_edge.cli.models:models", "List the bundled reference models."),
    "data": ("trm_edge.cli.data:data", "Build datasets in the official layout, and look into them."),
    "train": ("trm_edge.cli.train:train", "Train a model from a recipe, or go on with a run."),
    "import": ("trm_edge.cli.import_:import_", "Convert an official checkpoint (TRM, HRM)."),
    "targets": (
        "trm_edge.cli.targets:targets",
        "List the processors models are exported for; install what some need.",
    ),
    "doctor": ("trm_edge.cli.doctor:doctor", "Check this machine, and say what to install."),
    "export": ("trm_edge.cli.export:export", "Export a model as a bundle."),
    "inspect": ("trm_edge.cli.inspect:inspect", "Say what a bundle holds, after checking its files."),
    "verify": ("trm_edge.cli.verify:verify", "Compare a bundle with the float model it was made from."),
    "compare": ("trm_edge.cli.compare:compare", "Put bundles side by side: accuracy, time, size, memory."),
    "profile": ("trm_edge.cli.profile:profile", "Measure time, starts, memory and accuracy at every budget."),
    "tune": ("trm_edge.cli.tune:tune", "Find the bundle and policy for a latency or an accuracy."),
    "solve": ("trm_edge.cli.solve:solve", "Solve puzzles with a bundle."),
    "evaluate": ("trm_edge.cli.evaluate:evaluate", "Measure how many puzzles of a file a bundle solves."),
    "serve": ("trm_edge.cli.serve:serve", "Solve puzzles in the browser: serve the web app on this machine."),
    "deploy": ("trm_edge.cli.deploy:deploy", "Put bundles into the web app or the Android app."),
    "generate": ("trm_edge.cli.generate:generate", "Write fresh puzzles to a CSV file."),
}
"""Name -> where the command's function (or group of commands) is, and its line in the help."""

INTERRUPTED = 128 + 2  #: as a shell reports a program that SIGINT ended
BROKEN_PIPE = 128 + 13  #: the same for SIGPIPE: whoever read our output has stopped


class LazyGroup(TyperGroup):
    """A group that lists its commands from :data:`COMMANDS` and imports one when it is invoked."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, (_, line) in COMMANDS.items():  # enough to list it, to complete its name and to guess at typos
            self.add_command(TyperCommand(name, help=line, add_help_option=False))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command behind a name."""
        ctx.obj = list(args)  # see typed()
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else load_command(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; deliberate errors, and those of the operating system, end in one line."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # what is still in the buffer must not be written at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(BROKEN_PIPE) from None
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except TrmEdgeError as error:
            print(f"error: {_one_line(str(error))}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:  # disk full, no permission, ...
            place = "" if error.filename is None else f"{error.filename}: "
            print(f"error: {_one_line(place + (error.strerror or str(error)))}", file=sys.stderr)
            raise typer.Exit(TrmEdgeError.exit_code) from None
        return result


def typed(context: typer.Context) -> list[str]:
    """What was typed after ``trm-edge``, the command's name first."""
    return list(context.find_root().obj)


def load_command(name: str) -> Any:
    """Import the command ``name`` of the table: a function, or a group of commands."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(found)
    return typer.main.get_command(single)


# Plain help: it is read in pipes and logs too, and drawing boxes doubles the time it takes.
app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"trm-edge {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Tiny Recursive Models for small devices: train, export, verify, run."""


def main() -> None:
    """What the installed program calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without box characters shows '?', not a traceback
    app(prog_name="trm-edge")


def _one_line(message: str) -> str:
    return " ".join(message.splitlines())
