"""Whether a picture was put upon something, or cut out of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from geometry_examples import PHOTOS, framed, page_of_text, photo, relation_of, resized, screenshot

from augnet_cli.geometry.seams import is_framed
from augnet_cli.images.changes import altered


def slowly_framed(inner: np.ndarray, outer: np.ndarray, matrix: np.ndarray) -> bool | None:
    """`is_framed`, a side and a place at a time."""
    (height, width), step = inner.shape, 3 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    margins, seams = [], []
    for side in range(4):
        length = width if side < 2 else height
        levels = []
        for place in (np.arange(64) + 0.5) / 64:

            def level(distance: float, side: int = side, place: float = place) -> tuple[float, bool]:
                out = -0.5 - distance if side % 2 == 0 else (width, height)[side // 2] - 0.5 + distance
                along = place * (height if side < 2 else width) - 0.5
                x, y = matrix @ ((out, along, 1) if side < 2 else (along, out, 1))
                column, row = round(x), round(y)
                nearest = min(max(row, 0), outer.shape[0] - 1), min(max(column, 0), outer.shape[1] - 1)
                return float(outer[nearest]), nearest == (row, column)

            far, exists = level(max(0.015 * length, step))
            if exists:
                levels.append([far, *(level(distance)[0] for distance in (step, -step, -3 * step))])
        if len(levels) < 0.8 * 64:
            continue
        far, out, inside, deeper = np.array(levels).T
        margins.append(np.concatenate([far, out]))
        across, within = np.abs(out - inside).mean(), np.abs(inside - deeper).mean()
        seams.append(bool(margins[-1].std() < 2 or across > max(6, 2 * within)))
    if not margins:
        return None
    return bool(np.concatenate(margins).std() < 2) or sum(seams) * 2 > len(seams)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("seed", range(25))
def test_seams_are_those_of_a_slow_look_at_every_place(name: str, seed: int) -> None:
    """Of a picture put somewhere upon another one, turned and cut off as it may be, or cut out of it."""
    rng = np.random.default_rng(seed)
    inner, ground = grey(small(name)), grey(resized(photo(PHOTOS[seed % 3]), 192, 150))
    angle, scale = rng.normal(0, 0.05), rng.uniform(0.4, 1.0)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if seed % 5 == 4:
        turn = turn @ np.array([[0, -1], [1, 0]])
    middle = np.array([(inner.shape[1] - 1) / 2, (inner.shape[0] - 1) / 2])
    matrix = np.hstack([turn, (rng.uniform((60, 50), (130, 100)) - turn @ middle)[:, None]])
    outer = ground.copy()
    if seed % 2:
        size = (ground.shape[1], ground.shape[0])
        cv2.warpAffine(inner, matrix, size, outer, borderMode=cv2.BORDER_TRANSPARENT)
    assert is_framed(inner, outer, matrix) is slowly_framed(inner, outer, matrix)


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(pixels).mean(axis=2).astype(np.uint8)


def shifted(left: float, top: float, scale: float = 1.0) -> np.ndarray:
    return np.array([[scale, 0, left], [0, scale, top]])


def small(name: str) -> np.ndarray:
    return resized(photo(name), 220, 160)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 30, 60)])
def test_a_frame_of_one_colour_is_a_frame(name: str, colour: tuple[int, int, int]) -> None:
    inner = small(name)
    outer = framed(inner, 20, colour)
    assert is_framed(grey(inner), grey(outer), shifted(20, 20)) is True
    assert is_framed(grey(outer), grey(inner), shifted(-20, -20)) is None


@pytest.mark.parametrize("name", PHOTOS)
def test_bars_on_two_sides_are_a_frame(name: str) -> None:
    inner = small(name)
    for bars, matrix in (
        (((24, 24), (0, 0), (0, 0)), shifted(0, 24)),
        (((0, 0), (24, 24), (0, 0)), shifted(24, 0)),
    ):
        assert is_framed(grey(inner), grey(np.pad(inner, bars)), matrix) is True


@pytest.mark.parametrize("name", PHOTOS)
def test_a_picture_on_a_page_of_text_or_on_another_photograph_is_framed(name: str) -> None:
    inner = small(name)
    assert is_framed(grey(inner), grey(screenshot(inner)), shifted(110, 180)) is True
    for other in PHOTOS:
        if other != name:
            ground = resized(photo(other), 400, 300).copy()
            ground[60:220, 90:310] = inner
            assert is_framed(grey(inner), grey(ground), shifted(90, 60)) is True


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("seed", range(4))
def test_a_part_cut_out_of_a_photograph_is_not_framed(name: str, seed: int) -> None:
    whole = resized(photo(name), 256, 192)
    rng = np.random.default_rng(seed)
    top, left = rng.integers(5, 60, 2).tolist()
    part = whole[top : top + 110, left : left + 150]
    assert is_framed(grey(part), grey(whole), shifted(left, top)) is False


def test_a_part_cut_at_one_side_alone_is_seldom_framed() -> None:
    """Only where the cut runs along an edge of the picture, which looks as a seam does."""
    found = []
    for name in PHOTOS:
        whole = grey(resized(photo(name), 256, 192))
        for cut in range(8, 80, 6):
            found.append(is_framed(whole[:, cut:], whole, shifted(cut, 0)))
            found.append(is_framed(whole[: 192 - cut], whole, shifted(0, 0)))
    assert len(found) == 72 and None not in found
    assert found.count(True) <= 7


@pytest.mark.parametrize("name", PHOTOS)
def test_where_both_end_together_there_is_nothing_around(name: str) -> None:
    picture = grey(small(name))
    assert is_framed(picture, picture, shifted(0, 0)) is None


def test_what_was_trimmed_of_plain_margins_was_framed() -> None:
    """The page with its margins shows the trimmed one with one colour alone around."""
    page = np.full((240, 200, 3), 252, np.uint8)
    page[40:200, 30:170] = resized(page_of_text(1), 140, 160)
    assert is_framed(grey(page[40:200, 30:170]), grey(page), shifted(30, 40)) is True


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("border", (True, None)), ("page", (True, None)), ("crop_50", (None, False)), ("jpeg_10", (None, None))],
)
def test_relations_know_who_is_framed(
    name: str, kind: str, expected: tuple[bool | None, bool | None]
) -> None:
    copy = altered(photo(name), kind, np.random.default_rng(1))
    relation = relation_of(copy, photo(name))
    assert (relation.first_framed, relation.second_framed) == expected
    back = relation.reversed()
    assert (back.second_framed, back.first_framed) == expected
