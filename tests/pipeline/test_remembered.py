"""Candidates are found once for the same contents, and whatever is wrong with their file, rightly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from augnet_cli.duplicates.candidates import Candidates, candidates
from augnet_cli.pipeline import remembered
from augnet_cli.pipeline.remembered import FILE, Remembering
from augnet_cli.store.columns import Contents
from augnet_cli.store.place import Place, place_for

ROWS = 60


def unit_rows(seed: int, count: int = ROWS) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def contents(count: int = ROWS) -> Contents:
    sides = np.full(count, 9, np.int32)
    hashes = np.array([f"{row:08}".encode() for row in range(count)])
    return Contents(hashes, sides, sides, np.array([b""] * count))


def assert_equal(one: Candidates, other: Candidates) -> None:
    np.testing.assert_array_equal(one.order, other.order)
    for name in ("left", "right", "distance"):
        np.testing.assert_array_equal(getattr(one.pairs, name), getattr(other.pairs, name))
        assert getattr(one.pairs, name).dtype == getattr(other.pairs, name).dtype


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_for(str(tmp_path), create=True)


def test_candidates_of_the_same_contents_are_those_of_the_last_run(place: Place) -> None:
    first = Remembering(place, contents(), "enc")(unit_rows(0), None, None)
    assert_equal(first, candidates(unit_rows(0)))
    # Other rows show where the answer comes from: equal contents would have equal ones.
    assert_equal(Remembering(place, contents(), "enc")(unit_rows(1), None, None), first)


@pytest.mark.parametrize(
    ("count", "encoder", "threshold"),
    [(ROWS, "another", None), (ROWS, "enc", 0.5), (ROWS + 1, "enc", None)],
)
def test_other_contents_another_encoder_and_a_threshold_are_searched_anew(
    place: Place, count: int, encoder: str, threshold: float | None
) -> None:
    Remembering(place, contents(), "enc")(unit_rows(0), None, None)
    other = unit_rows(1, count)
    found = Remembering(place, contents(count), encoder)(other, threshold, None)
    assert_equal(found, candidates(other, threshold))


def test_candidates_found_in_another_way_are_not_taken(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    Remembering(place, contents(), "enc")(unit_rows(0), None, None)
    monkeypatch.setattr(remembered.finding, "NEAREST", 3)
    found = Remembering(place, contents(), "enc")(unit_rows(0), None, None)
    assert_equal(found, candidates(unit_rows(0)))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip, lambda file: file.write_bytes(b""), Path.unlink])
def test_a_damaged_file_is_found_out_and_written_again(
    place: Place, damage: Callable[[Path], object]
) -> None:
    asked = Remembering(place, contents(), "enc")
    first = asked(unit_rows(0), None, None)
    damage(Path(place.cache) / FILE)
    assert_equal(asked(unit_rows(0), None, None), first)
    assert_equal(asked(unit_rows(1), None, None), first)


def test_of_very_many_images_none_are_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_ROWS", ROWS - 1)
    assert_equal(Remembering(place, contents(), "enc")(unit_rows(0), None, None), candidates(unit_rows(0)))
    assert not (Path(place.cache) / FILE).exists()
