"""Small data sets in the layout of the real ones: for tests of readers, training, evaluation."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

CIFAR_CLASSES = ("airplane", "frog")


def tinted(seed: int, label: int, side: int = 32) -> np.ndarray:
    """(side, side, 3) uint8: a smooth random picture, the more red the higher its label."""
    coarse = np.random.default_rng(seed).integers(0, 120, (4, 4, 3), dtype=np.uint8)
    coarse[..., 0] += np.uint8(min(60 * label, 130))
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def stored(images: Sequence[np.ndarray]) -> np.ndarray:
    """(n, 3072) uint8 as CIFAR stores images: plane by plane, row by row."""
    return np.stack([image.transpose(2, 0, 1).ravel() for image in images])


def cifar10(folder: Path, each: int = 4, tests: int = 6) -> Path:
    """`cifar-10-batches-py` in `folder`: `each` images in five batches, `tests` in the last; two classes."""
    root = folder / "cifar-10-batches-py"
    root.mkdir(parents=True)
    files = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for number, file in enumerate(files):
        count = tests if file == "test_batch" else each
        labels = [place % 2 for place in range(count)]
        images = [tinted(100 * number + place, label) for place, label in enumerate(labels)]
        (root / file).write_bytes(pickle.dumps({"data": stored(images), "labels": labels}, protocol=2))
    (root / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR_CLASSES)}, protocol=2))
    return root


def class_folders(folder: Path, classes: Sequence[str], each: int, side: int = 24, first: int = 0) -> Path:
    """A folder a class, with `each` pictures in it."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            picture(folder / name / f"{number}.png", first + 50 * label + number, label, side)
    return folder


def picture(file: Path, seed: int = 0, label: int = 0, side: int = 24) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(tinted(seed, label, side)).save(file)
