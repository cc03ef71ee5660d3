"""Which words a picture gets, alone and beside others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from altered_photos import blurred, exposed, measured, noisy, shaken
from PIL import Image, ImageOps

from augnet_cli.quality.flags import ENOUGH_IMAGES, Typical, flags_of, typical
from augnet_cli.results import Measures
from augnet_cli.results.inspect import FLAGS

GOOD = Measures(
    grey_p1=0.02,
    grey_p5=0.05,
    grey_p50=0.4,
    grey_p95=0.9,
    colour=0.5,
    detail=0.9,
    blur=0.0,
    smear=0.2,
    scale=1.0,
)
WHITE = replace(GOOD, grey_p50=1.0, grey_p95=1.0)


def flags(picture: Image.Image) -> tuple[str, ...]:
    return flags_of(*picture.size, measured(picture), Typical())


def test_photographs_as_they_are_have_no_flags(sample_photos: dict[str, Image.Image]) -> None:
    for photo in sample_photos.values():
        assert flags(photo) == flags(noisy(photo, 25)) == flags(blurred(photo, 0.7)) == ()


@pytest.mark.parametrize("name", ["china", "flower"])
def test_altered_photographs_have_the_flag_that_they_deserve(
    sample_photos: dict[str, Image.Image], name: str
) -> None:
    photo = sample_photos[name]
    assert flags(blurred(photo, 3)) == flags(blurred(photo, 4)) == ("blurred",)
    assert flags(blurred(photo, 12)) == ("blurred",)
    assert flags(shaken(photo, 21)) == ("blurred",)
    assert "dark" in flags(exposed(photo, -5))
    assert flags(Image.blend(photo, Image.new("RGB", photo.size, "white"), 0.7)) == ("bright",)
    assert flags(ImageOps.grayscale(photo)) == ("grey",)
    assert flags(photo.crop((0, 180, photo.width, 240))) == ("odd-aspect",)
    assert flags(photo.resize((30, 20))) == ()  # small, but a picture, and there are no others


def test_pictures_of_one_colour_say_nothing() -> None:
    assert flags(Image.new("RGB", (300, 200), (200, 40, 40))) == ("low-information",)
    assert flags(Image.new("RGB", (300, 200), "black")) == ("dark", "low-information", "grey")
    assert flags(Image.new("RGB", (300, 200), "white")) == ("bright", "low-information", "grey")


def folder(*sides: tuple[int, int], measured: Measures = GOOD) -> Typical:
    widths, heights = (np.array(column, np.int32) for column in zip(*sides, strict=True))
    return typical(widths, heights, [measured] * len(sides))


def test_size_is_judged_beside_the_folder() -> None:
    photos = folder(*[(4000, 3000)] * ENOUGH_IMAGES)
    assert flags_of(800, 600, GOOD, photos) == flags_of(20000, 15000, GOOD, photos) == ("odd-size",)
    assert flags_of(1200, 900, GOOD, photos) == flags_of(3000, 4000, GOOD, photos) == ()
    mixed = folder(*[(4000, 3000)] * 15, *[(640, 480)] * 10)
    assert flags_of(640, 480, GOOD, mixed) == flags_of(4000, 3000, GOOD, mixed) == ()
    assert flags_of(640, 480, GOOD, folder(*[(4000, 3000)] * (ENOUGH_IMAGES - 1))) == ()
    assert flags_of(15, 15, GOOD, folder(*[(15, 15)] * 99)) == ("odd-size",)


def test_shape_is_judged_beside_the_folder_and_never_beyond_bounds() -> None:
    photos, banners = folder(*[(3000, 2000), (2000, 3000)] * 20), folder(*[(1800, 300)] * 40)
    for width, height in ((3100, 1000), (1000, 3100)):
        assert flags_of(width, height, GOOD, photos) == ("odd-aspect",)
        assert flags_of(width, height, GOOD, banners) == ()
    assert flags_of(3000, 250, GOOD, banners) == ("odd-aspect",)
    assert flags_of(300, 300, GOOD, banners) == ()


def test_white_by_half_counts_only_where_it_is_rare() -> None:
    sides = np.full(200, 100)
    assert flags_of(100, 100, WHITE, typical(sides, sides, [GOOD] * 198 + [WHITE] * 2)) == ("bright",)
    assert flags_of(100, 100, WHITE, typical(sides, sides, [GOOD] * 180 + [WHITE] * 20)) == ()


def test_a_picture_that_nobody_looked_at_has_the_flags_of_its_size_alone() -> None:
    assert flags_of(3000, 10, None, Typical()) == ("odd-aspect", "odd-size")
    assert flags_of(300, 200, None, Typical()) == ()


def test_flags_come_in_their_order() -> None:
    worst = Measures(
        grey_p1=0.9, grey_p5=0, grey_p50=0, grey_p95=0.1, colour=0, detail=0, blur=9.0, smear=None, scale=1
    )
    assert flags_of(3000, 3, worst, Typical()) == FLAGS
