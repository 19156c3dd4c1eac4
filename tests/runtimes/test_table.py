from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from trm_edge.bundle import Bundle
from trm_edge.errors import InvalidInput, Refused
from trm_edge.runtimes import load_runtime, open_session


def test_unknown_runtime() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'onnxruntime'"):
        load_runtime("onnxruntim")


@pytest.mark.parametrize("name", ["fake", "torch-eager"])
def test_runtimes_that_do_not_open_bundles(build_bundle: Callable[[], Bundle], name: str) -> None:
    with pytest.raises(Refused, match="Use onnxruntime"):
        open_session(build_bundle(), name)


def test_unknown_option_and_threads(build_bundle: Callable[[], Bundle]) -> None:
    bundle = build_bundle()
    with pytest.raises(InvalidInput, match="Unknown option of onnxruntime 'provider'"):
        open_session(bundle, provider="cpu")
    with pytest.raises(InvalidInput, match="threads must be at least 1"):
        open_session(bundle, threads=0)


def test_importing_costs_numpy_and_the_standard_library_only() -> None:
    program = (
        "import sys, trm_edge.bundle, trm_edge.solve, trm_edge.runtimes;"
        "print(*sorted({'torch', 'onnx', 'onnxruntime', 'rich', 'typer', 'zipfile', 'tempfile', 'shutil'}"
        " & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
