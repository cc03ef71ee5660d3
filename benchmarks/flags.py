"""How many pictures `augnet inspect` flags: as they are, and altered so that they deserve it.

    python benchmarks/flags.py FOLDER... [--count 200] [--print-only]

A column a folder, named after it; pictures in it are taken at even distances.  An altered picture is saved as
a JPEG, read as `inspect` reads files, and judged beside the unaltered pictures of its folder.
"""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from tables import markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import decode_as_seen
from augnet_cli.images.identify import named_as_image
from augnet_cli.quality.flags import flags_of, typical
from augnet_cli.quality.look import SCREEN_SIDE
from augnet_cli.quality.measures import measures
from augnet_cli.results import Measures
from augnet_cli.results.inspect import (
    BLURRED,
    BRIGHT,
    DARK,
    GREY,
    HARMLESS,
    LOW_INFORMATION,
    ODD_ASPECT,
    ODD_SIZE,
)

QUALITY = 90  # of the JPEGs: about what cameras and phones write
GAMMA = 2.2  # of the exposure in stops
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def blurred(radius: float) -> Change:
    """By a Gaussian; Pillow's radius is its standard deviation."""
    return lambda picture, _: picture.filter(ImageFilter.GaussianBlur(radius))


def shaken(length: int) -> Change:
    """Smeared along a straight line of so many pixels in a random direction."""

    def change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        angle = rng.uniform(0, math.pi)
        y, x = np.mgrid[-(length // 2) : length // 2 + 1, -(length // 2) : length // 2 + 1]
        along, across = (
            x * math.cos(angle) + y * math.sin(angle),
            y * math.cos(angle) - x * math.sin(angle),
        )
        kernel = (np.abs(along) <= length / 2) * np.clip(1 - np.abs(across), 0, 1)
        return Image.fromarray(convolved(np.asarray(picture, np.float64), kernel / kernel.sum()))

    return change


def convolved(pixels: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(h, w, 3) by a kernel of odd sides, edges repeated; uint8."""
    height, width = pixels.shape[:2]
    reach = len(kernel) // 2
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.zeros_like(pixels)
    for row, column in np.argwhere(kernel > 0):
        total += kernel[row, column] * padded[row : row + height, column : column + width]
    return np.rint(total).clip(0, 255).astype(np.uint8)


def noisy(deviation: float) -> Change:
    def change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        pixels = np.asarray(picture, np.float64)
        return Image.fromarray(
            (pixels + rng.normal(0, deviation, pixels.shape)).clip(0, 255).astype(np.uint8)
        )

    return change


def exposed(stops: float) -> Change:
    return lambda picture, _: picture.point(
        [round(255 * min(1.0, (level / 255) ** GAMMA * 2.0**stops) ** (1 / GAMMA)) for level in range(256)]
        * 3
    )


def washed_out(picture: Image.Image, _: np.random.Generator) -> Image.Image:
    """White laid over it until two thirds of the contrast are gone."""
    return Image.blend(picture, Image.new("RGB", picture.size, "white"), 2 / 3)


def of_one_colour(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", picture.size, tuple(rng.integers(0, 256, 3).tolist()))


def both(first: Change, second: Change) -> Change:
    return lambda picture, rng: second(first(picture, rng), rng)


CHANGES: tuple[tuple[str, str, Change], ...] = (
    ("noise of 25 levels", BLURRED, noisy(25)),
    ("blurred, radius 1", BLURRED, blurred(1)),
    ("blurred, radius 2", BLURRED, blurred(2)),
    ("blurred, radius 3", BLURRED, blurred(3)),
    ("blurred, radius 4", BLURRED, blurred(4)),
    ("blurred, radius 3, noise of 5 levels", BLURRED, both(blurred(3), noisy(5))),
    ("blurred, radius 3, noise of 10 levels", BLURRED, both(blurred(3), noisy(10))),
    ("shaken over 9 pixels", BLURRED, shaken(9)),
    ("shaken over 15 pixels", BLURRED, shaken(15)),
    ("4 stops too little light", DARK, exposed(-4)),
    ("5 stops too little light", DARK, exposed(-5)),
    ("3 stops too much light", BRIGHT, exposed(3)),
    ("washed out", BRIGHT, washed_out),
    ("of one colour", LOW_INFORMATION, of_one_colour),
    ("without colour", GREY, lambda picture, _: ImageOps.grayscale(picture)),
    (
        "a sixth of its size",
        ODD_SIZE,
        lambda picture, _: picture.resize([max(1, side // 6) for side in picture.size]),
    ),
    (
        "a strip of it",
        ODD_ASPECT,
        lambda picture, _: picture.crop((0, 0, picture.width, max(1, picture.width // 5))),
    ),
)


def measured(data: bytes) -> tuple[int, int, Measures]:
    """As `inspect` measures a file."""
    decoded = decode_as_seen(data, SCREEN_SIDE)
    return decoded.width, decoded.height, measures(decoded.pixels)


def shares(folder: Path, count: int) -> list[str]:
    """The column of one folder: of the pictures as they are, then of each change."""
    files = sorted(file for file in folder.rglob("*") if named_as_image(file.name) and file.is_file())
    files = files[:: max(1, len(files) // count)]

    def altered(numbered: tuple[int, Path], change: Change) -> tuple[int, int, Measures]:
        number, file = numbered
        with Image.open(file) as image:
            picture = change(image.convert("RGB"), np.random.default_rng(number))
        saved = io.BytesIO()
        picture.save(saved, "JPEG", quality=QUALITY)
        return measured(saved.getvalue())

    with ThreadPoolExecutor(usable_cores()) as pool:
        plain = list(pool.map(lambda file: measured(file.read_bytes()), files))
        widths, heights = (np.array([one[at] for one in plain]) for at in (0, 1))
        usual = typical(widths, heights, [one for *_, one in plain])
        met = [frozenset(flags_of(*one, usual)) for one in plain]
        column = [f"{len(plain):,}", percent([bool(flags - HARMLESS) for flags in met])]
        column += [percent([flag in flags for flags in met]) for flag in (BLURRED, GREY)]
        for _, flag, change in CHANGES:
            work = [(number, file, change) for number, file in enumerate(files)]
            found = pool.map(lambda one: altered(one[:2], one[2]), work)
            column.append(percent([flag in flags_of(*one, usual) for one in found]))
    return column


def percent(hits: Sequence[bool]) -> str:
    return (
        f"{100 * np.mean(hits):.0f} %"
        if np.mean(hits) >= 0.1 or not any(hits)
        else f"{100 * np.mean(hits):.1f} %"
    )


def table(folders: Sequence[Path], count: int) -> str:
    """Rows of pictures as they are, then a row a change."""
    words = [
        ("pictures", ""),
        ("as they are", "any but `grey`"),
        ("as they are", f"`{BLURRED}`"),
        ("as they are", f"`{GREY}`"),
        *((name, f"`{flag}`") for name, flag, _ in CHANGES),
    ]
    columns = [shares(folder, count) for folder in folders]
    rows = [[*word, *(column[row] for column in columns)] for row, word in enumerate(words)]
    return markdown(("pictures", "flagged as", *(folder.name for folder in folders)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--print-only", action="store_true")
    given = parser.parse_args()
    text = table(given.folders, given.count)
    if given.print_only:
        print(text)
    else:
        put("flags", text)


if __name__ == "__main__":
    main()
