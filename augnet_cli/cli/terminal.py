"""What a person sees while a command runs: notes, progress and errors, all on stderr.

On a terminal progress is a bar; elsewhere a plain line now and then.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from augnet_cli.progress import Progress

# On no terminal (a log, CI): a line this often, so that nobody thinks it hangs and nobody drowns.
PLAIN_LINE_SECONDS = 10.0


def note(text: str, quiet: bool = False) -> None:
    """One line for a person."""
    if not quiet:
        write_to_people(f"augnet: {text}\n")


def write_to_people(text: str) -> None:
    """Write on stderr; where nobody reads it, or its disk is full, that is no reason to stop."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)


def forget(stream: TextIO) -> None:
    """Let all that is written from now on, and what is still held back, go nowhere: the reader has gone.

    What is held back would be written when the program ends, and fail then.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # no file at all but a stream of whoever called
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def own_stderr() -> TextIO:
    """A stream of our own to where stderr goes.

    While some decoders run, what arrives at descriptor 2 is caught and becomes the reason of a skip
    (`images.mutter`); lines about progress from other threads must not be.
    """
    try:
        copy = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or no file at all but a stream of whoever called
        return sys.stderr
    return open(copy, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)


class PlainProgress(Progress):
    """Progress as lines, for what is no terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or own_stderr()
        self._lock = threading.Lock()
        self._total: int | None = None
        self._stage, self._done, self._skipped, self._detail = "", 0, 0, ""
        self._started = self._said = 0.0
        self._unit = ""

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self._unit = unit
        self._stage, self._total, self._done, self._skipped, self._detail = stage, total, 0, 0, ""
        self._started = self._said = time.monotonic()

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        with self._lock:
            self._done += done
            self._skipped += skipped
            self._detail = detail or self._detail
            now = time.monotonic()
            if now - self._said >= PLAIN_LINE_SECONDS:
                self._said = now
                self._write(f"augnet: {self._line(now)}")

    def note(self, text: str) -> None:
        self._write(f"augnet: {text}")

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._started, 1e-9)
        parts = [f"{self._stage}: {self._done:,}"]
        if self._total:
            parts[0] += f" of {self._total:,}"
        parts.append(f"{rate:,.0f} {self._unit}/s")
        if self._total and rate > 0:
            parts.append(f"{_clock((self._total - self._done) / rate)} left")
        if self._skipped:
            parts.append(f"{self._skipped:,} skipped")
        if self._detail:
            parts.append(self._detail)
        return ", ".join(parts)

    def _write(self, line: str) -> None:
        # A reader that has gone, or a full disk, must not decide what becomes of the work.
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            forget(self._stream)


class BarProgress(Progress):
    """Progress as a bar, by rich, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        # Names are shown as they are: `[red]` is no colour and `:cat:` no picture of one.
        self._file = own_stderr()
        self._console = Console(file=self._file, highlight=False, markup=False, emoji=False)
        self._bar: Any = None
        self._task: Any = None
        self._skipped, self._unit = 0, ""

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.finish()
        self._skipped, self._unit = 0, unit
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(stage, total=total, rate="", detail="")
        with self._whatever_becomes_of_the_terminal():
            self._bar.start()

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        if self._bar is None:
            return
        self._skipped += skipped
        words = [f"{self._skipped:,} skipped"] if self._skipped else []
        if detail:
            words.append(detail)
        task = self._bar.tasks[self._task]
        rate = f"{task.speed:,.0f} {self._unit}/s" if task.speed else ""
        changes = {"rate": rate} | ({"detail": ", ".join(words)} if words else {})
        with self._whatever_becomes_of_the_terminal():
            self._bar.update(self._task, advance=done, **changes)

    def finish(self) -> None:
        if self._bar is not None:
            with self._whatever_becomes_of_the_terminal():
                self._bar.stop()
            self._bar = None

    def note(self, text: str) -> None:
        with self._whatever_becomes_of_the_terminal():
            self._console.print(f"augnet: {text}", soft_wrap=True)

    @contextmanager
    def _whatever_becomes_of_the_terminal(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            forget(self._file)


_in_use: list[Progress] = []


def progress_for(quiet: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    progress = BarProgress() if sys.stderr.isatty() else PlainProgress()
    _in_use.append(progress)
    return progress


def end_progress() -> None:
    """Take away a bar that an error left standing: it would hide the cursor and the error."""
    while _in_use:
        _in_use.pop().finish()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
