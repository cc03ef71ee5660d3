"""What was done to the photos, a line before each change and one after: `journal.jsonl` in the store's data.

A step is told three times: `intended`, with all that undo needs, on the disk before a file is touched;
`done`; and, when it is taken back, `undone`.
After a crash the files themselves tell how far a step came, so `done` need not reach the disk at once.
Lines are only ever added.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from glob import escape as glob_escaped
from glob import glob

from augnet_cli.acting.checks import why, why_unsafe, why_unsafe_witness
from augnet_cli.acting.lines import Appender, BadLine, field, numbered, object_of, text, untorn, whole
from augnet_cli.acting.outcome import Action
from augnet_cli.errors import StoreError
from augnet_cli.images.names import shown
from augnet_cli.store.home import user_home
from augnet_cli.store.place import Place

JOURNAL_FILE = "journal.jsonl"
QUARANTINE = "quarantine"
VERSION = 1
# Two runs in one second must not share a name.
RUN_TOKEN_BYTES = 3

BEGUN, ENDED = "begun", "ended"
INTENDED, DONE, UNDOING, UNDONE, GONE = "intended", "done", "undoing", "undone", "gone"
# Nothing is left to take back: it was, or never can be and that was said.
SETTLED = frozenset((UNDONE, GONE))


class JournalLost(Exception):
    """The journal can't be written: nothing more may be changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change to one file.

    Attributes:
        number: from 1, in order of doing.
        path: where the file was, relative to the folder.
        to: where it went: relative to the store's data (quarantine), absolute (trash), or None.
        hash, size, mtime_ns, mode: of the file as it was.
        witness, witness_hash: the kept image and its content.
        state: INTENDED, DONE, UNDONE or GONE.
    """

    run: str
    number: int
    action: Action
    path: str
    to: str | None
    size: int
    hash: str
    mtime_ns: int
    mode: int
    witness: str
    witness_hash: str
    sidecar_of: str | None = None
    state: str = INTENDED


@dataclass(frozen=True, slots=True)
class History:
    """All steps, oldest first, each in its last state; `damaged` counts lines that can't be read.

    `ended` are the runs that came to their end.
    """

    steps: tuple[Step, ...]
    damaged: int
    ended: frozenset[str] = frozenset()

    def active(self) -> tuple[Step, ...]:
        """Steps that were neither taken back nor found to be gone."""
        return tuple(step for step in self.steps if step.state not in SETTLED)


def journal_file(place: Place) -> str:
    return os.path.join(place.data, JOURNAL_FILE)


def new_run() -> str:
    """A name for a run that sorts by time."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(RUN_TOKEN_BYTES)}"


def read_journal(place: Place) -> History:
    """Read what was done; a torn last line means that nothing was done.

    Raises:
        StoreError: it can't be opened, or a newer augnet wrote it.
    """
    path = journal_file(place)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return History((), 0)
    except OSError as error:
        raise StoreError(f"{shown(path)} can't be read: {why(error)}", f"ls -l {shown(path)}") from error
    steps: dict[tuple[str, int], Step] = {}
    damaged, ended = 0, set[str]()
    for _, line in numbered(untorn(data)):
        try:
            _learn(object_of(line), steps, ended, path)
        except BadLine:
            # The other lines can still bring files back.
            damaged += 1
    return History(tuple(steps.values()), damaged, frozenset(ended))


def moved_from(folder: str, environ: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """Where a folder without a journal may have been: its path then, and where the user's data of it are.

    That is a folder of the same name that is not there any more, and in which something is left to undo: data
    with the user are found by the path.
    """
    name = os.path.basename(os.path.abspath(folder))
    for journal in sorted(glob(os.path.join(glob_escaped(user_home(environ).data), "*", JOURNAL_FILE))):
        data = os.path.dirname(journal)
        try:
            then = _folder_of(journal)
            is_lost = os.path.basename(then) == name and not os.path.lexists(then)
            if is_lost and read_journal(Place(folder=then, cache=data, data=data)).active():
                return then, data
        except (OSError, StoreError):
            continue
    return None


def _folder_of(journal: str) -> str:
    """The folder that a journal's last run was about; "" where it does not say."""
    folder = ""
    with open(journal, "rb") as file:
        for line in file:
            try:
                value = object_of(line) if BEGUN.encode() in line else {}
            except BadLine:
                continue
            if value.get("state") == BEGUN and isinstance(value.get("folder"), str):
                folder = str(value["folder"])
    return folder


def _learn(value: dict[str, object], steps: dict[tuple[str, int], Step], ended: set[str], path: str) -> None:
    state = text(value, "state")
    if state == BEGUN and whole(value, "augnet_journal") > VERSION:
        raise StoreError(f"{shown(path)} was written by a newer augnet", "pip install --upgrade augnet")
    if state in (BEGUN, ENDED):
        if state == ENDED:
            ended.add(text(value, "run"))
        return
    key = text(value, "run"), whole(value, "step")
    if state == INTENDED:
        steps[key] = _step(value)
    elif key not in steps:
        raise BadLine("a step that was never intended")
    elif state != UNDOING:
        to = value.get("to")
        steps[key] = replace(steps[key], state=state, to=to if isinstance(to, str) else steps[key].to)


def _step(value: dict[str, object]) -> Step:
    """A step as it was intended.

    Raises:
        BadLine: a field is missing or wrong, or a path leaves the folder.
    """
    to, of = field(value, "to", str, type(None)), field(value, "sidecar_of", str, type(None))
    try:
        action, mode = Action(text(value, "action")), int(text(value, "mode"), base=8)
    except ValueError as error:
        raise BadLine("no such action or mode") from error
    step = Step(
        run=text(value, "run"),
        number=whole(value, "step"),
        action=action,
        path=text(value, "from"),
        to=to if isinstance(to, str) else None,
        size=whole(value, "size"),
        hash=text(value, "hash"),
        mtime_ns=whole(value, "mtime_ns"),
        mode=mode,
        witness=text(value, "witness"),
        witness_hash=text(value, "witness_hash"),
        sidecar_of=of if isinstance(of, str) else None,
    )
    paths = (step.path, *((step.to,) if step.to else ()))
    for reason in (*map(why_unsafe, paths), why_unsafe_witness(step.witness)):
        if reason is not None:
            raise BadLine(reason)
    return step


class Journal:
    """The journal, open for writing by the one who holds the lock of the store."""

    def __init__(self, place: Place) -> None:
        """Open it, and cut off what a crash left of a last line.

        Raises:
            StoreError: it can't be written.
        """
        self._path, self._folder = journal_file(place), place.folder
        try:
            self._lines = Appender(self._path)
        except OSError as error:
            raise StoreError(
                f"the journal {shown(self._path)} can't be written: {why(error)}",
                "make room on that disk, or ask for the right to write there; nothing was changed",
            ) from error

    def begin(self, run: str, action: Action, plan: str) -> None:
        """Say that a run begins."""
        head = {"augnet_journal": VERSION, "run": run, "state": BEGUN, "action": action.value, "plan": plan}
        self._write(head | {"folder": self._folder, "when": _now()})

    def intend(self, step: Step) -> None:
        """Say what is about to be done; on the disk when this returns."""
        self._write(
            {
                "run": step.run,
                "step": step.number,
                "state": INTENDED,
                "action": step.action.value,
                "from": step.path,
                "to": step.to,
                "size": step.size,
                "hash": step.hash,
                "mtime_ns": step.mtime_ns,
                "mode": f"{step.mode:04o}",
                "witness": step.witness,
                "witness_hash": step.witness_hash,
                "sidecar_of": step.sidecar_of,
                "when": _now(),
            }
        )

    def say(self, step: Step, state: str, to: str | None = None) -> None:
        """Say how a step stands; on the disk at the latest with the next intention."""
        where = {"to": to} if to is not None else {}
        line = {"run": step.run, "step": step.number, "state": state, **where, "when": _now()}
        self._write(line, sync=state != DONE)

    def end(self, run: str) -> None:
        """Say that a run came to its end."""
        self._write({"run": run, "state": ENDED, "when": _now()})

    def close(self) -> None:
        self._lines.close()

    def _write(self, line: dict[str, object], sync: bool = True) -> None:
        try:
            self._lines.append(line, sync)
        except OSError as error:
            raise JournalLost(f"the journal {shown(self._path)} can't be written: {why(error)}") from error


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
