"""The log of a run: whole lines alone count, and a folder that is gone is told in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from augnet_cli.errors import TrainingError
from augnet_cli.training.log import LOG_NAME, add_to_log, begin_log, read_log


def test_lines_come_back_and_those_of_another_run_go(tmp_path: Path) -> None:
    folder = str(tmp_path)
    begin_log(folder, 0)
    for epoch in (1, 2, 3):
        add_to_log(folder, {"epoch": epoch, "pick": 0.5})
    assert [line["epoch"] for line in read_log(folder)] == [1, 2, 3]
    begin_log(folder, 2)
    assert [line["epoch"] for line in read_log(folder)] == [1, 2]
    begin_log(folder, 0)
    assert read_log(folder) == []


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    begin_log(str(tmp_path), 0)
    add_to_log(str(tmp_path), {"epoch": 1})
    with open(tmp_path / LOG_NAME, "a") as log:
        log.write('{"epoch": 2, "pi')
    assert [line["epoch"] for line in read_log(str(tmp_path))] == [1]


def test_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="can't be written: no such file"):
        add_to_log(str(tmp_path / "gone"), {"epoch": 1})
    assert read_log(str(tmp_path / "gone")) == []
