"""Small pictures and their points."""

from __future__ import annotations

import io

import numpy as np
import pytest
from geometry_examples import PHOTOS, photo, sketch_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from augnet_cli.geometry.sketch import POINTS, SIDE, Size, Sketch, without_side
from augnet_cli.images.decode import decode_small


@given(width=st.integers(1, 3000), height=st.integers(1, 3000))
def test_size_of_a_sketch_is_never_larger_than_the_picture_or_the_side(width: int, height: int) -> None:
    across, down = Size(width, height).sketch
    assert 1 <= across <= min(width, SIDE) and 1 <= down <= min(height, SIDE)
    assert max(across, down) == min(SIDE, max(width, height))


@pytest.mark.parametrize("size", [(640, 427), (100, 3), (33, 1001), (256, 256), (5, 5), (257, 1)])
def test_size_of_a_sketch_is_that_of_the_decoded_picture(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    decoded = decode_small(file.getvalue(), SIDE)
    assert decoded.pixels.shape[1::-1] == Size(*size).sketch


def test_plain_picture_has_no_points() -> None:
    points = Sketch(np.full((100, 120, 3), 77, np.uint8), 120, 100).points
    assert len(points) == 0 and points.rows.shape == (0, 64)


@pytest.mark.parametrize("name", PHOTOS)
def test_points_lie_on_the_picture_and_their_rows_are_unit(name: str) -> None:
    sketch = sketch_of(photo(name))
    points = sketch.points
    # SIFT gives a place several points where it has several directions: a few more than were asked for.
    assert 50 < len(points) <= POINTS * 1.1
    assert (points.places >= 0).all() and (points.places <= np.array(sketch.grey.shape[::-1]) - 1).all()
    np.testing.assert_allclose(np.linalg.norm(points.rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", PHOTOS)
def test_points_of_the_mirrored_picture_have_the_same_rows_at_mirrored_places(name: str) -> None:
    """Nearly all; pairing a row's numbers with the wrong ones would leave rows far apart."""
    pixels = sketch_of(photo(name)).colour
    height, width = pixels.shape[:2]
    here = Sketch(pixels, width, height).fine_points
    there = Sketch(np.ascontiguousarray(pixels[:, ::-1]), width, height).fine_points
    places = np.stack([width - 1 - here.places[:, 0], here.places[:, 1]], axis=1)
    apart = np.linalg.norm(places[:, None] - there.places[None], axis=2)
    alike = here.rows @ there.rows.T
    assert ((apart < 1.0) & (alike > 0.95)).any(axis=1).mean() > 0.9


def test_each_number_is_taken_with_that_of_the_mirrored_cell_and_direction() -> None:
    """Cell by cell and direction by direction: y stays, x and the sense of rotation are reversed."""
    rows = np.random.default_rng(0).integers(0, 256, (5, 128)).astype(np.float32)
    for row, numbers in zip(without_side(rows), rows, strict=True):
        sums = []
        for down in range(4):
            for along in range(4):
                for turn in range(8):
                    own, other = (down * 4 + along) * 8 + turn, ((3 - down) * 4 + along) * 8 + (8 - turn) % 8
                    if own <= other:
                        sums.append(numbers[own] + numbers[other])
        np.testing.assert_allclose(row, np.sqrt(np.array(sums) / sum(sums)), rtol=1e-5)
