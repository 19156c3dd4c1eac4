"""The app's screens on a JVM: Robolectric clicks through them on the real ONNX Runtime; exports are read here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

PROJECT = Path(__file__).parents[2] / "android_demo"
RESOURCES = PROJECT / "app" / "src" / "main" / "res"

pytestmark = pytest.mark.apps


def test_the_screens(maven_run: Any) -> None:
    assert maven_run.code == 0, maven_run.output[-8000:]
    wrong = [
        f"{group}.{name}: {outcome}"
        for group, cases in maven_run.outcomes.items()
        for name, outcome in cases.items()
        if outcome != "passed"
    ]
    assert not wrong
    classes = {path.stem for path in (PROJECT / "app" / "src" / "test" / "java").rglob("*Test.java")}
    assert set(maven_run.outcomes) == classes, "every test class has run"


@pytest.mark.parametrize("graph", ["step", "loop"])
def test_a_profile_of_the_app_is_imported(maven_run: Any, graph: str, tmp_path: Path) -> None:
    exported = PROJECT / "app" / "target" / "profiles" / f"{graph}.json"
    table = tmp_path / "table.csv"
    command = [sys.executable, "-m", "trm_edge", "profile", "--import", str(exported), "--csv", str(table)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "sudoku-4x4" in done.stdout
    assert len(table.read_text().splitlines()) > 1


def test_pictures_of_the_screens_were_drawn(maven_run: Any) -> None:
    pictures = {path.stem: path.stat().st_size for path in (PROJECT / "app" / "target" / "pictures").glob("*.png")}
    assert {"puzzle", "solved", "steps", "night-de", "landscape", "large-letters", "maze", "arc", "profile"} <= set(
        pictures
    )
    assert min(pictures.values()) > 10_000, "an empty screen is smaller"


def strings(folder: str) -> dict[str, set[str]]:
    """Names of texts -> the places in them that are filled in."""
    root = ElementTree.parse(RESOURCES / folder / "strings.xml").getroot()
    texts = {item.attrib["name"]: "".join(item.itertext()) for item in root}
    return {name: set(re.findall(r"%\d\$[sd]", text)) for name, text in texts.items()}


def test_every_text_is_there_in_every_language() -> None:
    english = strings("values")
    for folder in sorted(path.name for path in RESOURCES.glob("values-??")):
        assert strings(folder) == english, folder


def test_every_text_is_used() -> None:
    sources = [*(PROJECT / "app" / "src" / "main").rglob("*.java"), *RESOURCES.rglob("*.xml")]
    sources.append(PROJECT / "app" / "src" / "main" / "AndroidManifest.xml")
    used = set(
        re.findall(r"R\.(?:string|plurals)\.(\w+)|@string/(\w+)", "\n".join(path.read_text() for path in sources))
    )
    names = {name for pair in used for name in pair if name}
    assert set(strings("values")) == names


def test_both_lights_name_the_same_colours() -> None:
    def names(folder: str) -> set[str]:
        return {item.attrib["name"] for item in ElementTree.parse(RESOURCES / folder / "colors.xml").getroot()}

    assert names("values-night") <= names("values")
    assert names("values") - names("values-night") == {"icon_back"}


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2 counts it: 1 to 21."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("folder", ["values", "values-night"])
def test_inks_stand_out_from_their_grounds(folder: str) -> None:
    root = ElementTree.parse(RESOURCES / folder / "colors.xml").getroot()
    colours = {item.attrib["name"]: str(item.text) for item in root}
    pairs = [
        *((ink, ground) for ink in ("ink", "ink_soft", "accent") for ground in ("paper", "surface")),
        *(("answer", ground) for ground in ("paper", "changed", "selected")),
        *(("ink", ground) for ground in ("changed", "selected")),
        *(("threshold", "surface"), ("wrong", "wrong_fill"), ("wrong", "paper"), ("on_accent", "accent")),
        ("path_ink", "path_fill"),
    ]
    weak = {(ink, on): round(contrast(colours[ink], colours[on]), 2) for ink, on in pairs}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}
