"""The real program in a process of its own, for tests of what a user at a shell sees.

`augnet` runs it forked from a process that has loaded its libraries; `start` starts it anew.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from warm_program import WarmProgram

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [sys.executable, "-m", "augnet_cli"]
TIMEOUT_S = 120  # a hang is a failure; nothing here takes a tenth of it

# Linux: what lets root read and write whatever the permissions say (capabilities(7), prctl(2)).
PR_CAPBSET_DROP = 24
OVERRIDING = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER


@dataclass(frozen=True)
class Done:
    """How a run ended: exit code and the bytes of both streams."""

    code: int
    out: bytes
    err: bytes

    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    @property
    def notes(self) -> list[str]:
        return self.err.decode().splitlines()

    def ok(self) -> Done:
        assert (self.code, b"Traceback" in self.err) == (0, False), self
        return self

    def refused(self, code: int = 1) -> str:
        """Check that it ended with a known error in two lines and clean stdout; gives both lines."""
        assert self.code == code, self
        assert self.out == b"", self
        said = self.notes
        assert len(said) == 2 and said[0].startswith("augnet: ") and said[1].startswith("  hint: "), self
        assert len(said[0]) > len("augnet: ") and len(said[1]) > len("  hint: "), self
        return "\n".join(said)


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with augnet importable from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **changes}


def in_shell(line: str, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Let bash run a line in which AUGNET stands for the program, started anew."""
    program = " ".join(f"'{word}'" for word in PROGRAM)
    return subprocess.run(
        ["bash", "-c", line.replace("AUGNET", program, 1)],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def augnet(
    *words: str | Path,
    cwd: Path | None = None,
    ordinary: bool = False,
    **changes: str,
) -> Done:
    """Run `augnet WORDS` to its end; `ordinary` without root's right to ignore permissions."""
    if ordinary or sys.platform != "linux":  # a process gives up root's rights as it becomes another program
        return ended(start(*words, cwd=cwd, ordinary=ordinary, **changes))
    told, where = list(map(os.fspath, words)), os.fspath(cwd or os.getcwd())
    return Done(*warm_program().run(told, where, environment(**changes), TIMEOUT_S))


@cache
def warm_program() -> WarmProgram:
    return WarmProgram(environment())


def start(
    *words: str | Path,
    cwd: Path | None = None,
    ordinary: bool = False,
    program: Sequence[str] = PROGRAM,
    **changes: str,
) -> subprocess.Popen[bytes]:
    """Start `augnet WORDS`; finish it with `ended`."""
    return subprocess.Popen(
        [*program, *map(os.fspath, words)],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=in_child(ordinary),  # noqa: PLW1509 - it takes no lock
    )


def ended(process: subprocess.Popen[bytes]) -> Done:
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Done(process.returncode, out, err)


def in_child(ordinary: bool) -> Callable[[], None]:
    """What the child does before it becomes the program."""

    def prepare() -> None:
        # A shell's background jobs ignore SIGINT, and a runner of tests may be one.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if ordinary and os.geteuid() == 0:
            libc = ctypes.CDLL(None, use_errno=True)
            for capability in OVERRIDING:
                if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                    raise OSError(ctypes.get_errno(), "can't give up a capability")

    return prepare


def tree(folder: Path) -> dict[str, tuple[str, str, int]]:
    """Everything under a folder, stores aside: by path its kind, content and mtime."""
    found: dict[str, tuple[str, str, int]] = {}
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".augnet"]
        for name in [*folders, *names]:
            path = os.path.join(where, name)
            status = os.lstat(path)
            if os.path.islink(path):
                fact = ("link", os.readlink(path), status.st_mtime_ns)
            elif os.path.isdir(path):
                # The mtime of the folder itself changes as the store is made in it.
                fact = ("folder", "", 0)
            elif os.path.isfile(path):
                digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                fact = ("file", digest, status.st_mtime_ns)
            else:
                fact = ("special", "", status.st_mtime_ns)
            found[os.path.relpath(path, folder)] = fact
    return found


def saved(folder: Path) -> int:
    """How many files the store holds at this moment."""
    store = folder / ".augnet" / "cache" / "store.sqlite"
    if not store.exists():
        return 0
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM files").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
