"""Which images may be a pair: sides, twins on two sides, and what groups make of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from augnet_cli.duplicates.candidates import MOST, NEAREST, RADIUS, candidates
from augnet_cli.duplicates.crossing import nearest_across
from augnet_cli.duplicates.groups import group
from augnet_cli.duplicates.keep import DEFAULT_RULES, REFERENCE, Rule, parse_rules
from augnet_cli.duplicates.prover import DIRECT, Pair
from augnet_cli.duplicates.scope import WHOLE, Rows, Scope, directory_of, is_below, side_of
from augnet_cli.duplicates.twins import NO_DIFFERENCE, SAME_BYTES, Twins
from augnet_cli.errors import UsageError
from augnet_cli.geometry.derivation import covers, derivation
from augnet_cli.geometry.proof import OTHER, Finding
from augnet_cli.geometry.relation import Relation
from augnet_cli.records import ImageRecord, Pairs

REFERENCES = Scope(fixed=frozenset(["right"]))
ACROSS, WITHIN = Scope(inside=False), Scope(across=False)
SCOPES = (WHOLE, REFERENCES, ACROSS, WITHIN)


@st.composite
def searches(draw: st.DrawFn) -> Rows:
    """Contents that lie on one side or on several."""
    keys = draw(
        st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(("", "left", "right"))), min_size=1)
    )
    contents, sides = zip(*sorted(keys), strict=True)
    return Rows(contents, sides, draw(st.sampled_from(SCOPES)))


def unit_rows(rows: Rows, seed: int = 0) -> np.ndarray:
    """One row a content, so that twins are equal."""
    made = np.random.default_rng(seed).standard_normal((len(set(rows.contents)), 6)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made[list(rows.numbers)]


@pytest.mark.parametrize(
    ("scope", "one", "other", "may"),
    [
        (WHOLE, "", "", True),
        (WHOLE, "left", "right", True),
        (REFERENCES, "left", "left", True),
        (REFERENCES, "left", "right", True),
        (REFERENCES, "right", "right", False),
        (ACROSS, "left", "left", False),
        (ACROSS, "left", "right", True),
        (WITHIN, "left", "left", True),
        (WITHIN, "left", "right", False),
        (Scope(inside=False, fixed=frozenset(["right"])), "right", "left", True),
    ],
)
def test_what_may_be_a_pair(scope: Scope, one: str, other: str, may: bool) -> None:
    assert scope.may_pair(one, other) is scope.may_pair(other, one) is may


@given(searches())
def test_blocks_hold_each_pair_that_may_be_and_no_other(rows: Rows) -> None:
    met = [(row, other) for own, among in rows.blocks() for row in own.tolist() for other in among.tolist()]
    count = range(len(rows.contents))
    assert sorted(met) == [(one, other) for one in count for other in count if rows.may_pair(one, other)]


@given(searches())
def test_contents_are_counted_in_order_and_twins_are_seen(rows: Rows) -> None:
    known = sorted(set(rows.contents))
    assert [known[number] for number in rows.numbers] == list(rows.contents)
    assert rows.have_twins == (len(known) < len(rows.contents))
    assert rows.fixed == {row for row, side in enumerate(rows.sides) if side in rows.scope.fixed}


@given(searches(), st.integers(0, 3))
def test_candidates_are_the_nearest_of_those_that_may_be_a_pair(rows: Rows, seed: int) -> None:
    assume(len(rows.contents) <= min(NEAREST, MOST))  # few enough for each to be a candidate
    embeddings = unit_rows(rows, seed)
    found = candidates(embeddings, blocks=rows.blocks()).pairs
    assert np.isfinite(found.distance).all()
    count = range(len(rows.contents))
    expected = [(one, other) for one in count for other in count if one < other and rows.may_pair(one, other)]
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
    apart = 1 - (embeddings[found.left].astype(np.float64) * embeddings[found.right]).sum(axis=1)
    np.testing.assert_allclose(found.distance, apart, atol=1e-5)


def test_near_images_of_its_own_side_do_not_crowd_out_a_copy_on_the_other() -> None:
    """A hundred frames of a film in the one folder, a copy of one of them in the other."""
    rng = np.random.default_rng(0)
    film = np.eye(8, dtype=np.float32)[0] + 0.01 * rng.standard_normal((100, 8)).astype(np.float32)
    copy = np.eye(8, dtype=np.float32)[:1] + 0.5 * np.eye(8, dtype=np.float32)[1:2]
    embeddings = np.concatenate([film, copy])
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = Rows(tuple(f"{row:03}" for row in range(101)), ("left",) * 100 + ("right",), ACROSS)
    distance = 1 - embeddings[:100] @ embeddings[100]
    assert (distance < RADIUS).all()
    pairs = candidates(embeddings, blocks=rows.blocks()).pairs
    assert {*pairs.left.tolist()} == {*range(100)} and {*pairs.right.tolist()} == {100}
    assert np.count_nonzero(candidates(embeddings).pairs.right == 100) <= MOST  # among all it has rivals


def images_of(rows: Rows, copies: Sequence[int]) -> tuple[list[ImageRecord], np.ndarray]:
    """Files of each row, in a folder named after its side, of which the reference is one."""
    images, of_rows = [], []
    for row, (content, side) in enumerate(zip(rows.contents, rows.sides, strict=True)):
        for copy in range(copies[row % len(copies)]):
            path = f"{side}/{content}{copy}.png" if side else f"{content}{copy}.png"
            images.append(ImageRecord(path, content, 100 + ord(content), 100, 1000, 0, None))
            of_rows.append(row)
    return images, np.array(of_rows, np.int64)


@settings(max_examples=200)
@given(
    searches(),
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7))),
    st.randoms(),
)
def test_groups_keep_to_their_scope_whatever_the_order(rows, copies, like, random) -> None:
    """Each redundant image has a kept witness that it may be a pair with; references never go."""
    count = range(len(rows.contents))
    numbers = rows.numbers
    near = [
        (one, other)
        for one in count
        for other in count
        if one < other
        and rows.may_pair(one, other)
        and (numbers[one] == numbers[other] or (one, other) in like)
    ]
    left, right = (np.array([pair[side] for pair in near], np.int64) for side in (0, 1))
    apart = [0.0 if numbers[one] == numbers[other] else 0.1 for one, other in near]
    pairs = Pairs(left, right, np.array(apart, np.float32))
    images, of_rows = images_of(rows, copies)
    rules = (Rule(REFERENCE, ("right",)), *DEFAULT_RULES) if rows.fixed else DEFAULT_RULES
    groups = group(images, of_rows, pairs, rules=rules, may_be_copies=rows.may_be_copies)

    row_of = {image.path: row for image, row in zip(images, of_rows.tolist(), strict=True)}
    gone = {image.path for found in groups for image in found.redundant}
    for found in groups:
        assert found.kept.path not in gone
        for image in found.redundant:
            one, other = row_of[image.path], row_of[image.witness]
            assert image.witness == found.kept.path and rows.may_pair(one, other) and one not in rows.fixed
            same = rows.contents[one] == rows.contents[other]
            assert (image.verdict == ("identical-bytes",)) is image.verified is same
            if other in rows.fixed:
                assert found.kept.reason == "reference"
    # Nothing that may go for an image that stays is left.
    for image in images:
        if image.path not in gone:
            stays = [other for other in images if other.path not in gone and other.path != image.path]
            twins = [other for other in stays if other.content_hash == image.content_hash]
            assert not any(rows.may_pair(row_of[image.path], row_of[twin.path]) for twin in twins)

    mixed = list(range(len(images)))
    random.shuffle(mixed)
    others = [images[place] for place in mixed]
    assert groups == group(others, of_rows[mixed], pairs, rules=rules, may_be_copies=rows.may_be_copies)


class Contents:
    """A prover of contents that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def findings(self, pairs: Sequence[Pair]) -> list[Finding]:
        return [self.finding(*pair) for pair in pairs]

    def finding(self, one: int, other: int, stone: int = DIRECT) -> Finding:
        assert one != other and stone not in (one, other), "a content needs no proof with itself"
        self.asked.append((one, other, stone))
        return Finding(OTHER)

    def relation(self, one: int, other: int, stone: int = DIRECT) -> Relation | None:
        self.finding(one, other, stone)
        return None

    def each(self, work, sets) -> None:
        for rows in sets:
            work(rows)

    def is_enlarged(self, large: int, small: int) -> bool:
        return self.finding(large, small).is_same

    def holds_more(self, row: int, other: int) -> bool:
        return self.finding(row, other).is_same

    def is_scene(self, one: int, other: int) -> bool:
        return self.finding(one, other).is_same

    def scenes(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.array(
            [self.is_scene(*pair) for pair in zip(left.tolist(), right.tolist(), strict=True)], bool
        )


def test_twins_are_the_same_picture_without_a_proof_and_contents_are_proved_once() -> None:
    contents = Contents()
    twins = Twins(contents, (0, 0, 1, 1, 2))  # two contents on two sides, one on one
    assert twins.findings([(0, 1), (0, 3), (1, 2), (2, 3)]) == [SAME_BYTES, *[Finding(OTHER)] * 2, SAME_BYTES]
    assert {asked[:2] for asked in contents.asked} == {(0, 1)}
    assert twins.relation(1, 0) is NO_DIFFERENCE and twins.relation(1, 4) is None
    assert not twins.is_enlarged(0, 1) and not twins.is_scene(2, 3) and not twins.holds_more(0, 1)
    assert not twins.scenes(np.array([0, 2]), np.array([1, 3])).any()
    contents.asked.clear()
    twins.finding(0, 2, stone=1)  # its own twin is no third picture
    twins.finding(0, 2, stone=4)
    assert contents.asked == [(0, 1, DIRECT), (0, 1, 2)]
    assert covers(NO_DIFFERENCE) and derivation(NO_DIFFERENCE) == 0
    assert NO_DIFFERENCE.reversed().finding.transform.ravel().tolist() == [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("path", "folder", "below"),
    [
        ("best/a.jpg", "best", True),
        ("bestof/a.jpg", "best", False),
        ("x/best/a.jpg", "best", False),
        ("a.jpg", "", True),
        ("/library/a.jpg", "", False),
        ("/library/x/a.jpg", "/library", True),
        ("library/a.jpg", "/library", False),
        ("/a.jpg", "/", True),
        ("C:/library/a.jpg", "", False),
    ],
)
def test_what_lies_below_a_folder(path: str, folder: str, below: bool) -> None:
    assert is_below(path, folder) is below
    assert side_of(path, [(folder, "side")]) == ("side" if below else None)


def test_the_first_folder_that_an_image_is_below_is_its_side() -> None:
    folders = [("a/b", "inner"), ("a", "outer"), ("", "rest")]
    paths = ("a/b/x.png", "a/x.png", "x.png", "/elsewhere/x.png")
    assert [side_of(path, folders) for path in paths] == ["inner", "outer", "rest", None]
    assert [directory_of(path) for path in paths] == ["a/b", "a", "", "/elsewhere"]


def test_a_reference_is_no_rule_to_be_typed() -> None:
    with pytest.raises(UsageError):
        parse_rules("reference,resolution")


@given(searches().filter(lambda rows: rows.scope is ACROSS), st.integers(0, 3))
def test_each_image_has_its_nearest_on_each_other_side(rows: Rows, seed: int) -> None:
    embeddings = unit_rows(rows, seed)
    pairs = candidates(embeddings, blocks=rows.blocks()).pairs
    found = dict(nearest_across(pairs, rows))
    distance = dict(
        zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), pairs.distance.tolist(), strict=True)
    )
    for row, own in enumerate(rows.sides):
        for side in set(rows.sides) - {own}:
            others = [other for other, of_other in enumerate(rows.sides) if of_other == side]
            least = min(distance[min(row, other), max(row, other)] for other in others)
            mine = [found.get((min(row, other), max(row, other))) for other in others]
            assert least in mine
    assert all(distance[pair] == apart for pair, apart in found.items())
