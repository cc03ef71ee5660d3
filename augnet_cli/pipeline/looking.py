"""Looks at the pictures of an open store: each content once, and what was seen is kept by content."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.refresh import SAVE_FILES, SAVE_SECONDS, Fresh
from augnet_cli.progress import SILENT, Progress
from augnet_cli.quality.flags import flags_of, typical
from augnet_cli.quality.look import Look, looks, way
from augnet_cli.records import Skip
from augnet_cli.results import Flagged
from augnet_cli.store.columns import Images
from augnet_cli.store.store import Store


def looked_at(
    fresh: Fresh, images: Images, progress: Progress = SILENT, only_known: bool = False
) -> tuple[Flagged, ...]:
    """The images that have flags, in order of path; judged beside one another.

    Args:
        only_known: open no file: what nobody has looked at yet has only the flags that its size gives it.
    """
    seen = known_looks(fresh.store) if only_known else look_at(fresh, images, progress)[0]
    flags = flags_by_content(images, looks_of_contents(images, seen))
    numbers = (number for number, row in enumerate(images.rows.tolist()) if flags[row])
    return tuple(Flagged(images.paths[number], flags[images.rows[number]]) for number in numbers)


def known_looks(store: Store) -> dict[str, Look]:
    """What was seen of contents before, by hash."""
    return {content: Look.from_text(text) for content, text in store.looks(way()).items()}


def look_at(
    fresh: Fresh, images: Images, progress: Progress = SILENT
) -> tuple[dict[str, Look], tuple[Skip, ...]]:
    """Look at the contents that nobody has looked at, and save what is seen now and then.

    Returns:
        looks by content hash, of other contents too; and the images that could not be read again.
    """
    seen = known_looks(fresh.store)
    missing = _missing(images, seen)
    unread: list[Skip] = []
    if not missing:
        return seen, ()
    limit = fresh.request.max_megapixels or MAX_MEGAPIXELS
    workers = fresh.request.workers or usable_cores()
    batch: dict[str, str] = {}
    saved_at = time.monotonic()
    progress.start("looking", len(missing))
    try:
        # Closed at once, so that an interrupt ends the threads' work too.
        with closing(looks(fresh.request.folder, missing, workers, limit)) as found:
            for (path, content), look in zip(missing, found, strict=True):
                if isinstance(look, Unusable):
                    unread.append(Skip(path, look.reason))
                else:
                    seen[content] = look
                    batch[content] = look.as_text()
                progress.advance(1, skipped=isinstance(look, Unusable))
                if len(batch) >= SAVE_FILES or time.monotonic() - saved_at > SAVE_SECONDS:
                    fresh.store.save_looks(way(), batch)
                    batch, saved_at = {}, time.monotonic()
    finally:
        progress.finish()
        fresh.store.save_looks(way(), batch)
    return seen, tuple(unread)


def looks_of_contents(images: Images, seen: Mapping[str, Look]) -> list[Look | None]:
    """m looks, one a content of these images; None where there is none."""
    return [seen.get(content.decode()) for content in images.contents.hashes.tolist()]


def flags_by_content(images: Images, seen: Sequence[Look | None]) -> list[tuple[str, ...]]:
    """m lists of flags, one a content; copies count once for what is typical."""
    contents = images.contents
    measured = [None if look is None else look.measures for look in seen]
    usual = typical(contents.widths, contents.heights, measured)
    sizes = zip(contents.widths.tolist(), contents.heights.tolist(), measured, strict=True)
    return [flags_of(width, height, one, usual) for width, height, one in sizes]


def _missing(images: Images, seen: Mapping[str, Look]) -> list[tuple[str, str]]:
    """The first file of each content without a look, and the content's hash, in order of path."""
    _, first = np.unique(images.rows, return_index=True)
    files = []
    for number in np.sort(first).tolist():
        content = images.contents.hashes[images.rows[number]].decode()
        if content not in seen:
            files.append((images.paths[number], content))
    return files
