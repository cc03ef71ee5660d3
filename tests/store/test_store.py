from __future__ import annotations

import os
import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import DIM, found, image, make_store, unit_row

from augnet_cli.errors import StoreError
from augnet_cli.records import FoundFile, Skip
from augnet_cli.store.entries import Counts, FileEntry, KnownFile
from augnet_cli.store.place import Place, place_for
from augnet_cli.store.store import Store

SKIP = FileEntry(found("bad.jpg"), "skip", "c9", reason="truncated", decoder="Pillow 12")
OTHER = FileEntry(found("notes.txt"), "other")


def known_paths(store: Store) -> list[str]:
    return [known.found.path for known in store.known_files("enc")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_store(tmp_path / "photos", image("b.jpg", "c2", 2), image("a.jpg", "c1", 1), SKIP, OTHER)


def test_what_was_saved_is_known_after_reopening(place: Place) -> None:
    with Store.open(place, write=False) as store:
        assert {known.found.path: known for known in store.known_files("enc")} == {
            "a.jpg": KnownFile(found("a.jpg"), "image", "c1", embedded=True),
            "b.jpg": KnownFile(found("b.jpg"), "image", "c2", embedded=True),
            "bad.jpg": KnownFile(found("bad.jpg"), "skip", "c9", "truncated", "Pillow 12"),
            "notes.txt": KnownFile(found("notes.txt"), "other"),
        }
        assert store.skips() == (Skip("bad.jpg", "truncated"),)
        assert store.counts() == Counts(images=2, skips=1, others=1)
        first = store.collection("enc").images[0]
        assert (first.content_hash, first.width, first.height, first.taken_at) == ("c1", 4, 3, None)
        assert store.embedded_hashes("another") == set()
        assert store.embedded_hashes("enc") == {"c1", "c2"}


def test_collection_is_in_path_order_with_one_row_a_content(place: Place) -> None:
    with Store.open(place, write=True) as store:
        store.save([image("copy of b.jpg", "c2"), image("Z.jpg", "c0", 0)])
        collection = store.collection("enc")
    assert [record.path for record in collection.images] == ["Z.jpg", "a.jpg", "b.jpg", "copy of b.jpg"]
    assert collection.content_rows.tolist() == [0, 1, 2, 2]
    assert collection.content_rows.dtype == np.int64
    assert collection.embeddings.dtype == np.float32
    np.testing.assert_array_equal(collection.embeddings, [unit_row(0), unit_row(1), unit_row(2)])
    first = collection.images[0]
    assert (first.width, first.height, first.size_bytes, first.mtime_ns) == (4, 3, 100, 10**18)


def test_collection_of_an_unknown_encoder_is_empty(place: Place) -> None:
    with Store.open(place, write=False) as store:
        collection = store.collection("another")
    assert len(collection.images) == 0 and collection.embeddings.shape == (0, 0)


def test_changed_file_gets_its_new_content(place: Place) -> None:
    changed = replace(image("a.jpg", "c3", 3), found=found("a.jpg", 5))
    with Store.open(place, write=True) as store:
        store.save([changed])
        collection = store.collection("enc")
    assert collection.images[0].content_hash == "c3"
    assert collection.images[0].size_bytes == 105
    assert len(collection.embeddings) == 2


def test_removed_file_leaves_the_collection_and_a_rename_finds_its_embedding(place: Place) -> None:
    with Store.open(place, write=True) as store:
        assert store.forget(["a.jpg", "never there.jpg"]) == 1
        assert [record.path for record in store.collection("enc").images] == ["b.jpg"]
        assert "c1" in store.embedded_hashes("enc")
        store.save([image("renamed.jpg", "c1")])
        assert store.forget_unreferenced() == 0
        assert [record.path for record in store.collection("enc").images] == ["b.jpg", "renamed.jpg"]
        store.forget(["renamed.jpg"])
        assert store.forget_unreferenced() == 1
        assert store.embedded_hashes("enc") == {"c2"}
    with closing(sqlite3.connect(place.store_file)) as connection:
        assert connection.execute("SELECT content_hash FROM contents").fetchall() == [("c2",)]


def test_same_content_under_two_encoders(place: Place) -> None:
    with Store.open(place, write=True) as store:
        store.save([image("a.jpg", "c1", 7, encoder="new")])
        np.testing.assert_array_equal(store.collection("new").embeddings, [unit_row(7)])
        np.testing.assert_array_equal(store.collection("enc").embeddings, [unit_row(1), unit_row(2)])


def test_paths_of_contents(place: Place) -> None:
    with Store.open(place, write=True) as store:
        store.save([image("A copy.jpg", "c1")])
        assert store.paths_of(["c2", "c1", "c9", "gone"]) == {"c1": ("A copy.jpg", "a.jpg"), "c2": ("b.jpg",)}


def test_composed_and_decomposed_names_are_two_files(place: Place) -> None:
    names = [unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD")]
    with Store.open(place, write=True) as store:
        store.save([image(name, f"c{row}", row) for row, name in enumerate(names, 5)])
        assert all(name in known_paths(store) for name in names)
        assert store.forget(names[:1]) == 1
        assert names[1] in known_paths(store)


path_bytes = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)
any_integer = st.integers(min_value=-(2**70), max_value=2**70)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(path_bytes, st.tuples(any_integer, any_integer), max_size=8))
def test_any_name_and_any_number_comes_back(files: dict[bytes, tuple[int, int]]) -> None:
    """File systems give inodes of 64 unsigned bits and times far beyond the year 2262."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        known = [
            FoundFile(os.fsdecode(name), 1, mtime, -mtime, inode) for name, (mtime, inode) in files.items()
        ]
        place = make_store(Path(folder), *(FileEntry(one, "other") for one in known))
        with Store.open(place, write=False) as store:
            back = list(store.known_files("enc"))
    assert [entry.found for entry in back] == sorted(known, key=lambda one: os.fsencode(one.path))


@pytest.mark.parametrize("name", ["it's 100% #1? &mode=ro", "наши фото", "f\udcff\udcfe", "line\nbreak"])
@pytest.mark.skipif(os.name != "posix", reason="such names are refused elsewhere")
def test_store_opens_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    place = make_store(tmp_path / name, image("a.jpg", "c1", 1))
    with Store.open(place, write=False) as store:
        assert store.counts().images == 1
    assert sorted(os.listdir(tmp_path)) == [name]


def test_a_batch_is_saved_whole_or_not_at_all(place: Place) -> None:
    with Store.open(place, write=True) as store:
        with pytest.raises(StoreError):
            store.save([image("new.jpg", "c5", 5), FileEntry(found("x"), "no such kind")])
        with pytest.raises(ValueError, match="unit row"):
            store.save([image("new.jpg", "c5", 5), replace(image("y.jpg", "c6", 6), embedding=np.ones(DIM))])
        with pytest.raises(ValueError, match="unit row"):
            store.save([replace(image("y.jpg", "c6", 6), embedding=np.full(DIM, np.nan))])
        assert "new.jpg" not in known_paths(store)
        store.save([image("new.jpg", "c5", 5)])
        assert "new.jpg" in known_paths(store)


def test_changes_count_what_an_index_would_hold(place: Place) -> None:
    with Store.open(place, write=True) as store:
        before = store.changes()
        store.save([FileEntry(replace(found("a.jpg"), mtime_ns=5), "image", "c1"), OTHER])
        store.forget(["notes.txt"])
        assert store.changes() == before, "nothing an index holds has changed"
        for change in (
            lambda: store.save([image("copy.jpg", "c1")]),
            lambda: store.save([image("a.jpg", "c8", 8)]),
            lambda: store.forget(["copy.jpg"]),
            lambda: store.save([FileEntry(found("a.jpg"), "skip", "c8", reason="gone")]),
        ):
            change()
            assert store.changes() > before
            before = store.changes()


def test_meta_and_index_come_back(place: Place) -> None:
    with Store.open(place, write=True) as store:
        assert store.meta("word") is None and store.index_facts() is None
        store.set_meta("word", "one")
        store.set_meta("word", "two")
        facts = {"file": "index-1.ann", "recall": 0.5}
        store.set_index(["c2", "c1"], facts)
        assert store.index_hashes([1, 0], facts) == ("c1", "c2")
        assert store.index_hashes([1, 2], facts) is None
        assert store.index_hashes([1], {"file": "another"}) is None
        store.set_index(["c1"], {"file": "index-2.ann"})
    with Store.open(place, write=False) as store:
        assert store.meta("word") == "two"
        assert store.index_facts() == {"file": "index-2.ann"}
        assert store.index_hashes([1], facts) is None


def test_reader_sees_a_whole_state_while_a_writer_saves(place: Place) -> None:
    with Store.open(place, write=True) as writer, Store.open(place, write=False) as reader:
        assert reader.counts().images == 2
        writer.save([image("c.jpg", "c3", 3)])
        assert reader.counts().images == 3
        with pytest.raises(StoreError):
            reader.set_meta("word", "never")


def test_reader_makes_and_leaves_nothing(tmp_path: Path, place: Place) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with pytest.raises(StoreError) as told:
        Store.open(place_for(str(fresh), create=False), write=False)
    assert told.value.hint == f"augnet embed {fresh}"
    assert os.listdir(fresh) == []
    before = {name: (Path(place.cache) / name).read_bytes() for name in os.listdir(place.cache)}
    with Store.open(place, write=False) as store:
        store.collection("enc")
    assert {name: (Path(place.cache) / name).read_bytes() for name in os.listdir(place.cache)} == before


def test_store_killed_before_its_first_transaction_is_no_store_yet(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    Path(place.store_file).touch()
    with pytest.raises(StoreError, match="no store yet"):
        Store.open(place, write=False)
    with Store.open(place, write=True) as store:
        assert store.counts() == Counts(0, 0, 0)
