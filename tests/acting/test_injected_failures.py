"""No byte is lost and undo works, whichever call fails: `injected_failures.py`, run as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from augnet_program import ROOT

PROGRAM = Path(__file__).with_name("injected_failures.py")
LEAST_FAILURES = 200
SCENARIOS = 8


@pytest.mark.skipif(os.name != "posix", reason="it forks")
def test_no_failure_of_any_call_that_changes_a_file_loses_a_byte(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(PROGRAM.parent)))}

    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path)], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    tallies = [json.loads(line) for line in done.stdout.splitlines()]
    print(done.stdout)
    assert len(tallies) == SCENARIOS
    assert sum(tally["apply"] + tally["undo"] for tally in tallies) >= LEAST_FAILURES
    assert all(tally["apply"] and tally["undo"] for tally in tallies)
