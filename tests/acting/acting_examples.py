"""Folders to act on, their plans, and what must be there afterwards; no image library is imported."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from augnet_cli.acting.plan import write_plan
from augnet_cli.images.files import content_hash
from augnet_cli.records import Group, ImageRecord, Kept, Redundant
from augnet_cli.results import DedupeResult

# An odd number of nanoseconds: whatever rounds a time is found out.
FIRST_MTIME_NS = 1_500_000_000_123_456_789
STORE = ".augnet"


@dataclass(frozen=True)
class Copy:
    """One line of a plan to be made."""

    path: str
    witness: str
    verified: bool = True


def put(folder: Path, files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> None:
    """Write files, each with a time of change of its own."""
    for number, (name, data) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.chmod(path, (modes or {}).get(name, 0o644))
        os.utime(path, ns=(FIRST_MTIME_NS, FIRST_MTIME_NS + number * 1_000_000_007))


def plan_for(folder: Path, copies: Iterable[Copy], out: Path) -> Path:
    """The plan that `dedupe` would write for these copies, from the files as they stand."""
    copies = list(copies)
    names = dict.fromkeys(name for copy in copies for name in (copy.path, copy.witness))
    images = [_record(folder, name) for name in names]
    groups = tuple(
        Group(
            Kept(witness, "most pixels"),
            tuple(_redundant(copy) for copy in copies if copy.witness == witness),
        )
        for witness in dict.fromkeys(copy.witness for copy in copies)
    )
    result = DedupeResult(str(folder), str(folder), "encoder", 0.2, len(images), groups, ())
    with open(out, "wb") as file:
        write_plan(result, images, file)
    return out


def _record(folder: Path, name: str) -> ImageRecord:
    path = folder / name
    status = path.stat()
    return ImageRecord(name, content_hash(path.read_bytes()), 1, 1, status.st_size, status.st_mtime_ns, None)


def _redundant(copy: Copy) -> Redundant:
    return Redundant(copy.path, 0.1, copy.witness, copy.verified, ("re-encoded",))


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything of a folder but its store: kind, bytes, permissions, and of files the time of change."""
    found: dict[str, tuple[object, ...]] = {}
    for where, folders, names in os.walk(folder):
        if where == str(folder) and STORE in folders:
            folders.remove(STORE)
        for name in (*folders, *names):
            path = os.path.join(where, name)
            status = os.lstat(path)
            mode = stat.S_IMODE(status.st_mode)
            fact: tuple[object, ...]
            if os.path.islink(path):
                fact = ("link", os.readlink(path))
            elif os.path.isdir(path):
                fact = ("folder", mode)
            elif not stat.S_ISREG(status.st_mode):
                fact = ("special", status.st_mode)
            else:
                fact = ("file", _digest(path), mode, status.st_mtime_ns)
            found[os.path.relpath(path, folder)] = fact
    return found


def contents(folders: Sequence[Path]) -> set[str]:
    """Digests of all regular files under some folders, stores included."""
    return {
        _digest(os.path.join(where, name))
        for folder in folders
        for where, _, names in os.walk(folder)
        for name in names
        if not os.path.islink(os.path.join(where, name))
    }


def left_behind(folder: Path) -> list[str]:
    """What acting must not leave in a folder once all is undone: quarantine and temporary files."""
    found = []
    for where, folders, names in os.walk(folder):
        found += [os.path.join(where, name) for name in names if name.endswith((".tmp", ".new"))]
        found += [os.path.join(where, name) for name in folders if name == "quarantine"]
    return found


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
