"""Where the images of a split lie: a file each, or many as planes of colour in one array."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from augnet_cli.images.files import read_bytes

# Axes of one stored image that are height, width and colour.
BY_ROWS = (1, 2, 0)  # colour, height, width: CIFAR
BY_COLUMNS = (2, 1, 0)  # colour, width, height: STL-10 is written column by column


@dataclass(frozen=True)
class ImageFiles:
    """A file each; `paths` are relative to `root` or absolute."""

    root: str
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, number: int) -> bytes:
        return read_bytes(os.path.join(self.root, self.paths[number]))

    def name(self, number: int) -> str:
        return self.paths[number]

    def stamps(self) -> Iterator[str]:
        for path in self.paths:
            yield stamp(os.path.join(self.root, path))


@dataclass(frozen=True, eq=False)
class Planes:
    """An array (n, 3, a, b) uint8 of images stored plane by plane.

    `axes` are those of one image that become height, width and colour; `files` are what the array is of.
    """

    planes: np.ndarray
    axes: tuple[int, int, int]
    label: str  # of the split, begins the names of its images
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.planes)

    def read(self, number: int) -> np.ndarray:
        return np.ascontiguousarray(self.planes[number].transpose(self.axes))

    def name(self, number: int) -> str:
        return f"{self.label}/{number:06}"

    def stamps(self) -> Iterator[str]:
        yield self.label
        for file in self.files:
            yield stamp(file)


def stamp(file: str) -> str:
    """Path, size and time of a file; its path alone where it can't be looked at."""
    try:
        found = os.stat(file)
    except OSError:
        return ascii(file)
    return f"{file!a} {found.st_size} {found.st_mtime_ns}"
