"""What is new, changed or gone in a folder since its store was last up to date; nothing is opened for that.

A file is unchanged if its size, times and inode are: directories' times would miss an edit in place.
Folder and store are gone through side by side, both in order of path, so that only what differs is in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from augnet_cli.records import FoundFile, Skip
from augnet_cli.store.entries import KnownFile


@dataclass
class Changes:
    """How a folder differs from its store.

    Attributes:
        waiting: files that are to be read.
        skips: what the walk itself could not use, and the store does not know yet.
        gone: paths that the store knows and the folder has no more.
        replaced: whether the store knew something else of a file that is waiting.
    """

    waiting: list[FoundFile] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    replaced: bool = False


def changes(
    met: Iterable[FoundFile | Skip],
    known: Iterable[KnownFile],
    is_about: Callable[[str], bool] | None,
    tag: str,
) -> Changes:
    """Compare what a walk meets with what a store knows, both in order of path bytes.

    Args:
        is_about: whether a path concerns the request; of others nothing is said; None is all.
        tag: the decoder that skips are settled under.
    """
    found = Changes()
    for now, before in _side_by_side(met, known):
        if now is None:
            assert before is not None
            if is_about is None or is_about(before.found.path):
                found.gone.append(before.found.path)
        elif isinstance(now, Skip):
            if before is None or (before.kind, before.reason) != ("skip", now.reason):
                found.skips.append(now)
        elif before is None or not _is_settled(now, before, tag):
            found.waiting.append(now)
            found.replaced |= before is not None
    return found


def _side_by_side(
    met: Iterable[FoundFile | Skip], known: Iterable[KnownFile]
) -> Iterator[tuple[FoundFile | Skip | None, KnownFile | None]]:
    """What is met and what is known at each path, in order; None where one of them has nothing."""
    rest = iter(known)
    before = next(rest, None)
    for now in met:
        while before is not None and before.found.path != now.path:
            if os.fsencode(before.found.path) > os.fsencode(now.path):
                break
            yield None, before
            before = next(rest, None)
        if before is None or before.found.path != now.path:
            yield now, None
        else:
            yield now, before
            before = next(rest, None)
    while before is not None:
        yield None, before
        before = next(rest, None)


def _is_settled(now: FoundFile, before: KnownFile, tag: str) -> bool:
    """Whether the store already says all there is to say about a file."""
    if before.found != now:
        return False
    if before.kind == "image":
        return before.embedded
    # A skip is settled under the decoder that gave it up; one that could not be read is always tried again.
    return before.kind == "other" or before.decoder == tag
