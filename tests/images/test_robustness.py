"""868 odd, old and broken files, in a real process whose stderr is watched."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Far above what any of them takes; one that hangs is the failure looked for.
MAX_SECONDS_EACH = 5.0

DECODE_ALL = """
import json, os, sys, time
from augnet_cli.images.decode import decode
from augnet_cli.images.files import read_bytes, walk
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Resize
folder = sys.argv[1]
for found in walk(folder).files:
    start, reason, mutter, shape = time.monotonic(), None, "", None
    try:
        result = decode(read_bytes(os.path.join(folder, found.path)), Resize(96), name=found.path)
        mutter, shape = result.mutter, result.pixels.shape
    except Unusable as error:
        reason = error.reason
    print(json.dumps([found.path, shape, reason, mutter, time.monotonic() - start]))
"""


@pytest.fixture(scope="module")
def outcomes(shared_data: Callable[[str], Path]) -> tuple[list[list[Any]], str]:
    folder = shared_data("robustness.tar")
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", DECODE_ALL, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_each_file_decodes_or_has_a_reason(outcomes: tuple[list[list[Any]], str]) -> None:
    rows, _ = outcomes
    assert len(rows) >= 868
    for path, shape, reason, _, _ in rows:
        assert (shape == [96, 96, 3]) != (reason is not None), path
    assert sum(reason is None for _, _, reason, _, _ in rows) > 790


def test_nothing_reaches_stderr(outcomes: tuple[list[list[Any]], str]) -> None:
    rows, stderr = outcomes
    assert stderr == ""
    # The watch is no empty one: libtiff did speak.
    assert any(mutter for *_, mutter, _ in rows)


def test_no_file_takes_long(outcomes: tuple[list[list[Any]], str]) -> None:
    rows, _ = outcomes
    assert max((row[4], row[0]) for row in rows)[0] < MAX_SECONDS_EACH


def test_reasons_are_one_line_of_plain_words(outcomes: tuple[list[list[Any]], str]) -> None:
    rows, _ = outcomes
    for path, _, reason, _, _ in rows:
        if reason is None:
            continue
        assert isinstance(reason, str)
        assert 8 < len(reason) < 200, (path, reason)
        assert reason.isprintable(), (path, reason)
        assert not re.search(r"<|0x|object at|Error\b|Exception|Traceback|_io|\bb'|Plugin", reason), (
            path,
            reason,
        )
