"""Files of one JSON object a line: written so that people and grep can read them, read so that nothing slips.

Names stand as they are, but for what could harm a terminal or is no UTF-8, which becomes a `\\u` escape.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress

from augnet_cli.acting import disk
from augnet_cli.images.files import HASH_BYTES
from augnet_cli.images.names import UNSAFE_CATEGORIES

NEWLINE = b"\n"
HASH_DIGITS = frozenset("0123456789abcdef")
# Windows editors put one before the first line.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BadLine(ValueError):
    """A line that is not what it should be; the caller adds file and number."""


def line_of(value: Mapping[str, object]) -> bytes:
    """One object as a line of UTF-8, newline included."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_harmless, text))
    return text.encode("utf-8") + NEWLINE


def _harmless(character: str) -> str:
    if unicodedata.category(character) not in UNSAFE_CATEGORIES:
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x80 else json.dumps(character)[1:-1]


def object_of(line: bytes) -> dict[str, object]:
    """The object on a line.

    Raises:
        BadLine: no UTF-8, no JSON, or no object.
    """
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadLine("it is no UTF-8") from error
    except BadLine:
        raise
    except (ValueError, RecursionError) as error:
        raise BadLine(f"it is no JSON: {getattr(error, 'msg', 'too deep')}") from error
    if not isinstance(value, dict):
        raise BadLine("it is no JSON object")
    return value


def _no_constant(name: str) -> float:
    raise BadLine(f"{name} is no JSON")


def field(value: Mapping[str, object], name: str, *types: type) -> object:
    """A field of one of the types; True is no number here.

    Raises:
        BadLine: it is missing or of another type.
    """
    if name not in value:
        raise BadLine(f"`{name}` is missing")
    found = value[name]
    if not isinstance(found, types) or (isinstance(found, bool) and bool not in types):
        raise BadLine(f"`{name}` is not {_words(types)}")
    return found


def _words(types: tuple[type, ...]) -> str:
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        type(None): "null",
    }
    wanted = [kind for kind in types if not (kind is int and float in types)]
    return " or ".join(names[kind] for kind in wanted)


def text(value: Mapping[str, object], name: str) -> str:
    """A field that is text."""
    found = field(value, name, str)
    assert isinstance(found, str)
    return found


def whole(value: Mapping[str, object], name: str) -> int:
    """A field that is a whole number."""
    found = field(value, name, int)
    assert isinstance(found, int)
    return found


def content(value: Mapping[str, object], name: str) -> str:
    """A field that is a content hash, as `images.files.content_hash` gives it."""
    found = text(value, name)
    if len(found) != 2 * HASH_BYTES or not HASH_DIGITS.issuperset(found):
        raise BadLine(f"`{name}` is not {2 * HASH_BYTES} hexadecimal digits")
    return found


def numbered(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1; ends of lines may be those of Windows."""
    for number, line in enumerate(data.removeprefix(BYTE_ORDER_MARK).split(NEWLINE), start=1):
        if line.strip():
            yield number, line.strip()


def untorn(data: bytes) -> bytes:
    """All but a last line that was cut off while it was written; one that merely lacks its newline stays."""
    head, newline, last = data.rpartition(NEWLINE)
    try:
        if last.strip():
            object_of(last)
    except BadLine:
        return head + newline
    return data


class Appender:
    """A file of lines, open for appending by its one writer; a torn last line is cut off first.

    Raises:
        OSError: it can't be opened, read or written.
    """

    def __init__(self, path: str) -> None:
        new = not os.path.lexists(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._handle = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        try:
            if new:
                disk.sync_folder(os.path.dirname(path))
            self._end = self._mend()
        except OSError:
            os.close(self._handle)
            raise

    def _mend(self) -> int:
        """Cut off a torn line, end one that lacks its newline; gives the size."""
        with open(self._handle, "rb", closefd=False) as file:
            data = file.read()
        kept = untorn(data)
        if len(kept) < len(data):
            os.ftruncate(self._handle, len(kept))
        if kept and not kept.endswith(NEWLINE):
            disk.write_all(self._handle, NEWLINE)
            return len(kept) + 1
        return len(kept)

    def append(self, value: Mapping[str, object], sync: bool = True) -> None:
        """Write one line, whole or not at all, and with `sync` wait until the disk has it.

        Raises:
            OSError: it can't be written; the file is as before where that could be had.
        """
        line = line_of(value)
        try:
            disk.write_all(self._handle, line)
        except OSError:
            # Half a line: the next writer would cut it off as well.
            with suppress(OSError):
                os.ftruncate(self._handle, self._end)
            raise
        self._end += len(line)
        if sync:
            os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)
