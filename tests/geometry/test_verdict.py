"""A table from what was done to a picture to the words that are told of it."""

from __future__ import annotations

from collections.abc import Callable

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
    size_of,
    stickered,
)
from PIL import Image

from augnet_cli.geometry.verdict import WORDS, verdict
from augnet_cli.images.changes import altered

# Kinds of change whose strength, drawn by chance, may be too little for a word have another test below.
WORDS_OF = {
    "crop_80": "cropped",
    "crop_50": "cropped",
    "crop_30": "cropped",
    "jpeg_10": "re-encoded",
    "thumbnail": "resized",
    "blur": "edited",
    "grey": "recoloured",
    "brightness": "recoloured",
    "contrast": "recoloured",
    "mirror": "mirrored",
    "quarter_turn": "rotated",
    "tilt": "rotated",
    "border": "bordered",
    "page": "bordered",
    "sticker": "edited",
    "squeeze": "resized",
}


def words(first: np.ndarray, second: np.ndarray) -> tuple[str, ...]:
    return verdict(size_of(first), size_of(second), relation_of(first, second))


@pytest.mark.parametrize("kind", WORDS_OF)
@pytest.mark.parametrize("name", PHOTOS)
def test_kind_of_change_has_its_word(name: str, kind: str) -> None:
    copy = altered(photo(name), kind, np.random.default_rng(1))
    found = words(copy, photo(name))
    assert WORDS_OF[kind] in found
    if kind in {"jpeg_10", "thumbnail", "mirror", "crop_50", "crop_80", "quarter_turn", "squeeze"}:
        assert found == (WORDS_OF[kind],)


MADE: tuple[tuple[Callable[[np.ndarray], np.ndarray], tuple[str, ...]], ...] = (
    (lambda p: p, ("re-encoded",)),
    (lambda p: resized(p, p.shape[1] // 2, p.shape[0] // 2), ("resized",)),
    (lambda p: resized(p, p.shape[1] * 2, p.shape[0] * 2), ("resized",)),
    (lambda p: resized(p[:, 100:], 300, 400), ("resized", "cropped")),
    (lambda p: np.rot90(p[:, ::-1]), ("rotated", "mirrored")),
    (lambda p: p[30:-30, 60:-60, :][:, ::-1], ("cropped", "mirrored")),
    (lambda p: framed(p, 60), ("bordered",)),
    (lambda p: grey_of(framed(p, 60)), ("bordered", "recoloured")),
    (lambda p: stickered(p, (190, 20, 20)), ("edited",)),
    (captioned, ("edited",)),
    (lambda p: noisy(p, 30), ("edited",)),
    (lambda p: grey_of(stickered(p)), ("recoloured", "edited")),
    (lambda p: np.round(p * 0.6 + 20).astype(np.uint8), ("recoloured",)),
)


@pytest.mark.parametrize("row", range(len(MADE)))
@pytest.mark.parametrize("name", ["china", "portrait"])
def test_what_was_done_is_told_and_nothing_else(name: str, row: int) -> None:
    change, expected = MADE[row]
    copy = np.ascontiguousarray(change(photo(name)))
    assert words(copy, photo(name)) == expected


@pytest.mark.parametrize("name", PHOTOS)
def test_the_other_order_tells_what_would_lead_back(name: str) -> None:
    original = photo(name)
    assert words(original, framed(original, 60)) == ("cropped",)
    assert words(original, original[40:-40, 60:-60]) == ("bordered",)
    assert words(original, resized(original, 320, 240))[0] == "resized"


def test_words_stand_in_their_order_and_re_encoded_alone() -> None:
    rng = np.random.default_rng(0)
    copy = photo("china")
    for kind in ("crop_80", "quarter_turn", "mirror", "grey", "thumbnail"):
        copy = altered(copy, kind, rng)
    found = words(copy, photo("china"))
    assert found == tuple(word for word in WORDS if word in found)
    assert {"resized", "cropped", "mirrored", "recoloured"} <= set(found)
    assert "re-encoded" not in found


def test_a_turn_of_degrees_is_rotated_and_one_of_a_tenth_is_not() -> None:
    china = Image.fromarray(photo("china"))
    turned, hardly = (np.asarray(china.rotate(degrees, Image.Resampling.BICUBIC)) for degrees in (5, 0.1))
    assert "rotated" in words(turned, photo("china"))
    assert "rotated" not in words(hardly, photo("china"))
