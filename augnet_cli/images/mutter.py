"""What decoders write past us: C libraries on the process's own stderr, Pillow as Python warnings.

A progress bar in another thread writes on the same stderr: it should write to a duplicate of
file descriptor 2 taken before decoding starts, or its lines are caught here too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator

STDERR = 2
# libtiff can write a line for each strip; the first lines tell what is wrong.
MAX_MUTTER_BYTES = 64 * 1024

_redirecting = threading.Lock()
_here = threading.local()


class Caught:
    """What was written on stderr while it was caught; `text` is filled at the end."""

    text: str = ""


@contextlib.contextmanager
def catching_stderr() -> Iterator[Caught]:
    """Catch what anything in this process writes on file descriptor 2, one catcher at a time.

    Descriptor 2 belongs to the process, not to a thread, hence the lock;
    decoders that are known to be silent run without it.
    """
    caught = Caught()
    with _redirecting:
        try:
            original = os.dup(STDERR)
        except OSError:  # a process may run with its stderr closed: nothing can be written there
            yield caught
            return
        file = _catching_file()
        _flush_python_stderr()
        os.dup2(file, STDERR)
        try:
            yield caught
        finally:
            _flush_python_stderr()
            os.dup2(original, STDERR)
            os.close(original)
            caught.text = _written(file)
            os.close(file)


def _catching_file() -> int:
    """A descriptor to write to: a nameless file, or the null device where no file can be made."""
    try:
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    except OSError:
        return os.open(os.devnull, os.O_RDWR)


def _written(file: int) -> str:
    try:
        os.lseek(file, 0, os.SEEK_SET)
        return os.read(file, MAX_MUTTER_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _flush_python_stderr() -> None:
    """Lines that Python still holds belong to where they were written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


class _InDecodingThread(type):
    def __subclasscheck__(cls, category: type) -> bool:
        return getattr(_here, "decoding", False)


class _AnyWhileDecoding(Warning, metaclass=_InDecodingThread):
    """Stands in a warning filter for each category of warning, in a thread that is decoding."""


@contextlib.contextmanager
def hushed_warnings() -> Iterator[None]:
    """Drop Python warnings of this thread, and of no other.

    `warnings.catch_warnings` swaps state of the whole process and is not safe among threads.
    The filter set here once asks which thread warns, and lets every other thread's warning pass on.
    """
    if not any(entry[2] is _AnyWhileDecoding for entry in warnings.filters):
        warnings.simplefilter("ignore", _AnyWhileDecoding)
    before = getattr(_here, "decoding", False)
    _here.decoding = True
    try:
        yield
    finally:
        _here.decoding = before
