"""The sample photographs, altered so that they deserve a flag."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageFilter

from augnet_cli.images.decode import decode_as_seen
from augnet_cli.quality.look import SCREEN_SIDE
from augnet_cli.quality.measures import measures
from augnet_cli.results import Measures


def blurred(picture: Image.Image, radius: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(radius))


def shaken(picture: Image.Image, length: int) -> Image.Image:
    """The mean of `length` copies, each a pixel farther to the right."""
    pixels = np.asarray(picture, np.float64)
    return Image.fromarray(np.mean([np.roll(pixels, by, 1) for by in range(length)], axis=0).astype(np.uint8))


def noisy(picture: Image.Image, deviation: float) -> Image.Image:
    pixels = np.asarray(picture, np.float64)
    noise = np.random.default_rng(0).normal(0, deviation, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def exposed(picture: Image.Image, stops: float) -> Image.Image:
    light = (np.asarray(picture) / 255) ** 2.2 * 2.0**stops
    return Image.fromarray(np.rint(255 * light.clip(0, 1) ** (1 / 2.2)).astype(np.uint8))


def measured(picture: Image.Image) -> Measures:
    """As a JPEG file is measured."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    decoded = decode_as_seen(file.getvalue(), SCREEN_SIDE)
    return measures(decoded.pixels)


def edge(deviation: float, angle: float, contrast: float, side: int = 160) -> np.ndarray:
    """(side, side) uint8: one straight edge, exactly as a Gaussian smears it."""
    y, x = np.mgrid[:side, :side] - side / 2
    across = x * math.cos(angle) + y * math.sin(angle)
    rise = np.vectorize(math.erf)(across / (max(deviation, 1e-6) * math.sqrt(2)))
    return np.rint(127.5 + contrast / 2 * rise).astype(np.uint8)
