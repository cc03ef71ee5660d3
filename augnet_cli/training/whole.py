"""Files that appear under their names whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO

from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown

UNFINISHED = ".new"  # what the name of a file ends in until it is whole


@contextlib.contextmanager
def whole_file(file: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `file` at the end; after an error `file` is as before.

    Raises:
        TrainingError: it can't be written.
    """
    unfinished = file + UNFINISHED
    try:
        with open(unfinished, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TrainingError(f"{shown(file)} can't be written: {reason}", "make room on that disk") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
