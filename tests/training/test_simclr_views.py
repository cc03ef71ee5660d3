"""SimCLR's views: colours against torchvision's own operations, how often each change comes, whose draws."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference
from training_examples import smooth_picture

from augnet_cli.training.simclr_views import CHANGES, SimclrViews, changed, greyscale, jittered

DRAWS = 1500
OF_TORCHVISION = {
    "brightness": reference.adjust_brightness,
    "contrast": reference.adjust_contrast,
    "saturation": reference.adjust_saturation,
    "hue": reference.adjust_hue,
}
STRENGTHS = {"hue": (-0.1, 0.0, 0.07)}
# Weights of brightness have three digits there, 0.2989 for 0.299; sums of them differ by 2e-4 at most.
CLOSE = 3e-4
STILL = SimclrViews(32, min_area=1.0, flip=0, jitter=0, grey=0)


def pictures(count: int, side: int = 12) -> Tensor:
    """Noise has all colours, the corners of the cube among them."""
    made = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))
    made[:, :, 0, :4] = torch.tensor([0.0, 1.0, 0.5, 1.0])
    return made


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_that_of_torchvision(name: str) -> None:
    strengths = STRENGTHS.get(name, (0.6, 1.0, 1.37))
    batch = pictures(len(strengths))
    made = changed(batch, name, torch.tensor(strengths))
    for picture, strength, got in zip(batch, strengths, made, strict=True):
        torch.testing.assert_close(got, OF_TORCHVISION[name](picture, strength), rtol=0, atol=CLOSE)


def test_each_picture_has_the_four_changes_in_its_own_order() -> None:
    orders = torch.tensor(list(itertools.permutations(range(4))))
    batch = pictures(len(orders))
    drawn = torch.rand(len(orders), 4, generator=torch.Generator().manual_seed(2))
    strengths = torch.tensor([0.6, 0.6, 0.6, -0.1]) + drawn * torch.tensor([0.8, 0.8, 0.8, 0.2])
    made = jittered(batch, strengths, orders)
    for picture, own, order, got in zip(batch, strengths.tolist(), orders.tolist(), made, strict=True):
        expected = picture
        for number in order:
            expected = OF_TORCHVISION[CHANGES[number]](expected, own[number])
        torch.testing.assert_close(got, expected, rtol=0, atol=4 * CLOSE)


def test_grey_is_that_of_torchvision() -> None:
    batch = pictures(3)
    torch.testing.assert_close(greyscale(batch), reference.rgb_to_grayscale(batch), rtol=0, atol=CLOSE)


def shares(views: SimclrViews) -> tuple[float, float, float]:
    """How many of many one-coloured pictures were changed, are grey, and have the brightness they had."""
    batch = torch.tensor([0.6, 0.4, 0.3])[None, :, None, None].repeat(DRAWS, 1, 2, 2)
    made = views.finish(batch, torch.Generator().manual_seed(3))
    assert made.min() >= 0 and made.max() <= 1 and made.shape == batch.shape
    moved = (made != batch).flatten(1).any(1).float().mean()
    grey = (made.amax(1) - made.amin(1) < 1e-6).flatten(1).all(1).float().mean()
    alike = ((greyscale(made) - greyscale(batch)).abs() < 1e-3).flatten(1).all(1).float().mean()
    return float(moved), float(grey), float(alike)


def test_changes_come_as_often_as_they_should() -> None:
    moved, grey, _ = shares(SimclrViews(2))
    assert abs(moved - (1 - 0.2 * 0.8)) < 0.03 and abs(grey - 0.2) < 0.03
    moved, grey, alike = shares(SimclrViews(2, jitter=0.0))
    assert abs(moved - 0.2) < 0.03 and abs(grey - 0.2) < 0.03 and alike == 1
    assert shares(replace(STILL, size=2))[:2] == (0, 0)


def test_strengths_fill_their_ranges_evenly() -> None:
    drawn = torch.rand(DRAWS, 4, generator=torch.Generator().manual_seed(4))
    strengths = SimclrViews(32)._strengths(drawn)
    torch.testing.assert_close(strengths.amin(0), torch.tensor([0.6, 0.6, 0.6, -0.1]), rtol=0, atol=2e-3)
    torch.testing.assert_close(strengths.amax(0), torch.tensor([1.4, 1.4, 1.4, 0.1]), rtol=0, atol=2e-3)
    torch.testing.assert_close(strengths.mean(0), torch.tensor([1.0, 1.0, 1.0, 0.0]), rtol=0, atol=0.02)
    # A factor is never under 0, as torchvision has it.
    assert float(SimclrViews(32, contrast=1.5)._strengths(torch.zeros(1, 4))[0, 1]) == 0


def test_same_generator_makes_the_same_views_and_another_others() -> None:
    batch = pictures(8)
    before = batch.clone()
    first, again, other = (
        SimclrViews(12).finish(batch, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(first, again) and not torch.equal(first, other) and torch.equal(batch, before)


def test_a_picture_is_mirrored_half_the_time_and_never_where_that_is_off() -> None:
    picture = np.asarray(smooth_picture(1, 32, 32))

    def mirrored(views: SimclrViews) -> float:
        crops = (views.crop(picture, np.random.default_rng(seed)) for seed in range(300))
        return float(np.mean([np.array_equal(crop, picture[:, ::-1]) for crop in crops]))

    # A crop of all the area that is no square does not fit: then all of a square picture is taken.
    assert mirrored(STILL) == 0
    assert 0.4 < mirrored(replace(STILL, flip=0.5)) < 0.6
