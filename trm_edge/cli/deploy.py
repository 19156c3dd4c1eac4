"""``trm-edge deploy``: bundles into the web app or the Android app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trm_edge.errors import InvalidInput

deploy = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

_MIB = 1 << 20


@deploy.callback()
def root() -> None:
    """Put bundles into the web app or the Android app."""


@deploy.command()
def web(
    bundles: Annotated[list[Path], typer.Argument(help="Bundles, folders or .zip files; the first is opened first.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    ort: Annotated[
        Path | None, typer.Option(help="Folder with onnxruntime-web's files; default: found, or fetched once by npm.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call made.")] = False,
) -> None:
    """Write the web app with these bundles as a folder for any static host."""
    from trm_edge.cli.progress import saying
    from trm_edge.deploy.web import deploy_web

    with saying("deploy") as say:
        done = deploy_web(bundles, out, ort=ort, overwrite=overwrite, say=say)
    print(f"{out}: {done.files} files, {done.bytes / _MIB:.1f} MiB; serve it over https, from the root or any folder")


@deploy.command()
def android(
    bundles: Annotated[list[Path] | None, typer.Argument(help="Bundles, folders or .zip files.")] = None,
    app: Annotated[Path | None, typer.Option(help="The app's project. [default: android_demo]")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Take the bundle of that name out; repeatable.")] = None,
    adb: Annotated[bool, typer.Option("--adb", help="Push to the installed app on a phone instead.")] = False,
    serial: Annotated[str | None, typer.Option(help="With --adb: which phone, as 'adb devices' lists it.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace bundles of the same name.")] = False,
) -> None:
    """Put bundles into the Android app: into its sources, to be built, or with --adb into the app on a phone."""
    if not bundles and not remove:
        raise InvalidInput("Name at least one bundle to deploy, or one to take out with --remove")
    if adb:
        if app is not None or remove:
            raise InvalidInput("--adb pushes bundles to a phone; --app and --remove are about the app's sources")
        _push(bundles or [], serial, overwrite)
        return
    if serial is not None:
        raise InvalidInput("--serial says which phone: pass --adb, too")
    from trm_edge.deploy.android import LARGE, place
    from trm_edge.deploy.android import remove as take_out

    project = app or Path("android_demo")
    for name in remove or ():
        placed = take_out(name, project)
    if bundles:
        placed = place(bundles, project, overwrite=overwrite)
    if placed.bytes > LARGE:
        print(f"warning: bundles of {placed.bytes / _MIB:.0f} MiB make a large APK", file=sys.stderr)
    print(f"{placed.folder}: {len(placed.entries)} bundle(s), {placed.bytes / _MIB:.1f} MiB")
    for one in placed.entries:
        print(f"  {one.path}  {one.title}, {one.bytes / _MIB:.1f} MiB")


def _push(bundles: list[Path], serial: str | None, overwrite: bool) -> None:
    """To the only phone, or the one that was named."""
    from trm_edge.adb import Adb
    from trm_edge.cli.progress import saying
    from trm_edge.deploy.phone import push_bundle

    phone = Adb(serial or "")
    for path in bundles:
        with saying("deploy") as say:
            place = push_bundle(path, phone, overwrite=overwrite, say=say)
        print(f"{phone}: {place}, checked there")
