"""Which Vulkan adapter a program gets; the drivers are faked, but for the one that a browser brings along."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trm_edge.environments import environment, vulkan
from trm_edge.environments.vulkan import Adapter

RADEON, IRIS, LAVAPIPE = Adapter("Radeon", 2), Adapter("Iris", 1), Adapter("llvmpipe", 4)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux without drivers or browsers."""
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(vulkan, "SWIFTSHADER", ())


def browser(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a browser's SwiftShader into ``folder``; returns its driver file."""
    (folder / "vk_swiftshader_icd.json").write_text("{}")
    monkeypatch.setattr(vulkan, "SWIFTSHADER", ("/no/such/browser", str(folder)))
    return folder / "vk_swiftshader_icd.json"


def drivers(monkeypatch: pytest.MonkeyPatch, *found: Adapter) -> None:
    monkeypatch.setattr(vulkan, "adapters", lambda more: list(found))


@pytest.mark.parametrize("found", [(RADEON,), (LAVAPIPE, IRIS)])
def test_hardware_needs_no_help(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: tuple[Adapter, ...]) -> None:
    browser(tmp_path, monkeypatch)
    drivers(monkeypatch, *found)
    assert vulkan.variables() == {}


@pytest.mark.parametrize("found", [(), (LAVAPIPE,)])
def test_without_hardware_swiftshader_stands_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: tuple[Adapter, ...]
) -> None:
    driver = browser(tmp_path, monkeypatch)
    drivers(monkeypatch, *found)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    assert vulkan.variables() == {
        "VK_DRIVER_FILES": str(driver),
        "VK_ICD_FILENAMES": str(driver),
        "LD_LIBRARY_PATH": f"/opt/lib:{tmp_path}",
    }


def test_chosen_drivers_stay_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    browser(tmp_path, monkeypatch)
    drivers(monkeypatch)
    monkeypatch.setenv("VK_ICD_FILENAMES", "/my/driver.json")
    assert vulkan.variables() == {}


def test_a_folder_for_sockets_is_given_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    drivers(monkeypatch, RADEON)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert Path(vulkan.variables()["XDG_RUNTIME_DIR"]).is_dir()


def test_other_systems_bring_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert vulkan.variables() == {}


def test_the_best_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    drivers(monkeypatch, LAVAPIPE, IRIS, RADEON)
    assert vulkan.adapter() == RADEON
    drivers(monkeypatch, LAVAPIPE)
    assert str(vulkan.adapter()) == "llvmpipe, a simulator"
    drivers(monkeypatch)
    assert vulkan.adapter() is None


def test_a_driver_that_crashes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert vulkan.adapters({}) == []
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert vulkan.adapters({}) == []


def test_its_environment_hands_the_variables_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = browser(tmp_path, monkeypatch)
    drivers(monkeypatch)
    assert environment("webgpu").variables()["VK_DRIVER_FILES"] == str(driver)


def test_the_true_swiftshader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    folder = vulkan.swiftshader()
    if folder is None:
        pytest.skip("no browser with SwiftShader is installed")
    driver = str(folder / "vk_swiftshader_icd.json")
    (found,) = vulkan.adapters({"VK_DRIVER_FILES": driver, "VK_ICD_FILENAMES": driver, "LD_LIBRARY_PATH": str(folder)})
    assert found.name.startswith("SwiftShader")
    assert found.software
