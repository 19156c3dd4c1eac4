"""What Vela, Arm's compiler for Ethos-U, estimates for one compiled graph: read from the files that it leaves.

Vela estimates from tables of its own: nothing ran. The clock and the memories are those of its system configuration.
Standard library only.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trm_edge.errors import TrmEdgeError

_KIB = 1024


@dataclass(frozen=True)
class VelaReport:
    """One graph on one accelerator.

    Attributes:
        accelerator: configuration, as ``Ethos_U55_128``.
        system_config: which clocks and bandwidths were assumed.
        memory_mode: what lies in which memory.
        clock_mhz: of the accelerator.
        cycles: of one inference.
        milliseconds: the same at that clock.
        macs: multiplications of one inference.
        sram_bytes: scratch memory in SRAM.
        dram_bytes: the same in DRAM.
        flash_bytes: constants: encoded weights, scales and tables, in on-chip and off-chip flash.
        weight_bytes: of the weights before Vela encodes them.
        npu_operators: operators on the accelerator, in Vela's own count.
        cpu_operators: operators left to the CPU.
        cycles_by_operator: largest first.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    clock_mhz: float
    cycles: int
    milliseconds: float
    macs: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    weight_bytes: int
    npu_operators: int
    cpu_operators: int
    cycles_by_operator: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def read_report(folder: Path) -> VelaReport:
    """Read Vela's output folder, which holds the files of one graph.

    Raises:
        TrmEdgeError: they are not there, or not as this version of Vela writes them.
    """
    try:
        (summary,), layers = _rows(folder, "*_summary_*.csv"), _rows(folder, "*_per-layer.csv")
        cycles: Counter[str] = Counter()
        for layer in layers:
            cycles[layer["NNG Operator"]] += round(float(layer["Op Cycles"]))
        on_npu = sum(layer["Target"] == "NPU" for layer in layers)

        def kib(*memories: str) -> int:
            return round(sum(float(summary[f"{memory}_memory_used"]) for memory in memories) * _KIB)

        return VelaReport(
            accelerator=summary["accelerator_configuration"],
            system_config=summary["system_config"],
            memory_mode=summary["memory_mode"],
            clock_mhz=float(summary["core_clock"]) / 1e6,
            cycles=round(float(summary["cycles_total"])),
            milliseconds=round(float(summary["inference_time"]) * 1e3, 6),
            macs=round(float(summary["nn_macs"])),
            sram_bytes=kib("sram"),
            dram_bytes=kib("dram"),
            flash_bytes=kib("on_chip_flash", "off_chip_flash"),
            weight_bytes=round(float(summary["total_original_weights"])),
            npu_operators=on_npu,
            cpu_operators=len(layers) - on_npu,
            cycles_by_operator=dict(cycles.most_common()),
        )
    except (KeyError, ValueError) as error:
        raise TrmEdgeError(f"Vela's report cannot be read: {error}. It is written by ethos-u-vela 5.1.") from None


def step_cost(methods: Mapping[str, Mapping[str, Any]], H_cycles: int, L_cycles: int) -> dict[str, Any]:
    """What a supervision step costs the processor; the host's part is not in it.

    Args:
        methods: reports of the methods of a program, JSON-ready, by name.
        H_cycles: of the model.
        L_cycles: of the model.

    Returns:
        JSON-ready: ``calls`` of each method, ``cycles`` and ``milliseconds``.
    """
    calls = {"network_L": H_cycles * L_cycles, "heads": 1}
    answer = "network_H" if "network_H" in methods else "network_L"
    calls[answer] = calls.get(answer, 0) + H_cycles
    cycles = sum(count * methods[name]["cycles"] for name, count in calls.items())
    milliseconds = sum(count * methods[name]["milliseconds"] for name, count in calls.items())
    return {"calls": calls, "cycles": cycles, "milliseconds": round(milliseconds, 4)}


def _rows(folder: Path, pattern: str) -> list[dict[str, str]]:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ValueError(f"{len(found)} files {pattern}")
    with found[0].open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
