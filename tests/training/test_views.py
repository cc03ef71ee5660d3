"""AugNet's views: geometry, directions, seeds; the loader gives the same with any number of threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_examples import CPU, picture_folder, pixels_of, smooth_picture

from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.loader import ViewLoader, steps_of
from augnet_cli.training.views import AugNetViews, Views, rotate

SIZE = 32
DRAWS = 400
STILL = AugNetViews(
    SIZE,
    min_crop=1,
    flip=0,
    resolution_jitter=0,
    rotation_degrees=0,
    hue_steps=0,
    saturation_levels=(0, 0),
    brightness_factor=(1, 1),
    brightness_levels=0,
)


def coordinates(width: int, height: int) -> np.ndarray:
    """A picture whose red is the column and whose green is the row, so that a crop tells where it was."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width)[None]
    picture[..., 1] = np.arange(height)[:, None]
    return picture


def seen(crop: np.ndarray) -> tuple[float, float, float]:
    """(left, top, side) of the crop in the source, from the slopes of red and green away from the edges."""
    red, green = crop[SIZE // 2, :, 0].astype(float), crop[:, SIZE // 2, 1].astype(float)
    across, down = ((line[-4] - line[3]) / (SIZE - 7) for line in (red, green))
    return red[3] - 3.5 * across + 0.5, green[3] - 3.5 * down + 0.5, across * SIZE


def test_crops_are_squares_of_a_fifth_to_all_of_the_short_side_anywhere() -> None:
    source = coordinates(250, 120)
    views = replace(STILL, min_crop=0.2)
    crops = [seen(views.crop(source, np.random.default_rng(seed))) for seed in range(DRAWS)]
    left, top, side = np.array(crops).T
    # Eight bits of colour and antialiasing at the edges: a pixel or two.
    assert side.min() > 0.2 * 120 - 3 and side.max() < 120 + 3
    assert side.min() < 0.25 * 120 and side.max() > 0.95 * 120
    assert abs(side.mean() - 0.6 * 120) < 4  # uniform in the side, not in the area
    assert left.min() > -2 and (left + side).max() < 252 and (top + side).max() < 122
    assert (left + side).max() > 240 and left.min() < 10
    for seed in range(5):
        crop = views.crop(source, np.random.default_rng(seed))
        red = np.ptp(crop[..., 0].astype(int))
        assert abs(red - np.ptp(crop[..., 1].astype(int))) <= 3  # square: as wide as high


def test_flip_comes_half_the_time() -> None:
    source = coordinates(64, 64)
    views = replace(STILL, flip=0.5)
    flipped = [int(views.crop(source, np.random.default_rng(seed))[0, 0, 0]) > 32 for seed in range(DRAWS)]
    assert 0.42 < np.mean(flipped) < 0.58


def test_detour_through_a_smaller_size_comes_seven_times_in_ten() -> None:
    """Fine noise survives a crop at its own size and does not survive being shrunk."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    views = replace(STILL, resolution_jitter=0.7)
    altered = [
        not np.array_equal(views.crop(noise, np.random.default_rng(seed)), noise) for seed in range(DRAWS)
    ]
    assert 0.62 < np.mean(altered) < 0.78
    always = replace(STILL, resolution_jitter=1.0)
    assert all(always.crop(noise, np.random.default_rng(seed)).std() < noise.std() for seed in range(30))


def test_without_ranges_a_view_is_the_picture() -> None:
    picture = np.asarray(smooth_picture(1, SIZE, SIZE))
    assert np.array_equal(STILL.crop(picture, np.random.default_rng(0)), picture)
    batch = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    finished = STILL.finish(batch, torch.Generator().manual_seed(0))
    torch.testing.assert_close(finished, batch, rtol=0, atol=1e-4)


@pytest.mark.parametrize("degrees", [-35, -10, 20, 35])
def test_rotation_turns_as_pillow_does_and_leaves_black(degrees: int) -> None:
    picture = smooth_picture(3, 64, 64)
    batch = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
    made = rotate(batch, torch.tensor([float(degrees)]))[0].permute(1, 2, 0).numpy()
    expected = np.asarray(picture.rotate(degrees, Image.Resampling.BILINEAR)) / 255
    centre = (slice(16, 48), slice(16, 48))
    assert np.abs(made - expected)[centre].max() < 0.02
    assert np.abs(made - expected).mean() < 0.01
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert not made[corner].any()
    assert np.abs(made - np.asarray(picture.rotate(-degrees, Image.Resampling.BILINEAR)) / 255).mean() > 0.02


def test_positive_degrees_turn_counterclockwise() -> None:
    batch = torch.zeros(1, 3, 9, 9)
    batch[0, :, 4, 8] = 1  # a dot at the right
    made = rotate(batch, torch.tensor([90.0]))
    assert made[0, 0].argmax() == 4  # is now at the top


def test_hue_is_drawn_in_255ths_of_a_turn() -> None:
    """With all else still, pure red turns by at most 25/255 of a turn, and in whole steps."""
    views = replace(STILL, hue_steps=25)
    red = torch.zeros(DRAWS, 3, 4, 4)
    red[:, 0] = 1
    made = views.finish(red, torch.Generator().manual_seed(0))[:, :, 2, 2]
    # Near red, hue in sixths of a turn is how far green (or blue, the other way) has risen.
    turns = (made[:, 1] - made[:, 2]) / 6 * 255
    assert float((turns - turns.round()).abs().max()) < 1e-2
    assert int(turns.round().min()) == -25 and int(turns.round().max()) == 25


def test_saturation_and_brightness_reach_their_ends_and_no_further() -> None:
    grey = torch.full((DRAWS, 3, 4, 4), 100 / 255)
    bright = replace(STILL, brightness_factor=(0.75, 1.25), brightness_levels=50)
    values = bright.finish(grey, torch.Generator().manual_seed(0))[:, 0, 2, 2] * 255
    assert float(values.min()) >= (100 - 50) * 0.75 - 50 * 0.25 - 1 and float(values.max()) <= 150 * 1.25 + 1
    assert float(values.min()) < 50 and float(values.max()) > 160
    colour = torch.tensor([200, 150, 100]).view(1, 3, 1, 1).expand(DRAWS, 3, 4, 4) / 255
    pale = replace(STILL, saturation_levels=(-150, 50)).finish(colour, torch.Generator().manual_seed(0))
    saturation = (pale.amax(1) - pale.amin(1))[:, 2, 2] / pale.amax(1)[:, 2, 2] * 255
    before = 0.5 * 255
    assert float(saturation.min()) < 1 and before + 40 < float(saturation.max()) <= before + 50.5
    torch.testing.assert_close(pale.amax(1), colour.amax(1), rtol=0, atol=1e-5)  # value stays


@pytest.mark.parametrize("views", [AugNetViews(SIZE), CopyViews(SIZE)], ids=["augnet", "copies"])
def test_same_seed_gives_the_same_view_and_another_seed_another(views: Views) -> None:
    picture = np.asarray(smooth_picture(1, 90, 70))
    first, again, other = (views.crop(picture, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    batch = torch.rand(8, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    kept = batch.clone()
    one, same, another = (views.finish(batch, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, another)
    assert torch.equal(batch, kept)  # the caller's batch is left alone


@pytest.mark.parametrize("views", [AugNetViews(SIZE), CopyViews(SIZE)], ids=["augnet", "copies"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (5, 4), (31, 400)])
def test_pictures_of_any_shape_give_views(views: Views, width: int, height: int) -> None:
    picture = np.asarray(smooth_picture(2, width, height))
    for seed in range(20):
        crop = views.crop(picture, np.random.default_rng(seed))
        assert crop.shape == (SIZE, SIZE, 3) and crop.dtype == np.uint8


@pytest.mark.parametrize("views", [AugNetViews(SIZE), CopyViews(SIZE)], ids=["augnet", "copies"])
def test_batches_do_not_depend_on_the_number_of_threads(views: Views, tmp_path: Path) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 40))
    order = np.random.default_rng(0).permutation(40)

    def batches(workers: int, epoch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        loader = ViewLoader(pixels, views, 2, SIZE, 7, workers, CPU)
        return [(batch.rows, batch.views) for batch in loader.batches(steps_of(order, 17, epoch))]

    alone, together, next_epoch = batches(1, 3), batches(4, 3), batches(4, 4)
    assert len(alone) == 2  # 40 images in steps of 17; the rest is left out
    for (rows, made), (same_rows, same), (_, other) in zip(alone, together, next_epoch, strict=True):
        assert made.shape == (17, 2, 3, SIZE, SIZE)
        assert torch.equal(rows, same_rows) and torch.equal(made, same)
        assert not torch.equal(made, other)
    assert torch.equal(torch.cat([rows for rows, _ in alone]), torch.from_numpy(order[:34]))


def test_loader_that_is_left_early_stops_its_threads(tmp_path: Path) -> None:
    import threading

    pixels = pixels_of(picture_folder(tmp_path / "photos", 20))
    before = threading.active_count()
    loader = ViewLoader(pixels, AugNetViews(SIZE), 2, SIZE, 0, 4, CPU)
    batches = loader.batches(steps_of(np.arange(20), 4, 0))
    next(batches)
    batches.close()
    assert threading.active_count() == before
