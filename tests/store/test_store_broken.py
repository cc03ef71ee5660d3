"""A broken store is told in two lines, by every method, and never removed or written."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from store_examples import image, make_store, unit_row

from augnet_cli.errors import StoreError
from augnet_cli.store.place import Place
from augnet_cli.store.schema import SCHEMA_VERSION
from augnet_cli.store.store import Store

READS: list[Callable[[Store], object]] = [
    lambda store: list(store.known_files("enc")),
    lambda store: store.embedded_hashes("enc"),
    lambda store: list(store.embedding_blocks("enc")),
    lambda store: store.lag("enc", 5),
    lambda store: store.late_rows("enc", 5),
    lambda store: store.collection("enc"),
    lambda store: store.paths_of(["c1", "c2"]),
    Store.skips,
    Store.counts,
    lambda store: store.meta("word"),
    Store.changes,
    Store.index_facts,
    lambda store: store.index_hashes([0], {}),
]
WRITES: list[Callable[[Store], object]] = [
    lambda store: store.save([image("new.jpg", "c1")]),
    lambda store: store.forget(["p0.jpg"]),
    Store.forget_unreferenced,
    lambda store: store.set_meta("word", "x"),
    lambda store: store.set_index(["c1"], {}),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = make_store(tmp_path / "photos", *(image(f"p{i}.jpg", f"c{i}", i) for i in range(200)))
    with Store.open(place, write=True) as store:
        store.set_index([f"c{i}" for i in range(200)], {"file": "x"})
    return place


def use_all(place: Place, write: bool) -> list[StoreError]:
    """Call every method; anything but a StoreError fails the test."""
    told = []
    try:
        store = Store.open(place, write=write)
    except StoreError as error:
        return [error]
    with store:
        for method in READS + (WRITES if write else []):
            try:
                method(store)
            except StoreError as error:
                told.append(error)
    return told


def random_bytes(content: bytes) -> bytes:
    return random.Random(1).randbytes(len(content))


def half_a_page(content: bytes) -> bytes:
    return content[: len(content) // 2 + 2048]


def zeros_after_the_header(content: bytes) -> bytes:
    return content[:100] + bytes(len(content) - 100)


def text(_: bytes) -> bytes:
    return b"this is no database\n"


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("damage", [random_bytes, half_a_page, zeros_after_the_header, text])
def test_damaged_file_is_told_with_what_to_delete(
    place: Place, damage: Callable[[bytes], bytes], write: bool
) -> None:
    file = Path(place.store_file)
    broken = damage(file.read_bytes())
    file.write_bytes(broken)
    told = use_all(place, write)
    assert told, "the damage went unnoticed"
    for error in told:
        assert "damaged" in error.what and place.store_file in error.what
        assert place.cache in error.hint and "augnet embed" in error.hint
        assert "\n" not in error.what + error.hint
    if not write:
        assert file.read_bytes() == broken
    assert file.exists()


def test_any_flipped_bytes_give_answers_or_store_errors(place: Place) -> None:
    """Fuzzing: no other exception leaves any method, whatever is broken."""
    file, numbers = Path(place.store_file), random.Random(2)
    whole = file.read_bytes()
    noticed = 0
    for _ in range(60):
        broken = bytearray(whole)
        start = numbers.randrange(len(broken))
        length = numbers.choice([1, 16, 512])
        broken[start : start + length] = numbers.randbytes(len(broken[start : start + length]))
        file.write_bytes(broken)
        noticed += bool(use_all(place, write=False))
    assert noticed > 10


@pytest.mark.parametrize(
    "vector", [b"123", b"", unit_row(0).tobytes()[:-4], bytes(32), b"\xff" * 32, 5, "text"]
)
def test_vector_that_is_no_unit_row_of_the_right_length_is_damage(place: Place, vector: object) -> None:
    connection = sqlite3.connect(place.store_file)
    connection.execute("UPDATE embeddings SET vector = ? WHERE content_hash = 'c7'", (vector,))
    connection.commit()
    connection.close()
    with Store.open(place, write=False) as store, pytest.raises(StoreError, match="damaged"):
        store.collection("enc")


def test_newer_store_is_refused_and_left_alone(place: Place) -> None:
    connection = sqlite3.connect(place.store_file)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    before = Path(place.store_file).read_bytes()
    for write in (False, True):
        with pytest.raises(StoreError, match="newer augnet") as told:
            Store.open(place, write=write)
        assert "upgrade" in told.value.hint
    assert Path(place.store_file).read_bytes() == before


def test_database_of_another_program_is_refused(place: Place) -> None:
    Path(place.store_file).unlink()
    connection = sqlite3.connect(place.store_file)
    connection.execute("CREATE TABLE files (a)")
    connection.close()
    for write in (False, True):
        with pytest.raises(StoreError, match="not one of augnet's"):
            Store.open(place, write=write)


def test_index_facts_that_are_no_json_are_damage(place: Place) -> None:
    with Store.open(place, write=True) as store:
        store.set_meta("index", "{")
        with pytest.raises(StoreError, match="damaged"):
            store.index_facts()
