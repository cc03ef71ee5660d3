"""Write-ahead log where it works; the rollback journal where it does not.

SQLite's own `unix-dotfile` file system layer has no shared memory, as network shares have none.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from store_examples import image, make_store
from unprivileged import open_folder, unprivileged

from augnet_cli.errors import StoreError
from augnet_cli.store import schema
from augnet_cli.store.place import Place, place_for
from augnet_cli.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="unix-dotfile")


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = schema._connect
    monkeypatch.setattr(schema, "_connect", lambda place, mode: connect(place, f"{mode}&vfs=unix-dotfile"))


def journal_mode(place: Place) -> str:
    connection = sqlite3.connect(place.store_file)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    return mode


def test_local_store_uses_the_write_ahead_log(tmp_path: Path) -> None:
    assert journal_mode(make_store(tmp_path / "photos")) == "wal"


def test_store_on_a_share_uses_the_rollback_journal(tmp_path: Path, share: None) -> None:
    place = make_store(tmp_path / "photos", image("a.jpg", "c1", 1))
    with Store.open(place, write=False) as store:
        assert store.counts().images == 1
    with Store.open(place, write=True) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        store.save([image("b.jpg", "c2", 2)])
        with Store.open(place, write=False) as reader:
            assert reader.counts().images == 2
    assert journal_mode(place) == "delete"


def test_local_store_moved_to_a_share_is_led_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = make_store(tmp_path / "photos", image("a.jpg", "c1", 1))
    assert journal_mode(place) == "wal"
    request.getfixturevalue("share")
    with Store.open(place, write=False) as store:
        assert store.counts().images == 1
    with Store.open(place, write=True) as store:
        store.save([image("b.jpg", "c2", 2)])
    assert journal_mode(place) == "delete"
    with Store.open(place, write=False) as store:
        assert store.counts().images == 2


def test_unwritable_store_with_an_unfinished_log_is_never_read_without_it() -> None:
    """`immutable` would ignore the log and show an older state as if it were the present one."""
    with open_folder() as base:
        photos = base / "photos"
        place = make_store(photos, image("a.jpg", "c1", 1))
        with Store.open(place, write=True) as store:
            store.save([image("b.jpg", "c2", 2)])
            shutil.copy(f"{place.store_file}-wal", base / "log")
        shutil.copy(base / "log", f"{place.store_file}-wal")
        for folder in (photos, photos / ".augnet", photos / ".augnet" / "cache"):
            folder.chmod(0o555)
        environ = {"AUGNET_HOME": str(base / "home")}
        with unprivileged(), pytest.raises(StoreError) as told:
            Store.open(place_for(str(photos), create=False, environ=environ), write=False)
        assert "augnet embed" in told.value.hint


def test_store_opened_from_another_thread_is_a_bug_and_stays_one(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    place = make_store(tmp_path / "photos")
    with Store.open(place, write=False) as store, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(store.counts)
        assert isinstance(answer.exception(), sqlite3.ProgrammingError)
