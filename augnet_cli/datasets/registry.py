"""Data sets by what a user types: `NAME:PATH`, or a folder of labelled images."""

from __future__ import annotations

import os
from collections.abc import Callable

from augnet_cli.datasets.arrays import read_cifar10, read_cifar100, read_cifar100_20, read_stl10
from augnet_cli.datasets.folders import TABLE, read_folder, read_list, read_tsv
from augnet_cli.datasets.photos import read_cars196, read_cub200, read_imagenet, read_sop
from augnet_cli.datasets.record import Dataset
from augnet_cli.errors import DatasetError, UsageError
from augnet_cli.images.names import shown

READERS: dict[str, Callable[[str], Dataset]] = {
    "stl10": read_stl10,
    "cifar10": read_cifar10,
    "cifar100": read_cifar100,
    "cifar100-20": read_cifar100_20,
    "cub200": read_cub200,
    "cars196": read_cars196,
    "sop": read_sop,
    "imagenet": read_imagenet,
    "list": read_list,
    "folder": read_folder,
    "tsv": read_tsv,
}


def read_dataset(typed: str) -> Dataset:
    """The data set that `NAME:PATH` names; of a folder the one of its `labels.tsv`, else a folder a class.

    Raises:
        UsageError: there is no data set of that name, nor a folder.
        DatasetError: as its reader.
    """
    name, separator, path = typed.partition(":")
    if separator and name in READERS:
        if not path:
            raise UsageError(f"{name}: names no path", f"for instance {name}:/data/{name}")
        return READERS[name](path)
    if os.path.isdir(typed):
        return READERS["tsv" if os.path.isfile(os.path.join(typed, TABLE)) else "folder"](typed)
    if separator:
        known = ", ".join(READERS)
        raise UsageError(f"there is no data set named {shown(name) or repr(name)}", f"choose one of {known}")
    raise DatasetError(
        f"there is no folder {shown(typed)}", "name a folder of labelled images, or NAME:PATH of a data set"
    )
