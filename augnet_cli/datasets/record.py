"""What a data set is here: named splits of images that are read when asked for, and their classes.

Labels judge; `training` is given the images of a split and nothing else.
Letters: n images of a split, h and w of an image in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown

TRAIN, TEST, UNLABELLED = "train", "test", "unlabelled"
ALL = "all"  # every image that has a class
NO_CLASS = -1


class Images(Protocol):
    """Images in an order; several threads may read at once."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> np.ndarray | bytes:
        """(h, w, 3) uint8, or the bytes of an image file.

        Raises:
            Unusable: the file can't be read.
        """
        ...

    def name(self, number: int) -> str:
        """The path of an image in its data set, or its place where many are in one file."""
        ...

    def stamps(self) -> Iterator[str]:
        """Texts that change when the files do that the images are in."""
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """Images of one split, alike with `labels` (n,) int64: places in `classes`, or NO_CLASS."""

    images: Images
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def present(self) -> np.ndarray:
        """The labels that occur, ascending; NO_CLASS is none."""
        labels = np.unique(self.labels)
        return labels[labels != NO_CLASS]


@dataclass(frozen=True)
class Dataset:
    """A data set by its name in `registry.READERS`.

    `splits`: `train` and `test` where there are both, `unlabelled` where there is one.
    `recall_at`: the k of recall at k that papers report on it.
    """

    name: str
    splits: Mapping[str, Split]
    recall_at: tuple[int, ...] = (1, 2, 4, 8)

    def split(self, name: str) -> Split:
        """The split of a name; `all` is every image with a class.

        Raises:
            UsageError: it has no such split.
        """
        if name == ALL and name not in self.splits:
            parts = [split for key, split in self.splits.items() if key != UNLABELLED]
            return joined(parts)
        if name not in self.splits:
            known = ", ".join((*self.splits, ALL))
            raise UsageError(f"{self.name} has no split named {shown(name)}", f"choose one of {known}")
        return self.splits[name]

    def learnt_from(self, split: str | None = None) -> Images:
        """What training sees: one split, or the train split with the unlabelled one, as published.

        Raises:
            UsageError: there is no such split, or it is the one to judge by.
        """
        names = [name for name in (TRAIN, UNLABELLED) if name in self.splits]
        if split is not None and split not in names:
            what = "is for judging" if split in (TEST, ALL) else "is no split to learn from"
            raise UsageError(
                f"{shown(split)} {what}", f"--split {' or '.join(names)}, or leave it out for all"
            )
        parts = [self.splits[name].images for name in names if split in (None, name)]
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))


@dataclass(frozen=True)
class Joined:
    """Images of several parts, one after the other."""

    parts: tuple[Images, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def read(self, number: int) -> np.ndarray | bytes:
        part, place = self._place(number)
        return part.read(place)

    def name(self, number: int) -> str:
        part, place = self._place(number)
        return part.name(place)

    def stamps(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.stamps()

    def _place(self, number: int) -> tuple[Images, int]:
        for part in self.parts:
            if number < len(part):
                return part, number
            number -= len(part)
        raise IndexError(number)


def joined(parts: Sequence[Split]) -> Split:
    """One split of several; classes of one name are one class."""
    if len(parts) == 1:
        return parts[0]
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    place = {name: number for number, name in enumerate(classes)}
    labels = []
    for part in parts:
        own = np.array([place[name] for name in part.classes] + [NO_CLASS], np.int64)
        labels.append(own[part.labels])  # NO_CLASS, -1, is the last
    return Split(Joined(tuple(part.images for part in parts)), np.concatenate(labels), classes)
