"""Files that appear under their names whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def whole_file(file: str, unfinished: str | None = None) -> Iterator[BinaryIO]:
    """A stream whose bytes take the place of `file` once they are on the disk; else `file` is as before.

    Args:
        unfinished: the name of the bytes until then, ours alone: what a kill left under it is written over.
            Without it a name that nobody has, which a kill leaves behind.

    Raises:
        OSError: it can't be written.
    """
    name = f"{file}.{os.getpid()}.new" if unfinished is None else unfinished
    if unfinished is not None:
        with suppress(FileNotFoundError):
            os.remove(unfinished)
    # Not over a file or link that happens to stand there; what can't be made is not removed.
    stream = open(name, "xb")  # noqa: SIM115 - closed below
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.remove(name)
        raise
