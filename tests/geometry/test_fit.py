"""Transforms by frames and by points, against slow loops and transforms that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from geometry_examples import PHOTOS, photo, sketch_of
from hypothesis import given, settings
from hypothesis import strategies as st

from augnet_cli.geometry.fit import RATIO, fit_frames, fit_points, fit_points_near, matched
from augnet_cli.geometry.sketch import Points, Sketch

Shape = tuple[int, int]


def sketch(pixels: np.ndarray) -> Sketch:
    """A sketch of just these pixels."""
    return Sketch(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])


def points_of(rows: np.ndarray) -> Points:
    """Points with the directions of these rows."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return Points(np.zeros((len(rows), 2), np.float32), (rows / np.maximum(lengths, 1)).astype(np.float32))


def slowly_matched(first: Points, second: Points) -> set[tuple[int, int]]:
    """Mutual nearest rows that are nearer than RATIO of the next, one pair at a time, in double precision."""

    table = [
        [float(np.linalg.norm(one.astype(float) - other)) for other in second.rows] for one in first.rows
    ]
    found = set()
    for at, row in enumerate(table):
        to = int(np.argmin(row))
        back = int(np.argmin([other[to] for other in table]))
        second_best = min(value for place, value in enumerate(row) if place != to)
        if back == at and row[to] < RATIO * second_best:
            found.add((at, to))
    return found


@given(seed=st.integers(0, 10_000), first=st.integers(2, 9), second=st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_matches_are_those_of_a_slow_loop(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 60, (6, 64), np.uint8)
    # Several rows of the one may be alike: to only one of them they are the nearest.
    one, other = (
        points_of(base[rng.integers(0, 6, count)] + rng.integers(0, 25, (count, 64), np.uint8))
        for count in (first, second)
    )
    assert set(map(tuple, matched(one, other).tolist())) == slowly_matched(one, other)


@pytest.mark.parametrize("counts", [(0, 5), (1, 5), (5, 1), (0, 0)])
def test_too_few_points_match_nothing(counts: Shape) -> None:
    one, other = (points_of(np.ones((count, 64), np.uint8)) for count in counts)
    assert matched(one, other).shape == (0, 2)
    assert fit_points(one, other, (20, 20)) is None
    assert fit_points_near(one, other, (20, 20), np.eye(3)[:2]) is None


def turned_by(degrees: float, scale: float, stretch: float, shape: Shape) -> tuple[np.ndarray, Shape]:
    """A transform of pixels of a picture of this shape, and the shape of a picture that holds all of it."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([stretch, 1.0])
    height, width = shape
    corners = linear @ np.array([[0, width, 0, width], [0, 0, height, height]], float)
    low = corners.min(axis=1)
    wide, tall = np.ceil(corners.max(axis=1) - low).astype(int)
    return np.hstack([linear, -low[:, None]]), (int(tall), int(wide))


def farthest_off(found: np.ndarray, known: np.ndarray, shape: Shape) -> float:
    """Pixels between where two transforms carry a point of the picture, at most."""
    height, width = shape
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 9), np.linspace(0, height - 1, 9), [1.0]), axis=-1)
    return float(np.linalg.norm(grid.reshape(-1, 3) @ (found - known).T, axis=1).max())


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    ("degrees", "scale", "stretch"), [(0, 1, 1), (7, 1, 1), (30, 0.8, 1), (160, 0.9, 1.2)]
)
def test_points_find_a_known_transform(
    name: str, mirror: bool, degrees: float, scale: float, stretch: float
) -> None:
    """Drawn by OpenCV with the known matrix: found again to a pixel or two of 256."""
    first = sketch_of(photo(name))
    known, (height, width) = turned_by(degrees, scale, stretch, first.grey.shape)
    if mirror:
        known = np.array([[-1.0, 0, width - 1], [0, 1, 0]]) @ np.vstack([known, [0, 0, 1]])
    second = sketch(cv2.warpAffine(first.colour, known, (width, height), flags=cv2.INTER_AREA))
    fit = fit_points(first.fine_points, second.fine_points, second.grey.shape)
    assert fit is not None and fit.inliers > 20
    assert (np.linalg.det(fit.matrix[:, :2]) < 0) == mirror
    assert farthest_off(fit.matrix, known, first.grey.shape) < 2.0
    # Told roughly where to look, the same is found.
    rough = known + np.array([[0.005, 0, 3], [0, -0.005, -3]])
    near = fit_points_near(first.fine_points, second.fine_points, second.grey.shape, rough)
    assert near is not None and near.inliers >= fit.inliers // 2
    assert farthest_off(near.matrix, known, first.grey.shape) < 2.0


@pytest.mark.parametrize("name", PHOTOS)
def test_points_of_a_cut_out_part_give_its_place(name: str) -> None:
    whole = sketch_of(photo(name))
    height, width = whole.grey.shape
    top, left = height // 5, width // 4
    part = sketch(whole.colour[top : top + height // 2, left : left + width // 2])
    for own, other, pixels in (
        (part.fine_points, whole.fine_points, 1.0),
        (part.points, whole.points, 2.5),
    ):
        fit = fit_points(own, other, whole.grey.shape)
        assert fit is not None
        assert farthest_off(fit.matrix, np.array([[1.0, 0, left], [0, 1.0, top]]), part.grey.shape) < pixels


def test_points_of_different_photographs_agree_on_nothing_much() -> None:
    for one in PHOTOS:
        for other in PHOTOS:
            if one != other:
                second = sketch_of(photo(other))
                fit = fit_points(sketch_of(photo(one)).points, second.points, second.grey.shape)
                assert fit is None or fit.inliers < 10


def test_points_near_a_hint_are_looked_for_there_alone() -> None:
    """A picture fits itself; told to look elsewhere, only far fewer points agree."""
    sketch = sketch_of(photo("china"))
    hints = (np.eye(3)[:2], np.array([[1.0, 0, 100], [0, 1.0, 60]]))
    here, there = (fit_points_near(sketch.points, sketch.points, sketch.grey.shape, hint) for hint in hints)
    assert here is not None and here.inliers > 0.9 * len(sketch.points)
    assert there is None or there.inliers < 0.1 * here.inliers


def coloured(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("shape", [(40, 60), (61, 37), (48, 48)])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("quarters", range(4))
def test_frames_carry_every_pixel_of_all_eight_turns_exactly(
    shape: Shape, mirror: bool, quarters: int
) -> None:
    rng = np.random.default_rng(3)
    second = cv2.resize(rng.integers(0, 256, (5, 5), np.uint8), shape[::-1], interpolation=cv2.INTER_CUBIC)
    first = np.rot90(second[:, ::-1] if mirror else second, quarters)
    fit, likeness = fit_frames(sketch(coloured(first)), sketch(coloured(second)))
    assert likeness > 0.999
    assert (np.linalg.det(fit.matrix[:, :2]) < 0) == mirror
    for y, x in ((y, x) for y in range(first.shape[0]) for x in range(first.shape[1])):
        to = fit.matrix @ (x, y, 1)
        across, down = np.round(to).astype(int)
        np.testing.assert_allclose(to, (across, down), atol=1e-9)
        assert first[y, x] == second[down, across]


def test_frames_of_pictures_of_other_sizes_lay_corner_upon_corner() -> None:
    second = sketch_of(photo("china")).colour
    first = cv2.resize(second, (90, 200), interpolation=cv2.INTER_AREA)
    fit, likeness = fit_frames(sketch(first), sketch(second))
    matrix = fit.matrix
    assert likeness > 0.95
    np.testing.assert_allclose(matrix @ (-0.5, -0.5, 1), (-0.5, -0.5), atol=1e-9)
    height, width = second.shape[:2]
    np.testing.assert_allclose(matrix @ (89.5, 199.5, 1), (width - 0.5, height - 0.5), atol=1e-9)
