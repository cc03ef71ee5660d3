"""Views like copies: each change alone does what its name says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_examples import smooth_picture

from augnet_cli.training.copy_views import CopyViews

SIZE = 48
STILL = CopyViews(
    SIZE,
    whole=1,
    resolution=0,
    mirror=0,
    quarter_turn=0,
    tilt=0,
    frame=0,
    colour=0,
    grey=0,
    blur=0,
    noise=0,
    overlay=0,
)
CHANGES = ("colour", "grey", "overlay", "blur", "frame", "tilt", "noise")


def picture() -> np.ndarray:
    return np.asarray(smooth_picture(4, SIZE, SIZE))


def batch(count: int = 64) -> torch.Tensor:
    pictures = np.stack([np.asarray(smooth_picture(seed, SIZE, SIZE)) for seed in range(count)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def finished(views: CopyViews, images: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return views.finish(images, torch.Generator().manual_seed(seed))


def moved(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """(B,) whether an image was changed."""
    return (before - after).abs().amax(dim=(1, 2, 3)) > 1e-4


def test_without_any_change_a_view_is_the_picture() -> None:
    assert np.array_equal(STILL.crop(picture(), np.random.default_rng(0)), picture())
    images = batch(4)
    assert torch.equal(finished(STILL, images), images)


def test_all_changes_together_stay_finite_and_in_range() -> None:
    for seed in range(6):
        made = finished(CopyViews(SIZE), batch(), seed)
        assert made.shape == (64, 3, SIZE, SIZE) and made.dtype == torch.float32
        assert torch.isfinite(made).all()
        assert float(made.min()) >= 0 and float(made.max()) <= 1


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_comes_as_often_as_its_probability_says(name: str) -> None:
    images = batch(128)
    shares = [
        moved(images, finished(replace(STILL, **{name: 0.5}), images, seed)).float().mean()
        for seed in range(4)
    ]
    # A tilt or an overlay may be too slight to see, never the other way round.
    assert 0.35 < float(torch.stack(shares).mean()) < 0.6
    assert moved(images, finished(replace(STILL, **{name: 1.0}), images)).float().mean() > 0.9


def test_grey_leaves_no_colour_and_keeps_the_luma() -> None:
    images = batch()
    made = finished(replace(STILL, grey=1), images)
    assert float((made.amax(1) - made.amin(1)).max()) < 1e-6
    luma = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    torch.testing.assert_close(made[:, 0], luma, rtol=0, atol=1e-5)


def test_colour_changes_colours_and_nothing_else() -> None:
    """Where the picture has one colour the view has one colour: no pixel moves."""
    images = torch.zeros(64, 3, SIZE, SIZE)
    images[:, :, :, : SIZE // 2] = torch.tensor([0.7, 0.4, 0.2]).view(1, 3, 1, 1)
    images[:, :, :, SIZE // 2 :] = torch.tensor([0.2, 0.5, 0.6]).view(1, 3, 1, 1)
    made = finished(replace(STILL, colour=1), images)
    for half in (slice(0, SIZE // 2), slice(SIZE // 2, None)):
        area = made[:, :, :, half].flatten(2)
        assert float((area - area[:, :, :1]).abs().max()) < 1e-6
    assert float(made[:, :, 0, 0].std(0).min()) > 0.05  # and they differ from image to image


def test_blur_smooths_and_keeps_the_mean() -> None:
    noise = torch.rand(16, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    made = finished(replace(STILL, blur=1), noise)
    assert bool((made.std(dim=(2, 3)) < 0.6 * noise.std(dim=(2, 3))).all())
    torch.testing.assert_close(made.mean(dim=(2, 3)), noise.mean(dim=(2, 3)), rtol=0, atol=0.02)
    flat = torch.full((4, 3, SIZE, SIZE), 0.3)
    torch.testing.assert_close(finished(replace(STILL, blur=1), flat), flat, rtol=0, atol=1e-5)


def test_noise_is_as_strong_as_it_may_be_and_no_stronger() -> None:
    grey = torch.full((128, 3, SIZE, SIZE), 0.5)
    spread = (finished(replace(STILL, noise=1, max_noise=0.14), grey) - grey).std(dim=(1, 2, 3))
    assert float(spread.max()) < 0.15 and float(spread.max()) > 0.12 and float(spread.min()) < 0.02


def test_frame_shows_the_whole_picture_smaller_on_one_colour() -> None:
    white = torch.full((128, 3, SIZE, SIZE), 0.5)
    white[:, 0] = 1  # a colour that no ground has by chance
    made = finished(replace(STILL, frame=1, min_frame_scale=0.5), white)
    shown = ((made - white).abs().amax(1) < 1e-3).float()
    area = shown.mean(dim=(1, 2))
    assert float(area.min()) > 0.2 and float(area.max()) <= 1  # half of each side at least
    rows, columns = shown.amax(2).sum(1), shown.amax(1).sum(1)
    assert bool((rows * columns <= shown.sum(dim=(1, 2)) + 1).all())  # a rectangle, all of it
    letterboxed = (rows == SIZE) | (columns == SIZE)
    assert 0.3 < float(letterboxed.float().mean()) < 0.7
    for image, mask in zip(made[:20], shown[:20], strict=True):
        # One colour around it; at the border of the two, one pixel blends.
        outside = torch.nn.functional.max_pool2d(mask[None, None], 3, 1, 1)[0, 0] == 0
        if outside.any():
            assert float(image[:, outside].std(1).max()) < 1e-3


def test_tilt_turns_about_the_centre_by_at_most_its_degrees() -> None:
    images = torch.zeros(64, 3, 97, 97)
    images[:, :, 48, :] = 1  # a horizontal line through the centre
    made = replace(STILL, size=97, tilt=1, tilt_degrees=20).finish(images, torch.Generator().manual_seed(0))
    assert float(made[:, :, 48, 48].min()) > 0.4
    # Where the line meets the columns 24 left and right of the centre tells the slope.
    heights = []
    for column in (24, 72):
        rows = made[:, 0, 20:78, column]
        heights.append((rows * torch.arange(20.0, 78)).sum(1) / rows.sum(1))
    degrees = torch.rad2deg(torch.atan((heights[1] - heights[0]) / 48))
    assert float(degrees.abs().max()) < 20.5 and float(degrees.max()) > 8 and float(degrees.min()) < -8


def test_overlay_covers_a_part_and_leaves_the_rest() -> None:
    images = batch()
    made = finished(replace(STILL, overlay=1), images)
    covered = ((made - images).abs().amax(1) > 1e-6).float().mean(dim=(1, 2))
    assert float(covered.max()) < 0.5 and 0.02 < float(covered.mean()) < 0.35


def test_whole_picture_is_stretched_and_crops_have_the_area_they_may() -> None:
    source = np.zeros((100, 200, 3), np.uint8)
    source[..., 0] = np.arange(200)[None]
    source[..., 1] = np.arange(100)[:, None]
    whole = STILL.crop(source, np.random.default_rng(0)).astype(int)
    assert np.ptp(whole[..., 0]) > 190 and np.ptp(whole[..., 1]) > 94
    cropping = replace(STILL, whole=0, min_area=0.18)
    areas = []
    for seed in range(200):
        crop = cropping.crop(source, np.random.default_rng(seed)).astype(float)
        # Colours at the centres of the outer pixels span (S - 1) / S of the crop.
        width, height = np.ptp(crop[24, :, 0]), np.ptp(crop[:, 24, 1])
        areas.append(width / 200 * height / 100 * (SIZE / (SIZE - 1)) ** 2)
    # A crop wider than the picture is cut to it, so the smallest may be a little under.
    assert min(areas) > 0.14 and max(areas) < 1.05 and min(areas) < 0.25 and max(areas) > 0.8


@pytest.mark.parametrize(("name", "turns"), [("mirror", ["mirror"]), ("quarter_turn", ["90", "180", "270"])])
def test_mirror_and_quarter_turns_are_just_that(name: str, turns: list[str]) -> None:
    source = picture()
    ways = {
        "mirror": source[:, ::-1],
        "90": np.rot90(source, 1),
        "180": np.rot90(source, 2),
        "270": np.rot90(source, 3),
    }
    views = replace(STILL, **{name: 1.0})
    met = set()
    for seed in range(40):
        made = views.crop(source, np.random.default_rng(seed))
        found = [way for way in turns if np.array_equal(made, ways[way])]
        assert len(found) == 1
        met.add(found[0])
    assert met == set(turns)


def test_resolution_detour_loses_detail() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    made = replace(STILL, resolution=1).crop(noise, np.random.default_rng(0))
    assert made.std() < 0.9 * noise.std()
