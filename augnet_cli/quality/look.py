"""One file, read once: what its pixels measure, its format and its camera."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import islice

from augnet_cli.images.decode import MAX_MEGAPIXELS, decode_as_seen, decoder_id
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.unusable import Unusable
from augnet_cli.quality.measures import measures
from augnet_cli.results import Measures

# As large as a screen shows it: a photo of 12 megapixels that is soft over three pixels looks sharp there.
SCREEN_SIDE = 1500
VERSION = 1  # of the measures: another one has all pictures looked at again
# Pictures begun beyond those being worked on, so that no thread waits for the one that saves.
AHEAD_PER_WORKER = 2
DECIMALS = 4  # of a measure; its last digits say nothing


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a picture once it was looked at."""

    format: str
    camera: str | None
    measures: Measures

    def as_text(self) -> str:
        """For the store."""
        return json.dumps({"format": self.format, "camera": self.camera, **asdict(self.measures)})

    @classmethod
    def from_text(cls, text: str) -> Look:
        """The look that `as_text` wrote.

        Raises:
            ValueError: it did not.
        """
        try:
            numbers = json.loads(text)
            return cls(numbers.pop("format"), numbers.pop("camera"), Measures(**numbers))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"a look can't be read: {error}") from error


def way() -> str:
    """What a look depends on besides the content."""
    return f"looks {VERSION}, {decoder_id()}"


def look(folder: str, path: str, content: str, max_megapixels: float = MAX_MEGAPIXELS) -> Look:
    """Look at the file at a path in a folder, which held this content.

    Raises:
        Unusable: it can't be read or decoded, or holds something else by now.
    """
    data = read_bytes(os.path.join(folder, path), follow_links=False)
    if content_hash(data) != content:
        raise Unusable("it changed while augnet was at work")
    decoded = decode_as_seen(data, SCREEN_SIDE, max_megapixels, path)
    scale = max(decoded.width, decoded.height) / max(decoded.pixels.shape[:2])
    return Look(decoded.kind, decoded.camera, _rounded(measures(decoded.pixels, scale)))


def looks(
    folder: str,
    files: Iterable[tuple[str, str]],
    workers: int,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Generator[Look | Unusable, None, None]:
    """Look at files, each a path and its content, on several threads; in order.

    Only a few pictures are ever in memory.  Close it to end early: what the threads have begun is finished,
    nothing more is begun.
    """

    def work(file: tuple[str, str]) -> Look | Unusable:
        try:
            return look(folder, *file, max_megapixels)
        except Unusable as error:
            return error

    remaining = iter(files)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="augnet-look")
    waiting: deque[Future[Look | Unusable]] = deque()
    try:
        while True:
            room = workers * (1 + AHEAD_PER_WORKER) - len(waiting)
            waiting.extend(pool.submit(work, file) for file in islice(remaining, room))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _rounded(found: Measures) -> Measures:
    short = {name: round(value, DECIMALS) for name, value in asdict(found).items() if value is not None}
    return replace(found, **short)
