"""What every target of the table must do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from trm_edge.errors import InvalidInput
from trm_edge.export.targets import get_target, target_ids
from trm_edge.specs import Evidence, GraphVariant, Precision

IDS = target_ids()


@pytest.mark.parametrize("id", IDS)
def test_the_id_names_the_target_and_it_describes_itself(id: str) -> None:
    target = get_target(id)
    assert target.id == id
    assert target.description
    assert isinstance(target.evidence, Evidence)
    assert target.evidence_note
    assert target.install_line().startswith(
        ("pip install ", "trm-edge targets install ", "in the app's build.gradle: ")
    )
    with pytest.raises(FrozenInstanceError):
        target.id = "other"  # type: ignore[misc]


@pytest.mark.parametrize("id", IDS)
def test_every_combination_is_run_or_refused_with_a_reason(id: str) -> None:
    target = get_target(id)
    reasons = [target.supports(precision, graph) for precision in Precision for graph in GraphVariant]
    assert None in reasons, "a target that runs nothing is none"
    assert all(reason is None or (id in reason and "\n" not in reason) for reason in reasons)


def test_an_unknown_target_gets_the_list() -> None:
    with pytest.raises(InvalidInput, match=r"Unknown target 'cpus'.*Did you mean 'cpu'\?"):
        get_target("cpus")


def test_listing_targets_loads_nothing() -> None:
    code = (
        "import sys\nfrom trm_edge.export.targets import get_target, target_ids\n"
        "for id in target_ids(): t = get_target(id); t.installed(); t.device()\n"
        "print([m for m in ('numpy', 'torch', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert found.stdout == "[]\n"
