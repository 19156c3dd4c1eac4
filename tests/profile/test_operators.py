from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("executorch")

from trm_edge.errors import InvalidBundle, InvalidInput
from trm_edge.export.executorch import build_program
from trm_edge.model.config import ModelConfig
from trm_edge.model.network import RecursiveModel
from trm_edge.profile.operators import operator_times
from trm_edge.specs import Precision


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = RecursiveModel(ModelConfig(vocab_size=6, seq_len=9, hidden_size=32, L_layers=1, expansion=1.0)).eval()
    path = tmp_path_factory.mktemp("program") / "model.pte"
    path.write_bytes(build_program(model, precision=Precision.W8A8_DYNAMIC).data)
    return path


def test_every_operator_of_every_method_is_timed(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    times = operator_times(program, calls=3, threads=1)
    assert capfd.readouterr() == ("", "")
    names = {method: [time.operator for time in times if time.method == method] for method in ("embed", "network_L")}
    assert names["embed"] == ["embedding.out"]
    products = [name for name in names["network_L"] if name.startswith("Fully Connected")]
    assert len([name for name in products if "QC8W" in name]) == 6  # two SwiGLUs, integer
    assert len([name for name in products if "F32) GEMM" in name]) == 2  # two means of squares
    assert {time.method for time in times} == {"embed", "network_L", "heads"}
    assert all(time.count == 1 and time.microseconds >= 0 for time in times)
    assert sum(time.microseconds for time in times) > 0


def test_chosen_methods_only(program: Path) -> None:
    assert {time.method for time in operator_times(program, methods=["heads"], calls=1)} == {"heads"}


def test_bad_requests(program: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no method 'forward'\. It has: embed, heads, network_L"):
        operator_times(program, methods=["forward"])
    with pytest.raises(InvalidInput, match="calls = 0"):
        operator_times(program, calls=0)
    with pytest.raises(InvalidBundle, match="cannot load"):
        operator_times(tmp_path / "missing.pte")
