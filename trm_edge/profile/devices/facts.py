"""What a device tells about itself: processor, governor, temperatures, battery. What it does not tell is not made up.

One shell script gathers it, so that it needs nothing there; ``root`` stands before ``/proc`` and ``/sys``. Knows Linux
and Android; other systems tell their name and their load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trm_edge.profile.samples import Fact

MOVING = ("load", "celsius", "hottest", "mhz", "throttling", "battery_percent")
"""Facts that a measurement may change, or that may spoil it."""

# Prints "key<TAB>value" a line. Files of /sys may refuse to be read, each in its own way: what fails says nothing.
SCRIPT = r"""
say() { [ -z "$2" ] || printf '%s\t%s\n' "$1" "$2"; };
file() { { read -r value < "$2"; } 2> /dev/null && say "$1" "$value"; };
say os "$(uname -s 2> /dev/null) $(uname -r 2> /dev/null)"; say architecture "$(uname -m 2> /dev/null)";
file load "$1/proc/loadavg"; file board "$1/proc/device-tree/model" 2> /dev/null;
while IFS= read -r line; do say cpuinfo "$line"; done 2> /dev/null < "$1/proc/cpuinfo";
for folder in "$1"/sys/devices/system/cpu/cpu[0-9]*; do
[ ! -d "$folder" ] || say core "${folder##*/}";
file governor "$folder/cpufreq/scaling_governor"; file khz "$folder/cpufreq/scaling_cur_freq";
file most_khz "$folder/cpufreq/cpuinfo_max_freq"; done;
for zone in "$1"/sys/class/thermal/thermal_zone*; do
type=; temp=; { read -r type < "$zone/type"; read -r temp < "$zone/temp"; } 2> /dev/null;
[ -z "$temp" ] || say zone "$temp $type"; done;
for supply in "$1"/sys/class/power_supply/*; do
kind=; { read -r kind < "$supply/type"; } 2> /dev/null;
if [ "$kind" = Battery ]; then file battery_percent "$supply/capacity"; file battery "$supply/status"; fi; done;
if command -v getprop > /dev/null 2>&1; then
say maker "$(getprop ro.product.manufacturer)"; say model "$(getprop ro.product.model)";
say soc "$(getprop ro.soc.model)"; say soc_maker "$(getprop ro.soc.manufacturer)";
say android "$(getprop ro.build.version.release)"; fi;
if command -v dumpsys > /dev/null 2>&1; then
dumpsys thermalservice 2> /dev/null | while IFS= read -r line; do say thermalservice "$line"; done;
dumpsys battery 2> /dev/null | while IFS= read -r line; do say dumped_battery "$line"; done; fi;
:
""".replace("\n", " ").strip()  # one line, as csh passes no others on

_PARTS = {  # (implementer, part) in /proc/cpuinfo of arm64, which has no names: the cores that phones and boards have
    ("0x41", "0xd03"): "Cortex-A53", ("0x41", "0xd04"): "Cortex-A35", ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd08"): "Cortex-A72", ("0x41", "0xd09"): "Cortex-A73", ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76", ("0x41", "0xd0c"): "Neoverse-N1", ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd41"): "Cortex-A78", ("0x41", "0xd44"): "Cortex-X1", ("0x41", "0xd46"): "Cortex-A510",
    ("0x41", "0xd47"): "Cortex-A710", ("0x41", "0xd48"): "Cortex-X2", ("0x41", "0xd4d"): "Cortex-A715",
    ("0x41", "0xd4e"): "Cortex-X3", ("0x41", "0xd80"): "Cortex-A520", ("0x41", "0xd81"): "Cortex-A720",
    ("0x41", "0xd82"): "Cortex-X4",
}  # fmt: skip
_SENSIBLE = (-40.0, 150.0)  #: degrees Celsius; sensors that are switched off show anything
_THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")  #: Android's throttling levels


def parse_facts(text: str) -> dict[str, Fact]:
    """Make facts of what :data:`SCRIPT` printed.

    Returns:
        ``os``, ``architecture``, ``cpu``, ``cores``, ``board``, ``model``, ``soc``, ``android``, ``governor`` (of all
        cores), ``mhz`` and ``most_mhz`` (of the fastest), ``load``, ``celsius`` and ``hottest`` (temperature and name
        of the hottest sensor), ``throttling`` (Android's word), ``battery_percent``, ``battery``; those that are known.
    """
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, tab, value = line.partition("\t")
        value = "".join(c for c in value if c.isprintable()).strip()[:200]
        if tab and value:
            said.setdefault(key, []).append(value)

    facts: dict[str, Fact] = {
        **{key: said[key][0] for key in ("os", "architecture", "board", "android", "battery") if key in said},
        "model": _named(said, "maker", "model"),
        "soc": _named(said, "soc_maker", "soc"),
        "cpu": _processor(said.get("cpuinfo", ())),
        "cores": float(len(said["core"])) if "core" in said else None,
        "governor": ", ".join(sorted(set(said.get("governor", ())))),
        "mhz": _highest(said.get("khz", ()), 1e-3),
        "most_mhz": _highest(said.get("most_khz", ()), 1e-3),
        "load": _highest(line.split()[0] for line in said.get("load", ())),
        "battery_percent": _highest(said.get("battery_percent", ())),
        **_heat(said.get("zone", ())),
        **_android(said),
    }
    return {key: value for key, value in facts.items() if value not in (None, "")}


def before_and_after(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> dict[str, Fact]:
    """Facts from both ends of a measurement: once what stays as it is, twice what moves (``celsius_before`` ...)."""
    facts = {name: value for name, value in after.items() if name not in MOVING}
    for when, said in (("before", before), ("after", after)):
        facts |= {f"{name}_{when}": said[name] for name in MOVING if name in said}
    return facts


def _named(said: Mapping[str, list[str]], maker: str, name: str) -> str:
    parts = [said[key][0] for key in (maker, name) if key in said]
    return parts[-1] if len(parts) == 2 and parts[1].lower().startswith(parts[0].lower()) else " ".join(parts)


def _processor(lines: Iterable[str]) -> str:
    """The name that /proc/cpuinfo gives; on arm64 the names of its cores."""
    fields = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    for wanted in ("model name", "Hardware"):
        found = [value for name, value in fields if name == wanted]
        if found:
            return found[0]
    makers = [value for name, value in fields if name == "CPU implementer"]
    parts = [value for name, value in fields if name == "CPU part"]
    names = [_PARTS.get(core, f"arm {core[0]}/{core[1]}") for core in zip(makers, parts, strict=False)]
    return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))


def _heat(zones: Iterable[str]) -> dict[str, Fact]:
    """The hottest sensor. Linux tells thousandths of a degree; some drivers tell whole degrees."""
    sensors = []
    for zone in zones:
        number, _, name = zone.partition(" ")
        celsius = _number(number)
        if celsius is None:
            continue
        celsius = celsius / 1000 if abs(celsius) >= 1000 else celsius
        if _SENSIBLE[0] < celsius < _SENSIBLE[1]:
            sensors.append((celsius, name))
    if not sensors:
        return {}
    celsius, name = max(sensors)
    return {"celsius": celsius, "hottest": name}


def _android(said: Mapping[str, list[str]]) -> dict[str, Fact]:
    """What Android's services tell where /sys is closed to us."""
    facts: dict[str, Fact] = {}
    for line in said.get("thermalservice", ()):
        name, _, value = line.partition(":")
        if name == "Thermal Status" and value.strip().isdecimal() and int(value) < len(_THERMAL):
            facts["throttling"] = _THERMAL[int(value)]
    for line in said.get("dumped_battery", ()):
        name, _, value = line.partition(":")
        if name == "level" and (level := _number(value)) is not None:
            facts["battery_percent"] = level
    return facts


def _highest(values: Iterable[str], scale: float = 1.0) -> float | None:
    numbers = [number for number in map(_number, values) if number is not None]
    return max(numbers) * scale if numbers else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None
