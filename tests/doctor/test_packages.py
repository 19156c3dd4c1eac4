from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from trm_edge.doctor.finding import Finding, State
from trm_edge.doctor.known import PACKAGES, at_least, in_series, numbers
from trm_edge.doctor.machine import Machine, Package, normalised
from trm_edge.doctor.packages import check_packages, check_python, check_together

Fake = Callable[..., Machine]
Found = Callable[[Iterable[Finding]], dict[str, Finding]]

ROOT = Path(__file__).parents[2]
ORT = frozenset({"onnxruntime"})


def test_versions_are_compared_by_their_numbers() -> None:
    assert numbers("2.13.0+cpu") == (2, 13, 0)
    assert numbers("1.5.0rc1") == (1, 5)
    assert at_least("2.13.0", "2.8")
    assert not at_least("2.7.1", "2.8")
    assert in_series("2.13.1", "2.13")
    assert not in_series("2.1", "2.13")
    assert not in_series("2.130", "2.13")


def test_names_are_compared_as_pip_does() -> None:
    assert normalised("ML.dtypes") == normalised("ml_dtypes") == "ml-dtypes"


@pytest.mark.parametrize(
    ("python", "state"), [("3.10.14", State.PROBLEM), ("3.11.2", State.OK), ("3.13.1", State.NOTE)]
)
def test_python(fake: Fake, python: str, state: State) -> None:
    (found,) = check_python(fake(python=python))
    assert found.state is state


def test_a_package_is_there_absent_too_old_or_not_tried(fake: Fake, by_name: Found) -> None:
    machine = fake(packages={"numpy": "2.4.6", "onnxruntime": "1.20.1", "torch": "2.14.0"})
    found = by_name(check_packages(machine))
    assert found["numpy"].state is State.OK
    assert found["onnxruntime"].state is State.PROBLEM
    assert found["onnxruntime"].mend == "pip install --upgrade 'trm-edge[onnx]'"
    assert found["torch"].state is State.NOTE
    assert "the tests ran with 2.13" in found["torch"].found
    assert found["executorch"].state is State.NOTE
    assert found["executorch"].mend == "pip install --upgrade 'trm-edge[executorch]'"


def test_another_distribution_of_onnxruntime_stands_in_for_it(fake: Fake, by_name: Found) -> None:
    machine = fake(packages={"onnxruntime-gpu": Package("1.32.0", modules=ORT)})
    assert by_name(check_packages(machine))["onnxruntime"].state is State.OK


@pytest.mark.parametrize("other", ["onnxruntime-gpu", "onnxruntime-webgpu", "onnxruntime-openvino"])
def test_two_onnxruntimes_in_one_folder(fake: Fake, other: str) -> None:
    packages = {"onnxruntime": Package("1.32.0", modules=ORT), other: Package("1.27.0", modules=ORT)}
    (found,) = check_together(fake(packages=packages))
    assert found.state is State.PROBLEM
    assert f"onnxruntime and {other} are both installed" in found.found
    assert found.mend == f"pip uninstall -y onnxruntime {other} && pip install {other}"


def test_a_plug_in_of_onnxruntime_shadows_nothing(fake: Fake) -> None:
    packages = {"onnxruntime": Package("1.32.0", modules=ORT), "onnxruntime-qnn": Package("2.7.0")}
    (found,) = check_together(fake(packages=packages))
    assert found.state is State.OK


def test_declared_requirements_that_are_not_kept(fake: Fake) -> None:
    packages = {
        "executorch": Package("1.5.1", requires=("torchao<0.19,>=0.18.0", 'pandas>=2; python_version < "3"')),
        "torchao": "0.15.0",
        "onnx": Package("1.23.2", requires=("ml_dtypes>=0.5.4", "protobuf>=6", 'pillow; extra == "reference"')),
        "ml-dtypes": "0.5.1",
    }
    found = list(check_together(fake(packages=packages)))
    assert [(one.state, one.name) for one in found] == [
        (State.PROBLEM, "executorch"),
        (State.PROBLEM, "onnx"),
        (State.PROBLEM, "onnx"),
    ]
    assert [one.mend for one in found] == [
        "pip install 'torchao<0.19,>=0.18.0'",
        "pip install 'ml_dtypes>=0.5.4'",
        "pip install 'protobuf>=6'",
    ]
    assert "0.5.1 is installed" in found[1].found
    assert "not installed" in found[2].found


def test_a_requirement_on_onnxruntime_is_met_by_another_distribution_of_it(fake: Fake) -> None:
    packages = {
        "onnxscript": Package("0.7", requires=("onnxruntime",)),
        "onnxruntime-gpu": Package("1.32.0", modules=ORT),
    }
    (found,) = check_together(fake(packages=packages))
    assert found.state is State.OK


@pytest.mark.parametrize(
    ("package", "version", "torch", "state"),
    [
        ("executorch", "1.5.1", "2.13.0+cpu", State.OK),
        ("executorch", "1.5.1", "2.12.0", State.NOTE),
        ("torchao", "0.18.0", "2.10.0", State.PROBLEM),
        ("torchao", "0.18.0", "2.11.0", State.NOTE),
        ("executorch", "1.7.0", "2.15.0", State.OK),
    ],
)
def test_pairs_that_metadata_does_not_tell(fake: Fake, package: str, version: str, torch: str, state: State) -> None:
    (found,) = check_together(fake(packages={package: version, "torch": torch}))
    assert found.state is state
    assert (found.mend == "pip install 'torch==2.13.*'") is (state is not State.OK)


def test_the_ethos_u_back_end_beside_onnx(fake: Fake) -> None:
    (found,) = check_together(fake(packages={"ethos-u-vela": "5.1.0", "onnx": "1.23.2"}))
    assert found.state is State.PROBLEM
    assert "trm-edge targets install ethos-u" in found.mend


def test_without_the_package_that_compares_it_says_so(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trm_edge.doctor.packages.find_spec", lambda name: None)
    (found,) = check_together(fake(packages={"onnx": Package("1.23.2", requires=("nothing>=1",))}))
    assert (found.state, found.mend) == (State.NOTE, "pip install packaging")


def test_the_table_agrees_with_the_extras() -> None:
    import tomllib

    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for known in PACKAGES:
        lines = project["optional-dependencies"][known.extra] if known.extra else project["dependencies"]
        assert f"{known.package}>={known.least}" in lines
    assert at_least(project["requires-python"].removeprefix(">="), "3.11")
