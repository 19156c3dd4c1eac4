"""Vela's report, as Vela 5.1 left it: the summary of a whole graph and its first twelve operators."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trm_edge.errors import TrmEdgeError
from trm_edge.export.vela_report import read_report, step_cost

RECORDED = Path(__file__).with_name("recorded")


def test_a_recorded_report() -> None:
    report = read_report(RECORDED)
    assert (report.accelerator, report.system_config) == ("Ethos_U55_128", "Ethos_U55_High_End_Embedded")
    assert report.memory_mode == "Shared_Sram"
    assert report.clock_mhz == 500
    assert report.cycles == 361_896
    assert report.milliseconds == pytest.approx(361_896 / 500e6 * 1e3)
    assert (report.sram_bytes, report.dram_bytes, report.flash_bytes) == (49 * 1024, 0, 147_616)
    assert (report.weight_bytes, report.macs) == (122_960, 3_194_880)
    assert (report.npu_operators, report.cpu_operators) == (12, 0)
    assert next(iter(report.cycles_by_operator.items())) == ("Conv2D", 2 * 17_824)
    assert report.to_dict()["cycles"] == report.cycles


def test_operators_left_to_the_cpu_are_counted(tmp_path: Path) -> None:
    shutil.copytree(RECORDED, tmp_path, dirs_exist_ok=True)
    layers = tmp_path / "out_per-layer.csv"
    layers.write_text(layers.read_text().replace("Table,LUT,NPU", "Table,LUT,CPU"))
    report = read_report(tmp_path)
    assert (report.npu_operators, report.cpu_operators) == (11, 1)


@pytest.mark.parametrize("change", ["missing", "another column", "no number"])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, change: str) -> None:
    shutil.copytree(RECORDED, tmp_path, dirs_exist_ok=True)
    (summary,) = tmp_path.glob("*_summary_*.csv")
    if change == "missing":
        summary.unlink()
    elif change == "another column":
        summary.write_text(summary.read_text().replace("cycles_total", "cycles"))
    else:
        summary.write_text(summary.read_text().replace("361896", "many"))
    with pytest.raises(TrmEdgeError, match=r"Vela's report cannot be read: .*ethos-u-vela 5\.1") as raised:
        read_report(tmp_path)
    assert "\n" not in str(raised.value)


def method(cycles: int) -> dict[str, float]:
    return {"cycles": cycles, "milliseconds": cycles / 500}


def test_a_step_is_all_its_passes_and_the_heads() -> None:
    cost = step_cost({"network_L": method(100), "heads": method(1)}, H_cycles=3, L_cycles=6)
    assert cost == {"calls": {"network_L": 21, "heads": 1}, "cycles": 2101, "milliseconds": 4.202}


def test_a_second_network_gives_the_answers() -> None:
    cost = step_cost({"network_L": method(100), "network_H": method(10), "heads": method(1)}, H_cycles=2, L_cycles=2)
    assert cost["calls"] == {"network_L": 4, "heads": 1, "network_H": 2}
    assert cost["cycles"] == 421
