"""Whether two pictures show the same, block by block, and what one shows that the other lacks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from geometry_examples import PHOTOS, framed, photo, sketch_of
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.geometry.agreement import (
    BLOCK,
    STEP,
    Agreement,
    _correlations,
    _shown,
    agreement,
    blocks,
    equally_sharp,
    inner_blocks,
    moments,
    quantiles,
    sharpness,
)
from augnet_cli.geometry.derivation import NOTHING
from augnet_cli.geometry.laid import frame_of

HERE = np.eye(3)[:2]


def upon(first: np.ndarray, second: np.ndarray, matrix: np.ndarray = HERE) -> Agreement:
    return agreement(first, second, frame_of(first.shape, second.shape, matrix))


@given(height=st.integers(BLOCK, 60), width=st.integers(BLOCK, 60), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_blocks_are_means_of_every_place_that_lies_inside(height: int, width: int, seed: int) -> None:
    picture = np.random.default_rng(seed).uniform(0, 255, (height, width)).astype(np.float32)
    slow = [
        [picture[top : top + BLOCK, left : left + BLOCK].mean() for left in range(0, width - BLOCK + 1, STEP)]
        for top in range(0, height - BLOCK + 1, STEP)
    ]
    np.testing.assert_allclose(blocks(picture), slow, rtol=1e-4)


@given(
    values=st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=50),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_quantiles_are_numpys(values: list[float], shares: list[float]) -> None:
    given_values = np.array(values, np.float32)
    found = quantiles(given_values, *shares)
    np.testing.assert_allclose(found, np.quantile(given_values.astype(np.float64), shares), atol=1e-9)
    np.testing.assert_array_equal(given_values, values)


@pytest.mark.parametrize("name", PHOTOS)
def test_moments_are_those_of_every_block(name: str) -> None:
    one = cv2.resize(sketch_of(photo(name)).grey, (83, 64)).astype(np.float32)
    other = cv2.GaussianBlur(one, (0, 0), 2.0) * 0.7 + 20
    seen = moments(one, other)
    rows, columns = seen.mean.shape
    assert (rows, columns) == ((64 - BLOCK) // STEP + 1, (83 - BLOCK) // STEP + 1)
    for row in range(rows):
        for column in range(columns):
            where = np.s_[row * STEP : row * STEP + BLOCK, column * STEP : column * STEP + BLOCK]
            left, right = one[where].ravel().astype(float), other[where].ravel().astype(float)
            slow = np.cov(left, right, bias=True)
            at = (row, column)
            found = [seen.variance[at], seen.variance_other[at], seen.covariance[at]]
            np.testing.assert_allclose(found, [slow[0, 0], slow[1, 1], slow[0, 1]], rtol=1e-4, atol=0.02)
            assert (seen.mean[at], seen.mean_other[at]) == pytest.approx(
                (left.mean(), right.mean()), rel=1e-5
            )


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    covered=st.tuples(st.integers(0, 10), st.integers(1, 60), st.integers(0, 10), st.integers(1, 60)),
)
@settings(max_examples=50, deadline=None)
def test_inner_blocks_lie_wholly_in_the_overlap(
    height: int, width: int, covered: tuple[int, int, int, int]
) -> None:
    overlap = np.zeros((height, width), bool)
    overlap[covered[0] : covered[1], covered[2] : covered[3]] = True
    # Of a block of 225 pixels 0.98 are 221 and more, which a rectangle holds only if it holds all.
    slow = [
        [overlap[top : top + BLOCK, left : left + BLOCK].all() for left in range(0, width - BLOCK + 1, STEP)]
        for top in range(0, height - BLOCK + 1, STEP)
    ]
    assert inner_blocks(overlap).tolist() == (slow if width >= BLOCK else [])


def test_correlations_are_those_of_a_slow_loop() -> None:
    """Of two pictures made as sharp as each other, over the blocks of the overlap; all show something."""
    rng = np.random.default_rng(1)
    one = cv2.GaussianBlur(rng.uniform(0, 255, (60, 75)).astype(np.float32), (0, 0), 2) * 6
    other = cv2.GaussianBlur(rng.uniform(0, 255, (60, 75)).astype(np.float32), (0, 0), 2) * 6 + one
    overlap = np.ones((60, 75), bool)
    overlap[:, 50:] = False
    smooth = [cv2.GaussianBlur(picture, (0, 0), 1.0) for picture in (one, other)]
    left, right = equally_sharp(*smooth, overlap)
    slow = []
    for top in range(0, 60 - BLOCK + 1, STEP):
        for start in range(0, 50 - BLOCK + 1, STEP):
            where = (slice(top, top + BLOCK), slice(start, start + BLOCK))
            slow.append(np.corrcoef(left[where].ravel(), right[where].ravel())[0, 1])
    np.testing.assert_allclose(_correlations(one, other, overlap), slow, atol=1e-3)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("gain", "offset"), [(0.5, 60), (0.7, 0), (0.6, 100), (-0.5, 200)])
def test_brightness_and_contrast_change_nothing(name: str, gain: float, offset: float) -> None:
    grey = sketch_of(photo(name)).grey
    # Without clipping, and rounded only: the same blocks agree; a negative is another picture.
    changed = np.round(grey * gain + offset).astype(np.uint8)
    seen = upon(grey, changed)
    if gain < 0:
        assert seen.share < 0.05 and seen.median < 0
    else:
        assert seen.share > 0.99 and seen.median > 0.95


@pytest.mark.parametrize("first", PHOTOS)
@pytest.mark.parametrize("second", PHOTOS)
def test_different_photographs_agree_nearly_nowhere(first: str, second: str) -> None:
    one, other = (cv2.resize(sketch_of(photo(name)).grey, (240, 180)) for name in (first, second))
    seen = upon(one, other)
    if first == second:
        assert (seen.share, seen.somewhat) == (1.0, 0.0) and seen.median > 0.999
    else:
        assert seen.share < 0.1 and seen.median < 0.4


def test_plain_pictures_say_nothing() -> None:
    flat = np.full((120, 160), 90, np.uint8)
    seen = upon(flat, flat + 3)
    assert (seen.blocks, seen.share, seen.lacking) == (0, 0.0, (0.0, 0.0))
    faint = flat + np.random.default_rng(0).integers(0, 3, flat.shape, np.uint8)
    assert upon(flat, faint).blocks == 0


def test_overlap_of_a_few_pixels_is_none() -> None:
    grey = sketch_of(photo("china")).grey
    seen = upon(grey, grey, np.array([[1.0, 0, grey.shape[1] - 10], [0, 1.0, 0]]))
    assert (seen.blocks, seen.share, seen.lacking) == (0, 0.0, (1.0, 1.0))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_part_lacks_what_lies_outside_and_the_whole_lacks_nothing(name: str, scale: float) -> None:
    """`lacking` is the share of the whole that shows something outside, whichever is the finer one."""
    whole = sketch_of(photo(name)).grey
    cut = whole.shape[1] // 3
    part = np.ascontiguousarray(whole[:, cut:])
    size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    x, y = part.shape[1] / size[0], part.shape[0] / size[1]
    matrix = np.array([[x, 0, x / 2 - 0.5 + cut], [0, y, y / 2 - 0.5]])
    seen = upon(small, whole, matrix)
    assert seen.share > 0.95
    assert seen.lacking[0] < 0.005
    # What shows something outside, looked at another way: standard deviation of 7 x 7 pixels.
    busy = slowly_busy(whole[:, : cut - 4]).sum() / whole.size
    assert seen.lacking[1] == pytest.approx(busy, abs=0.05)
    back = upon(whole, small, cv2.invertAffineTransform(matrix))
    assert back.lacking[::-1] == pytest.approx(seen.lacking, abs=0.005)


def slowly_busy(grey: np.ndarray) -> np.ndarray:
    """Pixels whose surroundings vary by more than three and a half levels."""
    smooth = cv2.GaussianBlur(grey.astype(np.float64), (0, 0), 1.0)
    padded = np.pad(smooth, 3, mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, (7, 7)).std(axis=(2, 3)) > np.sqrt(12)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    "cut", [np.s_[:, :70], np.s_[90:, :], np.s_[:50, 60:], np.s_[40:80, 50:120], np.s_[:, :]]
)
def test_what_is_shown_does_not_depend_on_what_lies_far_away(name: str, cut: tuple[slice, slice]) -> None:
    """It is looked for near the place alone, and is what a look at the whole picture finds there."""
    grey = sketch_of(photo(name)).grey
    where = np.zeros(grey.shape, bool)
    where[cut] = True
    # Three pixels along the line between both pictures do not count; the picture's own border does.
    inner = np.pad(where, 3, constant_values=True)
    inner = np.lib.stride_tricks.sliding_window_view(inner, (7, 7)).all(axis=(2, 3))
    values = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0).astype(np.float64)
    mean, square = (cv2.blur(plane, (7, 7)) for plane in (values, values * values))
    slow = (inner & (square - mean * mean > 12)).mean()
    assert slow > 0.01
    assert _shown(grey, where) == pytest.approx(slow, abs=2 / grey.size)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (40, 90, 200)])
def test_a_plain_border_lacks_and_is_lacked_nothing(colour: tuple[int, int, int]) -> None:
    inner = sketch_of(photo("portrait")).colour
    outer = sketch_of_pixels(framed(inner, 30, colour))
    seen = upon(sketch_of_pixels(inner), outer, np.array([[1.0, 0, 30], [0, 1.0, 30]]))
    assert seen.share > 0.99
    # The edge of the frame itself is something to see; it is less than what counts.
    assert seen.lacking[0] == 0 and seen.lacking[1] < NOTHING


def sketch_of_pixels(colour: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)


def test_a_painted_quarter_costs_a_quarter_of_the_blocks() -> None:
    grey = sketch_of(photo("china")).grey.copy()
    painted = grey.copy()
    height, width = grey.shape
    painted[height // 2 :, width // 2 :] = cv2.resize(
        sketch_of(photo("flower")).grey, (width - width // 2, height - height // 2)
    )
    seen = upon(grey, painted)
    assert 0.6 < seen.share < 0.85 and seen.upper > 0.99


@pytest.mark.parametrize("sigma", [0.6, 1.5, 3.0])
def test_the_sharper_is_blurred_until_it_is_as_soft(sigma: float) -> None:
    sharp = sketch_of(photo("china")).grey.astype(np.float32)
    soft = cv2.GaussianBlur(sharp, (0, 0), sigma)
    everywhere = np.ones(sharp.shape, bool)
    one, other = equally_sharp(sharp, soft, everywhere)
    assert other is soft
    assert sharpness(one, everywhere) <= sharpness(soft, everywhere) * 1.05
    assert np.abs(one - soft).mean() < np.abs(sharp - soft).mean()
    back = equally_sharp(soft, sharp, everywhere)
    np.testing.assert_array_equal(back[1], one)
    # So a blurred copy agrees, block by block.
    assert upon(sharp.astype(np.uint8), soft.astype(np.uint8)).share > 0.95
