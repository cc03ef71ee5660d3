"""Colour changes against colorsys, pixel by pixel, and against OpenCV."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from augnet_cli.training.colour import (
    BRIGHTNESS_SPACES,
    change_brightness,
    hsv_to_rgb,
    mix_colours,
    rgb_to_hsv,
    shift_hue_saturation,
)

SIDE = 24
# OpenCV's Lab goes through tables: there and back alone it is off by 2.2e-3, more beside black.
CLOSE = {"Lab": 5e-3, "Luv": 2e-4, "YCrCb": 5e-4, "YUV": 2e-3}


def colours(seed: int = 0) -> torch.Tensor:
    """(1, 3, 24, 24): random colours, and the corners, edges and greys where formulas have cases."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((SIDE * SIDE, 3), dtype=np.float32)
    special = [(r, g, b) for r in (0, 0.5, 1) for g in (0, 0.5, 1) for b in (0, 0.5, 1)]
    special += [(level / 255,) * 3 for level in (1, 2, 127, 254)]
    pixels[: len(special)] = special
    return torch.from_numpy(pixels.reshape(SIDE, SIDE, 3)).permute(2, 0, 1)[None].contiguous()


def pixelwise(
    images: torch.Tensor, change: Callable[[float, float, float], tuple[float, ...]]
) -> torch.Tensor:
    flat = images[0].permute(1, 2, 0).reshape(-1, 3).tolist()
    made = np.clip(np.array([change(*pixel) for pixel in flat], np.float32), 0, 1)
    return torch.from_numpy(made.reshape(SIDE, SIDE, 3)).permute(2, 0, 1)[None]


def one(value: float) -> torch.Tensor:
    return torch.tensor([value])


def brightness(
    images: torch.Tensor, space: str, factor: float, offset: float, add_first: bool
) -> torch.Tensor:
    return change_brightness(images, space, one(factor), one(offset), torch.tensor([add_first]))


def changed(channel: np.ndarray, factor: float, offset: float, add_first: bool) -> np.ndarray:
    """A channel in [0, 1] multiplied and added to, clipped after each step."""
    if add_first:
        return np.clip(np.clip(channel + offset, 0, 1) * factor, 0, 1)
    return np.clip(np.clip(channel * factor, 0, 1) + offset, 0, 1)


CHANGES = [
    (1.2, 0.1, True),
    (0.75, -50 / 255, False),
    (1.25, 50 / 255, True),
    (1.0, 0.0, False),
    (0.8, 0.2, False),
]


def test_hsv_is_that_of_colorsys() -> None:
    images = colours()
    expected = pixelwise(images, colorsys.rgb_to_hsv)
    difference = (rgb_to_hsv(images) - expected).abs()
    difference[:, 0] = torch.minimum(difference[:, 0], 1 - difference[:, 0])  # hue is a circle
    assert float(difference.max()) < 1e-5


def test_hsv_and_back_is_the_same_picture() -> None:
    images = colours()
    torch.testing.assert_close(hsv_to_rgb(rgb_to_hsv(images)), images, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("hue", "saturation"), [(25, 0), (-25, 50), (10, -150), (0, 0)])
def test_hue_and_saturation_shift_as_colorsys_says(hue: int, saturation: int) -> None:
    images = colours()

    def shift(red: float, green: float, blue: float) -> tuple[float, ...]:
        h, s, v = colorsys.rgb_to_hsv(red, green, blue)
        return colorsys.hsv_to_rgb((h + hue / 255) % 1, min(1.0, max(0.0, s + saturation / 255)), v)

    made = shift_hue_saturation(images, one(hue / 255), one(saturation / 255))
    torch.testing.assert_close(made, pixelwise(images, shift), rtol=0, atol=1e-5)


def test_each_image_has_its_own_shift() -> None:
    images = colours().expand(3, 3, SIDE, SIDE)
    made = shift_hue_saturation(images, torch.tensor([0.0, 0.1, -0.2]), torch.tensor([0.0, -0.5, 0.3]))
    for number, (hue, saturation) in enumerate([(0.0, 0.0), (0.1, -0.5), (-0.2, 0.3)]):
        alone = shift_hue_saturation(images[:1], one(hue), one(saturation))
        torch.testing.assert_close(made[number], alone[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("factor", "offset", "add_first"), CHANGES)
def test_hsv_brightness_changes_value_alone(factor: float, offset: float, add_first: bool) -> None:
    images = colours()

    def change(red: float, green: float, blue: float) -> tuple[float, ...]:
        h, s, v = colorsys.rgb_to_hsv(red, green, blue)
        return colorsys.hsv_to_rgb(h, s, float(changed(np.array(v), factor, offset, add_first)))

    made = brightness(images, "HSV", factor, offset, add_first)
    torch.testing.assert_close(made, pixelwise(images, change), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("factor", "offset", "add_first"), CHANGES)
def test_hls_brightness_changes_lightness_alone(factor: float, offset: float, add_first: bool) -> None:
    images = colours()

    def change(red: float, green: float, blue: float) -> tuple[float, ...]:
        h, light, s = colorsys.rgb_to_hls(red, green, blue)
        return colorsys.hls_to_rgb(h, float(changed(np.array(light), factor, offset, add_first)), s)

    made = brightness(images, "HLS", factor, offset, add_first)
    torch.testing.assert_close(made, pixelwise(images, change), rtol=0, atol=1e-5)


WHITE_V = 0.46832  # v' of D65
# The channel that is brightness, its range in OpenCV's float images, and the way there and back.
SPACES = {
    "Lab": (0, 100.0, cv2.COLOR_RGB2Lab, cv2.COLOR_Lab2RGB),
    "Luv": (0, 100.0, cv2.COLOR_RGB2Luv, cv2.COLOR_Luv2RGB),
    "YCrCb": (0, 1.0, cv2.COLOR_RGB2YCrCb, cv2.COLOR_YCrCb2RGB),
    "YUV": (0, 1.0, cv2.COLOR_RGB2YUV, cv2.COLOR_YUV2RGB),
}


@pytest.mark.parametrize(("factor", "offset", "add_first"), CHANGES)
@pytest.mark.parametrize("space", SPACES)
def test_brightness_in_other_spaces_is_that_of_opencv(
    space: str, factor: float, offset: float, add_first: bool
) -> None:
    """Also out of gamut, where both clip, but for colours that no eye has: a darkened blue in Luv."""
    images = colours()
    channel, top, there, back = SPACES[space]
    converted = cv2.cvtColor(np.ascontiguousarray(images[0].permute(1, 2, 0).numpy()), there)
    converted[..., channel] = changed(converted[..., channel] / top, factor, offset, add_first) * top
    expected = cv2.cvtColor(converted, back)
    made = brightness(images, space, factor, offset, add_first)[0].permute(1, 2, 0).numpy()
    real = np.ones((SIDE, SIDE), bool)
    if space == "Luv":
        light, _, v = np.moveaxis(converted, 2, 0)
        real = (
            v / (13 * np.maximum(light, 1e-6)) + WHITE_V > 0.05
        )  # v', a share of light that can't be negative
    assert real.mean() > 0.8
    assert np.abs(made - np.clip(expected, 0, 1))[real].max() < CLOSE[space]


@pytest.mark.parametrize("space", BRIGHTNESS_SPACES)
def test_no_change_of_brightness_changes_nothing(space: str) -> None:
    images = colours()
    torch.testing.assert_close(brightness(images, space, 1, 0, True), images, rtol=0, atol=1e-4)


@pytest.mark.parametrize("space", BRIGHTNESS_SPACES)
def test_brightness_stays_in_range_and_finite_at_its_extremes(space: str) -> None:
    images = colours()
    for factor, offset in ((0.0, 0.0), (1.25, 1.0), (0.75, -1.0), (5.0, -0.5)):
        for add_first in (True, False):
            made = brightness(images, space, factor, offset, add_first)
            assert torch.isfinite(made).all()
            assert float(made.min()) >= 0 and float(made.max()) <= 1


def test_adding_first_and_multiplying_first_differ_by_the_scaled_offset() -> None:
    images = torch.full((1, 3, 4, 4), 0.4)
    first = brightness(images, "YUV", 1.25, 0.1, True)
    last = brightness(images, "YUV", 1.25, 0.1, False)
    torch.testing.assert_close(first, torch.full_like(images, 0.5 * 1.25), rtol=0, atol=1e-6)
    torch.testing.assert_close(last, torch.full_like(images, 0.4 * 1.25 + 0.1), rtol=0, atol=1e-6)


def test_colours_are_mixed_by_each_images_own_matrix() -> None:
    images = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    matrices = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(2))
    offsets = torch.tensor([[0.1, 0, -0.1], [0, 0.2, 0]])
    made = mix_colours(images, matrices, offsets)
    for image, row, column in ((0, 1, 2), (1, 4, 0)):
        expected = matrices[image] @ images[image, :, row, column] + offsets[image]
        torch.testing.assert_close(made[image, :, row, column], expected.clamp(0, 1))
