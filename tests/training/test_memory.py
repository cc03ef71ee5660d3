"""Freed memory stays with the process: the kernel need not clear it again."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from augnet_cli.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(10):  # the first few go to new places while the heap grows
    torch.ones(16_000_000)  # 64 MB, as a batch of feature maps
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(16_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(word: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, word], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_blocks_of_a_step_are_cleared_once_and_not_every_step():
    assert page_faults("keep") < page_faults("default") / 100
