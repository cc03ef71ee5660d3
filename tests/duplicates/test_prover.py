"""Proofs on demand: each is made once, and says the same in either order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from augnet_cli.duplicates.prover import Memory, Prover
from augnet_cli.geometry.proof import OTHER, SAME, SCENE
from augnet_cli.geometry.sketch import Size, Sketch
from augnet_cli.images.beyond import ALL, FRAMES, NOTHING, TRANSPARENCY

EARLY, LATE = "2020-01-01T10:00:00", "2020-01-01T10:00:01"


class Shown:
    """Pictures in memory; None is one that can't be read."""

    def __init__(self, pictures: Sequence[Image.Image | None], taken: Sequence[str | None] = ()) -> None:
        self.pictures, self.taken = pictures, taken or [None] * len(pictures)
        self.reads = Counter[int]()
        self.held: list[frozenset[str] | None] = []

    def read(self, row: int) -> Sketch | None:
        self.reads[row] += 1
        image = self.pictures[row]
        if image is None:
            return None
        small = image.resize(Size(*image.size).sketch, Image.Resampling.LANCZOS)
        return Sketch(np.asarray(small), *image.size, self.taken[row])

    def colours(self, row: int) -> np.ndarray | None:
        image = self.pictures[row]
        return None if image is None else np.asarray(image)

    def whole(self, row: int) -> np.ndarray | None:
        image = self.pictures[row]
        return None if image is None else np.asarray(image.convert("L"))

    def kind(self, row: int) -> str:
        return ".png"

    def beyond(self, row: int) -> frozenset[str] | None:
        self.reads[row] += 1
        return self.held[row]


@pytest.fixture
def pictures(sample_photos: dict[str, Image.Image]) -> list[Image.Image | None]:
    """A photograph, a smaller one of it, a part of it, another photograph, and one that is gone."""
    china, flower = sample_photos["china"], sample_photos["flower"]
    return [china, china.resize((320, 214)), china.crop((100, 60, 520, 380)), flower, None]


def test_findings_are_those_of_single_pairs_in_their_order(pictures: list[Image.Image | None]) -> None:
    pairs = [(0, 1), (0, 3), (2, 0), (1, 2), (3, 2), (0, 4)]
    with Prover(Shown(pictures), Memory(), 4) as prover:
        found = prover.findings(pairs)
        assert [each.what for each in found] == [SAME, OTHER, SAME, SAME, OTHER, OTHER]
    with Prover(Shown(pictures), Memory(), 1) as alone:
        assert [alone.finding(*pair) for pair in pairs] == found
        for one, other in pairs:
            assert alone.finding(other, one).what == alone.finding(one, other).what
            assert alone.finding(other, one).lacking == alone.finding(one, other).lacking[::-1]
        relation = alone.relation(2, 0)
        assert relation is not None and relation.second_framed is False
        assert alone.relation(0, 2) == relation.reversed() or alone.relation(0, 2).reversed() == relation


def test_what_is_known_is_neither_read_nor_proved_again(pictures: list[Image.Image | None]) -> None:
    known = Memory()
    with Prover(Shown(pictures), known, 2) as prover:
        first = prover.findings([(0, 1), (0, 2), (1, 3)])
        relation = prover.relation(0, 2)
        enlarged = prover.is_enlarged(0, 1)
        assert prover.new == known
    shown = Shown(pictures)
    with Prover(shown, known, 2) as again:
        assert again.findings([(0, 1), (0, 2), (1, 3)]) == first
        assert (again.relation(0, 2), again.is_enlarged(0, 1)) == (relation, enlarged)
        assert again.new == Memory()
    assert not shown.reads


def test_a_sketch_is_read_once_by_one_thread(pictures: list[Image.Image | None]) -> None:
    shown = Shown(pictures)
    with Prover(shown, Memory(), 1) as prover:
        prover.findings([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)])
    assert set(shown.reads.values()) == {1}


def test_who_holds_more_than_a_picture_goes_for_nobody_who_holds_less() -> None:
    shown, known = Shown([]), Memory()
    shown.held = [NOTHING, frozenset((TRANSPARENCY,)), frozenset((FRAMES,)), ALL, None]
    plain, clear, film, both, unknown = range(5)
    with Prover(shown, known, 1) as prover:
        more = {(row, other) for row in range(5) for other in range(5) if prover.holds_more(row, other)}
        assert more == {
            *((clear, other) for other in (plain, film, unknown)),
            *((row, other) for row in (film, both, unknown) for other in range(5)),
        }
        assert prover.new.beyond.keys() == {plain, clear, film, both}  # what is not known is asked again
    shown.reads.clear()
    with Prover(shown, known, 1) as again:
        assert not again.holds_more(plain, film) and again.holds_more(clear, plain) and not shown.reads


def test_photos_dated_differently_are_a_scene(pictures: list[Image.Image | None]) -> None:
    with Prover(Shown(pictures, [EARLY, LATE, EARLY, LATE, None]), Memory(), 1) as prover:
        assert [prover.finding(0, other).what for other in (1, 2, 3)] == [SCENE, SAME, OTHER]
        assert prover.is_scene(1, 0) and not prover.is_scene(0, 2) and not prover.is_scene(0, 3)
        asked = np.array([[1, 0], [0, 1], [0, 2], [0, 3]])
        assert prover.scenes(asked[:, 0], asked[:, 1]).tolist() == [True, True, False, False]


def test_identical_pixels_are_told_from_nearly_identical_ones(sample_photos: dict[str, Image.Image]) -> None:
    china = sample_photos["china"]
    nearly = china.copy()
    nearly.putpixel((9, 9), (1, 2, 3))
    with Prover(Shown([china, china.copy(), nearly]), Memory(), 1) as prover:
        same, other = prover.relation(0, 1), prover.relation(0, 2)
        assert same is not None and other is not None
        assert (same.identical, other.identical) == (True, False)


def test_by_way_of_a_third_is_as_direct_and_another_picture_is_no_way(
    pictures: list[Image.Image | None],
) -> None:
    with Prover(Shown(pictures), Memory(), 1) as prover:
        direct, around = prover.finding(1, 2), prover.finding(1, 2, stone=0)
        assert around.is_same
        np.testing.assert_allclose(around.transform, direct.transform, atol=2.5)
        assert not prover.finding(1, 2, stone=3).is_same
        assert not prover.finding(0, 3, stone=1).is_same
