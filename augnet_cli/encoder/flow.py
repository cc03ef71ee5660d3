"""From files to embeddings, many at a time: read, hash, decode and embed on a few threads, in order.

Each thread takes a small batch of files through all steps, so that while one waits for the disk another
decodes and a third computes; only a few batches are ever in memory.
Nothing is written here: results go back, in the order of the files, to the one thread that saves them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.images.decode import MAX_MEGAPIXELS, decode
from augnet_cli.images.files import content_hash, is_image, read_bytes
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Decoded, FoundFile

# Images a thread takes through the encoder at once: 16 run at 97 % of the speed of 32 (measured).
BATCH = 16
# Batches handed out beyond those being worked on, so that no thread waits for the saving one.
AHEAD_PER_WORKER = 2


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of one file.

    `kind` is `image`, `skip` or `other`.  An image has a `content_hash`; one whose content was known already
    has nothing more.  `transient` skips are worth another try: the file could not be read, as opposed to
    could not be decoded.
    """

    found: FoundFile
    kind: str
    content_hash: str | None = None
    reason: str | None = None
    transient: bool = False
    width: int | None = None
    height: int | None = None
    taken_at: str | None = None
    embedding: np.ndarray | None = None
    beside: np.ndarray | None = None


def embed_files(
    folder: str,
    files: Sequence[FoundFile],
    embedder: Embedder,
    known_contents: Collection[str],
    workers: int,
    max_megapixels: float = MAX_MEGAPIXELS,
    beside: int | None = None,
) -> Generator[Embedded, None, None]:
    """Take `files` of `folder` through all steps on `workers` threads; results in the order of `files`.

    Close it to end early: what the threads have begun is finished, nothing more is begun.
    A content in `known_contents` is read and hashed, but neither decoded nor embedded again.
    With `beside`, a side in pixels, what `images.decode.decode_small` makes comes along where that is
    cheaper than to decode again.
    """

    def work(batch: Sequence[FoundFile]) -> list[Embedded]:
        return _embed_batch(folder, batch, embedder, known_contents, max_megapixels, beside)

    remaining = iter(range(0, len(files), BATCH))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="augnet-embed")
    waiting: deque[Future[list[Embedded]]] = deque()
    try:
        while True:
            room = workers * (1 + AHEAD_PER_WORKER) - len(waiting)
            for start in islice(remaining, room):
                waiting.append(pool.submit(work, files[start : start + BATCH]))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _embed_batch(
    folder: str,
    batch: Sequence[FoundFile],
    embedder: Embedder,
    known_contents: Collection[str],
    max_megapixels: float,
    beside: int | None,
) -> list[Embedded]:
    done: list[Embedded | Callable[[np.ndarray], Embedded]] = []
    pixels: list[np.ndarray] = []
    for found in batch:
        step = _decode_one(folder, found, embedder, known_contents, max_megapixels, beside)
        if isinstance(step, Embedded):
            done.append(step)
            continue
        content, decoded = step
        pixels.append(decoded.pixels)
        done.append(_finisher(found, content, decoded))
    rows = iter(embedder.embed(np.stack(pixels)) if pixels else ())
    return [step if isinstance(step, Embedded) else step(next(rows)) for step in done]


def _decode_one(
    folder: str,
    found: FoundFile,
    embedder: Embedder,
    known_contents: Collection[str],
    max_megapixels: float,
    beside: int | None,
) -> Embedded | tuple[str, Decoded]:
    """The end of the matter, or the content hash and the pixels."""
    if not is_image(folder, found):
        return Embedded(found, "other")
    try:
        data = read_bytes(os.path.join(folder, found.path), follow_links=False)
    except Unusable as error:
        return Embedded(found, "skip", reason=error.reason, transient=True)
    content = content_hash(data)
    if content in known_contents:
        return Embedded(found, "image", content)
    try:
        return content, decode(data, embedder.resize, max_megapixels, found.path, beside)
    except Unusable as error:
        return Embedded(found, "skip", reason=error.reason)


def _finisher(found: FoundFile, content: str, decoded: Decoded) -> Callable[[np.ndarray], Embedded]:
    def finish(row: np.ndarray) -> Embedded:
        return Embedded(
            found,
            "image",
            content,
            width=decoded.width,
            height=decoded.height,
            taken_at=decoded.taken_at,
            embedding=row,
            beside=decoded.beside,
        )

    return finish
