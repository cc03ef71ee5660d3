"""Every call that changes a file fails once, in every way: `python injected_failures.py FOLDER [NAME...]`.

For each action, and for `undo` after it, the calls of one whole run are counted.
Then, for each of them, the run is done again in a process of its own on a fresh copy of the folder.
At that call the process is killed (before it, after it, or in the middle of a write), gets an error (before
it was done, or though it was done), or Ctrl-C.
After each: all bytes that were there still are, the journal can be read, and `undo` in another process brings
the folder back as it was: names, bytes, times, permissions.

The real program runs on real files. Only `os.fsync` does nothing: no power fails, and it would take minutes.
A program by itself, for it forks thousands of times: it must not have a test runner's libraries in memory.
"""

from __future__ import annotations

import builtins
import errno
import gc
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acting_examples import Copy, contents, left_behind, plan_for, put, tree

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS)
CHANGING = (
    *("rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir"),
    *("write", "sendfile", "ftruncate", "truncate", "fsync", "utime", "chmod"),
)
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR
# Ends of a child process.
DONE, KNOWN, INTERRUPTED, BUG = 0, 10, 30, 70
ODD = os.fsdecode(b"not utf-8 \xff\n.jpg")

KILL_BEFORE, KILL_AFTER, ERROR, ERROR_AFTER, TORN, TORN_ERROR, CTRL_C = (
    "killed before",
    "killed after",
    "error",
    "error though done",
    "killed in a write",
    "error in a write",
    "Ctrl-C",
)
# An error comes twice: the commonest of all.
IN_TURN = (ERROR, KILL_AFTER, TORN, ERROR, ERROR_AFTER, TORN_ERROR, CTRL_C)
KINDS = (KILL_BEFORE, *IN_TURN)


@dataclass(frozen=True)
class Scenario:
    """What is done; `disk` is `whole`, `two` (quarantine is on another disk) or `no links`."""

    action: str
    disk: str = "whole"

    @property
    def name(self) -> str:
        return self.action if self.disk == "whole" else f"{self.action}, {self.disk}"


SCENARIOS = (
    Scenario("quarantine"),
    Scenario("trash"),
    Scenario("hardlink"),
    Scenario("symlink"),
    Scenario("delete"),
    Scenario("quarantine", "two"),
    Scenario("symlink", "two"),
    Scenario("quarantine", "no links"),
)


@dataclass(frozen=True)
class Fault:
    """What happens at which call, from 1."""

    call: int
    kind: str


class Disk:
    """The calls that change files, each counted, one of them faulty."""

    def __init__(self, fault: Fault | None, disk: str) -> None:
        self.calls, self._fault, self._disk = 0, fault, disk
        for name in CHANGING:
            setattr(os, name, self._counted(name, getattr(os, name)))
        real_open, real_os_open = builtins.open, os.open

        def opened(file: object, mode: str = "r", *rest: object, **more: object) -> object:
            writes = isinstance(file, (str, bytes)) and any(letter in mode for letter in "wax+")
            return self._pass("open", lambda: real_open(file, mode, *rest, **more), writes)

        def os_opened(path: object, flags: int, *rest: object, **more: object) -> int:
            return self._pass(
                "open", lambda: real_os_open(path, flags, *rest, **more), bool(flags & WRITE_FLAGS)
            )

        builtins.open, os.open = opened, os_opened  # type: ignore[assignment]

    def _counted(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            self._refuse_by_nature(name, arguments)
            if name == "fsync":
                return self._pass(name, lambda: None)
            half = (lambda: real(arguments[0], _first_half(arguments[1]))) if name == "write" else None
            return self._pass(name, lambda: real(*arguments, **named), half=half)

        return call

    def _refuse_by_nature(self, name: str, arguments: tuple[object, ...]) -> None:
        """What this disk can't do at all."""
        if name == "link" and self._disk == "no links":
            raise PermissionError(errno.EPERM, "no hard links", arguments[0])
        if name in ("link", "rename", "replace") and self._disk == "two":
            sides = ["quarantine" in os.fsdecode(path).split(os.sep) for path in arguments[:2]]
            if sides[0] != sides[1]:
                raise OSError(errno.EXDEV, "invalid cross-device link", arguments[0])

    def _pass(
        self,
        name: str,
        do: Callable[[], object],
        counts: bool = True,
        half: Callable[[], object] | None = None,
    ) -> object:
        if not counts:
            return do()
        self.calls += 1
        fault = self._fault
        if fault is None or self.calls != fault.call:
            return do()
        number = ERRORS[fault.call % len(ERRORS)]
        if fault.kind in (TORN, TORN_ERROR) and half is not None:
            half()
        elif fault.kind in (KILL_AFTER, ERROR_AFTER):
            do()
        elif fault.kind == CTRL_C:
            os.kill(os.getpid(), signal.SIGINT)
            return do()
        if fault.kind in (ERROR, ERROR_AFTER, TORN_ERROR):
            raise OSError(number, f"injected: {os.strerror(number)}")
        os.kill(os.getpid(), signal.SIGKILL)
        return None


@dataclass(frozen=True)
class Snapshot:
    """A folder in memory, hard links and times included: to be laid out thousands of times."""

    folders: tuple[tuple[str, int], ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[tuple[str, ...], bytes, int, int], ...]

    @classmethod
    def of(cls, root: Path) -> Snapshot:
        folders, links, by_inode = [], [], {}
        for where, inside, names in os.walk(root):
            folders.append((os.path.relpath(where, root), os.lstat(where).st_mode))
            for name in (*inside, *names):
                path = os.path.join(where, name)
                if os.path.islink(path):
                    links.append((os.path.relpath(path, root), os.readlink(path)))
                elif name in names:
                    by_inode.setdefault(os.lstat(path).st_ino, []).append(path)
        files = []
        for paths in by_inode.values():
            status, data = os.lstat(paths[0]), Path(paths[0]).read_bytes()
            inside = tuple(os.path.relpath(path, root) for path in paths)
            files.append((inside, data, status.st_mode, status.st_mtime_ns))
        return cls(tuple(folders), tuple(links), tuple(files))

    def lay_out(self, root: Path) -> None:
        shutil.rmtree(root, ignore_errors=True)
        for name, _ in self.folders:
            os.mkdir(os.path.normpath(os.path.join(root, name)))
        for (name, *others), data, mode, mtime_ns in self.files:
            path = os.path.join(root, name)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(handle, data)
            os.close(handle)
            os.chmod(path, mode)
            os.utime(path, ns=(mtime_ns, mtime_ns))
            for other in others:
                os.link(path, os.path.join(root, other))
        for name, text in self.links:
            os.symlink(text, os.path.join(root, name))


@dataclass(frozen=True)
class Room:
    """Where all of it happens: `root` holds the photos, the plan and the home with the trash."""

    root: Path

    @property
    def photos(self) -> Path:
        return self.root / "photos"


def _first_half(data: object) -> object:
    return data[: len(data) // 2]


def make(room: Room, action: str) -> None:
    """Two groups: nested folders, odd names, sidecars where the action takes them, a read-only file."""
    files = {
        "kept/größe.jpg": b"first picture",
        "kept/größe.cr2": b"raw",
        "a b/same.jpg": b"first picture",
        "a b/near one.jpg": b"first picture, re-encoded",
        f"a b/deep/er/{ODD}": b"first picture, smaller",
        "second.png": b"second picture",
        "-copies-/second (1).png": b"second picture",
        "unlisted.jpg": b"third picture",
        "notes.txt": b"no image",
    }
    if action != "delete":
        files |= {"a b/same.jpg.xmp": b"<same/>", "a b/near one.CR2": b"raw", "a b/near one.XMP": b"<near/>"}
    # The library for the trash refuses what its owner may not write.
    read_only = 0o640 if action == "trash" else 0o444
    put(room.photos, files, {"a b/same.jpg": 0o600, "-copies-/second (1).png": read_only})
    copies = [
        Copy("a b/same.jpg", "kept/größe.jpg"),
        Copy("a b/near one.jpg", "kept/größe.jpg"),
        Copy(f"a b/deep/er/{ODD}", "kept/größe.jpg"),
        Copy("-copies-/second (1).png", "second.png"),
    ]
    plan_for(room.photos, copies, room.root / "plan.jsonl")


def in_child(work: Callable[[], int], fault: Fault | None, disk: str) -> tuple[int, int]:
    """Run in a process of its own: how it ended (negative: the signal), and how many calls it made."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = BUG
        real_write, real_exit = os.write, os._exit
        signal.signal(signal.SIGINT, signal.default_int_handler)
        counted = Disk(fault, disk)
        try:
            code = work()
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BaseException:
            text = traceback.format_exc()
            sys.stderr.write(text)
            sys.stderr.flush()
        real_write(writer, str(counted.calls).encode())
        real_exit(code)
    os.close(writer)
    told = os.read(reader, 100)
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(told or 0)


def applied(room: Room, action: str) -> Callable[[], int]:
    from augnet_cli.acting.outcome import Action
    from augnet_cli.errors import AugnetError
    from augnet_cli.pipeline.apply import apply

    def work() -> int:
        try:
            result = apply(str(room.root / "plan.jsonl"), Action(action))
        except AugnetError:
            return KNOWN
        for group in result.refused:
            for path in group.paths:
                there = os.path.isfile(os.path.join(room.photos, path))
                assert there or "not put back" in group.reason, f"refused, but not there: {path}"
        if action in ("quarantine", "trash", "delete"):
            for file in result.acted:
                assert not os.path.lexists(os.path.join(room.photos, file.path)), f"done, but there: {file}"
        return DONE

    return work


def undone(room: Room) -> Callable[[], int]:
    from augnet_cli.errors import AugnetError
    from augnet_cli.pipeline.undo import undo

    def work() -> int:
        try:
            result = undo(str(room.photos), "all")
        except AugnetError:
            return KNOWN
        return KNOWN if any(not file.final for file in result.failed) else DONE

    return work


def check_kept(room: Room, scenario: Scenario, before: dict[str, tuple[object, ...]]) -> None:
    """No byte is lost, and the journal can be read."""
    from augnet_cli.acting.journal import read_journal
    from augnet_cli.store.place import place_for

    there = contents([room.root])
    for path, fact in before.items():
        if fact[0] != "file" or fact[1] in there:
            continue
        assert scenario.action == "delete" and path.startswith(("a b/", "-copies-/")), f"lost: {path!r}"
    after = tree(room.photos)
    for path in ("kept/größe.jpg", "kept/größe.cr2", "second.png", "unlisted.jpg", "notes.txt"):
        assert after[path] == before[path], f"touched: {path}"
    assert read_journal(place_for(str(room.photos), create=False)).damaged == 0, "the journal is damaged"


def check_back(room: Room, scenario: Scenario, before: dict[str, tuple[object, ...]]) -> None:
    """The folder is as it was, but for what was deleted."""
    after = tree(room.photos)
    if scenario.action == "delete":
        gone = {path for path in before if path not in after}
        assert all(before[path][0] == "file" and path.startswith(("a b/", "-copies-/")) for path in gone), (
            gone
        )
        before = {path: fact for path, fact in before.items() if path not in gone}
    assert after == before, {path: (before.get(path), after.get(path)) for path in before | after}
    assert left_behind(room.root) == [], left_behind(room.root)


def faults(calls: int, disk: str) -> list[Fault]:
    """What is tried at each call: a kill, and one other in turn; on the odder disks one of all in turn."""
    if disk != "whole":
        return [Fault(call, KINDS[call % len(KINDS)]) for call in range(1, calls + 1)]
    return [
        Fault(call, kind)
        for call in range(1, calls + 1)
        for kind in (KILL_BEFORE, IN_TURN[call % len(IN_TURN)])
    ]


def try_apply(room: Room, scenario: Scenario, fault: Fault, before: dict[str, tuple[object, ...]]) -> None:
    ended, _ = in_child(applied(room, scenario.action), fault, scenario.disk)
    assert ended in (DONE, KNOWN, INTERRUPTED, -signal.SIGKILL), f"apply ended with {ended}"
    check_kept(room, scenario, before)
    if fault.call % 4 == 1:
        # The plan again, after the failure: it goes on, or refuses; nothing is lost either way.
        assert in_child(applied(room, scenario.action), None, scenario.disk)[0] == DONE
        check_kept(room, scenario, before)
    assert in_child(undone(room), None, scenario.disk)[0] == DONE, "undo did not bring all back"
    check_back(room, scenario, before)


def try_undo(room: Room, scenario: Scenario, fault: Fault, before: dict[str, tuple[object, ...]]) -> None:
    ended, _ = in_child(undone(room), fault, scenario.disk)
    assert ended in (DONE, KNOWN, INTERRUPTED, -signal.SIGKILL), f"undo ended with {ended}"
    check_kept(room, scenario, before)
    assert in_child(undone(room), None, scenario.disk)[0] == DONE, "undo did not bring all back"
    check_back(room, scenario, before)
    if fault.call % 4 == 0:
        assert in_child(undone(room), None, scenario.disk)[0] == DONE
        check_back(room, scenario, before)


def run_scenario(work: Path, scenario: Scenario) -> dict[str, int]:
    """All faults of one scenario; gives how many there were."""
    room = Room(work / "root")
    shutil.rmtree(room.root, ignore_errors=True)
    room.photos.mkdir(parents=True)
    (room.root / "home").mkdir()
    make(room, scenario.action)
    before, untouched = tree(room.photos), Snapshot.of(room.root)
    ended, apply_calls = in_child(applied(room, scenario.action), None, scenario.disk)
    assert ended == DONE and tree(room.photos) != before, f"nothing was done: {ended}"
    acted = Snapshot.of(room.root)
    check_kept(room, scenario, before)
    ended, undo_calls = in_child(undone(room), None, scenario.disk)
    assert ended == DONE
    check_back(room, scenario, before)
    tally = {"apply": 0, "undo": 0}
    for verb, start, calls, attempt in (
        ("apply", untouched, apply_calls, try_apply),
        ("undo", acted, undo_calls, try_undo),
    ):
        for fault in faults(calls, scenario.disk):
            start.lay_out(room.root)
            try:
                attempt(room, scenario, fault, before)
            except AssertionError as error:
                raise AssertionError(f"{scenario.name}, {verb}, {fault}: {error}") from error
            tally[verb] += 1
    return tally


def main() -> None:
    work = Path(sys.argv[1])
    os.environ |= {
        "HOME": str(work / "root" / "home"),
        "XDG_DATA_HOME": str(work / "root" / "home"),
        "AUGNET_HOME": str(work / "root" / "home" / "augnet"),
    }
    # Before the first fork: the children find it loaded, and its folders are those of this test.
    import send2trash  # noqa: F401

    # What is not looked at need not be copied for each child.
    gc.disable()
    gc.freeze()
    wanted = sys.argv[2:]
    for scenario in SCENARIOS:
        if not wanted or scenario.name in wanted:
            print(json.dumps({"scenario": scenario.name, **run_scenario(work, scenario)}), flush=True)


if __name__ == "__main__":
    main()
