"""One picture laid over another, against slow resampling."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from geometry_examples import photo, sketch_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from augnet_cli.geometry.laid import Frame, blurred, drawn, frame_of, lay


def looked_up(picture: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bilinear, a pixel at a time; nan where any of the four neighbours lies outside."""
    height, width = picture.shape
    found = np.full(shape, np.nan)
    for y in range(shape[0]):
        for x in range(shape[1]):
            across, down = matrix @ (x, y, 1)
            left, top = int(np.floor(across + 1e-9)), int(np.floor(down + 1e-9))
            right, bottom = left + (across - left > 1e-6), top + (down - top > 1e-6)
            if left < 0 or top < 0 or right > width - 1 or bottom > height - 1:
                continue
            part, along = across - left, down - top
            upper = (1 - part) * picture[top, left] + part * picture[top, right]
            lower = (1 - part) * picture[bottom, left] + part * picture[bottom, right]
            found[y, x] = (1 - along) * upper + along * lower
    return found


def tilted(degrees: float, scale: float, shift: tuple[float, float], mirror: bool) -> np.ndarray:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirror:
        linear = linear @ np.diag([-1.0, 1.0])
    return np.hstack([linear, np.array(shift)[:, None]])


@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.4, 1.5),
    shift=st.tuples(st.floats(-10, 40), st.floats(-10, 40)),
    mirror=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_drawn_is_a_slow_bilinear_lookup(
    degrees: float, scale: float, shift: tuple[float, float], mirror: bool
) -> None:
    picture = cv2.resize(sketch_of(photo("china")).grey, (40, 30), interpolation=cv2.INTER_AREA)
    matrix = tilted(degrees, scale, shift, mirror)
    slow = looked_up(picture.astype(float), matrix, (24, 28))
    fast = drawn(picture.astype(np.float32), matrix, (24, 28))
    there = ~np.isnan(slow)
    # OpenCV looks up at 32nds of a pixel.
    steepest = max(np.abs(np.diff(picture.astype(float), axis=axis)).max() for axis in (0, 1))
    assert np.abs(fast - slow)[there].max(initial=0) <= steepest / 16 + 1e-3


def test_drawn_colours_are_drawn_channel_by_channel() -> None:
    picture = sketch_of(photo("flower")).colour.astype(np.float32)
    matrix = tilted(20, 0.7, (20, 5), False)
    together = drawn(picture, matrix, (90, 100))
    apart = [drawn(np.ascontiguousarray(picture[..., channel]), matrix, (90, 100)) for channel in range(3)]
    np.testing.assert_allclose(together, np.stack(apart, axis=-1), atol=1e-3)


def slowly_covered(
    shape: tuple[int, int], other: tuple[int, int], matrix: np.ndarray, margin: float
) -> np.ndarray:
    """Pixels of `shape` that are carried into one of shape `other`, `margin` or more from its border."""
    inside = np.zeros(shape, bool)
    for y in range(shape[0]):
        for x in range(shape[1]):
            across, down = matrix @ (x, y, 1)
            inside[y, x] = (
                margin <= across <= other[1] - 1 - margin and margin <= down <= other[0] - 1 - margin
            )
    return inside


@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-20, 60), st.floats(-20, 60)),
    mirror=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_masks_say_where_pictures_cover_each_other(
    degrees: float, scale: float, shift: tuple[float, float], mirror: bool
) -> None:
    first, second = (40, 52), (61, 45)
    matrix = tilted(degrees, scale, shift, mirror)
    frame = frame_of(first, second, matrix)
    back = cv2.invertAffineTransform(matrix)
    assert frame.is_first == (scale >= 1) and frame.ratio == pytest.approx(max(scale, 1 / scale))
    coarse, fine = (first, second) if frame.is_first else (second, first)
    to_fine, to_coarse = (matrix, back) if frame.is_first else (back, matrix)
    assert frame.overlap.shape == coarse and frame.beyond.shape == fine
    # Within a pixel of the border either answer is right.
    assert not (frame.overlap & ~slowly_covered(coarse, fine, to_fine, -0.1)).any()
    assert not (slowly_covered(coarse, fine, to_fine, 0.1) & ~frame.overlap).any()
    assert not (frame.beyond & slowly_covered(fine, coarse, to_coarse, 0.1)).any()
    assert not (~frame.beyond & ~slowly_covered(fine, coarse, to_coarse, -1)).any()


def sides() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(8, 60), st.integers(8, 60))


# OpenCV draws in steps of 1/32 pixel along both sides: so near a cut, either answer is right.
DRAWN_STEP = 2 / 32


def covered(shape: tuple[int, int], other: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
    """The share of each pixel of `shape` that lies on a picture of shape `other`, pixel by pixel."""
    shares = np.zeros(shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            across, down = matrix @ (x, y, 1)
            wide = np.clip(min(across + 1, other[1] - across), 0, 1)
            shares[y, x] = wide * np.clip(min(down + 1, other[0] - down), 0, 1)
    return shares


@given(
    first=sides(),
    second=sides(),
    mirror=st.booleans(),
    quarters=st.integers(0, 3),
    nudge=st.floats(-0.6, 0.6),
)
@example(first=(9, 49), second=(50, 8), mirror=False, quarters=1, nudge=0.0)
@settings(max_examples=200, deadline=None)
def test_masks_that_corners_tell_are_those_that_are_drawn(
    first: tuple[int, int], second: tuple[int, int], mirror: bool, quarters: int, nudge: float
) -> None:
    """Of a whole frame upon a whole frame, turned or mirrored, and of one that lies a little off."""
    quarter = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarters) @ np.diag(
        [-1 if mirror else 1, 1]
    )
    linear = np.diag(second[::-1]) @ quarter @ np.diag(1 / np.array(first[::-1]))
    middles = (np.array(first[::-1]) - 1) / 2, (np.array(second[::-1]) - 1) / 2
    matrix = np.hstack([linear, (middles[1] - linear @ middles[0] + nudge)[:, None]])
    frame = frame_of(first, second, matrix)
    back = cv2.invertAffineTransform(matrix)
    coarse, fine = (first, second) if frame.is_first else (second, first)
    to_fine, to_coarse = (matrix, back) if frame.is_first else (back, matrix)
    for found, drawn_so, share, cut in (
        (
            frame.overlap,
            drawn(np.ones(fine, np.float32), to_fine, coarse),
            covered(coarse, fine, to_fine),
            0.99,
        ),
        (
            ~frame.beyond,
            drawn(np.ones(coarse, np.float32), to_coarse, fine),
            covered(fine, coarse, to_coarse),
            0.5,
        ),
    ):
        sure = np.abs(share - cut) > DRAWN_STEP
        np.testing.assert_array_equal(found[sure], (drawn_so > cut)[sure])
    assert not (slowly_covered(coarse, fine, to_fine, 0.1) & ~frame.overlap).any()


@given(sigma=st.floats(0.07, 8))
@settings(max_examples=30, deadline=None)
def test_blurred_is_opencvs_blur(sigma: float) -> None:
    for picture in (sketch_of(photo("china")).grey, sketch_of(photo("flower")).colour):
        expected = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)
        np.testing.assert_allclose(blurred(picture, sigma), expected, atol=1e-3)
        np.testing.assert_allclose(blurred(picture.astype(np.float32), sigma), expected, atol=1e-3)


@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-8])
def test_what_lies_where_it_is_need_not_be_drawn(off: float) -> None:
    one, other = (cv2.resize(sketch_of(photo(name)).colour, (90, 70)) for name in ("china", "flower"))
    matrix = np.array([[1.0, -off, off], [off, 1.0, -off]])
    own, laid = lay(frame_of(one.shape, other.shape, matrix), one, other)
    np.testing.assert_array_equal(own, one)
    np.testing.assert_allclose(laid, drawn(other.astype(np.float32), matrix, one.shape), atol=1e-3)


def test_a_picture_lies_upon_itself() -> None:
    picture = sketch_of(photo("china")).grey
    frame = frame_of(picture.shape, picture.shape, np.eye(3)[:2])
    assert frame.overlap.all() and not frame.beyond.any()
    for laid in lay(frame, picture, picture):
        np.testing.assert_array_equal(laid, picture)


@pytest.mark.parametrize("ratio", [3.0, 4.0])
def test_the_finer_picture_is_made_as_coarse_as_the_other(ratio: float) -> None:
    """Close to what making it smaller by averaging does; without the blur it would be three times as far."""
    fine = sketch_of(photo("china")).grey
    size = (round(fine.shape[1] / ratio), round(fine.shape[0] / ratio))
    coarse = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    x, y = fine.shape[1] / size[0], fine.shape[0] / size[1]
    matrix = np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5]])
    frame = frame_of(coarse.shape, fine.shape, matrix)
    own, laid = lay(frame, coarse, fine)
    np.testing.assert_array_equal(own, coarse)
    off = np.abs(laid - own)[frame.overlap].mean()
    unblurred = np.abs(drawn(fine.astype(np.float32), matrix, coarse.shape) - own)[frame.overlap].mean()
    assert off < 0.7 * unblurred
    # The other way round the same two pictures come out, in the other order.
    turned = frame_of(fine.shape, coarse.shape, cv2.invertAffineTransform(matrix))
    assert not turned.is_first
    other, same = lay(turned, fine, coarse)
    np.testing.assert_array_equal(same, own)
    np.testing.assert_allclose(other, laid, atol=1.0)


def test_outside_the_overlap_both_are_the_same() -> None:
    first, second = (sketch_of(photo(name)).colour for name in ("china", "flower"))
    frame: Frame = frame_of(first.shape, second.shape, tilted(15, 1.2, (90, -30), True))
    one, other = lay(frame, first, second)
    assert frame.overlap.any() and not frame.overlap.all()
    np.testing.assert_array_equal(one[~frame.overlap], other[~frame.overlap])
    assert np.abs(one[frame.overlap] - other[frame.overlap]).mean() > 10
