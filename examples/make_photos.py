"""Make a folder of real and drawn pictures with altered copies among them, for the demo and the examples.

    python examples/make_photos.py FOLDER

The two photographs are those that scikit-learn ships (china.jpg by Kyle Pounds and flower.jpg by dany13,
both CC BY); everything else is drawn here.  Deterministic.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from sklearn.datasets import load_sample_images

DRAWN = 40
SEED = 7


def copies(photo: Image.Image) -> dict[str, Image.Image]:
    """What people do to a picture, by name."""
    width, height = photo.size
    caption = photo.copy()
    draw = ImageDraw.Draw(caption)
    draw.rectangle((0, height * 0.86, width, height), fill="black")
    draw.text((width * 0.05, height * 0.89), "A caption", fill="white", font_size=height // 16)
    return {
        "half": photo.resize((width // 2, height // 2), Image.Resampling.LANCZOS),
        "crop": photo.crop((width // 10, height // 12, width, height)),
        "grey": ImageOps.grayscale(photo),
        "caption": caption,
    }


def drawn_picture(rng: np.random.Generator) -> Image.Image:
    """A picture unlike all others: a smooth ground of random colours with shapes on it."""
    ground = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(ground).resize((480, 360), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 12))):
        x, y = rng.integers(0, 480), rng.integers(0, 360)
        w, h = rng.integers(20, 200, 2)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        shape = (draw.ellipse, draw.rectangle)[int(rng.integers(2))]
        shape((x, y, x + w, y + h), fill=colour)
    return picture


def make(folder: Path) -> None:
    """Write the pictures into `folder`, which is made."""
    for part in ("originals", "from-a-friend", "drawings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    bunch = load_sample_images()
    for name, pixels in zip(bunch.filenames, bunch.images, strict=True):
        photo, stem = Image.fromarray(pixels), Path(name).stem
        file = folder / "originals" / f"{stem}.jpg"
        photo.save(file, quality=95)
        (folder / "from-a-friend" / f"{stem} (1).jpg").write_bytes(file.read_bytes())
        for change, copy in copies(photo).items():
            copy.save(folder / "from-a-friend" / f"{stem}-{change}.jpg", quality=85)
    rng = np.random.default_rng(SEED)
    for number in range(DRAWN):
        drawn_picture(rng).save(folder / "drawings" / f"{number:02}.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_photos.py FOLDER")
    make(Path(sys.argv[1]))
