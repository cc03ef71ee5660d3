"""Image files in columns: a million of them take about 100 MB, where as many records would take 500.

A record is made when one is asked for; whoever works on all images at once works on the columns.
Letters: n image files, m contents.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from augnet_cli.records import ImageRecord

# Rows turned from one form into another at a time: enough that NumPy, not Python, takes the time, and few
# enough that both forms stay small.
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Paths(Sequence[str]):
    """Paths, one after the other in one run of bytes: number i ends before `ends[i + 1]`, (n + 1,) int64."""

    data: bytes
    ends: np.ndarray

    @classmethod
    def of(cls, paths: Iterable[bytes]) -> Paths:
        """From paths as the file system has them."""
        data, ends = bytearray(), [np.zeros(1, np.int64)]
        block: list[int] = []
        for path in paths:
            data += path
            block.append(len(data))
            if len(block) == BLOCK:
                ends.append(np.array(block, np.int64))
                block.clear()
        return cls(bytes(data), np.concatenate([*ends, np.array(block, np.int64)]))

    def as_bytes(self, number: int) -> bytes:
        return self.data[self.ends[number] : self.ends[number + 1]]

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return os.fsdecode(self.as_bytes(number))


@dataclass(frozen=True, eq=False)
class Contents:
    """Distinct contents in order of hash.

    Attributes:
        hashes: (m,) bytes.
        widths, heights: (m,) int32, pixels.
        taken: (m,) bytes; empty where the picture does not say.
    """

    hashes: np.ndarray
    widths: np.ndarray
    heights: np.ndarray
    taken: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)

    def take(self, rows: np.ndarray) -> Contents:
        return Contents(self.hashes[rows], self.widths[rows], self.heights[rows], self.taken[rows])


@dataclass(frozen=True, eq=False)
class Images(Sequence[ImageRecord]):
    """Image files in order of path.

    Attributes:
        paths: of the n files.
        rows: (n,) int64, the row of each one's content.
        sizes, mtimes: (n,) bytes, and nanoseconds; int64, or Python's numbers where one is beyond that.
        contents: of those rows.
    """

    paths: Paths
    rows: np.ndarray
    sizes: np.ndarray
    mtimes: np.ndarray
    contents: Contents

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, number: int) -> ImageRecord: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[ImageRecord]: ...
    def __getitem__(self, number: int | slice) -> ImageRecord | Sequence[ImageRecord]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        row, contents = self.rows[number], self.contents
        return ImageRecord(
            path=self.paths[number],
            content_hash=contents.hashes[row].decode(),
            width=int(contents.widths[row]),
            height=int(contents.heights[row]),
            size_bytes=int(self.sizes[number]),
            mtime_ns=int(self.mtimes[number]),
            taken_at=contents.taken[row].decode() or None,
        )

    def take(self, numbers: np.ndarray) -> Images:
        """Some of the files, and no more contents than they have; `numbers` ascending."""
        used, rows = np.unique(self.rows[numbers], return_inverse=True)
        return Images(
            Paths.of(self.paths.as_bytes(number) for number in numbers.tolist()),
            rows.astype(np.int64),
            self.sizes[numbers],
            self.mtimes[numbers],
            self.contents.take(used),
        )

    def at(self, path: str) -> ImageRecord:
        """The image at a path, which is one of them."""
        return self[bisect_left(range(len(self)), os.fsencode(path), key=self.paths.as_bytes)]


@dataclass(frozen=True)
class Collection:
    """All embedded images of a folder under one encoder.

    `content_rows` is (n,) int64: the row of each image's content; `embeddings` is (m, d) float32 unit rows,
    one a distinct content, in order of content hash.
    """

    images: Images
    content_rows: np.ndarray
    embeddings: np.ndarray


class Texts(Sequence[str]):
    """A column of bytes, (n,), as texts."""

    def __init__(self, data: np.ndarray) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        if isinstance(number, slice):
            return Texts(self._data[number])
        return str(self._data[number].decode())


def column(numbers: Sequence[int]) -> np.ndarray:
    """(n,) int64, or of Python's numbers where one does not fit."""
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        return np.array(numbers, object)


def joined(parts: Sequence[np.ndarray], kind: type | str) -> np.ndarray:
    """Parts of one column as one; empty of that kind where there are none."""
    return np.concatenate(parts) if parts else np.empty(0, kind)


def rows_at(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Rows (m, d) at different ascending `numbers`; where that is all of them, themselves and no copy."""
    return rows if len(numbers) == len(rows) else rows[numbers]


def places_of(wanted: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of (b,) hashes stands among (m,) in order, and whether it does."""
    if len(among) == 0:
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    places = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    return places, among[places] == wanted


def united(
    parts: Sequence[Images], prefixes: Sequence[str], side_of: Callable[[str], str | None]
) -> tuple[Images, tuple[str, ...]]:
    """Images of several folders as one, each content a row on each side on which it lies.

    Args:
        prefixes: what comes before the paths of each part, without the `/` between; "" where nothing does.
        side_of: the side of an image by its whole path, None where it takes no part.

    Returns:
        The images in order of path; rows in order of content, then side.
        The side of each row.
    """
    paths: list[bytes] = []
    sides: list[str] = []
    chosen: list[np.ndarray] = []
    for part, prefix in zip(parts, prefixes, strict=True):
        begin = prefix.rstrip("/") + "/" if prefix else ""
        taken = np.zeros(len(part), bool)
        for number, path in enumerate(part.paths):
            name = side_of(begin + path)
            if name is not None:
                taken[number] = True
                paths.append(os.fsencode(begin + path))
                sides.append(name)
        chosen.append(np.flatnonzero(taken))
    order = np.array(sorted(range(len(paths)), key=paths.__getitem__), np.int64)
    names, codes = np.unique(np.array(sides, object), return_inverse=True)
    starts = np.cumsum([0, *(len(part.contents) for part in parts)])

    def of_files(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name)[of] for part, of in zip(parts, chosen, strict=True)])[
            order
        ]

    def of_contents(name: str) -> np.ndarray:
        return np.concatenate([getattr(part.contents, name) for part in parts])

    at = np.concatenate(
        [start + part.rows[of] for start, part, of in zip(starts[:-1], parts, chosen, strict=True)]
    )[order]
    hashes, codes = of_contents("hashes"), codes[order].astype(np.int64)
    by_key = np.lexsort((codes, hashes[at]))
    met, side = hashes[at][by_key], codes[by_key]
    is_new = np.append(np.ones(min(1, len(met)), bool), (met[1:] != met[:-1]) | (side[1:] != side[:-1]))
    rows = np.empty(len(at), np.int64)
    rows[by_key] = np.cumsum(is_new) - 1
    first = at[by_key][is_new]
    contents = Contents(
        *(column[first] for column in (hashes, *map(of_contents, ("widths", "heights", "taken"))))
    )
    images = Images(
        Paths.of(paths[place] for place in order.tolist()),
        rows,
        of_files("sizes"),
        of_files("mtimes"),
        contents,
    )
    return images, tuple(names[code] for code in side[is_new].tolist())
