"""From compiled classes to a signed APK: one dex, resources, bundles, natives of given AARs. Knows no command line.

The steps of Android's own build, with programs that Maven Central and Debian have: ProGuard and dx in the place of R8.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resources import MIN_SDK, RESOURCES
from tools import HOME, BuildError, Tools, java, run

APP = HOME / "app"
ASSETS = APP / "src" / "main" / "assets"
PAGE = 16384
"""Alignment of what is mapped from the APK: pages of Android 15 have 16 KiB."""

_STORED = (".so", ".onnx", ".pte", ".arsc")
_APP = ("-pl", "app", "-am")
_LISTING = HOME / "target" / "classpath"
_DEBUG_PASSWORD = "android"  # what everybody's debug keys have


@dataclass(frozen=True)
class Jars:
    """What Maven fetched: ``programs`` as a class path, the others by path."""

    programs: str
    onnxruntime: Path
    android: Path


@dataclass(frozen=True)
class Signing:
    """A key store and where its password comes from, in apksigner's words (``env:KS_PASS``)."""

    store: Path
    password: str


def compile_app(python: str, *, offline: bool = False) -> Jars:
    """Compile library and app with Maven (their tests are another matter), and fetch what makes a dex.

    Args:
        python: interpreter that Maven makes the resources with.
        offline: use what was fetched before.

    Raises:
        BuildError: Maven is missing or failed.
    """
    quiet = _maven(offline)
    run([*quiet, "-f", str(HOME / "pom.xml"), *_APP, "-Dmaven.test.skip", f"-Dpython={python}", "compile"])
    _list_jars(quiet)
    return fetched()


def fetched() -> Jars:
    """What the last build used."""
    jars = [Path(entry) for entry in _LISTING.read_text(encoding="utf-8").strip().split(os.pathsep)]
    names = ("onnxruntime", "android-all")
    onnxruntime, android = (next(jar for jar in jars if jar.name.startswith(f"{name}-")) for name in names)
    programs = os.pathsep.join(str(jar) for jar in jars if jar not in (onnxruntime, android))
    return Jars(programs, onnxruntime, android)


def fetch(python: str) -> None:
    """Fetch everything that building and testing need, so that both work without a network.

    Raises:
        BuildError: Maven is missing or failed.
    """
    quiet = _maven(offline=False)
    nothing = ["-Dtest=Nothing", "-Dsurefire.failIfNoSpecifiedTests=false"]  # compiles, and asks for the test runner
    run([*quiet, "-f", str(HOME / "pom.xml"), f"-Dpython={python}", *nothing, "test"])
    _list_jars(quiet)


def _list_jars(maven: Sequence[str]) -> None:
    goal = "org.apache.maven.plugins:maven-dependency-plugin:build-classpath"
    run([*maven, "-f", str(HOME / "apk" / "pom.xml"), goal, f"-Dmdep.outputFile={_LISTING}"])


def _maven(offline: bool) -> list[str]:
    maven = shutil.which("mvn")
    if maven is None:
        raise BuildError("mvn: not found; install Maven 3.8 or newer, for example the package maven")
    (HOME / "target").mkdir(exist_ok=True)
    return [maven, "-q", "-B", "-ntp", *(["-o"] if offline else [])]


def make_dex(jars: Jars, aars: Sequence[Path], folder: Path) -> Path:
    """All classes in one ``classes.dex``.

    ONNX Runtime's jar has lambdas. dx would write them as ``invoke-custom`` on a class that no Android has, without a
    word, so ProGuard turns them into classes first: ``-target 1.7`` does that, 1.8 leaves them.

    Raises:
        BuildError: a step failed.
    """
    given = [HOME / part / "target" / "classes" for part in ("core", "app")]
    inputs = [f"{classes}(**.class)" for classes in given]
    engines = [jar for number, aar in enumerate(aars) for jar in _classes_of(aar, folder / f"aar{number}")]
    if not any(_has_class(jar, "ai/onnxruntime/OrtSession.class") for jar in engines):
        inputs.append(f"{jars.onnxruntime}(ai/onnxruntime/**.class)")
    inputs += [f"{jar}(**.class)" for jar in engines]
    runtime = Path(java()).resolve().parents[1] / "jmods" / "java.base.jmod"
    if not runtime.is_file():
        raise BuildError(f"{runtime}: not found; ProGuard needs a full JDK, for example openjdk-17-jdk-headless")
    plain = folder / "plain.jar"
    sources = [word for source in inputs for word in ("-injars", source)]
    libraries = ("-libraryjars", f"{runtime}(!**.jar;!module-info.class)", "-libraryjars", str(jars.android))
    how = ["-target", "1.7", "-dontshrink", "-dontoptimize", "-dontobfuscate", "-dontnote", "-dontwarn"]
    proguard = [java(), "-Xmx1g", "-cp", jars.programs, "proguard.ProGuard"]
    run([*proguard, *sources, "-outjars", str(plain), *libraries, *how, "-keepattributes", "*"])
    dex = folder / "classes.dex"
    dx = ["com.android.dx.command.Main", "--dex", f"--min-sdk-version={MIN_SDK}", f"--output={dex}"]
    run([java(), "-Xmx1g", "-cp", jars.programs, *dx, str(plain)])
    return dex


def natives(aars: Sequence[Path], abi: str) -> dict[str, tuple[Path, str]]:
    """``lib/ABI/NAME.so`` -> the archive and the entry that hold it.

    Raises:
        BuildError: an archive is none, or has nothing for that processor.
    """
    found: dict[str, tuple[Path, str]] = {}
    for aar in aars:
        names = [name for name in _names(aar) if re.fullmatch(rf"jni/{re.escape(abi)}/[^/]+\.so", name)]
        if not names and any(name.startswith("jni/") for name in _names(aar)):
            raise BuildError(f"{aar}: holds no libraries for {abi}; name another processor with --abi")
        found |= {name.replace("jni/", "lib/", 1): (aar, name) for name in names}
    return found


def pack(dex: Path, libraries: Mapping[str, tuple[Path, str]], out: Path) -> None:
    """Resources, dex, assets and natives in one archive: equal inputs make equal bytes, what is mapped is stored."""
    shutil.copyfile(APP / "target" / "resources" / RESOURCES, out)
    with zipfile.ZipFile(out, "a") as archive:
        _add(archive, "classes.dex", dex.read_bytes())
        for name, path in _assets():
            _add(archive, name, path.read_bytes())
        for name, (aar, entry) in sorted(libraries.items()):
            with zipfile.ZipFile(aar) as source:
                _add(archive, name, source.read(entry))


def sign(tools: Tools, plain: Path, out: Path, signing: Signing | None, folder: Path) -> None:
    """Align, sign, and put it in its place: complete, or not at all.

    Without a key store it is signed by a debug key that is made on the spot: fit for one's own phone, not for a store.

    Raises:
        BuildError: a step failed, for example by a wrong password.
    """
    aligned, signed = folder / "aligned.apk", folder / "signed.apk"
    tools.run("zipalign", "-f", str(PAGE), plain, aligned)
    signing = signing or _debug_key()
    tools.run(
        "apksigner", "sign", "--ks", signing.store, "--ks-pass", signing.password,
        "--min-sdk-version", str(MIN_SDK), "--out", signed, aligned,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    shutil.copyfile(signed, partial)
    partial.replace(out)


def _debug_key() -> Signing:
    store = HOME / "target" / "debug.p12"
    if not store.is_file():
        keytool = Path(java()).resolve().with_name("keytool")
        fresh = store.with_name("debug.partial")
        fresh.unlink(missing_ok=True)
        key = f"-storetype PKCS12 -storepass {_DEBUG_PASSWORD} -alias debug -keyalg RSA -keysize 2048 -validity 10000"
        run([str(keytool), "-genkeypair", "-keystore", str(fresh), *key.split(), "-dname", "CN=Android Debug"])
        fresh.replace(store)
    return Signing(store, f"pass:{_DEBUG_PASSWORD}")


def _assets() -> Iterator[tuple[str, Path]]:
    for path in sorted(ASSETS.rglob("*")) if ASSETS.is_dir() else ():
        if path.is_file():
            yield f"assets/{path.relative_to(ASSETS).as_posix()}", path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, (1981, 1, 1, 1, 1, 2))  # what Android's own build writes for "no date"
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _classes_of(aar: Path, folder: Path) -> list[Path]:
    """The jars of an AAR, unpacked."""
    folder.mkdir()
    found = []
    with zipfile.ZipFile(aar) as archive:
        for name in [name for name in _names(aar) if re.fullmatch(r"(libs/)?[^/]+\.jar", name)]:
            jar = folder / Path(name).name
            jar.write_bytes(archive.read(name))
            found.append(jar)
    return found


def _has_class(jar: Path, name: str) -> bool:
    return name in _names(jar)


def _names(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise BuildError(f"{archive}: not readable as an archive ({error})") from None


def work_folder() -> Path:
    """An empty folder for what is in between."""
    folder = HOME / "target" / "apk"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def export_default_bundles(python: str, folder: Path) -> None:
    """Export the two small Sudoku models and place them as assets.

    Raises:
        BuildError: exporting failed, for example since PyTorch is missing.
    """
    made = []
    for model in ("sudoku-4x4", "sudoku-9x9"):
        made.append(str(folder / model))
        done = subprocess.run(
            [python, "-m", "trm_edge", "export", model, "--out", made[-1]], capture_output=True, text=True
        )
        if done.returncode:
            raise BuildError(f"{model} could not be exported: {(done.stderr or done.stdout).strip()}")
    run([python, "-m", "trm_edge", "deploy", "android", *made, "--app", str(HOME)])
