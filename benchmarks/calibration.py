"""Is a calibrated threshold honest?  Folders with known copies, estimated beside true precision.

    python benchmarks/calibration.py --work FOLDER --photos NAME=FOLDER[,FOLDER] [--photos ...] [--seeds 0]

For each collection of photos it makes folders of which none to half of the images are altered copies, embeds
and calibrates them with augnet, and counts true and false pairs at the threshold it chose.
The copies are made here by code that shares nothing with `augnet_cli/images/changes.py`, by which the
calibration itself learns: it is judged out of its own sample.
Precision is that of the redundant images which `dedupe` finds at the threshold: is the witness the same
picture?  Where it is another one whose pixels agree almost wholly, the collection itself held a duplicate,
which is counted apart.  Copies found are pairs of an original and its copy; `possible` is how many the best
threshold would have found with 99 of 100 pairs true.
The table is written to `docs/decisions/0007-calibration.md`.
"""

from __future__ import annotations

import argparse
import functools
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from tables import ROOT, markdown, put

import augnet_cli

DECISION = ROOT / "docs" / "decisions" / "0007-calibration.md"
PRECISION = 0.99
SIDE = 20  # pixels of the thumbnails by which two pictures are held to be the same
AGREEMENT = 0.98  # correlation of two thumbnails of the same picture, as in `training.distinct`
FARTHEST_JUDGED = 2000  # false pairs, nearest first, that are looked at by their pixels
HEAD = (
    "folder",
    "copies",
    "threshold",
    "estimated precision",
    "true precision",
    "wrong redundant images",
    "the collection's own duplicates",
    "copies found",
    "possible",
)
Way = Callable[[Image.Image, np.random.Generator], Image.Image]


def crop(share: float) -> Way:
    def way(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        width, height = (max(8, int(side * share**0.5)) for side in image.size)
        left, top = (
            int(rng.integers(max(1, a - b + 1))) for a, b in zip(image.size, (width, height), strict=True)
        )
        return image.crop((left, top, left + width, top + height))

    return way


def jpeg(quality: int) -> Way:
    def way(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return way


def pixelated(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = [max(4, side // int(rng.integers(3, 7))) for side in image.size]
    return image.resize(tuple(small), Image.Resampling.BOX).resize(image.size, Image.Resampling.NEAREST)


def gamma(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    power = float(rng.choice([0.55, 0.7, 1.4, 1.8]))
    return image.point([int(255 * (level / 255) ** power) for level in range(256)] * 3)


def vignette(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    shade = 1 - 0.3 * np.clip(x * x + y * y, 0, 2)
    return Image.fromarray((pixels * shade[..., None]).astype(np.uint8))


def stamp(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = image.copy()
    for _ in range(4):
        place = (rng.uniform(0, image.width * 0.7), rng.uniform(0, image.height * 0.9))
        ImageDraw.Draw(image).text(place, "(c) photographer", fill=(230, 230, 230))
    return image


def band(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = image.copy()
    below = (0, int(image.height * 0.8), image.width, image.height)
    ImageDraw.Draw(image).rectangle(below, fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def blurred_sides(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    wide = image.resize((int(image.width * rng.uniform(1.2, 1.6)), image.height))
    wide = wide.filter(ImageFilter.GaussianBlur(8))
    wide.paste(image, ((wide.width - image.width) // 2, 0))
    return wide


def speckles(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.array(image)
    chance = rng.random(pixels.shape[:2])
    pixels[chance < 0.03], pixels[chance > 0.97] = 0, 255
    return Image.fromarray(pixels)


def turned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.rotate(90 * int(rng.integers(1, 4)), expand=True)


def leaning(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.rotate(rng.uniform(-6, 6), Image.Resampling.BICUBIC, expand=True, fillcolor=(0, 0, 0))


MILD: dict[str, Way] = {
    "jpeg 50": jpeg(50),
    "half": lambda image, _: image.resize([max(8, side // 2) for side in image.size]),
    "crop 90": crop(0.9),
    "saturated": lambda image, rng: ImageEnhance.Color(image).enhance(rng.uniform(1.5, 2.5)),
    "stamp": stamp,
    "jpeg 15": jpeg(15),
}
WAYS: dict[str, Way] = {
    **MILD,
    "crop 65": crop(0.65),
    "crop 40": crop(0.4),
    "sepia": lambda image, _: ImageOps.colorize(ImageOps.grayscale(image), (30, 15, 0), (255, 240, 200)),
    "gamma": gamma,
    "vignette": vignette,
    "flip": lambda image, _: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turn": turned,
    "lean": leaning,
    "pixelated": pixelated,
    "soft": lambda image, rng: image.filter(ImageFilter.BoxBlur(rng.uniform(1, 3))),
    "posters": lambda image, rng: ImageOps.posterize(image, int(rng.integers(2, 4))),
    "matte": lambda image, rng: ImageOps.expand(image, min(image.size) // 6, tuple(rng.integers(0, 256, 3))),
    "blurred sides": blurred_sides,
    "band": band,
    "speckles": speckles,
}


@dataclass(frozen=True)
class Mix:
    """How many of a folder's images are copies, how many of one picture, and of which kinds."""

    name: str
    share: float
    each: int
    ways: dict[str, Way]


MIXES = (
    Mix("none", 0.0, 1, WAYS),
    Mix("1 %", 0.01, 1, WAYS),
    Mix("10 %", 0.1, 2, WAYS),
    Mix("10 %, mild", 0.1, 1, MILD),
    Mix("50 %", 0.5, 2, WAYS),
    Mix("50 %, 20 of each", 0.5, 20, WAYS),
)


def make_folder(folder: Path, photos: list[Path], images: int, mix: Mix, rng: np.random.Generator) -> None:
    """Originals are `N.EXT`, copies of it `N-K.EXT`, in a format as lossless or lossy as chance has it."""
    folder.mkdir(parents=True)
    copies = round(images * mix.share)
    chosen = [photos[place] for place in rng.permutation(len(photos))[: images - copies]]
    for number, photo in enumerate(chosen):
        shutil.copy(photo, folder / f"{number}{photo.suffix.lower()}")
    for copy in range(copies):
        number, which = divmod(copy, mix.each)
        image = Image.open(chosen[number]).convert("RGB")
        twice = mix.each < len(mix.ways) / 2 and mix.ways is WAYS and rng.random() < 0.3
        ways = rng.choice(list(mix.ways), size=2 if twice else 1, replace=False)
        for way in [list(mix.ways)[which % len(mix.ways)]] if mix.each >= len(mix.ways) / 2 else ways:
            image = mix.ways[str(way)](image, rng)
        image.save(folder / f"{number}-{which}.jpg", quality=int(rng.integers(70, 96)))


def windows() -> Iterator[tuple[float, float, float, float]]:
    """The whole of a picture of 64 pixels, and crops of it."""
    yield (0, 0, 64, 64)
    for side in (58, 52, 46):
        for left in (0, (64 - side) / 2, 64 - side):
            for top in (0, (64 - side) / 2, 64 - side):
                yield (left, top, left + side, top + side)


def thumbnails(file: Path) -> np.ndarray:
    """(w, SIDE * SIDE) of all windows, centred and of length 1."""
    image = Image.open(file).convert("L").resize((64, 64), Image.Resampling.BILINEAR)
    cut = [image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box) for box in windows()]
    return centred(np.stack([np.asarray(part, np.float32).ravel() for part in cut]))


def centred(rows: np.ndarray) -> np.ndarray:
    """(n, p) rows less their own means, of length 1: products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def agree(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether one picture is the other, perhaps cropped a little or mirrored."""
    mirrored = right.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(right.shape)
    pairs = ((left, right[0]), (right, left[0]), (left, mirrored[0]), (mirrored, left[0]))
    return any(float((rows @ row).max()) >= AGREEMENT for rows, row in pairs)


@dataclass(frozen=True)
class Judged:
    """Ascending distances of true pairs and of the nearest false ones; which redundant images are what."""

    true: np.ndarray
    false: np.ndarray
    right: int
    wrong: int
    its_own: int


def judged(folder: Path, work: Path, threshold: float) -> Judged:
    """What lies near in a folder made by `make_folder`, and what `dedupe` calls redundant at a threshold."""
    out = work / "vectors.npz"
    augnet_cli.index(folder, out=out)
    with np.load(out) as file:
        names, rows = file["paths"].tolist(), file["embeddings"]
    picture = np.array([picture_of(name) for name in names])
    original = np.array(["-" not in name for name in names])
    left, right = np.triu_indices(len(names), 1)
    distances = np.clip(1 - rows @ rows.T, 0, 2)[left, right]
    same = picture[left] == picture[right]
    true = np.sort(distances[same & (original[left] | original[right])])
    false = np.flatnonzero(~same)
    false = false[np.argsort(distances[false])[:FARTHEST_JUDGED]]
    # One look at a pair of pictures serves all pairs of their copies.
    first = {
        int(number): name for number, name, is_one in zip(picture, names, original, strict=True) if is_one
    }
    seen = functools.cache(lambda number: thumbnails(folder / first[number]))
    same_picture = functools.cache(lambda one, other: agree(seen(one), seen(other)))
    kept = [
        distances[place]
        for place in false
        if not same_picture(*sorted((int(picture[left[place]]), int(picture[right[place]]))))
    ]
    right_ones = wrong_ones = its_own = 0
    for group in augnet_cli.dedupe(folder, threshold).groups:
        for image in group.redundant:
            pair = sorted((picture_of(image.path), picture_of(image.witness)))
            if pair[0] == pair[1]:
                right_ones += 1
            elif same_picture(*pair):
                its_own += 1
            else:
                wrong_ones += 1
    return Judged(true, np.array(kept), right_ones, wrong_ones, its_own)


def picture_of(name: str) -> int:
    return int(name.partition(".")[0].partition("-")[0])


def judge(folder: Path, work: Path) -> list[str]:
    """Threshold, estimate, truth, what was found, and what could have been."""
    result = augnet_cli.calibrate(folder, PRECISION)
    found = judged(folder, work, result.threshold)
    at = next((point for point in result.curve if point.distance == result.threshold), result.curve[0])
    pairs = int(np.searchsorted(found.true, result.threshold, "right"))
    counts = np.searchsorted(found.false, found.true, "right")
    good = np.flatnonzero(
        np.arange(1, len(found.true) + 1) / (np.arange(1, len(found.true) + 1) + counts) >= PRECISION
    )
    best = int(good[-1]) + 1 if len(good) else 0
    told = found.right + found.wrong
    return [
        f"{result.threshold:g}",
        f"{at.precision:.3f} ({at.low:.2f} to {at.high:.3f})",
        f"{found.right / told:.3f}" if told else "-",
        f"{found.wrong} of {told}",
        str(found.its_own),
        f"{pairs} of {len(found.true)}",
        str(best),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--photos", action="append", required=True, metavar="NAME=FOLDER[,FOLDER]")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seeds", default="0")
    arguments = parser.parse_args()
    rows = []
    for collection in arguments.photos:
        name, _, folders = collection.partition("=")
        found = (path for folder in folders.split(",") for path in Path(folder).rglob("*"))
        photos = sorted(path for path in found if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for seed in map(int, arguments.seeds.split(",")):
            for number, mix in enumerate(MIXES):
                folder = arguments.work / f"{name}-{number}-{seed}".replace(" ", "-")
                shutil.rmtree(folder, ignore_errors=True)
                make_folder(folder, photos, arguments.images, mix, np.random.default_rng([seed, number]))
                rows.append([name, mix.name, *judge(folder, arguments.work)])
                print(" | ".join(rows[-1]), flush=True)
                shutil.rmtree(folder)
    put("calibration", markdown(HEAD, rows), DECISION)


if __name__ == "__main__":
    main()
