"""Splits of image files made from paths and the names of their classes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence

import numpy as np

from augnet_cli.datasets.record import NO_CLASS, TEST, TRAIN, Split
from augnet_cli.datasets.sources import ImageFiles

TEST_SHARE = 0.2  # of each class, where a data set has no splits of its own
SALT = b"augnet test split"  # so that the choice has nothing in common with any other order of hashes

Named = tuple[str, str | None]  # path, and class or None


def split_of(root: str, images: Sequence[Named], classes: Sequence[str] | None = None) -> Split:
    """A split of image files below `root`; without `classes` those that occur, numbers in their order."""
    if classes is None:
        classes = in_order({label for _, label in images if label is not None})
    place = {label: number for number, label in enumerate(classes)}
    labels = [NO_CLASS if label is None else place[label] for _, label in images]
    paths = tuple(path for path, _ in images)
    return Split(ImageFiles(root, paths), np.array(labels, np.int64), tuple(classes))


def in_order(labels: Iterable[str]) -> list[str]:
    """Names of classes in order: by their value where all are numbers, else as text."""
    names = list(labels)
    if all(name.isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def parted(images: Sequence[Named]) -> dict[str, list[Named]]:
    """Train and test, a fifth of each class for the test, but one image at least to learn from.

    Which, follows from the paths alone: the same in each run, and nearly the same when the folder grows.
    Images without a class are learnt from.
    """
    by_class: dict[str | None, list[Named]] = {}
    for image in images:
        by_class.setdefault(image[1], []).append(image)
    chosen: set[Named] = set()
    for label, own in by_class.items():
        if label is not None:
            ordered = sorted(own, key=lambda image: _key(image[0]))
            chosen.update(ordered[: min(len(own) - 1, max(1, round(len(own) * TEST_SHARE)))])
    return {
        TRAIN: [image for image in images if image not in chosen],
        TEST: [image for image in images if image in chosen],
    }


def _key(path: str) -> bytes:
    return hashlib.blake2b(os.fsencode(path), key=SALT).digest()
