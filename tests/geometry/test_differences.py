"""How two pictures differ, and on which side, on real photographs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from geometry_examples import PHOTOS, captioned, grey_of, noisy, photo, resized, sketch_of, stickered
from PIL import Image, ImageFilter

from augnet_cli.geometry.differences import NOTHING_SEEN, Differences, _law, differences
from augnet_cli.geometry.laid import frame_of

Change = Callable[[np.ndarray], np.ndarray]


def between(first: np.ndarray, second: np.ndarray) -> Differences:
    """Of two pictures that lie upon each other frame by frame."""
    one, other = sketch_of(first).colour, sketch_of(second).colour
    return differences(one, other, frame_of(one.shape, other.shape, np.eye(3)[:2]))


def blurred(pixels: np.ndarray, radius: float = 5) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


@pytest.mark.parametrize("name", PHOTOS)
def test_a_picture_does_not_differ_from_itself(name: str) -> None:
    seen = between(photo(name), photo(name))
    assert (seen.painted, seen.recoloured, seen.noise) == (0.0, 0.0, (0.0, 0.0))
    assert seen.edges[0] == seen.edges[1] and seen.colourful[0] == seen.colourful[1]


@pytest.mark.parametrize("change", [blurred, grey_of, stickered, captioned])
@pytest.mark.parametrize("name", PHOTOS)
def test_reversed_is_what_the_other_order_finds(name: str, change: Change) -> None:
    there, back = between(change(photo(name)), photo(name)), between(photo(name), change(photo(name)))
    turned = back.reversed()
    assert turned.reversed() == back
    assert turned.painted == pytest.approx(there.painted, abs=0.03)
    assert np.sign(turned.paint_in_first) == np.sign(there.paint_in_first)
    assert turned.recoloured == pytest.approx(there.recoloured, rel=0.1, abs=2.0)
    assert turned.colourful == pytest.approx(there.colourful, rel=0.1, abs=0.5)
    assert turned.edges == pytest.approx(there.edges, rel=0.25)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("strength", [15.0, 30.0])
def test_noise_is_on_the_side_of_the_noisy_one(name: str, strength: float) -> None:
    size = Image.fromarray(sketch_of(photo(name)).colour).size
    clean = resized(photo(name), *size)
    dirty = noisy(clean, strength)
    seen = between(dirty, clean)
    assert seen.noise[1] == 0 and seen.painted < 0.02
    # Grey is the mean of three channels, each with its own grain; clipping takes some.
    assert 0.5 * strength / np.sqrt(3) < seen.noise[0] < 1.2 * strength / np.sqrt(3)
    assert between(clean, dirty).noise[0] == 0 < between(clean, dirty).noise[1]


@pytest.mark.parametrize("name", PHOTOS)
def test_blur_is_softer_edges_and_neither_noise_nor_paint_nor_colour(name: str) -> None:
    seen = between(blurred(photo(name)), photo(name))
    assert seen.edges[0] < 0.7 * seen.edges[1]
    assert seen.painted < 0.01 and seen.recoloured < 6 and max(seen.noise) < 0.5


@pytest.mark.parametrize("name", PHOTOS)
def test_grey_has_no_colour_and_the_same_edges(name: str) -> None:
    seen = between(grey_of(photo(name)), photo(name))
    assert seen.colourful[0] < 1 and seen.colourful[1] > 10
    assert seen.edges[0] == pytest.approx(seen.edges[1], rel=0.15) and seen.painted < 0.02


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("gain", "offset"), [(0.6, 0), (0.6, 90), (0.8, 20)])
def test_brightness_is_recoloured_and_nothing_painted(name: str, gain: float, offset: float) -> None:
    changed = np.round(photo(name) * gain + offset).astype(np.uint8)
    for seen in (between(changed, photo(name)), between(photo(name), changed)):
        assert seen.painted < 0.01 and max(seen.noise) < 0.5
        assert seen.recoloured > 6


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("change", [stickered, captioned])
def test_paint_has_its_share_and_lies_on_the_painted_side(name: str, change: Change) -> None:
    original, changed = photo(name), change(photo(name))
    truly = (np.abs(original.astype(int) - changed).max(axis=2) > 12).mean()
    seen = between(changed, original)
    # Blocks that are half painted count as painted.
    assert 0.6 * truly < seen.painted < truly + 0.12
    assert seen.paint_in_first > 0.1 > -0.1 > between(original, changed).paint_in_first


def test_without_overlap_nothing_is_seen() -> None:
    colour = sketch_of(photo("china")).colour
    away = np.array([[1.0, 0, 250], [0, 1.0, 160]])
    assert differences(colour, colour, frame_of(colour.shape, colour.shape, away)) == NOTHING_SEEN


def slow_law(one: np.ndarray, other: np.ndarray) -> tuple[float, float, np.ndarray]:
    """By means and variances of what is lawful, three times."""
    lawful = np.ones(len(one), bool)
    for _ in range(3):
        chosen, aim = one[lawful], other[lawful]
        spread = chosen.var()
        gain = 1.0 if spread < 1 else ((chosen - chosen.mean()) * (aim - aim.mean())).mean() / spread
        gain = np.clip(gain, 1 / 8, 8)
        offset = aim.mean() - gain * chosen.mean()
        off = np.abs(one * gain + offset - other)
        lawful = off <= max(12.5, np.quantile(off, 0.6))
    return gain, offset, lawful


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("painted", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("spread", [0.3, 40.0])
def test_the_law_is_that_of_most_blocks(seed: int, painted: float, spread: float) -> None:
    rng = np.random.default_rng(seed)
    one = rng.normal(120, spread, 600)
    gain, offset = rng.uniform(0.3, 1.5), rng.uniform(-20, 60)
    other = one * gain + offset + rng.normal(0, 1.5, 600)
    other[rng.random(600) < painted] = rng.uniform(0, 255)
    found, slow = _law(one, other), slow_law(one, other)
    assert found[:2] == pytest.approx(slow[:2], rel=1e-6, abs=1e-6)
    np.testing.assert_array_equal(found[2], slow[2])
    if spread > 1 and painted < 0.5:
        assert found[0] == pytest.approx(gain, abs=0.1)
