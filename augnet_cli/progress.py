"""How a long stage tells the outside what it does, without printing.

The base class is silent: the library default. `cli.terminal` draws bars and lines on stderr.
"""

from __future__ import annotations


class Progress:
    """Listens to one verb at work. Every method may be called from any thread."""

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        """A stage begins; `total` items are to be done, None if unknown; `unit` says of what."""

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        """`done` more items are finished, `skipped` of them skips; `detail` ends the line shown."""

    def finish(self) -> None:
        """The stage is over."""

    def note(self, text: str) -> None:
        """One line a person should see (a fallback taken, a folder chosen)."""


SILENT = Progress()
