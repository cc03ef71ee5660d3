"""Images of one's own with classes: a folder a class, a table of labels, or lists of paths."""

from __future__ import annotations

import os
from collections.abc import Sequence

from augnet_cli.datasets.classes import Named, parted, split_of
from augnet_cli.datasets.layout import lines_of, needed, root_of, wrong
from augnet_cli.datasets.photos import whole_split
from augnet_cli.datasets.record import TEST, TRAIN, UNLABELLED, Dataset, Split
from augnet_cli.errors import DatasetError
from augnet_cli.images.files import is_image, walk
from augnet_cli.images.identify import named_as_image
from augnet_cli.images.names import shown

TABLE = "labels.tsv"
# Folders that are splits, not classes, by what people call them.
SPLIT_FOLDERS = {
    TRAIN: ("train", "training"),
    TEST: ("test", "testing", "val", "valid", "validation"),
    UNLABELLED: ("unlabelled", "unlabeled"),
}


def read_folder(path: str) -> Dataset:
    """A folder a class (ImageFolder); with `train` and `test` or `val` in it, each of these has the classes.

    Without such folders a fifth of each class is the test, see `classes.parted`.  All below a class's folder
    is of that class.

    Raises:
        DatasetError: there is no such folder, or no image in a class's folder.
    """
    root = root_of(path, "folder").rstrip(os.sep) or os.sep
    own = {split: _first(root, names) for split, names in SPLIT_FOLDERS.items()}
    there = own[TRAIN] or own[TEST]
    if there and not (own[TRAIN] and own[TEST]) and (own[UNLABELLED] or _are_all_splits(root)):
        missing, what_for = (TEST, "to judge by") if own[TRAIN] else (TRAIN, "to learn from")
        beside = f" and {own[UNLABELLED]}" if own[UNLABELLED] else ""
        raise DatasetError(
            f"{shown(root)} has {there}{beside}, but no {missing}",
            f"put the images {what_for} in {missing}/CLASS; a class of the name {there} needs another one",
        )
    if own[TRAIN] is None or own[TEST] is None:
        images = _classed(root, "")
        return Dataset("folder", {split: split_of(root, part) for split, part in parted(images).items()})
    splits = {}
    for split, folder in own.items():
        if folder is not None:
            labelled = split != UNLABELLED
            splits[split] = split_of(root, _classed(root, folder) if labelled else _unclassed(root, folder))
    return Dataset("folder", splits)


def _are_all_splits(root: str) -> bool:
    """Whether no folder in a folder has images in it, but only folders: of classes, one has.

    False where that can't be seen; whoever reads the images will say why.
    """
    try:
        with os.scandir(root) as entries:
            folders = [each.path for each in entries if each.is_dir() and not each.name.startswith(".")]
        for folder in folders:
            with os.scandir(folder) as entries:
                if any(named_as_image(each.name) and each.is_file() for each in entries):
                    return False
    except OSError:
        return False
    return True


def _first(root: str, names: Sequence[str]) -> str | None:
    return next((name for name in names if os.path.isdir(os.path.join(root, name))), None)


def _classed(root: str, below: str) -> list[Named]:
    """Images of a folder's folders, each with the name of the one it is in."""
    images: list[Named] = []
    for path in _images(os.path.join(root, below)):
        label, separator, _ = path.partition(os.sep)
        if separator:
            images.append((os.path.join(below, path), label))
    if not images:
        raise DatasetError(
            f"{shown(os.path.join(root, below))} holds no folder with images, so there are no classes",
            f"lay it out as FOLDER/CLASS/IMAGE, or put a {TABLE} of paths and labels in it; "
            "to learn from images without classes: augnet train FOLDER",
        )
    return images


def _unclassed(root: str, below: str) -> list[Named]:
    return [(os.path.join(below, path), None) for path in _images(os.path.join(root, below))]


def _images(folder: str) -> list[str]:
    """Paths of a folder's images, in order."""
    return [found.path for found in walk(folder).files if is_image(folder, found)]


def read_tsv(path: str) -> Dataset:
    """A table `labels.tsv`, or another of its form: columns `file` and `label`, perhaps `split`.

    Paths are relative to the table.  An empty label is none.  Without the column `split` a fifth of each
    class is the test, see `classes.parted`.

    Raises:
        DatasetError: there is no such table, it has no such columns, or a file of it is missing.
    """
    file = os.path.join(path, TABLE) if os.path.isdir(path) else path
    if not os.path.isfile(file):
        raise DatasetError(
            f"there is no table {shown(file)}", "write one: columns file and label, tabs between"
        )
    root = os.path.dirname(file) or "."
    head, *lines = [line.split("\t") for line in lines_of(file, "tsv")] or [[]]
    if "file" not in head or "label" not in head:
        raise wrong(file, "its first line does not name the columns file and label", "tsv")
    rows = []
    for number, line in enumerate(lines, start=2):
        if len(line) > len(head) or len(line) <= max(head.index("file"), 0):
            raise wrong(file, f"line {number} has {len(line)} cells, not {len(head)}", "tsv")
        rows.append(dict(zip(head, line, strict=False)))
    images = [(row["file"], row.get("label") or None) for row in rows]
    if not any(label for _, label in images):
        raise wrong(file, "no image of it has a label", "tsv")
    for image, _ in images:
        needed(root, image, "tsv")
    if "split" not in head:
        return Dataset("tsv", {split: split_of(root, part) for split, part in parted(images).items()})
    return Dataset("tsv", _told_splits(root, file, images, [row.get("split", "") for row in rows]))


def _told_splits(root: str, file: str, images: list[Named], told: list[str]) -> dict[str, Split]:
    parts: dict[str, list[Named]] = {}
    for image, word in zip(images, told, strict=True):
        split = next((split for split, words in SPLIT_FOLDERS.items() if word.lower() in words), None)
        if split is None:
            raise wrong(file, f"{shown(word) or 'an empty cell'} is no split; say train or test", "tsv")
        parts.setdefault(split, []).append(image)
    for split in (TRAIN, TEST):
        if split not in parts:
            raise wrong(file, f"no image of it is of the split {split}", "tsv")
    return {split: split_of(root, part) for split, part in parts.items()}


def read_list(path: str) -> Dataset:
    """`train.txt` and `test.txt` of lines `path label`, as UDML-SS and Deep_Metric read them.

    Paths are relative to the folder, absolute where they begin with a slash, and may hold spaces.  Labels
    need only be consistent within a list, as long as each is judged alone: where both are taken together
    (`--split all`, the probe), equal labels are one class.

    Raises:
        DatasetError: a list is missing or broken, or an image of it is missing.
    """
    root = root_of(path, "list")
    splits = {}
    for split in (TRAIN, TEST):
        file = needed(root, f"{split}.txt", "list")
        images: list[Named] = []
        for number, line in enumerate(lines_of(file, "list"), start=1):
            words = line.rsplit(maxsplit=1)
            if len(words) != 2:
                raise wrong(file, f"line {number} is no path and label", "list")
            images.append((words[0], words[1]))
        splits[split] = whole_split(root, images, "list")
    return Dataset("list", splits)
