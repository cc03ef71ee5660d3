"""Which of two pictures was made from the other, and which shows all that the other does."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_examples import (
    PHOTOS,
    captioned,
    framed,
    grey_of,
    noisy,
    photo,
    relation_of,
    resized,
    screenshot,
    stickered,
)
from PIL import Image, ImageFilter

from augnet_cli.geometry.derivation import UNALTERED, alteration, covers, derivation
from augnet_cli.images.changes import altered

MADE = {
    "frame": framed,
    "screenshot": screenshot,
    "crop": lambda pixels: pixels[60:300, 100:400],
    "sticker": stickered,
    "caption": captioned,
    "grey": grey_of,
    "noise": lambda pixels: noisy(pixels, 30),
    "letterbox": lambda pixels: np.pad(pixels, ((60, 60), (0, 0), (0, 0))),
    "blur": lambda pixels: altered(pixels, "blur", np.random.default_rng(0)),
}
# These leave no trace of who came first.
UNTOLD = {
    "itself": lambda pixels: pixels,
    "quarter": lambda pixels: resized(pixels, pixels.shape[1] // 4, pixels.shape[0] // 4),
    "mirror": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "turn": lambda pixels: np.ascontiguousarray(np.rot90(pixels)),
    "darker": lambda pixels: np.round(pixels * 0.7).astype(np.uint8),
}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", PHOTOS)
def test_the_made_one_is_known(name: str, kind: str) -> None:
    made = MADE[kind](photo(name))
    assert derivation(relation_of(made, photo(name))) == 1
    assert derivation(relation_of(photo(name), made)) == -1
    assert derivation(relation_of(made, photo(name)).reversed()) == -1


@pytest.mark.parametrize("kind", UNTOLD)
@pytest.mark.parametrize("name", PHOTOS)
def test_nothing_tells_of_a_turn_a_size_or_brightness(name: str, kind: str) -> None:
    relation = relation_of(UNTOLD[kind](photo(name)), photo(name))
    assert derivation(relation) == derivation(relation.reversed()) == 0
    for each in (relation, relation.reversed()):
        assert (alteration(each) != UNALTERED) == (kind in {"mirror", "turn", "darker"})


@pytest.mark.parametrize("kind", ["frame", "letterbox", "sticker", "caption", "grey", "noise", *UNTOLD])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_copy_of_the_whole_shows_no_more_than_it(name: str, kind: str) -> None:
    made = {**MADE, **UNTOLD}[kind](photo(name))
    assert covers(relation_of(made, photo(name)))


@pytest.mark.parametrize("name", PHOTOS)
def test_a_part_is_covered_by_the_whole_and_the_whole_by_no_part(name: str) -> None:
    relation = relation_of(MADE["crop"](photo(name)), photo(name))
    assert covers(relation) and not covers(relation.reversed())


@pytest.mark.parametrize("name", PHOTOS)
def test_a_screen_shows_the_picture_but_the_picture_not_the_screen(name: str) -> None:
    relation = relation_of(screenshot(photo(name)), photo(name))
    assert covers(relation.reversed()) and not covers(relation)


def test_parts_of_a_panorama_cover_each_other_neither_way() -> None:
    china = photo("china")
    relation = relation_of(china[:, :430], china[:, 210:])
    assert not covers(relation) and not covers(relation.reversed())


@pytest.mark.parametrize("name", PHOTOS)
def test_a_blurred_picture_shows_less_than_the_sharp_one_and_than_a_sharp_part_of_it(name: str) -> None:
    sharp = photo(name)
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(6)))
    part = sharp[40:-40, 60:-60]
    assert covers(relation_of(blurred, sharp)) and not covers(relation_of(sharp, blurred))
    assert not covers(relation_of(part, blurred))
