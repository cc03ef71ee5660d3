"""Real photographs, and sketches and relations of pictures that tests make from them."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from augnet_cli.geometry.proof import Finding, prove
from augnet_cli.geometry.relation import Relation, relate
from augnet_cli.geometry.sketch import Size, Sketch

PHOTOS = ("china", "flower", "portrait")


@functools.lru_cache
def photo(name: str) -> np.ndarray:
    """(h, w, 3) uint8: two photographs that scikit-learn ships, one that Matplotlib does."""
    if name == "portrait":
        with get_sample_data("grace_hopper.jpg") as file:
            pixels = np.asarray(Image.open(file).convert("RGB"))
    else:
        bunch = load_sample_images()
        names = [file.rpartition("/")[2].partition(".")[0] for file in bunch.filenames]
        pixels = bunch.images[names.index(name)]
    pixels = np.array(pixels)
    pixels.flags.writeable = False
    return pixels


def resized(pixels: np.ndarray, width: int, height: int, how: int = Image.Resampling.LANCZOS) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling(how)))


def size_of(pixels: np.ndarray) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])


def sketch_of(pixels: np.ndarray, taken_at: str | None = None) -> Sketch:
    """The sketch of a picture in memory, made as that of a file is."""
    pixels = np.ascontiguousarray(pixels)
    return _sketch_of(pixels.tobytes(), pixels.shape, taken_at)


# Tests look at the same few pictures again and again, and a sketch finds its points once.
@functools.lru_cache(maxsize=64)
def _sketch_of(data: bytes, shape: tuple[int, ...], taken_at: str | None) -> Sketch:
    pixels = np.frombuffer(data, np.uint8).reshape(shape)
    size = size_of(pixels)
    return Sketch(resized(pixels, *size.sketch), size.width, size.height, taken_at)


def finding_of(first: np.ndarray, second: np.ndarray) -> Finding:
    return prove(sketch_of(first), sketch_of(second))


def relation_of(first: np.ndarray, second: np.ndarray) -> Relation:
    """The relation of two pictures that have one."""
    finding = finding_of(first, second)
    assert finding.is_same
    relation = relate(sketch_of(first), sketch_of(second), finding)
    assert relation is not None
    return relation


def page_of_text(seed: int, width: int = 480, height: int = 640) -> np.ndarray:
    """A light page of drawn words, other words for each seed."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", (width, height), (252, 252, 250))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(16)
    for top in range(30, height - 40, 24):
        letters = rng.integers(ord("a"), ord("z") + 1, size=(7, 9))
        words = ["".join(map(chr, word[: rng.integers(2, 9)])) for word in letters]
        draw.text((36, top), " ".join(words)[: rng.integers(25, 46)], fill=(20, 20, 30), font=font)
    return np.asarray(page)


def flat_graphic(seed: int, side: int = 300) -> np.ndarray:
    """A few large shapes of one colour each on plain ground, as a logo has."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(rng.integers(180, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        left, top = rng.integers(0, side // 2, 2).tolist()
        wide, tall = rng.integers(side // 5, side // 2, 2).tolist()
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((left, top, left + wide, top + tall), fill=tuple(rng.integers(0, 160, 3).tolist()))
    return np.asarray(image)


def framed(pixels: np.ndarray, width: int = 40, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    tall, wide = pixels.shape[:2]
    frame = np.empty((tall + 2 * width, wide + 2 * width, 3), np.uint8)
    frame[:] = colour
    frame[width:-width, width:-width] = pixels
    return frame


def screenshot(pixels: np.ndarray, seed: int = 0) -> np.ndarray:
    """A larger screen of text on which the picture is seen, pixel for pixel."""
    tall, wide = pixels.shape[:2]
    screen = page_of_text(seed, wide + 220, tall + 400).copy()
    screen[180 : 180 + tall, 110 : 110 + wide] = pixels
    return screen


def noisy(pixels: np.ndarray, deviation: float, seed: int = 0) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return np.clip(np.round(pixels + grain), 0, 255).astype(np.uint8)


def grey_of(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def stickered(pixels: np.ndarray, colour: tuple[int, int, int] = (255, 205, 50)) -> np.ndarray:
    """With a smiling face on it."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    side = min(image.size) * 0.4
    left, top = image.width * 0.5, image.height * 0.3
    draw.ellipse((left, top, left + side, top + side), fill=colour)
    draw.arc((left + side / 4, top + side / 4, left + 3 * side / 4, top + 3 * side / 4), 20, 160, "black", 6)
    return np.asarray(image)


def captioned(pixels: np.ndarray, words: str = "best day ever") -> np.ndarray:
    """With a bar of words over its lower part."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    top = image.height * 0.84
    draw.rectangle((0, top, image.width, image.height), fill=(0, 0, 0))
    middle = (image.width / 2, (top + image.height) / 2)
    font = ImageFont.load_default(image.height * 0.1)
    draw.text(middle, words, fill=(255, 255, 255), font=font, anchor="mm")
    return np.asarray(image)
