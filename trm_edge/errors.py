"""Every error trm-edge raises on purpose, as one tree.

::

    TrmEdgeError                  anything below; the CLI prints it as one line, exit code 2
      InvalidInput                what the user typed or a file said is not acceptable
        InvalidPuzzle             a puzzle that cannot be parsed or contradicts itself
        InvalidConfig             a model, training or export setting out of range
        InvalidCheckpoint         weights that do not fit the configuration
        InvalidBundle             a bundle that is damaged, tampered with, unsafe or too new
        Refused                   a combination that cannot work (target x precision x graph ...)
      MissingDependency           an optional package is not installed; names the line that installs it
      ParityFailure               a measured bound was not kept (exit code 1, not 2)
        NotPlaced                 a node that should run on the accelerator does not
        NotQuantized              a product that should be in integers is not, in the finished file
        TooSlow                   a bundle takes longer than it did, and chance does not explain it

Messages say what was given, what is allowed and how to mend it, in one line.
"""

from __future__ import annotations

from collections.abc import Iterable


class TrmEdgeError(Exception):
    """Base of all deliberate errors. ``exit_code`` is what the CLI ends with."""

    exit_code = 2


class InvalidInput(TrmEdgeError):
    """What the user typed, or a file said, is not acceptable."""


class InvalidPuzzle(InvalidInput):
    """A puzzle that cannot be parsed or contradicts itself."""


class InvalidConfig(InvalidInput):
    """A model, training or export setting that is out of range."""


class InvalidCheckpoint(InvalidInput):
    """Weights that do not fit their configuration, or cannot be read safely."""


class InvalidBundle(InvalidInput):
    """A bundle that is damaged, tampered with, unsafe or of a newer version."""


class Refused(InvalidInput):
    """A combination that cannot work; the message gives the reason and the nearest that does."""


class MissingDependency(TrmEdgeError):
    """An optional package is not installed; the message is the line that installs it."""


class ParityFailure(TrmEdgeError):
    """A measured bound was not kept."""

    exit_code = 1


class NotPlaced(ParityFailure):
    """A node that should run on the accelerator runs elsewhere, or nobody can tell."""


class NotQuantized(ParityFailure):
    """A product that should be in integers is not, in the finished file or in the runtime that loads it."""


class TooSlow(ParityFailure):
    """A bundle takes longer than it did, by more than was allowed and more than chance explains."""


def unknown(what: str, given: str, allowed: Iterable[str]) -> str:
    """One line for an unknown name: what was given, what is allowed, and the nearest guess.

    >>> unknown("precision", "fp3", ["fp32", "fp16"])
    "Unknown precision 'fp3'. Allowed: fp32, fp16. Did you mean 'fp32'?"
    """
    from difflib import get_close_matches  # 2.5 ms that a command without a mistake need not pay

    names = list(allowed)
    near = get_close_matches(given, names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown {what} '{given}'. Allowed: {', '.join(names)}.{hint}"
