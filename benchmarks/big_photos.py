"""Photos of 12 megapixels, as a phone writes them, made of smaller ones; for `peers.py`."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from altered import image_files
from copies import unpacked
from PIL import Image

from augnet_cli.cores import usable_cores

SIZE = (4000, 3000)
# What an enlarged photo lacks beside one of a camera is grain, and without it the file would be small and its
# entropy decoding, most of the work, too fast.  Grey levels; with QUALITY this comes to about 3 MB a photo.
GRAIN = 5.0
QUALITY = 90
SUBSAMPLING = "4:2:0"


def big_folder(work: Path, count: int) -> Path:
    """`count` photos of SIZE, made once per work folder from the benchmark's photos."""
    folder = work / f"big-{count}"
    if not folder.exists():
        sources = image_files(unpacked(work, "photos-neardup"))
        with tempfile.TemporaryDirectory(dir=work) as part:
            write_big(Path(part) / "photos", sources, count)
            (Path(part) / "photos").rename(folder)
    return folder


def write_big(folder: Path, sources: Sequence[Path], count: int, size: tuple[int, int] = SIZE) -> None:
    """Write `count` photos, the sources in turn, each with grain of its own."""
    folder.mkdir()
    chosen = itertools.islice(itertools.cycle(sources), count)

    def write(numbered: tuple[int, Path]) -> None:
        number, source = numbered
        photo = enlarged(Image.open(source).convert("RGB"), size, seed=number)
        photo.save(folder / f"big_{number:04}.jpg", quality=QUALITY, subsampling=SUBSAMPLING)

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(write, enumerate(chosen)))


def enlarged(image: Image.Image, size: tuple[int, int], seed: int) -> Image.Image:
    """A picture of `size`, lying or standing as `image` does, with grain that is alike in all colours."""
    width, height = size if image.width >= image.height else size[::-1]
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    grain = np.rint(np.random.default_rng(seed).standard_normal((height, width, 1), np.float32) * GRAIN)
    grainy = np.clip(pixels + grain.astype(np.int16), 0, 255)
    return Image.fromarray(grainy.astype(np.uint8))
