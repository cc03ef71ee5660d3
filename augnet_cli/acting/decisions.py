"""What a person decided: two images are, or are not, the same picture; by content, so renames do no harm.

`decisions.jsonl` in the store's data, a decision a line, for people to read and to keep.
The last on a pair counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from augnet_cli.acting import disk
from augnet_cli.acting.checks import why
from augnet_cli.acting.lines import (
    Appender,
    BadLine,
    content,
    field,
    line_of,
    numbered,
    object_of,
    text,
    untorn,
)
from augnet_cli.acting.outcome import Decision
from augnet_cli.errors import StoreError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.store.place import Place

DECISIONS_FILE = "decisions.jsonl"


@dataclass(frozen=True)
class Decisions:
    """All that was decided in a folder, by pair of content hashes, in the order of the first word on each."""

    by_pair: Mapping[tuple[str, str], Decision]

    def __len__(self) -> int:
        return len(self.by_pair)

    def same(self, one: str, other: str) -> bool | None:
        """Whether two contents were decided to be the same picture; None where nobody said."""
        decision = self.by_pair.get((min(one, other), max(one, other)))
        return None if decision is None else decision.same


def decisions_file(place: Place) -> str:
    return os.path.join(place.data, DECISIONS_FILE)


def decision(one: tuple[str, str], other: tuple[str, str], same: bool) -> Decision:
    """A decision made now about two images, each its content hash and its path."""
    (first, first_path), (second, second_path) = sorted((one, other))
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Decision(first, second, same, when, (first_path, second_path))


def decided(place: Place) -> Decisions:
    """All decisions of a folder; none where there is no file.

    Raises:
        StoreError: it can't be read, or a line is wrong; says which.
    """
    return _read(decisions_file(place), missing_is_empty=True)


def remember(place: Place, new: Decision) -> None:
    """Add one decision; the caller holds the lock of the store.

    Raises:
        StoreError: it can't be written; the file is as it was.
    """
    path = decisions_file(place)
    decided(place)  # what can't be read is not added to
    try:
        lines = Appender(path)
        try:
            lines.append(_object(new))
        finally:
            lines.close()
    except OSError as error:
        raise _not_written(path, error) from error


def forget(place: Place, one: str, other: str) -> Decision | None:
    """Take back what was decided about two contents; gives it, None where nothing was.

    The caller holds the lock of the store.

    Raises:
        StoreError: it can't be read or written; the file is as it was.
    """
    rest = dict(decided(place).by_pair)
    gone = rest.pop((min(one, other), max(one, other)), None)
    if gone is not None:
        _write(decisions_file(place), Decisions(rest))
    return gone


def export_decisions(place: Place, path: str) -> int:
    """Write what counts now to a file, whole or not at all, in place of an older one; gives the number.

    Raises:
        StoreError: it can't be read or written.
    """
    decisions = decided(place)
    _write(path, decisions)
    return len(decisions)


def import_decisions(place: Place, path: str) -> int:
    """Take in all decisions of a file, which count before older ones; gives the number of pairs in the file.

    The caller holds the lock of the store.

    Raises:
        StoreError: a line is wrong, or it can't be read or written; nothing was taken in.
    """
    new = _read(path)
    _write(decisions_file(place), Decisions({**decided(place).by_pair, **new.by_pair}))
    return len(new)


def check_export(path: str) -> None:
    """Refuse a name that could be a photo's, and one of a file that holds anything but decisions.

    Raises:
        UsageError: another suffix.
        StoreError: there is another file of that name.
    """
    if not path.lower().endswith(".jsonl"):
        raise UsageError(f"{shown(path)} does not end in .jsonl", "--export FILE.jsonl")
    if not os.path.lexists(path):
        return
    other = StoreError(
        f"{shown(path)} can't be written: there is another file of that name", "--export FILE.jsonl"
    )
    if not os.path.isfile(path):  # a pipe would wait for ever
        raise other
    try:
        _read(path)
    except StoreError as error:
        raise other from error


def _read(path: str, missing_is_empty: bool = False) -> Decisions:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        if missing_is_empty and isinstance(error, FileNotFoundError):
            return Decisions({})
        raise StoreError(f"{shown(path)} can't be read: {why(error)}", f"ls -l {shown(path)}") from error
    found: dict[tuple[str, str], Decision] = {}
    for number, line in numbered(untorn(data)):
        try:
            read = _decision(object_of(line))
        except BadLine as error:
            raise StoreError(
                f"{shown(path)}, line {number}: {error}", "mend or delete that line; it is plain text"
            ) from error
        found[read.first, read.second] = read
    return Decisions(found)


def _decision(value: dict[str, object]) -> Decision:
    first, second = content(value, "a"), content(value, "b")
    paths = field(value, "paths", list)
    if not isinstance(paths, list) or len(paths) != 2 or not all(isinstance(path, str) for path in paths):
        raise BadLine("`paths` is not a list of two")
    if first == second:
        raise BadLine("it is about one content, not two")
    if first > second:
        first, second, paths = second, first, paths[::-1]
    same = bool(field(value, "same", bool))
    return Decision(first, second, same, text(value, "when"), (paths[0], paths[1]))


def _object(decision: Decision) -> dict[str, object]:
    return {
        "a": decision.first,
        "b": decision.second,
        "same": decision.same,
        "when": decision.when,
        "paths": list(decision.paths),
    }


def _write(path: str, decisions: Decisions) -> None:
    try:
        with disk.replaced(path) as file:
            for decision in decisions.by_pair.values():
                file.write(line_of(_object(decision)))
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: str, error: OSError) -> StoreError:
    return StoreError(
        f"{shown(path)} can't be written: {why(error)}", "make room there, or name a folder you can write"
    )
