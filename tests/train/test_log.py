from __future__ import annotations

import csv
from pathlib import Path

from trm_edge.train.log import COLUMNS, RunLog


def steps(out: Path) -> list[str]:
    with (out / "log.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return [row["step"] for row in reader]


def test_a_resumed_log_drops_what_will_be_written_again(tmp_path: Path) -> None:
    with RunLog(tmp_path, resume_at=0) as log:
        for step in (10, 20, 30):
            log.write(step, {"loss": step / 7})
    with RunLog(tmp_path, resume_at=20) as log:
        log.write(30, {"loss": 1.0})
    assert steps(tmp_path) == ["10", "20", "30"]


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path: Path) -> None:
    with RunLog(tmp_path, resume_at=0) as log:
        log.write(2000, {"loss": 1.0})
    with (tmp_path / "log.csv").open("a") as file:
        file.write("21")  # the beginning of 2100,...
    with RunLog(tmp_path, resume_at=2000):
        pass
    assert steps(tmp_path) == ["2000"]
