"""Small stores for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from augnet_cli.records import FoundFile
from augnet_cli.store.entries import FileEntry
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, place_for
from augnet_cli.store.store import Store

DIM = 8


def unit_row(seed: int, dim: int = DIM) -> np.ndarray:
    row = np.random.default_rng(seed).standard_normal(dim)
    return (row / np.linalg.norm(row)).astype(np.float32)


def found(path: str, number: int = 0) -> FoundFile:
    return FoundFile(path, 100 + number, 10**18 + number, 10**18, 7)


def image(path: str, content: str, seed: int | None = None, encoder: str = "enc") -> FileEntry:
    """An embedded image; without a seed one whose content is known already."""
    if seed is None:
        return FileEntry(found(path), "image", content)
    row = unit_row(seed)
    return FileEntry(found(path), "image", content, width=4, height=3, embedding=row, encoder=encoder)


def make_store(folder: Path, *entries: FileEntry) -> Place:
    folder.mkdir(exist_ok=True)
    place = place_for(str(folder), create=True)
    with writing(place), Store.open(place, write=True) as store:
        store.save(entries)
    return place
