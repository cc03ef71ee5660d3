"""What a person decided, by content, in a file a person can read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from acting_examples import put

from augnet_cli.acting.decisions import decided
from augnet_cli.errors import AugnetError, ImageError, StoreError, UsageError
from augnet_cli.images.files import hash_of_file
from augnet_cli.pipeline.decide import decide, export_decisions, import_decisions
from augnet_cli.store.place import place_for


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    put(folder, {"a.jpg": b"one", "in/b.jpg": b"two", "c.jpg": b"three"})
    return folder


def said(folder: Path, one: str, other: str) -> bool | None:
    first, second = (hash_of_file(str(folder / name)) for name in (one, other))
    decisions = decided(place_for(str(folder), create=False))
    assert decisions.same(first, second) is decisions.same(second, first)
    return decisions.same(first, second)


def test_decision_is_remembered_through_renames_and_the_last_word_counts(photos: Path) -> None:
    assert said(photos, "a.jpg", "in/b.jpg") is None
    decide(str(photos), "a.jpg", "in/b.jpg", same=False)
    assert said(photos, "a.jpg", "in/b.jpg") is False
    (photos / "in/b.jpg").rename(photos / "renamed.jpg")
    assert said(photos, "renamed.jpg", "a.jpg") is False

    decide(str(photos), "renamed.jpg", "a.jpg", same=True)

    assert said(photos, "a.jpg", "renamed.jpg") is True
    assert said(photos, "a.jpg", "c.jpg") is None
    lines = (photos / ".augnet/decisions.jsonl").read_text().splitlines()
    assert [json.loads(line)["same"] for line in lines] == [False, True]
    assert sorted(json.loads(lines[1])["paths"]) == ["a.jpg", "renamed.jpg"]


def test_paths_may_be_typed_from_where_one_stands(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.parent)
    made = decide("photos", "photos/a.jpg", str(photos / "in/b.jpg"), same=False)
    assert sorted(made.paths) == ["a.jpg", "in/b.jpg"]


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        ("a.jpg", "missing.jpg", ImageError, "there is no missing.jpg"),
        ("a.jpg", "copy.jpg", UsageError, "the same to the last byte"),
        ("a.jpg", "../outside.jpg", ImageError, "is not in"),
        ("a.jpg", "in", ImageError, "a folder"),
        ("a.jpg", "link.jpg", ImageError, "symbolic link"),
    ],
)
def test_pair_that_can_not_be_decided_on_is_refused(
    photos: Path, one: str, other: str, kind: type[AugnetError], words: str
) -> None:
    put(photos, {"copy.jpg": b"one", "../outside.jpg": b"outside"})
    (photos / "link.jpg").symlink_to("c.jpg")
    with pytest.raises(kind, match=words):
        decide(str(photos), one, other, same=False)
    assert not (photos / ".augnet/decisions.jsonl").exists()


def test_decisions_travel_in_a_file_and_count_before_older_ones(photos: Path, tmp_path: Path) -> None:
    decide(str(photos), "a.jpg", "in/b.jpg", same=False)
    decide(str(photos), "a.jpg", "c.jpg", same=False)
    decide(str(photos), "a.jpg", "c.jpg", same=True)
    out = tmp_path / "mine.jsonl"
    assert export_decisions(str(photos), str(out)) == 2

    other = tmp_path / "other"
    put(other, {"x.jpg": b"one", "y.jpg": b"two", "z.jpg": b"three"})
    decide(str(other), "x.jpg", "y.jpg", same=True)
    assert import_decisions(str(other), str(out)) == 2

    assert said(other, "x.jpg", "y.jpg") is False and said(other, "x.jpg", "z.jpg") is True


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no json", "line 2: it is no JSON"),
        ('{"a": "00"}', "line 2: `a` is not 32 hexadecimal digits"),
        (
            json.dumps({"a": "0" * 32, "b": "1" * 32, "same": "no", "when": "", "paths": ["", ""]}),
            "line 2: `same` is not true or false",
        ),
        (
            json.dumps({"a": "0" * 32, "b": "0" * 32, "same": True, "when": "", "paths": ["", ""]}),
            "line 2: it is about one content",
        ),
        (
            json.dumps({"a": "0" * 32, "b": "1" * 32, "same": True, "when": "", "paths": [""]}),
            "line 2: `paths` is not a list of two",
        ),
    ],
)
def test_wrong_line_is_named_and_nothing_is_taken_in(
    photos: Path, tmp_path: Path, line: str, words: str
) -> None:
    decide(str(photos), "a.jpg", "c.jpg", same=True)
    file = tmp_path / "theirs.jsonl"
    export_decisions(str(photos), str(file))
    file.write_text(file.read_text() + line + "\n")
    before = (photos / ".augnet/decisions.jsonl").read_bytes()

    with pytest.raises(StoreError, match=words):
        import_decisions(str(photos), str(file))
    assert (photos / ".augnet/decisions.jsonl").read_bytes() == before


def test_line_without_its_newline_is_kept_and_a_torn_one_is_not(photos: Path) -> None:
    decide(str(photos), "a.jpg", "c.jpg", same=True)
    file = photos / ".augnet/decisions.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))  # as some editors leave it
    decide(str(photos), "a.jpg", "in/b.jpg", same=False)
    assert said(photos, "a.jpg", "c.jpg") is True and said(photos, "a.jpg", "in/b.jpg") is False

    file.write_bytes(file.read_bytes()[:-30])  # as a crash leaves it
    assert said(photos, "a.jpg", "in/b.jpg") is None
    decide(str(photos), "c.jpg", "in/b.jpg", same=False)
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize("other", [b'{"label": "cat"}\n', b"no object\n"])
def test_export_does_not_write_over_what_is_no_list_of_decisions(photos: Path, other: bytes) -> None:
    out = photos.parent / "labels.jsonl"
    out.write_bytes(other)
    with pytest.raises(StoreError, match="another file of that name"):
        export_decisions(str(photos), str(out))
    assert out.read_bytes() == other


def test_export_to_a_pipe_waits_for_nobody(photos: Path) -> None:
    os.mkfifo(photos.parent / "pipe.jsonl")
    with pytest.raises(StoreError, match="another file of that name"):
        export_decisions(str(photos), str(photos.parent / "pipe.jsonl"))


def test_export_does_not_write_over_a_photo(photos: Path) -> None:
    with pytest.raises(UsageError):
        export_decisions(str(photos), str(photos / "a.jpg"))
    assert (photos / "a.jpg").read_bytes() == b"one"
