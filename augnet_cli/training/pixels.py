"""All images of a folder, decoded once to the working size, as one file of bytes on disk.

Training reads each image many times; decoding it each time would starve the device.
The file is mapped, not loaded: memory does not grow with the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from augnet_cli.errors import TrainingError
from augnet_cli.images.decode import decode_short_side
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.unusable import Unusable
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Skip

# Decoded images waiting to be written, so that memory stays bounded: a few a worker.
WINDOW_PER_WORKER = 8
DATA_HASH_DIGITS = 16


@dataclass(frozen=True)
class PixelCache:
    """Images of a folder as uint8 RGB, each with its short side at most `side` pixels.

    `paths`, `offsets` and `shapes` run alike; image i is `data[offsets[i]:]` seen as `shapes[i]`.
    `data_hash` names the set of contents, whatever their names or order.
    """

    paths: tuple[str, ...]
    shapes: np.ndarray  # (n, 2) int64: height, width
    offsets: np.ndarray  # (n,) int64
    data: np.ndarray  # (total,) uint8, mapped
    skipped: tuple[Skip, ...]
    data_hash: str

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, row: int) -> np.ndarray:
        """(h, w, 3) uint8 view of one image."""
        height, width = self.shapes[row]
        start = self.offsets[row]
        return self.data[start : start + height * width * 3].reshape(height, width, 3)

    def channel_statistics(self, sample: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel in [0, 1], over `sample` random images."""
        rows = rng.permutation(len(self))[:sample]
        total, squares, count = np.zeros(3), np.zeros(3), 0
        for row in rows:
            pixels = self.image(row).reshape(-1, 3).astype(np.float64) / 255
            total += pixels.sum(0)
            squares += (pixels**2).sum(0)
            count += len(pixels)
        mean = total / count
        return mean, np.sqrt(np.maximum(squares / count - mean**2, 1e-6))


def _decode(folder: str, path: str, side: int) -> tuple[str, np.ndarray] | Skip:
    """Content hash and pixels of one file."""
    try:
        data = read_bytes(os.path.join(folder, path), follow_links=False)
        return content_hash(data), decode_short_side(data, side, name=path).pixels
    except Unusable as unusable:
        return Skip(path, unusable.reason)


def build_pixel_cache(
    folder: str,
    files: Sequence[FoundFile],
    file: str,
    side: int,
    workers: int,
    progress: Progress = SILENT,
) -> PixelCache:
    """Decode `files` of `folder` into `file`, or reuse it if it holds just these; byte-identical ones once.

    Raises:
        TrainingError: no image could be decoded.
    """
    stats = [(found.path, found.size_bytes, found.mtime_ns, found.ctime_ns, found.inode) for found in files]
    identity = hashlib.sha256(json.dumps([side, stats]).encode()).hexdigest()
    table = file + ".json"
    kept = _reuse(file, table, identity)
    if kept is None:
        _decode_all(folder, [found.path for found in files], file, table, identity, side, workers, progress)
        kept = _reuse(file, table, identity)
    if kept is None or not len(kept):
        raise TrainingError(f"no image of {folder} could be decoded", f"see why: augnet embed {folder}")
    return kept


def _decode_all(
    folder: str,
    paths: list[str],
    file: str,
    table: str,
    identity: str,
    side: int,
    workers: int,
    progress: Progress,
) -> None:
    used, shapes, offsets, skips = [], [], [], []
    contents: set[str] = set()
    position = 0
    progress.start("decoding", len(paths))
    with open(file + ".new", "wb") as out, ThreadPoolExecutor(workers) as pool:
        window = WINDOW_PER_WORKER * workers
        for start in range(0, len(paths), window):
            part = paths[start : start + window]
            for path, result in zip(part, pool.map(lambda p: _decode(folder, p, side), part), strict=True):
                if isinstance(result, Skip):
                    skips.append((result.path, result.reason))
                    progress.advance(1, skipped=1)
                    continue
                progress.advance(1)
                content, pixels = result
                if content in contents:
                    continue
                contents.add(content)
                out.write(np.ascontiguousarray(pixels).tobytes())
                used.append(path)
                shapes.append(pixels.shape[:2])
                offsets.append(position)
                position += pixels.size
    progress.finish()
    os.replace(file + ".new", file)
    data_hash = hashlib.sha256("".join(sorted(contents)).encode()).hexdigest()[:DATA_HASH_DIGITS]
    facts = {
        "identity": identity,
        "data_hash": data_hash,
        "paths": used,
        "shapes": shapes,
        "offsets": offsets,
        "skips": skips,
        "size": position,
    }
    with open(table + ".new", "w", encoding="ascii") as out:
        json.dump(facts, out)
    os.replace(table + ".new", table)


def _reuse(file: str, table: str, identity: str) -> PixelCache | None:
    try:
        with open(table, encoding="ascii") as source:
            facts = json.load(source)
        if facts["identity"] != identity or os.path.getsize(file) != facts["size"]:
            return None
    except (OSError, ValueError, KeyError):
        return None
    if not facts["paths"]:
        return None
    return PixelCache(
        paths=tuple(facts["paths"]),
        shapes=np.array(facts["shapes"], np.int64),
        offsets=np.array(facts["offsets"], np.int64),
        data=np.memmap(file, np.uint8, "r"),
        skipped=tuple(Skip(path, reason) for path, reason in facts["skips"]),
        data_hash=facts["data_hash"],
    )
