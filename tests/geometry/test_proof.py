"""What is proved to be the same picture, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from geometry_examples import (
    PHOTOS,
    captioned,
    finding_of,
    flat_graphic,
    framed,
    page_of_text,
    photo,
    resized,
    screenshot,
    sketch_of,
    stickered,
)
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.geometry.proof import OTHER, SAME, SCENE, Finding, kept, prove, prove_near
from augnet_cli.images.changes import CHANGES, altered

Turned = tuple[float, float, float, bool, float, float]

# Two different photographs each of one subject, cut apart so that they share nothing.
PARTS = {
    "roof": photo("china")[:200, :300],
    "steps": photo("china")[220:, 330:],
    "petals": photo("flower")[:, :310],
    "leaves": photo("flower")[:, 330:],
    "face": photo("portrait")[:290],
    "coat": photo("portrait")[300:],
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", PHOTOS)
def test_a_changed_copy_is_the_same_picture(name: str, kind: str) -> None:
    original = photo(name)
    copy = altered(original, kind, np.random.default_rng(1))
    for first, second in ((copy, original), (original, copy)):
        finding = finding_of(first, second)
        assert finding.what == SAME, finding


@pytest.mark.parametrize(
    "changes", [("crop_50", "jpeg_10"), ("page", "thumbnail"), ("mirror", "brightness", "border")]
)
@pytest.mark.parametrize("name", PHOTOS)
def test_copies_of_copies_are_the_same_picture(name: str, changes: tuple[str, ...]) -> None:
    copy = photo(name)
    for kind in changes:
        copy = altered(copy, kind, np.random.default_rng(2))
    assert finding_of(copy, photo(name)).is_same


def test_different_photographs_are_not_the_same() -> None:
    names = sorted(PARTS)
    for one in names:
        for other in names:
            if one < other:
                finding = finding_of(PARTS[one], PARTS[other])
                assert not finding.is_same, (one, other)


@pytest.mark.parametrize("dress", [captioned, stickered, screenshot, framed])
def test_the_same_dress_does_not_make_photographs_the_same(dress: Callable[[np.ndarray], np.ndarray]) -> None:
    """A caption bar, sticker, page or frame that two photographs share matches point by point."""
    for one, other in (("china", "flower"), ("flower", "portrait"), ("portrait", "china")):
        first, second = (dress(resized(photo(name), 480, 400)) for name in (one, other))
        assert not finding_of(first, second).is_same
        assert finding_of(first, resized(photo(one), 480, 400)).is_same


def test_different_pages_of_text_are_not_the_same_and_one_in_two_sizes_is() -> None:
    pages = [page_of_text(seed) for seed in range(4)]
    for one in range(4):
        for other in range(one):
            assert not finding_of(pages[one], pages[other]).is_same
        assert finding_of(resized(pages[one], 360, 480), pages[one]).is_same


def test_different_graphics_are_not_the_same_and_one_in_two_sizes_is() -> None:
    graphics = [flat_graphic(seed) for seed in range(6)]
    for one in range(6):
        for other in range(one):
            assert not finding_of(graphics[one], graphics[other]).is_same
        assert finding_of(resized(graphics[one], 200, 200), graphics[one]).is_same


def test_plain_pictures_prove_nothing() -> None:
    blank = np.full((200, 300, 3), 240, np.uint8)
    assert finding_of(blank, blank - 5).what == OTHER
    assert finding_of(blank, photo("china")).what == OTHER


def test_two_parts_that_overlap_are_parts_of_the_same_and_each_lacks_something() -> None:
    china = photo("china")
    left, right = china[:, :420], china[:, 220:]
    finding = finding_of(left, right)
    assert finding.is_same
    assert all(0.1 < lacking < 0.6 for lacking in finding.lacking)


def test_a_part_lacks_nothing_of_the_whole_and_the_whole_much_of_it() -> None:
    china = photo("china")
    finding = finding_of(china[60:300, 200:520], china)
    assert finding.is_same
    assert finding.lacking[0] < 0.01 and finding.lacking[1] > 0.3


MATRICES = st.tuples(
    st.floats(-3, 3),
    st.floats(0.2, 2),
    st.floats(0.3, 2),
    st.booleans(),
    st.floats(-300, 300),
    st.floats(-300, 300),
)


@given(
    numbers=MATRICES, what=st.sampled_from([SAME, SCENE]), lacking=st.tuples(st.floats(0, 1), st.floats(0, 1))
)
def test_reversed_is_an_involution_and_the_inverse(
    numbers: Turned, what: str, lacking: tuple[float, float]
) -> None:
    angle, wide, tall, mirror, x, y = numbers
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([-wide if mirror else wide, tall])
    finding = Finding(what, tuple(map(kept, [*linear[0], x, *linear[1], y])), lacking)
    back = finding.reversed()
    assert (back.what, back.lacking) == (what, lacking[::-1])
    there_and_back = np.vstack([back.transform, [0, 0, 1]]) @ np.vstack([finding.transform, [0, 0, 1]])
    np.testing.assert_allclose(there_and_back, np.eye(3), atol=1e-5)
    again = back.reversed()
    np.testing.assert_allclose(again.transform, finding.transform, rtol=1e-6, atol=1e-5)
    assert again.lacking == lacking


def test_without_a_transform_reversed_changes_sides_alone() -> None:
    assert Finding(OTHER).reversed() == Finding(OTHER)


@pytest.mark.parametrize("kind", ["crop_50", "mirror", "quarter_turn", "border", "tilt", "squeeze"])
@pytest.mark.parametrize("name", PHOTOS)
def test_the_other_order_finds_the_inverse_transform(name: str, kind: str) -> None:
    copy, original = altered(photo(name), kind, np.random.default_rng(4)), photo(name)
    there, back = finding_of(copy, original), finding_of(original, copy).reversed()
    assert there.is_same and back.is_same
    height, width = sketch_of(copy).grey.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    off = np.linalg.norm(corners @ (there.transform - back.transform).T, axis=1)
    assert off.max() < 5.0  # of 256 pixels
    assert there.lacking == pytest.approx(back.lacking, abs=0.03)


def test_the_same_pictures_give_the_same_finding() -> None:
    one, other = altered(photo("china"), "crop_50", np.random.default_rng(1)), photo("china")
    first, _between, again = (
        finding_of(one, other),
        finding_of(other, photo("flower")),
        finding_of(one, other),
    )
    assert first == again


def test_by_way_of_a_third_two_small_parts_are_found_and_a_wrong_way_proves_nothing() -> None:
    china = photo("china")
    whole = sketch_of(china)
    left, right = sketch_of(china[50:330, 60:400]), sketch_of(china[100:380, 200:560])
    before, after = prove(left, whole), prove(whole, right)
    way = after.transform @ np.vstack([before.transform, [0, 0, 1]])
    near = prove_near(left, right, way)
    assert near.is_same
    direct = prove(left, right)
    assert direct.is_same
    np.testing.assert_allclose(near.transform, direct.transform, atol=2.0)
    for hint in (way + np.array([[0, 0, 90], [0, 0, -60]]), np.eye(3)[:2]):
        wrong = prove_near(left, right, hint)
        # Whatever it finds is no other place than the true one.
        assert not wrong.is_same or np.abs(wrong.transform - direct.transform).max() < 3.0
    assert not prove_near(left, sketch_of(photo("flower")), way).is_same
