"""Files of a training run, whole or not at all: what can't be written ends the run in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO

from augnet_cli import whole
from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown

UNFINISHED = ".new"  # what the name of a file ends in until it is whole


@contextlib.contextmanager
def whole_file(file: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `file` at the end; after an error `file` is as before.

    Raises:
        TrainingError: it can't be written.
    """
    try:
        # A name of its own: a killed run leaves gigabytes behind, which the next one writes over.
        with whole.whole_file(file, unfinished=file + UNFINISHED) as out:
            yield out
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TrainingError(f"{shown(file)} can't be written: {reason}", "make room on that disk") from error
