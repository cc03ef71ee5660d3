"""All images of a folder, decoded once to the working size, as one file of bytes on disk.

Training reads each image many times; decoding it each time would starve the device.
The file is mapped, not loaded: memory does not grow with the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any

import numpy as np

from augnet_cli.errors import TrainingError
from augnet_cli.images.decode import decode_short_side, decoder_id
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.names import pasted, shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Skip
from augnet_cli.training.whole import whole_file

SHARE_OF_ROOM = 0.5  # of a disk that decoded images may take: it is the user's
# Decoded images waiting to be written, so that memory stays bounded: a few a worker.
WINDOW_PER_WORKER = 8
DATA_HASH_DIGITS = 16
Result = tuple[str, np.ndarray] | Skip  # content hash and pixels of one image
Decode = Callable[[str], Result]  # an image by its path or name
SMALLEST_VARIANCE = 1e-6  # of a channel in [0, 1]: images of one colour can still be divided by the deviation


@dataclass(frozen=True)
class PixelCache:
    """Images of a folder as uint8 RGB, each with its short side at most `side` pixels.

    `paths`, `contents`, `offsets` and `shapes` run alike; image i is `data[offsets[i]:]` seen as `shapes[i]`.
    """

    paths: tuple[str, ...]
    contents: tuple[str, ...]  # hashes of the files' bytes
    shapes: np.ndarray  # (n, 2) int64: height, width
    offsets: np.ndarray  # (n,) int64
    data: np.ndarray  # (total,) uint8, mapped
    skipped: tuple[Skip, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def data_hash(self) -> str:
        """Names the set of contents, whatever their names or order."""
        return hashlib.sha256("".join(sorted(self.contents)).encode()).hexdigest()[:DATA_HASH_DIGITS]

    def subset(self, rows: np.ndarray) -> PixelCache:
        """The images `rows` (m,) of these, in that order, on the same bytes."""
        return replace(
            self,
            paths=tuple(self.paths[row] for row in rows),
            contents=tuple(self.contents[row] for row in rows),
            shapes=self.shapes[rows],
            offsets=self.offsets[rows],
        )

    def image(self, row: int) -> np.ndarray:
        """(h, w, 3) uint8 view of one image."""
        height, width = self.shapes[row]
        start = self.offsets[row]
        return self.data[start : start + height * width * 3].reshape(height, width, 3)

    def channel_statistics(self, sample: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel in [0, 1], over `sample` random images: (3,) each."""
        rows = rng.permutation(len(self))[:sample]
        total, squares, count = np.zeros(3), np.zeros(3), 0
        for row in rows:
            pixels = self.image(row).reshape(-1, 3).astype(np.float64) / 255
            total += pixels.sum(0)
            squares += (pixels**2).sum(0)
            count += len(pixels)
        mean = total / count
        return mean, np.sqrt(np.maximum(squares / count - mean**2, SMALLEST_VARIANCE))


@dataclass
class _Table:
    """What stands beside the bytes, as they are written one image after another."""

    paths: list[str] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)
    contents: dict[str, None] = field(default_factory=dict)  # a set that keeps the order of `paths`
    size: int = 0

    def add(self, path: str, content: str, pixels: np.ndarray, out: IO[bytes]) -> None:
        """Append the pixels of one image, unless one of the same bytes is there."""
        if content in self.contents:
            return
        self.contents[content] = None
        out.write(np.ascontiguousarray(pixels).tobytes())
        self.paths.append(path)
        self.shapes.append(pixels.shape[:2])
        self.offsets.append(self.size)
        self.size += pixels.size

    def facts(self, identity: str) -> dict[str, Any]:
        """Of the images in order of their paths, whatever the order they were decoded in."""
        order = sorted(range(len(self.paths)), key=lambda row: os.fsencode(self.paths[row]))
        contents = list(self.contents)
        return {
            "identity": identity,
            "paths": [self.paths[row] for row in order],
            "contents": [contents[row] for row in order],
            "shapes": [self.shapes[row] for row in order],
            "offsets": [self.offsets[row] for row in order],
            "skips": sorted(self.skips),
            "size": self.size,
        }


def build_pixel_cache(
    folder: str,
    files: Sequence[FoundFile],
    file: str,
    *,
    side: int,
    workers: int,
    until: float | None = None,
    progress: Progress = SILENT,
) -> PixelCache:
    """Decode `files` of `folder` into `file`, or reuse it if it holds just these; byte-identical ones once.

    Args:
        until: a moment of `time.monotonic` after which no further image is decoded: what was decoded by then
            is a sample of all, spread over the folder.  The same holds where the disk would be filled.

    Raises:
        TrainingError: no image could be decoded, or their pixels can't be written, or would take more than
            half of the room that is left (without `until`).
    """
    stats = [(found.path, found.size_bytes, found.mtime_ns, found.ctime_ns, found.inode) for found in files]
    # Other decoders may read what was skipped.
    identity = hashlib.sha256(json.dumps([side, decoder_id(), until is None, stats]).encode()).hexdigest()
    decode = partial(_decode, folder, side=side)
    kept = kept_pixels(file, identity, [found.path for found in files], decode, workers, until, progress)
    if kept is None:
        raise TrainingError(
            f"no image of {shown(folder)} could be decoded", f"see why: augnet embed {pasted(folder)}"
        )
    return kept


def kept_pixels(
    file: str,
    identity: str,
    names: list[str],
    decode: Decode,
    workers: int,
    until: float | None,
    progress: Progress,
) -> PixelCache | None:
    """The images of `names`, from `file` if it holds just these by `identity`, else written there.

    None where no image could be decoded.  The rest is as in `build_pixel_cache`.
    """
    kept = _reuse(file, identity)
    if kept is None:
        # First of all: bytes and table are replaced one after the other, and must never be of two runs.
        for old in (_table_of(file), file):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(old)
        table = _written(names, decode, file, workers, until, progress)
        with whole_file(_table_of(file)) as out:
            out.write(json.dumps(table.facts(identity)).encode("ascii"))
        kept = _reuse(file, identity)
    return kept


def _written(
    paths: list[str],
    decode: Decode,
    file: str,
    workers: int,
    until: float | None,
    progress: Progress,
) -> _Table:
    """Decode into `file` all images, or as many as time and disk allow."""
    room = shutil.disk_usage(os.path.dirname(file)).free * SHARE_OF_ROOM
    if until is not None:
        # Whatever is cut off, the rest is a fair sample; the same one in the same folder.
        paths = sorted(paths, key=lambda path: content_hash(os.fsencode(path)))
    table, done = _Table(), 0
    with (
        whole_file(file) as out,
        contextlib.closing(_decoded(paths, decode, workers, progress)) as decoded,
    ):
        for path, result in decoded:
            if isinstance(result, Skip):
                table.skips.append((result.path, result.reason))
            else:
                table.add(path, *result, out)
            done += 1
            is_full = table.size > room
            if is_full and until is None:
                raise TrainingError(
                    f"the decoded images would take more than half of the room left beside {shown(file)}",
                    "make room on that disk, or say --minutes: a sample of the images then serves",
                )
            if is_full or (until is not None and time.monotonic() > until):
                break
    progress.finish()
    if done < len(paths):
        why = "the disk has no room for more" if is_full else "reading more would leave too little time"
        progress.note(f"{done:,} of {len(paths):,} images are used: {why}")
    return table


def remove_pixel_cache(file: str) -> None:
    """Give back the room that `build_pixel_cache` took; left where the system won't (Windows, in use)."""
    for name in (_table_of(file), file):
        with contextlib.suppress(OSError):
            os.unlink(name)


def _decoded(
    paths: list[str], decode: Decode, workers: int, progress: Progress
) -> Generator[tuple[str, Result]]:
    """Each path with its result, in the order of `paths`."""
    progress.start("decoding", len(paths))
    window = WINDOW_PER_WORKER * workers
    pool = ThreadPoolExecutor(workers)
    try:
        for start in range(0, len(paths), window):
            part = paths[start : start + window]
            for path, result in zip(part, pool.map(decode, part), strict=True):
                progress.advance(1, skipped=int(isinstance(result, Skip)))
                yield path, result
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(folder: str, path: str, side: int) -> Result:
    try:
        data = read_bytes(os.path.join(folder, path), follow_links=False)
        return content_hash(data), decode_short_side(data, side, name=path).pixels
    except Unusable as unusable:
        return Skip(path, unusable.reason)


def _table_of(file: str) -> str:
    return file + ".json"


def _reuse(file: str, identity: str) -> PixelCache | None:
    """What an earlier run left, if it is of the same files, whole and holds an image."""
    try:
        with open(_table_of(file), encoding="ascii") as source:
            facts = json.load(source)
        if facts["identity"] != identity or os.path.getsize(file) != facts["size"] or not facts["paths"]:
            return None
        return PixelCache(
            paths=tuple(facts["paths"]),
            contents=tuple(facts["contents"]),
            shapes=np.array(facts["shapes"], np.int64),
            offsets=np.array(facts["offsets"], np.int64),
            data=np.memmap(file, np.uint8, "r"),
            skipped=tuple(Skip(path, reason) for path, reason in facts["skips"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
