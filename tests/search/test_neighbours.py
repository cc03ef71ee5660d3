from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from augnet_cli.errors import StoreError
from augnet_cli.records import FoundFile
from augnet_cli.search import annoy_index, exact, neighbours
from augnet_cli.search.neighbours import open_nearest, see_to_index
from augnet_cli.store.entries import FileEntry
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, place_for
from augnet_cli.store.store import Store

DIM = 12


def unit_rows(count: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entries(rows: np.ndarray, start: int = 0, encoder: str = "enc") -> list[FileEntry]:
    return [
        FileEntry(FoundFile(f"{i}.jpg", 1, 1, 1, i), "image", f"{i:06}", None, None, 2, 2, None, row, encoder)
        for i, row in enumerate(rows, start)
    ]


def save(place: Place, batch: list[FileEntry], index: bool = True) -> str | None:
    with writing(place), Store.open(place, write=True) as store:
        store.save(batch)
        return see_to_index(place, store, "enc", DIM, may_be_new=True) if index else None


def contents(store: Store) -> tuple[list[str], np.ndarray]:
    """Hashes in order, and their embeddings."""
    collection = store.collection("enc")
    return [one.decode() for one in collection.images.contents.hashes], collection.embeddings


def answers_right(place: Place, how: str | None = None, words: str | None = None, k: int = 9) -> None:
    """Queries through the open search equal exact search over the store's own matrix."""
    with Store.open(place, write=False) as store:
        hashes, embeddings = contents(store)
        search = open_nearest(place, store, "enc")
        for query in [*embeddings[:3], *unit_rows(3, seed=99)]:
            rows, distances = exact.nearest(embeddings, query[None], k)
            got, got_distances = search.nearest(query, k)
            assert got == tuple(hashes[row] for row in rows[0])
            np.testing.assert_array_equal(got_distances, distances[0])
        assert how is None or search.how == how
        if words is None:
            assert how != "exact" or search.note is not None
        else:
            assert search.note is not None and words in search.note and "\n" not in search.note
        if search.how == "annoy":
            assert search.note is None


def index_files(place: Place) -> list[str]:
    return sorted(name for name in os.listdir(place.cache) if ".ann" in name)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = place_for(str(tmp_path), create=True)
    assert save(place, entries(unit_rows(300))) is None
    return place


def test_annoy_serves_a_checked_index(place: Place) -> None:
    assert index_files(place) == ["index-1.ann"]
    answers_right(place, "annoy")
    with Store.open(place, write=False) as store:
        facts = store.index_facts()
    assert facts is not None and facts["recall"] >= neighbours.MIN_RECALL  # type: ignore[operator]


def test_fewer_contents_than_asked_for_are_all_given(place: Place) -> None:
    answers_right(place, "annoy", k=1000)


def test_unchanged_store_keeps_its_index_file(place: Place) -> None:
    file = Path(place.cache) / "index-1.ann"
    before = file.stat().st_mtime_ns
    assert save(place, []) is None
    # A second file of a known content changes the store, but not what an index holds.
    known = replace(entries(unit_rows(1))[0], found=FoundFile("copy.jpg", 1, 1, 1, 1), embedding=None)
    assert save(place, [known]) is None
    assert index_files(place) == ["index-1.ann"] and file.stat().st_mtime_ns == before
    answers_right(place, "annoy")


def test_new_index_replaces_the_old_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_LAG", 19)
    (Path(place.cache) / "index-7.ann.tmp").write_bytes(b"left by a kill")
    (Path(place.cache) / "index.ann.mine").write_bytes(b"not ours")
    assert save(place, entries(unit_rows(20, seed=5), 300)) is None
    assert index_files(place) == ["index-8.ann", "index.ann.mine"]
    answers_right(place, "annoy")


def test_what_came_and_left_since_the_index_was_built_is_answered_rightly(place: Place) -> None:
    """Ten new photos are searched beside the index, which stays; what left is in no answer."""
    before = (Path(place.cache) / "index-1.ann").stat().st_mtime_ns
    assert save(place, entries(unit_rows(10, seed=5), 300)) is None
    answers_right(place, "annoy")
    near = unit_rows(300)[:7]
    with writing(place), Store.open(place, write=True) as store:
        store.forget([f"{i}.jpg" for i in [*range(7), 305]])  # the nearest of some queries, and a new one
        store.forget_unreferenced()
        assert see_to_index(place, store, "enc", DIM, may_be_new=True) is None
    answers_right(place, "annoy")
    with Store.open(place, write=False) as store:
        facts = store.index_facts()
        search = open_nearest(place, store, "enc")
        for query in near:
            assert set(search.nearest(query, 302)[0]) == {f"{i:06}" for i in range(7, 310) if i != 305}
    assert facts is not None and (facts["rows"], facts["late"], facts["gone"]) == (300, 9, 7)
    assert (Path(place.cache) / "index-1.ann").stat().st_mtime_ns == before
    # It comes back: a renamed file, or one from the bin.
    assert save(place, entries(unit_rows(7))) is None
    answers_right(place, "annoy")


def test_embedding_made_anew_is_searched_where_the_index_has_the_old_one(place: Place) -> None:
    """What left and came back is in the index already; its row there must be the same."""
    with writing(place), Store.open(place, write=True) as store:
        store.forget(["4.jpg"])
        store.forget_unreferenced()
    save(place, entries(unit_rows(5))[4:])
    answers_right(place, "annoy")


def test_exact_search_serves_while_the_index_is_older_than_the_store(place: Place) -> None:
    save(place, entries(unit_rows(20, seed=5), 300), index=False)
    answers_right(place, "exact", "older")
    with writing(place), Store.open(place, write=True) as store:
        store.forget([f"{i}.jpg" for i in range(310)])
    answers_right(place, "exact", "older")
    assert save(place, []) is None
    answers_right(place, "annoy")


def test_store_without_an_index_is_searched_exactly(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    save(place, entries(unit_rows(30)), index=False)
    answers_right(place, "exact", "no index yet")


def test_index_of_another_encoder_is_not_used(place: Place) -> None:
    with writing(place), Store.open(place, write=True) as store:
        store.save(entries(unit_rows(5, seed=3), 0, encoder="new"))
        search = open_nearest(place, store, "new")
        hashes, _ = search.nearest(unit_rows(5, seed=3)[2], 2)
    assert search.how == "exact" and hashes[0] == "000002"
    assert "another encoder" in str(search.note)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def fill_with_noise(file: Path) -> None:
    """Annoy follows whatever numbers stand there: unchecked, this crashes the process."""
    file.write_bytes(random.Random(0).randbytes(file.stat().st_size))


def make_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [truncate, flip, fill_with_noise, Path.unlink, make_a_folder])
def test_damaged_index_file_is_not_used_and_made_again(
    place: Place, damage: Callable[[Path], object]
) -> None:
    damage(Path(place.cache) / "index-1.ann")
    answers_right(place, "exact", "index")
    assert save(place, []) is None
    answers_right(place, "annoy")


def test_empty_store_answers_with_nothing_and_no_note(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    save(place, [])
    with Store.open(place, write=False) as store:
        search = open_nearest(place, store, "enc")
        hashes, distances = search.nearest(unit_rows(1)[0], 5)
    assert hashes == () and len(distances) == 0 and search.note is None


@pytest.mark.parametrize("count", [1, 2, 5])
def test_tiny_stores_are_indexed_too(tmp_path: Path, count: int) -> None:
    place = place_for(str(tmp_path), create=True)
    assert save(place, entries(unit_rows(count))) is None
    answers_right(place, "annoy")


def test_many_equal_embeddings_are_searched_rightly(tmp_path: Path) -> None:
    """Blank pictures: different bytes, one embedding. Which of them come first is decided by hash."""
    place = place_for(str(tmp_path), create=True)
    rows = unit_rows(3000)
    rows[500:2500] = rows[500]
    save(place, entries(rows))
    with Store.open(place, write=False) as store:
        _, distances = open_nearest(place, store, "enc").nearest(rows[500], 50)
    assert distances.tolist() == [0.0] * 50


def test_recall_under_the_minimum_makes_exact_search_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random rows of many dimensions are what Annoy is worst at; with one tree it finds little."""
    monkeypatch.setattr(annoy_index, "SEARCH_K", 20)
    monkeypatch.setattr(annoy_index, "TREES", 1)
    place = place_for(str(tmp_path), create=True)
    note = save(place, entries(unit_rows(3000)))
    assert note is not None and "of the neighbours" in note
    monkeypatch.undo()
    monkeypatch.setenv("AUGNET_HOME", str(tmp_path / "home"))
    answers_right(place, "exact", "of the neighbours")
    assert save(place, []) is None, "tried again with the usual settings"
    answers_right(place, "annoy")


def test_recall_is_the_share_a_slow_count_gives(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(place, write=False) as store:
        _, embeddings = contents(store)
    monkeypatch.setattr(annoy_index, "SEARCH_K", 15)
    path = os.path.join(place.cache, "index-1.ann")
    monkeypatch.setattr(annoy_index, "TREES", 1)
    recall = neighbours._recall(path, *embeddings.shape, lambda: iter([((), embeddings)]))  # type: ignore[list-item]
    reader = annoy_index.AnnoyReader(path, DIM, len(embeddings))
    found = wanted = 0
    for row in np.random.default_rng(neighbours.CHECK_SEED).permutation(300)[: neighbours.CHECK_QUERIES]:
        true = set(np.argsort(-(embeddings @ embeddings[row]))[: neighbours.CHECK_K + 1].tolist()) - {row}
        got = set(reader.nearest(embeddings[row], neighbours.CHECK_K + 1)[0].tolist())
        found, wanted = found + len(true & got), wanted + len(true)
    assert recall == pytest.approx(found / wanted)
    assert recall < 1


def test_embeddings_of_another_length_than_the_encoders_are_damage(place: Place) -> None:
    with Store.open(place, write=True) as store, pytest.raises(StoreError, match="damaged"):
        see_to_index(place, store, "enc", DIM + 1, may_be_new=True)


def test_index_replaced_between_two_queries_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_LAG", 0)
    with Store.open(place, write=False) as reader:
        search = open_nearest(place, reader, "enc")
        assert search.nearest(unit_rows(300)[4], 1)[0] == ("000004",)
        with writing(place), Store.open(place, write=True) as store:
            store.forget(["0.jpg"])
            see_to_index(place, store, "enc", DIM, may_be_new=True)
        # Row 4 is another content now: a mix of old file and new rows would answer 000005.
        assert search.nearest(unit_rows(300)[4], 1)[0] == ("000004",)
        assert search.how == "exact" and "replaced" in str(search.note)


KILLED_BUILDER = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_neighbours import DIM, entries, unit_rows
from augnet_cli.search import neighbours
from augnet_cli.search.neighbours import see_to_index
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store
left = int(sys.argv[2])
def count(event, _):
    global left
    if event in ("open", "os.rename", "os.remove", "os.listdir", "sqlite3.connect"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
def endless():
    round = int(sys.argv[3])
    while True:
        round += 1
        yield round
place = place_for(sys.argv[1], create=True)
with writing(place):
    with Store.open(place, write=True) as store:
        if left:
            store.save(entries(unit_rows(10, seed=4), 300))
            neighbours.MOST_LAG = 9
            sys.addaudithook(count)
            see_to_index(place, store, "enc", DIM, may_be_new=True)
        else:
            neighbours.MOST_LAG = 70  # two rounds beside the index, then a new one
            print("go", flush=True)
            for round in endless():
                store.save(entries(unit_rows(20, seed=round), round * 20))
                store.forget([f"{{i}}.jpg" for i in range(round * 20 - 200, round * 20 - 180)])
                see_to_index(place, store, "enc", DIM, may_be_new=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_build_killed_at_each_of_its_steps_leaves_right_answers(tmp_path: Path) -> None:
    """The builder kills itself just before its n-th touch of the file system, for every n."""
    killed = 0
    for step in range(1, 60):
        folder = tmp_path / str(step)
        folder.mkdir()
        place = place_for(str(folder), create=True)
        save(place, entries(unit_rows(300)))
        done = subprocess.run(
            [sys.executable, "-c", KILLED_BUILDER, str(folder), str(step), "0"], check=False, timeout=60
        )
        answers_right(place)
        assert save(place, []) is None
        answers_right(place, "annoy")
        assert len(index_files(place)) == 1
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
    else:
        pytest.fail("the build never came to its end")
    assert killed >= 6, "write, sync, rename, check, remove are that many touches at least"


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_build_killed_at_random_moments_leaves_right_answers(tmp_path: Path) -> None:
    place, moments = place_for(str(tmp_path), create=True), random.Random(1)
    save(place, entries(unit_rows(200)))
    for attempt in range(1, 9):
        builder = subprocess.Popen(
            [sys.executable, "-c", KILLED_BUILDER, str(tmp_path), "0", str(attempt * 1000)],
            stdout=subprocess.PIPE,
        )
        assert builder.stdout is not None and builder.stdout.readline() == b"go\n"
        time.sleep(moments.uniform(0, 0.3))
        builder.kill()
        builder.wait()
        answers_right(place)
