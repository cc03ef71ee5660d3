"""No byte is lost and undo works, whichever call fails: `injected_failures.py`, run as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from augnet_program import ROOT

pytestmark = pytest.mark.early

PROGRAM = Path(__file__).with_name("injected_failures.py")
LEAST_FAILURES = 200
MEMORY = "/dev/shm"
# Two at a time, of about the same length: everything one after the other would take a minute.
HALVES = (
    ("quarantine", "trash", "delete", "quarantine, no links"),
    ("hardlink", "symlink", "quarantine, two", "symlink, two"),
)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: thousands of folders are laid out, and a disk takes
    three times as long."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.mark.timeout(1200)  # 40 s on two cores of its own; a busy machine is no failure
@pytest.mark.skipif(os.name != "posix", reason="it forks")
def test_no_failure_of_any_call_that_changes_a_file_loses_a_byte(work: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(PROGRAM.parent)))}
    running = []
    for number, scenarios in enumerate(HALVES):
        (work / str(number)).mkdir()
        command = [sys.executable, str(PROGRAM), str(work / str(number)), *scenarios]
        running.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )

    ends = [(process.communicate(), process.returncode) for process in running]

    for (out, err), code in ends:
        assert code == 0, out + err
    tallies = [json.loads(line) for (out, _), _ in ends for line in out.splitlines()]
    assert sorted(tally["scenario"] for tally in tallies) == sorted(HALVES[0] + HALVES[1])
    assert all(tally["apply"] and tally["undo"] for tally in tallies)
    failures = sum(tally["apply"] + tally["undo"] for tally in tallies)
    print(f"{failures} injected failures", *tallies, sep="\n")
    assert failures >= LEAST_FAILURES
