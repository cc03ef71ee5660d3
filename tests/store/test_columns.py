"""Images in columns give the records that they were made of, and unite as records would."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.records import ImageRecord
from augnet_cli.store.columns import Contents, Images, Paths, Texts, column, united

paths = st.binary(min_size=1, max_size=6).filter(lambda name: b"\0" not in name)
numbers = st.integers(-(2**70), 2**70)
contents = st.sampled_from(["00", "aa", "ab", "b", "ffff"])
folders = st.dictionaries(paths, st.tuples(contents, numbers, numbers), max_size=8)


def record(path: bytes, content: str, size: int, mtime_ns: int) -> ImageRecord:
    taken = None if content == "b" else f"2020-01-{len(content):02}T00:00:00"
    return ImageRecord(os.fsdecode(path), content, len(content), 7, size, mtime_ns, taken)


def records_of(files: dict[bytes, tuple[str, int, int]]) -> list[ImageRecord]:
    return [record(path, *files[path]) for path in sorted(files)]


def images_of(records: list[ImageRecord]) -> Images:
    hashes = sorted({one.content_hash for one in records})
    of = {one.content_hash: one for one in records}
    held = Contents(
        np.array([content.encode() for content in hashes], np.bytes_),
        np.array([of[content].width for content in hashes], np.int32),
        np.array([of[content].height for content in hashes], np.int32),
        np.array([(of[content].taken_at or "").encode() for content in hashes], np.bytes_),
    )
    return Images(
        Paths.of(os.fsencode(one.path) for one in records),
        np.array([hashes.index(one.content_hash) for one in records], np.int64),
        column([one.size_bytes for one in records]),
        column([one.mtime_ns for one in records]),
        held,
    )


@given(folders, st.data())
def test_records_come_back_whole_and_in_part(
    files: dict[bytes, tuple[str, int, int]], data: st.DataObject
) -> None:
    records = records_of(files)
    images = images_of(records)
    assert list(images) == records and len(images) == len(records)
    assert images[1:3] == records[1:3]
    for one in records:
        assert images.at(one.path) == one
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(records))) if records else st.nothing())))
    some = images.take(np.array(chosen, np.int64))
    assert list(some) == [records[number] for number in chosen]
    assert list(Texts(some.contents.hashes)) == sorted({one.content_hash for one in some})


@given(folders, folders)
def test_folders_unite_as_their_records_do(
    files: dict[bytes, tuple[str, int, int]], others: dict[bytes, tuple[str, int, int]]
) -> None:
    """Images of the second have a prefix; a path that holds an `x` takes no part; each folder is a side."""

    def side(path: str) -> str | None:
        return None if "x" in path else "second" if path.startswith("/far/") else "first"

    parts = [records_of(files), records_of(others)]
    images, sides = united([images_of(part) for part in parts], ["", "/far"], side)
    away = [record(b"/far/" + path, *others[path]) for path in others]
    expected = sorted((*parts[0], *away), key=lambda one: os.fsencode(one.path))
    expected = [one for one in expected if side(one.path) is not None]
    assert list(images) == expected
    keys = sorted({(one.content_hash, str(side(one.path))) for one in expected})
    assert list(zip(Texts(images.contents.hashes), sides, strict=True)) == keys
    of_images = [(one.content_hash, side(one.path)) for one in expected]
    assert [keys[row] for row in images.rows.tolist()] == of_images
