"""Views like copies: each change alone does what its name says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_examples import smooth_picture

from augnet_cli.training.copy_changes import frame, perspective, pixelate, posterise, sticker
from augnet_cli.training.copy_views import CopyViews

SIZE = 48
CHANGES = (
    "colour",
    "cast",
    "negative",
    "grey",
    "posterise",
    "sharpen",
    "overlay",
    "sticker",
    "vignette",
    "blur",
    "motion",
    "pixelate",
    "frame",
    "tilt",
    "perspective",
    "noise",
)
STILL = CopyViews(
    SIZE, whole=1, resolution=0, jpeg=0, mirror=0, quarter_turn=0, **dict.fromkeys(CHANGES, 0.0)
)


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


def test_frame_shows_the_whole_picture_smaller() -> None:
    white = torch.full((128, 3, SIZE, SIZE), 0.5)
    white[:, 0] = 1  # a colour that no ground has by chance
    others = torch.zeros(128, 3, SIZE, SIZE)
    made = frame(white, others, 0.5, torch.Generator().manual_seed(0))
    # The blurred picture itself as a ground is, of one colour, that colour everywhere.
    kept = (made - white).abs().amax(dim=(1, 2, 3)) > 1e-3
    made, white = made[kept], white[kept]
    assert 0.8 < float(kept.float().mean()) < 0.97
    shown = ((made - white).abs().amax(1) < 1e-3).float()
    area = shown.mean(dim=(1, 2))
    assert float(area.min()) > 0.2 and float(area.max()) <= 1  # half of each side at least
    rows, columns = shown.amax(2).sum(1), shown.amax(1).sum(1)
    assert bool((rows * columns <= shown.sum(dim=(1, 2)) + 1).all())  # a rectangle, all of it
    letterboxed = (rows == SIZE) | (columns == SIZE)
    assert 0.15 < float(letterboxed.float().mean()) < 0.45
    same_shape = (rows - columns).abs() <= 1
    assert 0.35 < float(same_shape.float().mean()) < 0.75
    colours = []
    for image, mask in zip(made, shown, strict=True):
        # Around it; at the border of the two, one pixel blends.
        outside = torch.nn.functional.max_pool2d(mask[None, None], 3, 1, 1)[0, 0] == 0
        if outside.any():
            colours.append(float(image[:, outside].std(1).max()) < 1e-3)
    # Most grounds are of one colour; the others hold lines of text.
    assert 0.7 < sum(colours) / len(colours) < 0.95


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


def test_jpeg_leaves_the_blocks_of_its_transform() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    made = replace(STILL, jpeg=1, jpeg_quality=(5, 5)).crop(noise, np.random.default_rng(0)).astype(float)
    steps = np.abs(np.diff(made.mean(2), axis=1)).mean(0)
    between_blocks = steps[7::8].mean()
    within = np.delete(steps, np.arange(7, SIZE - 1, 8)).mean()
    assert between_blocks > 1.5 * within


def test_negative_of_the_negative_is_the_picture() -> None:
    images = batch(4)
    views = replace(STILL, negative=1)
    torch.testing.assert_close(finished(views, finished(views, images)), images, rtol=0, atol=1e-6)


def test_cast_mixes_channels_and_moves_no_pixel() -> None:
    red = torch.zeros(64, 3, SIZE, SIZE)
    red[:, 0, :, : SIZE // 2] = 1
    made = finished(replace(STILL, cast=1), red)
    assert float(made[:, :, :, SIZE // 2 :].abs().max()) < 1e-6
    left = made[:, :, :, : SIZE // 2].flatten(2)
    assert float((left - left[:, :, :1]).abs().max()) < 1e-6
    assert float(made[:, 1:, 0, 0].max()) > 0.5  # red shows in other channels


def test_posterise_leaves_few_levels_that_are_near() -> None:
    images = batch(8)
    for seed in range(4):
        made = posterise(images, torch.Generator().manual_seed(seed))
        levels = len(made.unique())
        assert levels <= 8
        assert float((made - images).abs().max()) <= 0.5 / (levels - 1) + 1e-6


def test_pixelate_makes_blocks_of_the_mean() -> None:
    images = batch(8)
    made = pixelate(images, torch.Generator().manual_seed(0))
    block = next(b for b in (4, 3, 2) if torch.equal(made[:, :, ::b], made[:, :, b - 1 :: b]))
    means = images.unfold(2, block, block).unfold(3, block, block).mean(dim=(4, 5))
    torch.testing.assert_close(made[:, :, ::block, ::block], means, rtol=1e-5, atol=1e-6)


def test_sharpen_raises_the_contrast_of_edges_and_leaves_flat_areas() -> None:
    images = torch.full((4, 3, SIZE, SIZE), 0.3)
    images[:, :, :, SIZE // 2 :] = 0.6
    made = finished(replace(STILL, sharpen=1), images)
    assert float(made.max()) > 0.62 and float(made.min()) < 0.28
    torch.testing.assert_close(made[..., :8], images[..., :8], rtol=0, atol=1e-5)


def test_motion_smears_a_dot_along_one_line() -> None:
    images = torch.zeros(1, 3, SIZE, SIZE)
    images[:, :, 24, 24] = 1
    for seed in range(12):
        made = finished(replace(STILL, motion=1), images, seed)[0, 0]
        rows, columns = made.nonzero().unbind(1)
        assert len(rows) in (3, 5, 7) and float(made.sum()) == pytest.approx(1, abs=1e-5)
        line = torch.stack([rows, columns], 1).double()
        assert int(torch.linalg.matrix_rank(line - line[0])) == 1


def test_vignette_darkens_towards_the_corners() -> None:
    made = finished(replace(STILL, vignette=1), torch.ones(8, 3, SIZE, SIZE))
    assert bool(
        (made[:, 0, 0, 0] < made[:, 0, 0, 24]).all() and (made[:, 0, 0, 24] < made[:, 0, 24, 24]).all()
    )
    assert float(made[:, :, 24, 24].min()) > 0.99


def test_sticker_is_a_piece_of_the_other_picture_in_its_place() -> None:
    images = batch(32)
    others = images.roll(1, 0)
    made = sticker(images, others, torch.Generator().manual_seed(0))
    own, other = (made == images).all(1), (made == others).all(1)
    assert bool((own | other).all())
    covered = (~own).float().mean(dim=(1, 2))
    assert float(covered.min()) > 0.005 and float(covered.max()) < 0.27


def test_perspective_keeps_straight_lines_straight() -> None:
    side = 97
    position = (torch.arange(side) + 0.5) / side * 2 - 1
    ramp = torch.stack([position.expand(side, side), position[:, None].expand(side, side)])
    images = torch.cat([ramp, torch.ones(1, side, side)])[None].repeat(16, 1, 1, 1) / 4 + 0.5
    made = perspective(images, torch.Generator().manual_seed(0))
    line = torch.tensor([[40, 40], [48, 48], [56, 56]])
    for view in made:
        # Where three pixels of the diagonal came from lies on one line of the picture.
        came_from = (view[:2, line[:, 0], line[:, 1]].T.double() - 0.5) * 4
        first, second = came_from[1] - came_from[0], came_from[2] - came_from[0]
        assert abs(float(first[0] * second[1] - first[1] * second[0])) < 2e-3
    assert float((made - images).abs().amax(dim=(1, 2, 3)).min()) > 0.01


def test_the_same_generator_gives_the_same_views() -> None:
    images = batch(16)
    assert torch.equal(finished(CopyViews(SIZE), images, 7), finished(CopyViews(SIZE), images, 7))
    assert not torch.equal(finished(CopyViews(SIZE), images, 7), finished(CopyViews(SIZE), images, 8))
