"""Small pictures and their points."""

from __future__ import annotations

import io

import numpy as np
import pytest
from geometry_examples import PHOTOS, photo, sketch_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from augnet_cli.geometry.sketch import POINTS, SIDE, Points, Size, Sketch, mirrored
from augnet_cli.images.decode import decode_within


@given(width=st.integers(1, 3000), height=st.integers(1, 3000))
def test_size_of_a_sketch_is_never_larger_than_the_picture_or_the_side(width: int, height: int) -> None:
    across, down = Size(width, height).sketch
    assert 1 <= across <= min(width, SIDE) and 1 <= down <= min(height, SIDE)
    assert max(across, down) == min(SIDE, max(width, height))


@pytest.mark.parametrize("size", [(640, 427), (100, 3), (33, 1001), (256, 256), (5, 5), (257, 1)])
def test_size_of_a_sketch_is_that_of_the_decoded_picture(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    decoded = decode_within(file.getvalue(), SIDE)
    assert decoded.pixels.shape[1::-1] == Size(*size).sketch


def test_plain_picture_has_no_points() -> None:
    points = Sketch(np.full((100, 120, 3), 77, np.uint8), 120, 100).points
    assert len(points) == 0 and points.unit_rows.shape == (0, 128)


@pytest.mark.parametrize("name", PHOTOS)
def test_points_lie_on_the_picture_and_their_rows_are_unit(name: str) -> None:
    sketch = sketch_of(photo(name))
    points = sketch.points
    # SIFT gives a place several points where it has several directions: a few more than were asked for.
    assert 50 < len(points) <= POINTS * 1.1
    assert (points.places >= 0).all() and (points.places <= np.array(sketch.grey.shape[::-1]) - 1).all()
    np.testing.assert_allclose(np.linalg.norm(points.unit_rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", PHOTOS)
def test_mirrored_points_are_those_found_on_the_mirrored_picture(name: str) -> None:
    """By place and by row, nearly all; a wrong order of a row's numbers would leave rows far apart."""
    pixels = sketch_of(photo(name)).colour
    height, width = pixels.shape[:2]
    turned = mirrored(Sketch(pixels, width, height).points, width)
    found = Sketch(np.ascontiguousarray(pixels[:, ::-1]), width, height).points
    apart = np.linalg.norm(turned.places[:, None] - found.places[None], axis=2)
    alike = turned.unit_rows @ found.unit_rows.T
    there = ((apart < 1.0) & (alike > 0.95)).any(axis=1)
    assert there.mean() > 0.9


def test_mirroring_twice_gives_the_same_points() -> None:
    rng = np.random.default_rng(0)
    points = Points(
        rng.uniform(0, 200, (40, 2)).astype(np.float32), rng.integers(0, 256, (40, 128), np.uint8)
    )
    twice = mirrored(mirrored(points, 200), 200)
    np.testing.assert_allclose(twice.places, points.places, atol=1e-4)
    np.testing.assert_array_equal(twice.rows, points.rows)
    assert not np.array_equal(mirrored(points, 200).rows, points.rows)
