"""What all readers ask of the disk, and what they say where a data set is not whole."""

from __future__ import annotations

import os
from collections.abc import Sequence

from augnet_cli.errors import DatasetError
from augnet_cli.images.names import shown

# Where the makers of each data set give it out.
PAGES = {
    "stl10": "the binary files: https://cs.stanford.edu/~acoates/stl10/",
    "cifar10": "the python version: https://www.cs.toronto.edu/~kriz/cifar.html",
    "cifar100": "the python version: https://www.cs.toronto.edu/~kriz/cifar.html",
    "cub200": "CUB-200-2011: https://www.vision.caltech.edu/datasets/cub_200_2011/",
    "cars196": "Stanford Cars by Krause and others, 2013; its own page is gone, copies name their layout",
    "sop": "Stanford Online Products: https://cvgl.stanford.edu/projects/lifted_struct/",
    "imagenet": "ILSVRC 2012, after signing up: https://www.image-net.org/download.php",
}

# What a user's own lists look like.
FORMS = {
    "tsv": "a first line `file<tab>label`, perhaps `<tab>split` (train or test), then a line an image",
    "list": "train.txt and test.txt with a line `PATH LABEL` an image",
}


def root_of(path: str, name: str, inner: str = "") -> str:
    """The folder that holds the files: `path`, or the folder `inner` in it, as an archive unpacks.

    Raises:
        DatasetError: `path` is no folder.
    """
    if not os.path.isdir(path):
        there = "is no folder" if os.path.exists(path) else "is not there"
        raise DatasetError(f"{shown(path)} {there}, so no {name} is read from it", source_of(name))
    below = os.path.join(path, inner)
    return below if inner and os.path.isdir(below) else path


def needed(root: str, file: str, name: str) -> str:
    """The path of a file that the data set must have.

    Raises:
        DatasetError: it is missing.
    """
    path = os.path.join(root, file)
    if not os.path.exists(path):
        raise DatasetError(f"{name} is not whole: {shown(path)} is missing", source_of(name))
    return path


def wrong(file: str, what: str, name: str) -> DatasetError:
    """The error of a file that is not what it should be."""
    return DatasetError(f"{shown(file)} is no part of {name}: {what}", source_of(name))


def lines_of(file: str, name: str) -> list[str]:
    """The lines of a text of the data set, without those that hold nothing; bytes that are no UTF-8 survive.

    Raises:
        DatasetError: it can't be read.
    """
    try:
        with open(file, encoding="utf-8", errors="surrogateescape", newline="") as source:
            return [line.rstrip("\r") for line in source.read().split("\n") if line.strip()]
    except OSError as error:
        raise unreadable(file, error, name) from error


def columns_of(file: str, count: int, name: str) -> list[list[str]]:
    """The words of each line, of which there must be `count`; the last may hold spaces.

    Raises:
        DatasetError: a line has fewer, or the file can't be read.
    """
    rows = [line.split(maxsplit=count - 1) for line in lines_of(file, name)]
    for number, row in enumerate(rows, start=1):
        if len(row) < count:
            raise wrong(file, f"line {number} has {len(row)} words, not {count}", name)
    return rows


def numbers_of(words: Sequence[str], file: str, name: str) -> list[int]:
    """Whole numbers.

    Raises:
        DatasetError: a word is none.
    """
    try:
        return [int(word) for word in words]
    except ValueError:
        bad = next(word for word in words if not word.lstrip("-").isdigit())
        raise wrong(file, f"{shown(bad)} is no number", name) from None


def unreadable(file: str, error: OSError, name: str) -> DatasetError:
    reason = (error.strerror or "can't be read").lower()
    return DatasetError(f"{shown(file)} of {name} can't be read: {reason}", "see that you may read it")


def source_of(name: str) -> str:
    """What the hint says of where to get a data set."""
    page = PAGES.get(name.partition("-")[0])
    return f"get {page}" if page else FORMS.get(name, "check the path")
