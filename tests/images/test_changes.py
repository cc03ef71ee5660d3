"""The everyday changes: each does what its name says, on pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augnet_cli.images.changes import CHANGES, altered

KINDS = tuple(CHANGES)


@pytest.fixture(scope="module")
def flower(sample_photos: dict[str, Image.Image]) -> np.ndarray:
    return np.asarray(sample_photos["flower"].resize((192, 128), Image.Resampling.LANCZOS))


def seeded(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def best_match(part: np.ndarray, whole: np.ndarray) -> float:
    """Least mean difference between `part` and any place of `whole`, tried one by one."""
    height, width = part.shape[:2]
    places = [
        np.abs(whole[top : top + height, left : left + width].astype(int) - part).mean()
        for top in range(whole.shape[0] - height + 1)
        for left in range(whole.shape[1] - width + 1)
    ]
    return float(min(places))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (40, 9), (31, 200)])
def test_pictures_of_any_size_can_be_changed(kind: str, size: tuple[int, int]) -> None:
    image = seeded().integers(0, 256, (*size, 3), dtype=np.uint8)
    before = image.copy()
    for number in range(4):
        changed = altered(image, kind, seeded(number))
        assert changed.dtype == np.uint8 and changed.ndim == 3 and changed.shape[2] == 3
        assert min(changed.shape) >= 1
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_the_picture_and_the_same_seed_the_same_way(kind: str, flower: np.ndarray) -> None:
    one, again = (altered(flower, kind, seeded(3)) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape != flower.shape or not np.array_equal(one, flower)


@pytest.mark.parametrize(("kind", "share"), [("crop_80", 0.8), ("crop_50", 0.5), ("crop_30", 0.3)])
def test_crops_are_a_part_of_the_picture_with_the_share_of_its_area(
    kind: str, share: float, flower: np.ndarray
) -> None:
    small = flower[::4, ::4]
    for number in range(8):
        crop = altered(small, kind, seeded(number))
        assert best_match(crop, small) == 0
        large = altered(flower, kind, seeded(number))
        kept = large.shape[0] * large.shape[1] / (flower.shape[0] * flower.shape[1])
        assert kept == pytest.approx(share, abs=0.02)


def test_grey_has_no_colour_and_mirror_and_turns_are_rearrangements(flower: np.ndarray) -> None:
    grey = altered(flower, "grey", seeded())
    assert (grey == grey[:, :, :1]).all()
    np.testing.assert_array_equal(altered(flower, "mirror", seeded()), flower[:, ::-1])
    turns = [np.rot90(flower, number) for number in (1, 2, 3)]
    met = set()
    for number in range(12):
        turned = altered(flower, "quarter_turn", seeded(number))
        met |= {turn for turn, expected in enumerate(turns) if np.array_equal(turned, expected)}
    assert met == {0, 1, 2}


def test_thumbnail_and_squeeze_keep_the_whole_picture_at_another_size(flower: np.ndarray) -> None:
    assert altered(flower, "thumbnail", seeded()).shape == (32, 48, 3)
    squeezed = altered(flower, "squeeze", seeded())
    assert sum(now != before for now, before in zip(squeezed.shape, flower.shape, strict=True)) == 1


@pytest.mark.parametrize("kind", ["border", "page"])
def test_border_and_page_hold_the_whole_picture_untouched(kind: str, flower: np.ndarray) -> None:
    small = flower[::4, ::4]
    for number in range(6):
        framed = altered(small, kind, seeded(number))
        assert framed.shape[0] * framed.shape[1] > small.shape[0] * small.shape[1]
        assert best_match(small, framed) == 0


@pytest.mark.parametrize(("kind", "least"), [("caption", 0.6), ("sticker", 0.75)])
def test_what_is_put_on_a_picture_leaves_most_of_it(kind: str, least: float, flower: np.ndarray) -> None:
    for number in range(10):
        changed = altered(flower, kind, seeded(number))
        top = changed.shape[0] - flower.shape[0]
        parts = [changed[start : start + flower.shape[0]] for start in {0, top}]
        same = max(float((part == flower).all(axis=2).mean()) for part in parts)
        assert least < same <= 1 and (same < 1 or top > 0)


def test_blur_has_less_detail_and_noise_more(flower: np.ndarray) -> None:
    def detail(image: np.ndarray) -> float:
        return float(np.abs(np.diff(image.astype(float), axis=1)).mean())

    assert detail(altered(flower, "blur", seeded())) < 0.9 * detail(flower)
    assert detail(altered(flower, "noise", seeded())) > 1.2 * detail(flower)


def test_brightness_goes_both_ways_and_hue_leaves_it(flower: np.ndarray) -> None:
    ratios = [altered(flower, "brightness", seeded(number)).mean() / flower.mean() for number in range(12)]
    assert min(ratios) < 0.8 and max(ratios) > 1.15
    turned = np.asarray(Image.fromarray(altered(flower, "hue", seeded())).convert("HSV")).astype(int)
    before = np.asarray(Image.fromarray(flower).convert("HSV")).astype(int)
    assert np.abs(turned[..., 2] - before[..., 2]).max() <= 2
    colourful = (before[..., 1] > 60) & (before[..., 2] > 60)
    moved = (turned[..., 0] - before[..., 0] + 128) % 256 - 128
    assert abs(np.median(moved[colourful])) >= 12


def test_an_unknown_kind_is_an_error(flower: np.ndarray) -> None:
    with pytest.raises(KeyError):
        altered(flower, "no such change", seeded())
