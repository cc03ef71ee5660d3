"""Which image stays, and the words that say why."""

from __future__ import annotations

import random

import pytest

from augnet_cli.duplicates.keep import keep_order, keep_reason
from augnet_cli.records import ImageRecord


def image(path: str, width: int = 40, height: int = 30, size_bytes: int = 1000) -> ImageRecord:
    return ImageRecord(path, f"hash of {path}", width, height, size_bytes, 0, None)


def test_order_is_pixels_then_bytes_then_path() -> None:
    best_first = [
        image("z.jpg", 1200, 900, 10),
        image("y.jpg", 900, 1200, 9),
        image("x.jpg", 800, 600, 345_678),
        image("a.jpg", 800, 600, 345_677),
        image("b.jpg", 800, 600, 345_677),
        image("a/a.jpg", 10, 10, 999_999_999),
    ]
    shuffled = random.Random(0).sample(best_first, len(best_first))

    assert [shuffled[position] for position in keep_order(shuffled)] == best_first


def test_pixels_are_an_area_not_a_width() -> None:
    wide, tall = image("wide.jpg", 1000, 10), image("tall.jpg", 101, 100)

    assert keep_order([wide, tall]) == [1, 0]


def test_paths_compare_as_bytes_not_as_text() -> None:
    """The byte 0x80 comes before the bytes of any letter beyond ASCII; its surrogate escape comes after."""
    invalid, letter = image("\udc80.jpg"), image("é.jpg")
    assert invalid.path > letter.path

    assert keep_order([letter, invalid]) == [1, 0]


@pytest.mark.parametrize(
    ("kept", "others", "reason"),
    [
        (image("a", 1200, 900), [image("b", 640, 480)], "most pixels (1200 x 900)"),
        (image("b", 40, 30, 345_678), [image("a", 40, 30, 345_677)], "most bytes (345,678)"),
        (image("a"), [image("b")], "first path"),
        (image("a", 30, 40), [image("b", 40, 30)], "first path"),
    ],
)
def test_reason_names_the_rule_that_decided(
    kept: ImageRecord, others: list[ImageRecord], reason: str
) -> None:
    assert keep_reason(kept, others) == reason


def test_reason_is_what_decided_against_the_next_best() -> None:
    """Against the thumbnail the pixels decided, but the copy of equal size lost by its bytes."""
    kept = image("a.jpg", 1200, 900, 5000)
    others = [image("thumbnail.jpg", 120, 90, 90), image("recompressed.jpg", 1200, 900, 4000)]

    assert keep_reason(kept, others) == "most bytes (5,000)"
    assert keep_reason(kept, others[::-1]) == "most bytes (5,000)"
