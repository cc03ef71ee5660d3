"""The labelled images of ../shared/data, as bytes in memory; for the other scripts. Labels judge only."""

from __future__ import annotations

import csv
import io
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import decode
from augnet_cli.records import Resize

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PHOTOS = tuple(f"train-photos-{number}.tar" for number in (1, 2, 3))
DIGIT_SIDE = 32  # pixels, of 8 as they are
# Fewer of a class leave its images hardly a neighbour of their kind.
LEAST_OF_A_CLASS = 10
# Caltech's class of pictures that belong to none.
NO_CLASS = "BACKGROUND_Google"


@dataclass(frozen=True)
class Labelled:
    """Image files and what they show."""

    name: str
    files: tuple[bytes, ...]
    labels: np.ndarray  # (n,) text

    def squares(self, resize: Resize) -> np.ndarray:
        """(n, S, S, 3) uint8, as an encoder takes them."""
        with ThreadPoolExecutor(usable_cores()) as pool:
            return np.stack(list(pool.map(lambda data: decode(data, resize).pixels, self.files)))


def cifar10(archive: Path = DATA / "cifar10.tar") -> Labelled:
    """A folder a class."""
    made = [(PurePosixPath(path).parent.name, data) for path, data in members(archive)]
    return Labelled("cifar10", tuple(data for _, data in made), np.array([label for label, _ in made]))


def photo_sets(folder: Path = DATA) -> list[Labelled]:
    """Every collection of the training photos that has labels; small classes left out.

    Of PACS the object is the class, whether photographed, painted or drawn.
    """
    found: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    labels: Mapping[str, str] = {}
    for archive in PHOTOS:
        for path, data in members(folder / archive):
            if path == "labels.tsv":
                rows = csv.DictReader(io.StringIO(data.decode()), delimiter="\t")
                labels = {row["file"]: row["label"] for row in rows}
            else:
                found[PurePosixPath(path).parts[0]].append((path, data))
    sets = [_labelled(name, files, labels) for name, files in sorted(found.items())]
    return [each for each in sets if len(np.unique(each.labels)) > 1]


def _labelled(name: str, files: list[tuple[str, bytes]], labels: Mapping[str, str]) -> Labelled:
    named = [(labels.get(path, "").rpartition("/")[2], data) for path, data in files]
    counts = Counter(label for label, _ in named)
    kept = [
        (label, data)
        for label, data in named
        if label not in ("", NO_CLASS) and counts[label] >= LEAST_OF_A_CLASS
    ]
    return Labelled(name, tuple(data for _, data in kept), np.array([label for label, _ in kept]))


def digits() -> Iterator[tuple[str, bytes]]:
    """The handwritten digits that scikit-learn brings, 1,797 of 10 classes, as PNG files."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    for number, (pixels, label) in enumerate(zip(found.images, found.target, strict=True)):
        grey = Image.fromarray((pixels * (255 / found.images.max())).astype(np.uint8))
        out = io.BytesIO()
        grey.resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.BICUBIC).convert("RGB").save(out, "png")
        yield f"digits/{label}/{number:04}.png", out.getvalue()


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each file of an archive, by path."""
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda each: each.name):
            data = tar.extractfile(member) if member.isfile() else None
            if data is not None:
                yield str(PurePosixPath(member.name)), data.read()
