"""Stars, never chains: examples, a slow reference, and the properties that keep photos safe."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.duplicates.groups import group
from augnet_cli.duplicates.keep import parse_rules
from augnet_cli.records import Group, ImageRecord, Kept, Pairs, Redundant

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DISTANCES = tuple(np.array([0.0, 0.05, 0.1, 0.15, 0.2], np.float32).tolist())


@dataclass(frozen=True)
class Folder:
    """Images, the content row of each, and pairs of rows: {(left, right): distance}."""

    images: tuple[ImageRecord, ...]
    rows: tuple[int, ...]
    pairs: dict[tuple[int, int], float]

    def groups(self, threshold: float | None = None) -> tuple[Group, ...]:
        content_rows = np.array(self.rows, np.int64)
        pairs = pairs_record(self.pairs)
        if threshold is None:
            return group(self.images, content_rows, pairs)
        return group(self.images, content_rows, pairs, threshold)

    def distance(self, one: int, other: int) -> float | None:
        """0 for the same row; None where two rows are no pair."""
        return 0.0 if one == other else self.pairs.get((min(one, other), max(one, other)))


def pairs_record(pairs: dict[tuple[int, int], float]) -> Pairs:
    left = np.array([left for left, _ in pairs], np.int64)
    right = np.array([right for _, right in pairs], np.int64)
    return Pairs(left, right, np.array(list(pairs.values()), np.float32))


def image(path: str, content: int, pixels: int = 100, size_bytes: int = 1000) -> ImageRecord:
    return ImageRecord(path, f"hash {content}", pixels, 1, size_bytes, 0, None)


def folder(images: list[ImageRecord], pairs: dict[tuple[int, int], float]) -> Folder:
    return Folder(tuple(images), tuple(int(one.content_hash.split()[1]) for one in images), pairs)


@st.composite
def folders(draw: st.DrawFn) -> Folder:
    """Small folders with many ties, copies of one file, odd names and any set of pairs."""
    contents = draw(st.integers(1, 7))
    looks = [(draw(st.integers(1, 3)), draw(st.integers(1, 2))) for _ in range(contents)]
    copies = [draw(st.integers(1, 3)) for _ in range(contents)]
    names = draw(
        st.lists(
            st.binary(min_size=1, max_size=3).filter(lambda name: not set(name) & {0, 47}),
            min_size=sum(copies),
            max_size=sum(copies),
            unique=True,
        )
    )
    rows = [row for row in range(contents) for _ in range(copies[row])]
    images = [image(os.fsdecode(name), row, *looks[row]) for name, row in zip(names, rows, strict=True)]
    possible = [(left, right) for left in range(contents) for right in range(left + 1, contents)]
    pairs = {pair: draw(st.sampled_from(DISTANCES)) for pair in possible if draw(st.booleans())}
    return folder(images, pairs)


def reference_groups(folder: Folder, threshold: float) -> dict[str, dict[str, tuple[float, str]]]:
    """The rule as it is told, one image at a time: {kept path: {redundant path: (distance, verdict)}}."""

    def worth(position: int) -> tuple[int, int, int, bytes]:
        one = folder.images[position]
        return (
            one.width * one.height,
            one.size_bytes,
            -len(one.path),  # none has a folder
            bytes(255 - byte for byte in os.fsencode(one.path)) + b"\xff",
        )

    kept: list[int] = []
    witness_of_content: dict[int, int] = {}
    groups: dict[str, dict[str, tuple[float, str]]] = {}
    for position in sorted(range(len(folder.images)), key=worth, reverse=True):
        content = folder.rows[position]
        if content not in witness_of_content:
            best = None
            for candidate in kept:
                distance = folder.distance(content, folder.rows[candidate])
                if distance is not None and distance <= threshold and (best is None or distance < best[0]):
                    best = (distance, candidate)
            if best is None:
                kept.append(position)
                witness_of_content[content] = position
                continue
            witness_of_content[content] = best[1]
        witness = witness_of_content[content]
        distance = folder.distance(content, folder.rows[witness])
        assert distance is not None
        verdict = "identical-bytes" if content == folder.rows[witness] else "near"
        groups.setdefault(folder.images[witness].path, {})[folder.images[position].path] = (distance, verdict)
    return groups


@calm
@given(folders(), st.sampled_from(DISTANCES))
def test_groups_equal_those_of_a_slow_reference(folder: Folder, threshold: float) -> None:
    found = {
        one.kept.path: {image.path: (image.distance, *image.verdict) for image in one.redundant}
        for one in folder.groups(threshold)
    }

    assert found == reference_groups(folder, threshold)


@calm
@given(folders(), st.sampled_from(DISTANCES))
def test_every_redundant_image_has_a_kept_witness_that_is_its_pair(folder: Folder, threshold: float) -> None:
    row_of = {one.path: row for one, row in zip(folder.images, folder.rows, strict=True)}
    groups = folder.groups(threshold)
    kept = {one.kept.path for one in groups}
    redundant = [image for one in groups for image in one.redundant]

    for found in redundant:
        distance = folder.distance(row_of[found.path], row_of[found.witness])
        same_bytes = row_of[found.path] == row_of[found.witness]
        assert found.witness in kept
        assert found.path != found.witness
        assert distance is not None
        assert found.distance == distance <= threshold
        assert found.verified == same_bytes
        assert found.verdict == (("identical-bytes",) if same_bytes else ("near",))


@calm
@given(folders())
def test_kept_redundant_and_single_images_split_the_folder(folder: Folder) -> None:
    groups = folder.groups()
    kept = [one.kept.path for one in groups]
    redundant = [image.path for one in groups for image in one.redundant]
    single = {one.path for one in folder.images} - set(kept) - set(redundant)

    assert len(kept) + len(redundant) + len(single) == len(folder.images)
    assert all(one.redundant for one in groups)


@calm
@given(folders())
def test_no_two_images_that_stay_are_a_pair(folder: Folder) -> None:
    redundant = {image.path for one in folder.groups() for image in one.redundant}
    stay = [row for one, row in zip(folder.images, folder.rows, strict=True) if one.path not in redundant]

    assert len(stay) == len(set(stay))
    assert not [pair for pair in folder.pairs if set(pair) <= set(stay)]


@calm
@given(folders(), st.randoms(use_true_random=False))
def test_order_of_images_rows_and_pairs_changes_nothing(folder: Folder, random) -> None:
    images = list(range(len(folder.images)))
    new_row = list(range(max(folder.rows) + 1))
    pairs = list(folder.pairs.items())
    for order in (images, new_row, pairs):
        random.shuffle(order)
    renamed = {
        (min(new_row[left], new_row[right]), max(new_row[left], new_row[right])): distance
        for (left, right), distance in pairs
    }
    permuted = Folder(
        tuple(folder.images[position] for position in images),
        tuple(new_row[folder.rows[position]] for position in images),
        renamed,
    )

    assert permuted.groups() == folder.groups()


@calm
@given(folders(), st.sampled_from(DISTANCES))
def test_a_stricter_threshold_needs_no_second_search(folder: Folder, threshold: float) -> None:
    found_at_threshold = {pair: far for pair, far in folder.pairs.items() if far <= threshold}

    assert folder.groups(threshold) == replace(folder, pairs=found_at_threshold).groups()


@calm
@given(folders())
def test_groups_are_by_kept_path_and_redundant_by_distance_then_path(folder: Folder) -> None:
    groups = folder.groups()

    kept = [os.fsencode(one.kept.path) for one in groups]
    assert kept == sorted(kept)
    for one in groups:
        keys = [(image.distance, os.fsencode(image.path)) for image in one.redundant]
        assert keys == sorted(keys)


def test_a_group_in_full() -> None:
    photos = folder(
        [
            image("holiday/beach.jpg", 0, 1_080_000, 345_678),
            image("copy of beach.jpg", 0, 1_080_000, 345_678),
            image("beach-small.jpg", 1, 30_000),
            image("beach-small-again.jpg", 1, 30_000),
            image("cat.jpg", 2),
        ],
        {(0, 1): 0.125},
    )

    expected = Group(
        Kept("copy of beach.jpg", "shortest path"),
        (
            Redundant("holiday/beach.jpg", 0.0, "copy of beach.jpg", True, ("identical-bytes",)),
            Redundant("beach-small-again.jpg", 0.125, "copy of beach.jpg", False, ("near",)),
            Redundant("beach-small.jpg", 0.125, "copy of beach.jpg", False, ("near",)),
        ),
    )
    assert photos.groups() == (expected,)


def test_a_chain_is_cut_where_the_witness_would_be_redundant() -> None:
    """a ~ b and b ~ c, but a is unlike c: only b resembles c, and b goes, so c stays."""
    chain = folder([image("a", 0, 300), image("b", 1, 200), image("c", 2, 100)], {(0, 1): 0.1, (1, 2): 0.1})

    (only,) = chain.groups()
    assert only.kept.path == "a"
    assert [one.path for one in only.redundant] == ["b"]


def test_the_nearest_kept_image_is_the_witness() -> None:
    between = folder([image("a", 0, 300), image("b", 1, 200), image("c", 2, 100)], {(0, 2): 0.2, (1, 2): 0.1})

    (only,) = between.groups()
    assert (only.kept.path, only.redundant[0].path, only.redundant[0].distance) == (
        "b",
        "c",
        pytest.approx(0.1),
    )


def test_a_witness_is_never_worth_less_than_what_it_justifies() -> None:
    """The thumbnail stays (it is no pair with a) and is nearer to b, but b would go for fewer pixels."""
    images = [image("a", 0, 300), image("b", 1, 200), image("thumbnail", 2, 100)]
    photos = folder(images, {(0, 1): 0.2, (1, 2): 0.01})

    (only,) = photos.groups()
    assert only.kept.path == "a"
    assert [one.path for one in only.redundant] == ["b"]


def test_copies_of_one_file_share_a_witness_even_among_ties() -> None:
    """k comes between the two copies in keep order and is nearer to them than a; both still follow a."""
    images = [image("a", 0), image("copy 1", 1), image("k copy", 2), image("z copy 2", 1)]
    photos = folder(images, {(0, 1): 0.2, (1, 2): 0.1})

    (only,) = photos.groups()
    assert only.kept.path == "a"
    assert [one.path for one in only.redundant] == ["copy 1", "z copy 2"]


def test_of_identical_files_the_one_that_rules_prefer_stays_and_speaks_for_all() -> None:
    """The small picture has one file in `originals`; so it stays, and both files of the large one go."""
    images = [
        image("large.jpg", 0, 300),
        image("large copy.jpg", 0, 300),
        image("small.jpg", 1, 100),
        image("originals/s.jpg", 1, 100),
    ]
    pairs = pairs_record({(0, 1): 0.1})
    content_rows = np.array([0, 0, 1, 1], np.int64)

    (only,) = group(images, content_rows, pairs, rules=parse_rules("folder:originals,resolution"))

    assert only.kept == Kept("originals/s.jpg", "folder originals")
    assert [(one.path, one.verdict) for one in only.redundant] == [
        ("small.jpg", ("identical-bytes",)),
        ("large copy.jpg", ("near",)),
        ("large.jpg", ("near",)),
    ]
    (only,) = group(images, content_rows, pairs, rules=parse_rules("resolution,folder:originals"))
    assert only.kept == Kept("large copy.jpg", "first path")


def test_levels_are_those_of_the_images_in_their_order() -> None:
    images = [image("frame", 0, 300), image("photo", 1, 200), image("thumbnail", 2, 100)]
    pairs = pairs_record({(0, 1): 0.1, (1, 2): 0.1, (0, 2): 0.1})
    rows = np.arange(3)

    (only,) = group(images, rows, pairs, levels=[1, 0, 0])
    assert only.kept == Kept("photo", "most pixels (200 x 1)")
    (only,) = group(images, rows, pairs, levels=[2, 0, 1])
    assert only.kept == Kept("photo", "unedited")
    (only,) = group(images, rows, pairs, rules=parse_rules("resolution,unedited"), levels=[2, 0, 1])
    assert only.kept == Kept("frame", "most pixels (300 x 1)")


def test_equally_near_witnesses_are_settled_by_keep_order() -> None:
    images = [image("z", 0, 300), image("a", 1, 200), image("c", 2, 100)]
    photos = folder(images, {(0, 2): 0.1, (1, 2): 0.1})

    assert [one.kept.path for one in photos.groups()] == ["z"]


def test_the_threshold_is_inclusive_in_float32() -> None:
    """0.1 as float32 is a little more than 0.1; the user's 0.1 still takes it in."""
    two = folder([image("a", 0), image("b", 1)], {(0, 1): 0.1})

    assert len(two.groups(0.1)) == 1
    assert two.groups(0.0999) == ()


def test_a_distance_of_zero_between_different_bytes_is_near_not_identical() -> None:
    two = folder([image("a", 0), image("b", 1)], {(0, 1): 0.0})

    assert two.groups()[0].redundant == (Redundant("b", 0.0, "a", False, ("near",)),)


def test_a_row_paired_with_itself_never_loses_its_only_image() -> None:
    one = folder([image("a", 0)], {(0, 0): 0.0})

    assert one.groups() == ()


def test_a_distance_that_is_no_number_is_no_pair() -> None:
    two = folder([image("a", 0), image("b", 1)], {(0, 1): float("nan")})

    assert two.groups() == ()


def test_pairs_with_a_content_that_no_image_has_are_ignored() -> None:
    two = folder([image("a", 0), image("b", 2)], {(0, 1): 0.1, (1, 2): 0.1, (1, 9): 0.0})

    assert two.groups() == ()


def test_a_content_that_no_image_has_hides_no_real_pair() -> None:
    """Row 1 is nearer to b than a is, but no image shows it, so a is still the witness."""
    two = folder([image("a", 0), image("b", 2)], {(0, 2): 0.1, (1, 2): 0.05})

    assert [one.redundant[0].path for one in two.groups()] == ["b"]


def test_groups_are_ordered_by_the_bytes_of_kept_paths() -> None:
    """As text the surrogate escape of byte 0x80 comes after the letter, as bytes before it."""
    images = [image("é", 0), image("éé", 0), image("\udc80", 1), image("\udc80\udc80", 1)]

    assert [one.kept.path for one in folder(images, {}).groups()] == ["\udc80", "é"]


def test_an_empty_folder_has_no_groups() -> None:
    assert folder([], {}).groups() == ()


def test_many_images_around_one_picture_are_one_group() -> None:
    """A dense block: every image is a pair with every other; nothing is cut off."""
    size = 1200
    left, right = np.triu_indices(size, k=1)
    pairs = Pairs(left.astype(np.int64), right.astype(np.int64), np.full(len(left), 0.1, np.float32))
    images = [image(f"{number:05}", number) for number in range(size)]

    (only,) = group(images, np.arange(size), pairs)
    assert only.kept == Kept("00000", "first path")
    assert [one.path for one in only.redundant] == [f"{number:05}" for number in range(1, size)]
