#!/usr/bin/env python3
"""Stands in for Google's ``adb``: the same commands, messages, streams and exit codes, with a folder for a phone.

``FAKE_ADB`` names a folder: ``devices.json`` lists what is plugged in ({serial: state}), ``root`` is the phone's file
system as far as ``/data/local/tmp``, ``/sdcard``, ``/sys`` and ``/system/bin`` go; the rest is this machine's. Messages
are those of adb 1.0.41 (29.0.6), whose push and pull complain on standard output. A shell goes on when its adb is
killed, as on a phone.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ["FAKE_ADB"])
ROOT = HOME / "root"
UNAUTHORIZED = """device unauthorized.
This adb server's $ADB_VENDOR_KEYS is not set
Try 'adb kill-server' if that seems wrong.
Otherwise check for a confirmation dialog on your device."""


def main(arguments):
    plugged_in = json.loads((HOME / "devices.json").read_text())
    started = HOME / "daemon"
    if not started.exists():
        started.touch()
        print("* daemon not running; starting now at tcp:5037\n* daemon started successfully", file=sys.stderr)
    serial = os.environ.get("ANDROID_SERIAL")
    if arguments[0] == "-s":
        serial, arguments = arguments[1], arguments[2:]
    command, *rest = arguments
    with (HOME / "calls").open("a") as log:
        log.write(json.dumps([serial, command, *rest]) + "\n")
    if command == "devices":
        print("List of devices attached")
        more = "  product:husky model:Pixel_8_Pro device:husky transport_id:1" if "-l" in rest else ""
        for name, state in plugged_in.items():
            print(f"{name}\t{state}{more}")
        print()
        return 0
    problem = unusable(serial, plugged_in)
    if command in ("push", "pull"):
        if problem:
            return complain(f"adb: error: failed to get feature set: {problem}", sys.stdout)
        return (push if command == "push" else pull)(*rest)
    if problem:
        return complain(f"error: {problem}", sys.stderr)
    if command == "get-state":
        print("device")
        return 0
    if command == "shell":
        return shell(" ".join(rest))
    return complain(f"adb: unknown command {command}", sys.stderr)


def unusable(serial, plugged_in):
    if serial is None:
        if not plugged_in:
            return "no devices/emulators found"
        if len(plugged_in) > 1:
            return "more than one device/emulator"
        serial = next(iter(plugged_in))
    state = plugged_in.get(serial)
    if state is None:
        return f"device '{serial}' not found"
    return {"device": None, "unauthorized": UNAUTHORIZED}.get(state, f"device {state}")


def complain(message, stream):
    print(message, file=stream)
    return 1


def on_disk(path):
    return ROOT / path.lstrip("/")


def push(local, remote):
    source, target = Path(local), on_disk(remote)
    if not source.exists():
        return complain(f"adb: error: cannot stat '{local}': No such file or directory", sys.stdout)
    if target.is_dir():
        target = target / source.name
    if not target.parent.is_dir() and not source.is_dir():
        complain(f"adb: error: failed to copy '{local}' to '{remote}': remote couldn't create file: "
                 "No such file or directory", sys.stdout)  # fmt: skip
        return 1
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    print(f"{local}: 1 file pushed, 0 skipped. 31.4 MB/s (1000 bytes in 0.000s)")
    return 0


def pull(remote, local):
    source = on_disk(remote)
    if not source.exists():
        return complain(f"adb: error: failed to stat remote object '{remote}': No such file or directory", sys.stdout)
    shutil.copy(source, local)
    print(f"{remote}: 1 file pulled, 0 skipped. 31.4 MB/s (1000 bytes in 0.000s)")
    return 0


def shell(line):
    line = re.sub(r"(?<![\w/.])/(data/local/tmp|sdcard|sys)\b", lambda found: f"{ROOT}/{found[1]}", line)
    program = subprocess.Popen(
        ["sh", "-c", line],
        env={"PATH": f"{ROOT}/system/bin:/usr/bin:/bin", "ANDROID_ROOT": "/system"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    out, err = program.communicate()
    for stream, data in ((sys.stdout, out), (sys.stderr, err)):
        stream.buffer.write(data.replace(str(ROOT).encode(), b""))
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
