"""Where a picture lies in another, in pixels of the files."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_examples import finding_of, photo, resized, size_of
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.geometry.affine import stretches
from augnet_cli.geometry.placed import box_of, degrees_of, in_files, is_mirrored, placed
from augnet_cli.geometry.sketch import Size

SIZES = st.builds(Size, st.integers(1, 5000), st.integers(1, 5000))


def whole(matrix: np.ndarray) -> np.ndarray:
    return np.vstack([matrix, [0, 0, 1]])


@st.composite
def transforms(draw: st.DrawFn) -> np.ndarray:
    angle = draw(st.floats(-np.pi, np.pi))
    wide, tall = draw(st.floats(0.2, 5)), draw(st.floats(0.2, 5))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([-wide if draw(st.booleans()) else wide, tall])
    shift = draw(st.tuples(st.floats(-200, 200), st.floats(-200, 200)))
    return np.hstack([linear, np.array(shift)[:, None]])


@given(first=SIZES, second=SIZES, third=SIZES, one=transforms(), two=transforms())
def test_going_on_in_files_is_going_on_in_sketches(
    first: Size, second: Size, third: Size, one: np.ndarray, two: np.ndarray
) -> None:
    there = whole(in_files(second, third, two)) @ whole(in_files(first, second, one))
    straight = whole(in_files(first, third, two @ whole(one)))
    np.testing.assert_allclose(there, straight, rtol=1e-6, atol=1e-6 * np.abs(straight).max())


@given(first=SIZES, second=SIZES, matrix=transforms())
def test_there_and_back_is_where_one_was(first: Size, second: Size, matrix: np.ndarray) -> None:
    back = np.linalg.inv(whole(matrix))[:2]
    both = whole(in_files(second, first, back)) @ whole(in_files(first, second, matrix))
    np.testing.assert_allclose(both, np.eye(3), atol=1e-4)


@given(size=SIZES)
def test_the_whole_picture_lies_upon_itself(size: Size) -> None:
    transform = placed(size, size, np.eye(3)[:2], 0.0)
    np.testing.assert_allclose(transform.matrix, (1, 0, 0, 0, 1, 0), atol=1e-9)
    np.testing.assert_allclose(transform.box, (0, 0, size.width, size.height), atol=1e-6)
    assert (transform.degrees, transform.mirrored, transform.changed_share) == (0.0, False, 0.0)


@given(first=SIZES, second=SIZES, matrix=transforms())
def test_box_lies_in_the_second_and_degrees_in_their_range(
    first: Size, second: Size, matrix: np.ndarray
) -> None:
    transform = placed(first, second, matrix, 0.25)
    left, top, right, bottom = transform.box
    assert left >= 0 and top >= 0 and right <= second.width and bottom <= second.height
    assert -180 < transform.degrees <= 180
    assert transform.mirrored == (np.linalg.det(matrix[:, :2]) < 0)
    assert transform.changed_share == 0.25


@given(
    degrees=st.integers(-179, 180), scale=st.floats(0.1, 9), mirror=st.booleans(), shift=st.floats(-99, 99)
)
def test_degrees_are_counter_clockwise_as_one_sees_it(
    degrees: int, scale: float, mirror: bool, shift: float
) -> None:
    """The second is mirrored, then turned counter-clockwise: its right end goes up."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # y runs down
    made = scale * turn @ np.diag([-1.0 if mirror else 1.0, 1.0])
    matrix = np.hstack([np.linalg.inv(made), [[shift], [-shift]]])
    assert degrees_of(matrix) == pytest.approx(degrees, abs=0.011)
    assert is_mirrored(matrix) == mirror
    assert stretches(matrix) == pytest.approx((1 / scale, 1 / scale))


def test_a_quarter_turn_of_numpy_is_counter_clockwise() -> None:
    china = photo("china")
    for quarters, degrees in ((1, 90.0), (2, 180.0), (3, -90.0)):
        turned = np.rot90(china, quarters)
        finding = finding_of(turned, china)
        transform = placed(size_of(turned), size_of(china), finding.transform, 0.0)
        assert (transform.degrees, transform.mirrored) == (degrees, False)
        check_pixels(turned, china, transform.matrix, 0.01)


@pytest.mark.parametrize("name", ["china", "flower", "portrait"])
@pytest.mark.parametrize("quarters", range(4))
def test_matrix_of_a_turned_mirror_image_carries_each_file_pixel(name: str, quarters: int) -> None:
    original = photo(name)
    turned = np.rot90(original[:, ::-1], quarters)
    finding = finding_of(turned, original)
    transform = placed(size_of(turned), size_of(original), finding.transform, 0.0)
    assert transform.mirrored and transform.degrees == {0: 0.0, 1: 90.0, 2: 180.0, 3: -90.0}[quarters]
    np.testing.assert_allclose(transform.box, (0, 0, original.shape[1], original.shape[0]), atol=0.01)
    check_pixels(turned, original, transform.matrix, 0.01)


def check_pixels(first: np.ndarray, second: np.ndarray, matrix: tuple[float, ...], off: float) -> None:
    """Centres of pixels of the first go to centres of pixels of the second of the same colour."""
    rng = np.random.default_rng(0)
    for x, y in rng.integers(0, (first.shape[1], first.shape[0]), (200, 2)):
        across, down = np.reshape(matrix, (2, 3)) @ (x + 0.5, y + 0.5, 1)
        to_x, to_y = int(across), int(down)
        assert abs(across - to_x - 0.5) < off and abs(down - to_y - 0.5) < off
        assert (first[y, x] == second[to_y, to_x]).all()


@pytest.mark.parametrize("name", ["china", "flower", "portrait"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_a_crop_has_the_box_it_was_cut_from(name: str, scale: float) -> None:
    original = photo(name)
    height, width = original.shape[:2]
    left, top, right, bottom = width // 5, height // 8, width * 9 // 10, height * 3 // 4
    part = original[top:bottom, left:right]
    part = resized(part, round(part.shape[1] * scale), round(part.shape[0] * scale))
    finding = finding_of(part, original)
    transform = placed(size_of(part), size_of(original), finding.transform, 0.0)
    np.testing.assert_allclose(transform.box, (left, top, right, bottom), atol=0.012 * max(width, height))
    assert abs(transform.degrees) < 0.5 and not transform.mirrored
    x, y = np.reshape(transform.matrix, (2, 3)) @ (part.shape[1] / 2, part.shape[0] / 2, 1)
    assert (x, y) == pytest.approx(((left + right) / 2, (top + bottom) / 2), abs=0.01 * max(width, height))


@given(size=SIZES, shift=st.tuples(st.floats(-99, 99), st.floats(-99, 99)))
def test_box_is_around_all_corners(size: Size, shift: tuple[float, float]) -> None:
    turn = np.array([[0.0, 1.0, shift[0]], [-1.0, 0.0, shift[1]]])
    expected = (shift[0], shift[1] - size.width, shift[0] + size.height, shift[1])
    np.testing.assert_allclose(box_of(size, turn), expected, atol=1e-6)
