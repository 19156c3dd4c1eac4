"""The Gradle project, which is not run here, says the same as the Maven build, which is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import trm_edge

PROJECT = Path(__file__).parents[2] / "android_demo"
POM = "{http://maven.apache.org/POM/4.0.0}"


def pom(path: str) -> ElementTree.Element:
    return ElementTree.parse(PROJECT / path).getroot()


def properties() -> dict[str, str]:
    return {item.tag.removeprefix(POM): str(item.text) for item in pom("pom.xml").find(f"{POM}properties") or ()}


def gradle(path: str) -> str:
    return (PROJECT / path).read_text(encoding="utf-8")


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match[1]


@pytest.fixture(scope="module")
def resources() -> Any:
    """The module that says what the APK is linked with."""
    sys.path.insert(0, str(PROJECT / "apk"))
    try:
        import resources
    finally:
        sys.path.pop(0)
    return resources


def test_modules_are_the_same() -> None:
    modules = {str(item.text) for item in pom("pom.xml").find(f"{POM}modules") or ()}
    assert set(re.findall(r"':(\w+)'", found(r"(include .*)", gradle("settings.gradle")))) == modules
    for module in modules:
        assert (PROJECT / module / "build.gradle").is_file()
        assert (PROJECT / module / "pom.xml").is_file()
        assert (PROJECT / module / "src" / "main" / "java").is_dir(), "where both look for sources"


def test_repositories_are_named_once_and_no_address_is_written() -> None:
    settings = gradle("settings.gradle")
    assert "google()" in settings
    assert "mavenCentral()" in settings
    assert "FAIL_ON_PROJECT_REPOS" in settings
    for path in [*PROJECT.glob("*.gradle"), *PROJECT.glob("*/build.gradle"), *PROJECT.glob("**/pom.xml")]:
        text = re.sub(r"http://(maven\.apache\.org|www\.w3\.org)\S*", "", path.read_text(encoding="utf-8"))
        assert "http" not in text, path


def test_versions_are_those_of_trm_edge() -> None:
    version = trm_edge.__version__
    for path in ("pom.xml", "app/pom.xml", "core/pom.xml", "stubs/pom.xml", "apk/pom.xml"):
        root = pom(path)
        own = root.find(f"{POM}version")
        assert own is None or own.text == version, path
        parent = root.find(f"{POM}parent/{POM}version")
        assert parent is None or parent.text == version, path
    assert found(r"versionName '([^']*)'", gradle("app/build.gradle")) == version


def test_sdks_and_names_are_the_same(resources: Any) -> None:
    text = gradle("app/build.gradle")
    assert found(r"namespace '([^']*)'", text) == found(r"applicationId '([^']*)'", text) == resources.PACKAGE
    assert int(found(r"minSdk (\d+)", text)) == resources.MIN_SDK
    assert int(found(r"targetSdk (\d+)", text)) == int(found(r"compileSdk (\d+)", text)) == resources.TARGET_SDK
    assert int(found(r"versionCode (\d+)", text)) == resources.version_code(trm_edge.__version__)
    assert resources.version_code("1.2.3") == 10203
    assert "package=" not in gradle("app/src/main/AndroidManifest.xml")
    for name in re.findall(r'android:name="(edge\.trm[^"]*)"', gradle("app/src/main/AndroidManifest.xml")):
        assert (PROJECT / "app/src/main/java" / Path(*name.split("."))).with_suffix(".java").is_file()


def test_libraries_are_the_same() -> None:
    text, wanted = gradle("app/build.gradle"), properties()
    assert found(r"onnxruntime-android:([\d.]+)'", text) == wanted["onnxruntime.version"]
    assert found(r"onnxruntime:([\d.]+)'", text) == wanted["onnxruntime.version"]
    assert found(r"onnxruntime:([\d.]+)'", gradle("core/build.gradle")) == wanted["onnxruntime.version"]
    assert found(r"robolectric:robolectric:([\d.]+)'", text) == wanted["robolectric.version"]
    assert found(r"junit:junit:([\d.]+)'", text) == wanted["junit.version"]
    assert re.search(r"implementation 'org\.pytorch:executorch-android:[\d.]+'", text)
    assert "project(':stubs')" not in text, "the signatures are never packaged"
    release = tuple(int(number) for number in wanted["onnxruntime.version"].split("."))
    assert release < (1, 29), "from 1.29 on ONNX Runtime sends telemetry unless it is told not to before it loads"


def test_java_levels_are_the_same() -> None:
    assert properties()["maven.compiler.release"] == "8"
    for path in ("app/build.gradle", "core/build.gradle", "stubs/build.gradle"):
        assert gradle(path).count("JavaVersion.VERSION_1_8") == 2, path
