"""CUB-200-2011, Cars196, Stanford Online Products and ImageNet: a file an image, beside lists of classes.

The first three are split by class as metric learning does (Oh Song and others, "Deep Metric Learning via
Lifted Structured Feature Embedding", 2016): what is tested are classes that were never seen.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

from augnet_cli.datasets.classes import Named, split_of
from augnet_cli.datasets.layout import columns_of, lines_of, needed, numbers_of, root_of, wrong
from augnet_cli.datasets.record import TEST, TRAIN, Dataset, Split
from augnet_cli.errors import DatasetError
from augnet_cli.images.identify import named_as_image
from augnet_cli.images.names import shown

# Classes up to this one are learnt from, those above are tested.
CUB200_LAST, CARS196_LAST = 100, 98
SOP_RECALL_AT = (1, 10, 100, 1000)
IMAGENET_FOLDERS = {
    TRAIN: ("ILSVRC2012_img_train", os.path.join("ILSVRC", "Data", "CLS-LOC", "train"), "train"),
    TEST: ("ILSVRC2012_img_val", os.path.join("ILSVRC", "Data", "CLS-LOC", "val"), "val"),
}


def read_cub200(path: str) -> Dataset:
    """CUB-200-2011 (Wah and others, 2011): classes 1 to 100 are `train`, 101 to 200 `test`.

    Raises:
        DatasetError: a list is missing or broken, or an image of it is missing.
    """
    name = "cub200"
    root = root_of(path, name, "CUB_200_2011")
    files = {file: needed(root, file, name) for file in ("images.txt", "image_class_labels.txt")}
    paths = dict(columns_of(files["images.txt"], 2, name))
    numbers = columns_of(files["image_class_labels.txt"], 2, name)
    titles = os.path.join(root, "classes.txt")
    names = dict(columns_of(titles, 2, name)) if os.path.isfile(titles) else {}
    if len(numbers) != len(paths):
        told = f"it has {len(numbers):,} lines, and images.txt {len(paths):,}"
        raise wrong(files["image_class_labels.txt"], told, name)
    images: list[tuple[str, int]] = []
    for image, number in numbers:
        if image not in paths:
            raise wrong(files["image_class_labels.txt"], f"no image is numbered {shown(image)}", name)
        (label,) = numbers_of([number], files["image_class_labels.txt"], name)
        images.append((os.path.join("images", paths[image]), label))
    return Dataset(name, _by_class(root, images, CUB200_LAST, names, name))


def read_cars196(path: str) -> Dataset:
    """Cars196 (Krause and others, 2013): classes 1 to 98 are `train`, 99 to 196 `test`, of both folders.

    Either all images in `car_ims` beside `cars_annos.mat`, or `cars_train` and `cars_test` beside `devkit`.

    Raises:
        DatasetError: neither is there, a list is broken, or an image of it is missing.
    """
    name = "cars196"
    root = root_of(path, name, "cars196")
    whole = os.path.join(root, "cars_annos.mat")
    if os.path.isfile(whole):
        images = _labelled(whole, "relative_im_path", name)
        return Dataset(name, _by_class(root, images, CARS196_LAST, {}, name))
    images = []
    # The devkit may have been unpacked beside the images or above them.
    lists = {"cars_train": ("cars_train_annos.mat",), "cars_test": ("cars_test_annos_withlabels.mat",)}
    for folder, (file,) in lists.items():
        places = [os.path.join(root, "devkit", file), os.path.join(root, file)]
        found = next((place for place in places if os.path.isfile(place)), None)
        if found is None:
            found = needed(root, os.path.join("devkit", file), name)
        images += [(os.path.join(folder, file), label) for file, label in _labelled(found, "fname", name)]
    return Dataset(name, _by_class(root, images, CARS196_LAST, {}, name))


def _labelled(file: str, path: str, name: str) -> list[tuple[str, int]]:
    """Path, which the field `path` holds, and class of each row."""
    try:
        return [(str(row[path]), int(row["class"])) for row in _annotations(file, name)]
    except (KeyError, ValueError, TypeError) as error:
        raise wrong(file, f"its annotations lack {path} or class", name) from error


def _annotations(file: str, name: str) -> list[Mapping[str, Any]]:
    """The rows of the struct `annotations` of a .mat file, which is data: reading it runs no code."""
    from scipy.io import loadmat

    try:
        rows = loadmat(file, squeeze_me=True)["annotations"]
        return [{key: row[key] for key in rows.dtype.names} for row in rows.ravel()]
    # scipy raises half a dozen classes for a broken file.
    except Exception as error:
        raise wrong(file, f"its annotations can't be read ({type(error).__name__})", name) from error


def read_sop(path: str) -> Dataset:
    """Stanford Online Products (Oh Song and others, 2016), by its own lists `Ebay_train` and `Ebay_test`.

    Raises:
        DatasetError: a list is missing or broken, or an image of it is missing.
    """
    name = "sop"
    root = root_of(path, name, "Stanford_Online_Products")
    splits = {}
    for split, file in ((TRAIN, "Ebay_train.txt"), (TEST, "Ebay_test.txt")):
        rows = columns_of(needed(root, file, name), 4, name)[1:]  # the first line names the columns
        splits[split] = whole_split(root, [(row[3], row[1]) for row in rows], name)
    return Dataset(name, splits, SOP_RECALL_AT)


def read_imagenet(path: str) -> Dataset:
    """ILSVRC 2012 (Russakovsky and others, 2015): a folder a class, `train`, and `val` as `test`.

    `PATH#SUBSET.txt` takes the classes that a list names, `<wnid> <name>` a line, as SCAN's of 50 to 200.

    Raises:
        DatasetError: a split or a class of the list is missing.
    """
    name = "imagenet"
    subset = None
    if not os.path.isdir(path) and "#" in path:
        path, _, subset = path.rpartition("#")
    root = root_of(path, name, "imagenet")
    titles: dict[str, str] = {}
    if subset is not None:
        if not os.path.isfile(subset):
            raise DatasetError(f"there is no list of classes {shown(subset)}", "imagenet:PATH#SUBSET.txt")
        titles = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[-1] for line in lines_of(subset, name)}
        # Of the thousand classes two are called crane, a bird and a machine.
        times = Counter(titles.values())
        titles = {wnid: f"{wnid} {title}" if times[title] > 1 else title for wnid, title in titles.items()}
    return Dataset(name, {split: _imagenet_split(root, split, titles) for split in IMAGENET_FOLDERS})


def _imagenet_split(root: str, split: str, titles: Mapping[str, str]) -> Split:
    name = "imagenet"
    folders = IMAGENET_FOLDERS[split]
    below = next((folder for folder in folders if os.path.isdir(os.path.join(root, folder))), None)
    if below is None:
        below = os.path.relpath(needed(root, folders[0], name), root)
    classes = sorted(titles) or sorted(
        entry.name for entry in os.scandir(os.path.join(root, below)) if entry.is_dir()
    )
    images: list[Named] = []
    for wnid in classes:
        folder = needed(os.path.join(root, below), wnid, name)
        files = sorted(entry.name for entry in os.scandir(folder) if named_as_image(entry.name))
        images += [(os.path.join(below, wnid, file), titles.get(wnid, wnid)) for file in files]
    if not images:
        raise wrong(os.path.join(root, below), "its folders hold no image", name)
    return split_of(root, images, [titles.get(wnid, wnid) for wnid in classes])


def _by_class(
    root: str, images: list[tuple[str, int]], last: int, names: Mapping[str, str], name: str
) -> dict[str, Split]:
    """Train and test, by whether the number of the class is at most `last`."""
    parts: dict[str, list[Named]] = {TRAIN: [], TEST: []}
    for path, number in images:
        parts[TRAIN if number <= last else TEST].append((path, names.get(str(number), str(number))))
    return {split: whole_split(root, own, name) for split, own in parts.items()}


def whole_split(root: str, images: list[Named], name: str) -> Split:
    """A split of listed files.

    Raises:
        DatasetError: the list is empty, or a file of it is missing.
    """
    if not images:
        raise wrong(root, "one of its splits has no image", name)
    for path, _ in images:
        needed(root, path, name)
    return split_of(root, images)
