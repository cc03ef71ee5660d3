"""STL-10 and CIFAR: many images in one file.

torchvision has readers of these, but the light install has no torchvision, and its STL-10 reader copies
2.7 GB into memory; tests compare the two.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from augnet_cli.datasets.layout import lines_of, needed, root_of, unreadable, wrong
from augnet_cli.datasets.pickles import unpickled
from augnet_cli.datasets.record import NO_CLASS, TEST, TRAIN, UNLABELLED, Dataset, Split
from augnet_cli.datasets.sources import BY_COLUMNS, BY_ROWS, Planes

STL10_SIDE, CIFAR_SIDE = 96, 32
STL10_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


def read_stl10(path: str) -> Dataset:
    """STL-10 (Coates, Ng and Lee, 2011), the binary files: `train` 5,000, `test` 8,000, `unlabelled` 100,000.

    Raises:
        DatasetError: a file is missing or cut short.
    """
    root = root_of(path, "stl10", "stl10_binary")
    names = os.path.join(root, "class_names.txt")
    classes = tuple(lines_of(names, "stl10")) if os.path.isfile(names) else STL10_CLASSES
    splits = {
        TRAIN: _stl10_split(root, "train", classes),
        TEST: _stl10_split(root, "test", classes),
    }
    if os.path.exists(os.path.join(root, "unlabeled_X.bin")):
        splits[UNLABELLED] = _stl10_split(root, "unlabeled", classes)
    return Dataset("stl10", splits)


def _stl10_split(root: str, split: str, classes: tuple[str, ...]) -> Split:
    images = needed(root, f"{split}_X.bin", "stl10")
    size = os.path.getsize(images)
    each = 3 * STL10_SIDE**2
    if not size or size % each:
        raise wrong(images, f"{size:,} bytes are no whole images of {each:,}", "stl10")
    try:
        planes = np.memmap(images, np.uint8, "r").reshape(-1, 3, STL10_SIDE, STL10_SIDE)
    except OSError as error:
        raise unreadable(images, error, "stl10") from error
    source = Planes(planes, BY_COLUMNS, UNLABELLED if split == "unlabeled" else split, (images,))
    if split == "unlabeled":
        return Split(source, np.full(len(planes), NO_CLASS), ())
    file = needed(root, f"{split}_y.bin", "stl10")
    try:
        labels = np.fromfile(file, np.uint8).astype(np.int64) - 1
    except OSError as error:
        raise unreadable(file, error, "stl10") from error
    _check_labels(labels, len(planes), len(classes), file, "stl10")
    return Split(source, labels, classes)


def read_cifar10(path: str) -> Dataset:
    """CIFAR-10 (Krizhevsky, 2009), the python version: `train` 50,000, `test` 10,000 of 32 x 32 pixels.

    Raises:
        DatasetError: a file is missing or not of CIFAR-10.
    """
    root = root_of(path, "cifar10", "cifar-10-batches-py")
    meta = _loaded(root, "batches.meta", "cifar10")
    classes = _texts(meta, "label_names", root, "cifar10")
    train = [f"data_batch_{number}" for number in range(1, 6)]
    return Dataset(
        "cifar10",
        {
            TRAIN: _cifar_split(root, train, "labels", classes, TRAIN, "cifar10"),
            TEST: _cifar_split(root, ["test_batch"], "labels", classes, TEST, "cifar10"),
        },
    )


def read_cifar100(path: str) -> Dataset:
    """CIFAR-100 (Krizhevsky, 2009), the python version, by its 100 fine classes.

    Raises:
        DatasetError: as `read_cifar10`.
    """
    return _cifar100(path, "cifar100", "fine")


def read_cifar100_20(path: str) -> Dataset:
    """CIFAR-100 by its 20 coarse classes, as SCAN (Van Gansbeke and others, 2020) clusters it.

    Raises:
        DatasetError: as `read_cifar10`.
    """
    return _cifar100(path, "cifar100-20", "coarse")


def _cifar100(path: str, name: str, kind: str) -> Dataset:
    root = root_of(path, name, "cifar-100-python")
    classes = _texts(_loaded(root, "meta", name), f"{kind}_label_names", root, name)
    splits = {
        split: _cifar_split(root, [split], f"{kind}_labels", classes, split, name) for split in (TRAIN, TEST)
    }
    return Dataset(name, splits)


def _cifar_split(
    root: str, files: list[str], key: str, classes: tuple[str, ...], split: str, name: str
) -> Split:
    planes, labels = [], []
    for file in files:
        batch = _loaded(root, file, name)
        data, own = batch.get("data"), batch.get(key)
        path = os.path.join(root, file)
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.size % (3 * CIFAR_SIDE**2):
            raise wrong(path, "it holds no images of 32 x 32 pixels", name)
        if not isinstance(own, list | np.ndarray):
            raise wrong(path, f"it holds no {key}", name)
        images = data.reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE)
        try:
            numbers = np.asarray(own, np.int64).ravel()
        except (ValueError, TypeError, OverflowError) as error:
            raise wrong(path, f"its {key} are no whole numbers", name) from error
        _check_labels(numbers, len(images), len(classes), path, name)
        planes.append(images)
        labels.append(numbers)
    sources = tuple(os.path.join(root, file) for file in files)
    return Split(Planes(np.concatenate(planes), BY_ROWS, split, sources), np.concatenate(labels), classes)


def _loaded(root: str, file: str, name: str) -> dict[str, Any]:
    path = needed(root, file, name)
    try:
        with open(path, "rb") as source:
            found = unpickled(source)
    except OSError as error:
        raise unreadable(path, error, name) from error
    except ValueError as error:
        raise wrong(path, str(error), name) from error
    if not isinstance(found, dict):
        raise wrong(path, "it holds no table", name)
    return found


def _texts(meta: dict[str, Any], key: str, root: str, name: str) -> tuple[str, ...]:
    names = meta.get(key)
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise wrong(root, f"its meta file has no {key}", name)
    return tuple(names)


def _check_labels(labels: np.ndarray, images: int, classes: int, file: str, name: str) -> None:
    if len(labels) != images:
        raise wrong(file, f"{len(labels):,} labels are not one for each of {images:,} images", name)
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise wrong(file, f"a label is not among the {classes} classes", name)
