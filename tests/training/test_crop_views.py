"""Crops and moved pictures: where they come from, against torchvision's statistics and slow counting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from training_examples import smooth_picture

from augnet_cli.training.crop_views import CropViews, ShiftedViews, crop_box

DRAWS = 900


def boxes(width: int, height: int, area: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([crop_box(width, height, area, rng) for _ in range(DRAWS)])


@pytest.mark.parametrize(("width", "height"), [(64, 64), (120, 50), (300, 40)])
def test_boxes_are_distributed_as_those_of_torchvision(width: int, height: int) -> None:
    ours = boxes(width, height, (0.2, 1.0))
    torch.manual_seed(0)
    of = torchvision.transforms.RandomResizedCrop.get_params
    picture = torch.empty(3, height, width)
    theirs = np.array([of(picture, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(DRAWS)])
    theirs = np.stack(
        [theirs[:, 1], theirs[:, 0], theirs[:, 1] + theirs[:, 3], theirs[:, 0] + theirs[:, 2]], axis=1
    )
    for edge in range(4):
        expected = np.quantile(theirs[:, edge], [0.1, 0.5, 0.9])
        got = np.quantile(ours[:, edge], [0.1, 0.5, 0.9])
        assert np.abs(got - expected).max() <= 0.05 * max(width, height) + 1
    assert (ours[:, :2] >= 0).all() and (ours[:, 2] <= width).all() and (ours[:, 3] <= height).all()


def test_area_and_shape_keep_to_their_ranges() -> None:
    left, top, right, bottom = boxes(200, 200, (0.3, 0.6)).T
    area, shape = (right - left) * (bottom - top) / 200**2, (right - left) / (bottom - top)
    assert 0.29 < area.min() < 0.31 and 0.59 < area.max() < 0.61
    assert 0.74 < shape.min() < 0.77 and 1.31 < shape.max() < 1.35


def test_a_picture_too_narrow_for_a_crop_gives_the_middle_of_it() -> None:
    assert set(map(tuple, boxes(300, 10, (0.9, 1.0)).tolist())) == {(143, 0, 156, 10)}
    assert set(map(tuple, boxes(10, 300, (0.9, 1.0)).tolist())) == {(0, 143, 10, 156)}
    assert tuple(boxes(1, 1, (0.2, 1.0))[0]) == (0, 0, 1, 1)


def test_a_crop_of_all_is_the_picture() -> None:
    picture = np.asarray(smooth_picture(2, 32, 32))
    crop = CropViews(32, min_area=1.0, flip=0).crop(picture, np.random.default_rng(0))
    assert crop.shape == (32, 32, 3) and crop.dtype == np.uint8
    batch = torch.rand(2, 3, 4, 4)
    assert CropViews(4).finish(batch, torch.Generator()) is batch


def test_moved_pictures_lie_at_every_place_equally_often() -> None:
    """9 places each way, by counting; what comes in from beyond is black."""
    picture = np.asarray(smooth_picture(3, 32, 32)) | 1  # nowhere black
    padded = np.zeros((40, 40, 3), np.uint8)
    padded[4:36, 4:36] = picture
    places = {padded[y : y + 32, x : x + 32].tobytes(): (y, x) for y in range(9) for x in range(9)}
    views = ShiftedViews(32, flip=0)
    rng = np.random.default_rng(1)
    counts = np.zeros((9, 9))
    for _ in range(DRAWS):
        counts[places[np.ascontiguousarray(views.crop(picture, rng)).tobytes()]] += 1
    for along in (counts.sum(0), counts.sum(1)):
        assert along.min() > 0.7 * DRAWS / 9 and along.max() < 1.3 * DRAWS / 9


def test_a_picture_of_another_size_is_stretched_first_and_half_of_all_are_mirrored() -> None:
    picture = np.asarray(smooth_picture(4, 80, 50))
    plain = ShiftedViews(16, padding=0, flip=0).crop(picture, np.random.default_rng(0))
    views = [ShiftedViews(16, padding=0).crop(picture, np.random.default_rng(seed)) for seed in range(300)]
    turned = [np.array_equal(view, plain[:, ::-1]) for view in views]
    assert all(turn or np.array_equal(view, plain) for turn, view in zip(turned, views, strict=True))
    assert 0.4 < np.mean(turned) < 0.6
