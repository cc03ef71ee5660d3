"""What is measured of pixels, against slow loops and against pictures whose blur is known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from altered_photos import blurred, edge, measured, noisy, shaken
from PIL import Image

from augnet_cli.quality.measures import (
    AVERAGINGS,
    colour,
    energies_of,
    grey_levels,
    measures,
    sharpness,
    tiles_of,
)


def derivatives_by_loops(tile: np.ndarray) -> dict[str, np.ndarray]:
    """Each pixel's derivatives, one after the other, of a tile smoothed by binomial weights."""
    weights = [math.comb(AVERAGINGS, at) / 2**AVERAGINGS for at in range(AVERAGINGS + 1)]
    height, width = (length - AVERAGINGS for length in tile.shape)
    smooth = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            for down, weight in enumerate(weights):
                for right, other in enumerate(weights):
                    smooth[row, column] += weight * other * tile[row + down, column + right]
    found: dict[str, list[float]] = {name: [] for name in ("x", "y", "xx", "xy", "yy")}
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            at = smooth[row, column]
            left, right = smooth[row, column - 1], smooth[row, column + 1]
            up, down = smooth[row - 1, column], smooth[row + 1, column]
            corners = smooth[row + 1, column + 1] - smooth[row + 1, column - 1]
            corners -= smooth[row - 1, column + 1] - smooth[row - 1, column - 1]
            found["x"].append((right - left) / 2)
            found["y"].append((down - up) / 2)
            found["xx"].append(right - 2 * at + left)
            found["yy"].append(down - 2 * at + up)
            found["xy"].append(corners / 4)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, 2.5])
def test_energies_are_those_of_a_slow_loop_in_every_direction(angle: float) -> None:
    tiles = np.random.default_rng(1).uniform(0, 255, (2, 18, 21)).astype(np.float32)
    energies = energies_of(tiles)
    slope, bend = energies.along(angle)
    x, y = math.cos(angle), math.sin(angle)
    for number, tile in enumerate(tiles):
        of = derivatives_by_loops(tile)
        first = x * of["x"] + y * of["y"]
        second = x * x * of["xx"] + 2 * x * y * of["xy"] + y * y * of["yy"]
        assert slope[number] == pytest.approx(np.mean(first**2), rel=1e-3)
        assert bend[number] == pytest.approx(np.mean(second**2), rel=1e-3)
        tensor = np.cov(np.stack([of["x"], of["y"]]), bias=True) + np.outer(
            *2 * [[np.mean(of["x"]), np.mean(of["y"])]]
        )
        least, most = np.linalg.eigvalsh(tensor)
        assert energies.across[number] == pytest.approx(least / most, rel=1e-3)


@pytest.mark.parametrize("deviation", [1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("angle", [0.0, 0.6, math.pi / 2])
@pytest.mark.parametrize("contrast", [60, 240])
def test_blur_of_an_edge_is_the_deviation_that_smeared_it(
    deviation: float, angle: float, contrast: float
) -> None:
    _, blur, smear = sharpness(edge(deviation, angle, contrast))
    assert blur == pytest.approx(deviation, rel=0.12)
    assert smear is None  # an edge alone does not say whether anything smeared along it


def test_blur_grows_with_the_radius(sample_photos: dict[str, Image.Image]) -> None:
    for photo in sample_photos.values():
        found = [measured(blurred(photo, radius)).blur or 0.0 for radius in (0, 2, 3, 4, 6)]
        assert found == sorted(found) and found[0] < 0.3 and found[-1] > 3


def test_a_sharp_part_makes_a_picture_sharp(sample_photos: dict[str, Image.Image]) -> None:
    """A portrait before a blurred ground."""
    flower = sample_photos["flower"]
    portrait = blurred(flower, 6)
    portrait.paste(flower.crop((200, 100, 420, 320)), (200, 100))
    assert (measured(portrait).blur or 0.0) < 0.5 < (measured(blurred(flower, 6)).blur or 0.0)


def test_noise_is_not_sharpness(sample_photos: dict[str, Image.Image]) -> None:
    for photo in sample_photos.values():
        assert (measured(noisy(blurred(photo, 4), 6)).blur or 0.0) > 1.0


def test_smear_along_one_direction_is_told(sample_photos: dict[str, Image.Image]) -> None:
    china = sample_photos["china"]
    still, shook = measured(china), measured(shaken(china, 15))
    assert (still.smear or 0.0) < 1.0 < 1.7 < (shook.smear or 0.0)


def test_flat_and_smooth_pictures_have_no_blur() -> None:
    flat = np.full((200, 300), 90, np.uint8)
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (150, 1))
    for grey in (flat, ramp, flat[:10], flat[:1, :1]):
        assert sharpness(grey) == (0.0, None, None)


def test_detail_is_the_share_of_tiles_that_show_something() -> None:
    page = np.full((256, 512), 250, np.uint8)
    page[10:40, 10:50] = np.random.default_rng(0).integers(0, 255, (30, 40))
    page[200:240, 460:500] = np.random.default_rng(1).integers(0, 255, (40, 40))
    assert sharpness(page)[0] == 2 / 32


def test_tiles_cover_a_picture_or_are_spread_evenly_over_it() -> None:
    middling = np.arange(130 * 200).reshape(130, 200)
    tiles = tiles_of(middling)
    assert tiles.shape == (3 * 4, 64, 64) and len(np.unique(tiles)) == middling.size
    large = np.arange(700 * 900).reshape(700, 900)
    tiles = tiles_of(large)
    assert tiles.shape == (100, 64, 64) and len(np.unique(tiles)) == tiles.size
    assert tiles.min() == 0 and tiles.max() == large.max()
    assert tiles_of(np.zeros((20, 130), np.uint8)).shape == (3, 20, 64)


def test_grey_levels_are_those_of_a_sorted_list() -> None:
    grey = np.random.default_rng(3).integers(0, 200, (37, 23), dtype=np.uint8)
    ordered = sorted(grey.ravel().tolist())
    shares = (0.01, 0.05, 0.5, 0.95, 1.0)
    for share, level in zip(shares, grey_levels(grey, shares), strict=True):
        at_most = next(value for value in ordered if sum(v <= value for v in ordered) >= share * len(ordered))
        assert level == at_most / 255


def test_colour_of_a_small_lamp_counts_and_grey_has_none() -> None:
    night = np.full((200, 300, 3), 20, np.uint8)
    assert colour(night) == 0.0
    night[:20, :40] = (220, 30, 30)  # more than a hundredth of it
    assert colour(night) == pytest.approx(190 / 255)
    assert colour(np.repeat(np.repeat(night, 4, 0), 4, 1)) == pytest.approx(190 / 255)


def test_measures_are_numbers_of_plain_kinds(sample_photos: dict[str, Image.Image]) -> None:
    found = measures(np.asarray(sample_photos["flower"]), 2.0)
    assert found.scale == 2.0 and found.detail > 0.3 and found.colour > 0.5
    assert 0 <= found.grey_p1 <= found.grey_p5 <= found.grey_p50 <= found.grey_p95 <= 1
    assert all(type(value) is float for value in (found.grey_p1, found.colour, found.detail, found.blur))
