"""adb: which phone is meant, and why it cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trm_edge.errors import TrmEdgeError
from trm_edge.profile.devices import open_device


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("unauthorized", "allow USB debugging"),
        ("offline", "plug it in again"),
        (
            "no permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com]",
            "udev",
        ),
        ("recovery", "start Android on it"),
    ],
)
@pytest.mark.parametrize("spelling", ["adb:8A1X", "adb:"])
def test_a_phone_that_cannot_be_used(phone: Any, state: str, advice: str, spelling: str) -> None:
    phone.plug_in(**{"8A1X": state})
    with pytest.raises(TrmEdgeError, match=r"^adb:8A1X cannot be used, adb says '") as raised:
        open_device(spelling).check()
    assert advice in str(raised.value)


def test_no_phone(phone: Any) -> None:
    phone.plug_in()
    for spelling in ("adb:", "adb:8A1X"):
        with pytest.raises(TrmEdgeError, match=r"adb sees no device\. Plug one in"):
            open_device(spelling).check()


def test_several_phones(phone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.plug_in(**{"8A1X": "device", "emulator-5554": "offline"})
    with pytest.raises(TrmEdgeError, match=r"2 devices. Name one: adb:8A1X \(device\), adb:emulator-5554 \(offline\)"):
        open_device("adb:").check()
    with pytest.raises(TrmEdgeError, match=r"no device 'other'\. It sees: adb:8A1X"):
        open_device("adb:other").check()
    open_device("adb:8A1X").check()
    monkeypatch.setenv("ANDROID_SERIAL", "8A1X")  # adb's own way to name one
    device = open_device("adb:")
    device.check()
    assert str(device) == "adb:8A1X"


def test_the_only_phone_is_named_in_every_call(phone: Any) -> None:
    device = open_device("adb:")
    device.check()
    phone.plug_in(**{"8A1X": "device", "second": "device"})  # plugged in while we are at work
    assert device.run(["echo", "here"]).out == "here\n"
    calls = [json.loads(line) for line in (phone.folder / "calls").read_text().splitlines()]
    assert [serial for serial, command, *_ in calls if command == "shell"] == ["8A1X"]


@pytest.mark.parametrize(
    ("state", "reason"), [("offline", "device offline"), ("unauthorized", "device unauthorized"), (None, "not found")]
)
def test_a_phone_that_goes_away(phone: Any, state: str | None, reason: str) -> None:
    device = open_device("adb:8A1X")
    device.check()
    phone.plug_in(**({"8A1X": state} if state else {"other": "device"}))
    with pytest.raises(TrmEdgeError, match=f"^Cannot run anything on adb:8A1X: .*{reason}") as raised:
        device.run(["true"])
    assert "\n" not in str(raised.value)
    with pytest.raises(TrmEdgeError, match=rf"^Cannot push .* to adb:8A1X: .*{reason}"):
        device.push(Path(__file__), "/data/local/tmp/never")


def test_a_program_that_fails_is_not_a_broken_connection(phone: Any) -> None:
    done = open_device("adb:8A1X").script("echo 'error: no puzzles' >&2; exit 1")
    assert (done.code, done.last_words) == (1, "error: no puzzles")


def test_what_a_phone_tells(phone: Any) -> None:
    facts = open_device("adb:8A1X").facts()
    expected = {
        "model": "Google Pixel 8 Pro",
        "soc": "Google Tensor G3",
        "android": "16",
        "governor": "powersave, sched_pixel",
        "cores": 2.0,
        "most_mhz": 2000.0,
        "celsius": 47.5,
        "hottest": "BIG",
        "throttling": "moderate",
        "battery_percent": 81.0,
    }
    assert {name: facts.get(name) for name in expected} == expected
