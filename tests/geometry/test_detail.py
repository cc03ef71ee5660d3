"""Enlargements are seen, originals beside their reductions are not taken for such."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_examples import PHOTOS, noisy, photo
from PIL import Image

from augnet_cli.geometry.detail import fine_detail, is_enlarged

BILINEAR, BICUBIC, LANCZOS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
FILTERS = (BILINEAR, BICUBIC, LANCZOS)


def grey(name: str) -> Image.Image:
    return Image.fromarray(photo(name)).convert("L")


def scaled(image: Image.Image, ratio: float, how: Image.Resampling) -> np.ndarray:
    return np.asarray(image.resize((round(image.width * ratio), round(image.height * ratio)), how))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("ratio", [1.5, 2, 3])
@pytest.mark.parametrize("how", FILTERS)
def test_an_enlargement_shows_no_more(name: str, ratio: float, how: Image.Resampling) -> None:
    image = grey(name)
    assert is_enlarged(scaled(image, ratio, how), np.asarray(image))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("ratio", [1.5, 2])
@pytest.mark.parametrize("how", FILTERS)
def test_an_original_shows_more_than_its_reduction(name: str, ratio: float, how: Image.Resampling) -> None:
    image = grey(name)
    assert not is_enlarged(np.asarray(image), scaled(image, 1 / ratio, how))


@pytest.mark.parametrize("name", PHOTOS)
def test_the_smaller_one_and_one_as_large_are_no_enlargements(name: str) -> None:
    image = grey(name)
    pixels = np.asarray(image)
    assert not is_enlarged(pixels, pixels)
    assert not is_enlarged(scaled(image, 0.5, LANCZOS), pixels)
    assert not is_enlarged(scaled(image, 1.05, BICUBIC), pixels)


def test_fine_detail_grows_with_grain_and_is_none_in_a_plain_picture() -> None:
    plain = np.full((90, 120), 128, np.uint8)
    little, much = (fine_detail(noisy(plain, deviation), 2.0) for deviation in (4, 16))
    assert fine_detail(plain, 2.0) == 0 < little
    assert 8 < much / little < 32  # a square: sixteen times


def test_tiny_pictures_are_no_error() -> None:
    for shape in ((1, 1), (3, 200), (40, 2)):
        rng = np.random.default_rng(0)
        small = rng.integers(0, 256, shape, np.uint8)
        large = np.kron(small, np.ones((2, 2), np.uint8))
        assert is_enlarged(large, small) in (True, False)
        assert not is_enlarged(small, large)
