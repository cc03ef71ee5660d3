"""Folders of real and drawn pictures with copies among them, made on the spot."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image
from sklearn.datasets import load_sample_images

import augnet_cli

DRAWN = 8
# Files that show the same picture, by what a person would say; the first is the one to keep.
SAME = (
    ("china.png", "small/china-half.jpg", "small/china.jpg"),
    ("flower.jpg", "copies/flower again.jpg", "copies/flower.jpg"),
    ("drawn/0.png", "drawn/0-smaller.webp"),
)
SKIPPED = "cut.jpg"
OTHER = "notes.txt"
IMAGES = DRAWN + 7


@contextmanager
def home(factory: pytest.TempPathFactory) -> Iterator[None]:
    """A private home for fixtures that several tests share: they are made before `private_home` is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUGNET_HOME", str(factory.mktemp("home")))
        yield


def make_album(folder: Path) -> Path:
    """15 images (13 contents, 10 different pictures), a broken one and a text."""
    for part in ("small", "copies", "drawn"):
        (folder / part).mkdir(parents=True)
    china, flower = (Image.fromarray(pixels) for pixels in load_sample_images().images)
    china.save(folder / "china.png")
    china.save(folder / "small" / "china.jpg", quality=92)
    china.resize((320, 213), Image.Resampling.LANCZOS).save(folder / "small" / "china-half.jpg", quality=90)
    flower.save(folder / "flower.jpg", quality=92)
    shutil.copy(folder / "flower.jpg", folder / "copies" / "flower.jpg")
    shutil.copy(folder / "flower.jpg", folder / "copies" / "flower again.jpg")
    for seed in range(DRAWN):
        drawn_picture(seed).save(folder / "drawn" / f"{seed}.png")
    drawn_picture(0).resize((120, 90), Image.Resampling.LANCZOS).save(folder / "drawn" / "0-smaller.webp")
    (folder / SKIPPED).write_bytes((folder / "flower.jpg").read_bytes()[:9000])
    (folder / OTHER).write_text("no image")
    return folder


def between(folder: Path) -> float:
    """A threshold for an album: farther than any copy is from its original, nearer than any other picture.

    Which distance that is depends on the encoder; that there is one is asked of any encoder worth shipping:
    these copies are only re-encoded or made smaller.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".png", ".jpg", ".webp"})
    names = [path.relative_to(folder).as_posix() for path in files]
    kept = [(name, path) for name, path in zip(names, files, strict=True) if name != SKIPPED]
    rows = augnet_cli.encode([path for _, path in kept]).astype(np.float64)
    picture = {name: same[0] for same in SAME for name in same}
    labels = np.array([picture.get(name, name) for name, _ in kept])
    distance = 1 - rows @ rows.T
    together = labels[:, None] == labels[None]
    copies, others = distance[together].max(), distance[~together].min()
    assert copies < 0.5 * others, f"the encoder can't tell these apart: copies {copies}, others {others}"
    return float((copies + others) / 2)


def large_png(width: int, height: int) -> bytes:
    """A valid black PNG of any size, one bit a pixel, made row by row."""
    squeezer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(squeezer.compress(row) for _ in range(height)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
