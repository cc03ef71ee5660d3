from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from store_examples import image, make_store

from augnet_cli.errors import StoreError
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, place_for
from augnet_cli.store.store import Store

HOLDER = """
import sys
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
with writing(place_for(sys.argv[1], create=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: Path) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline().strip() == b"held"
    return holder


def refused(place: Place) -> StoreError:
    with pytest.raises(StoreError) as told, writing(place):
        pass
    return told.value


def test_second_process_is_refused_by_process_id_until_the_first_is_killed(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    place = place_for(str(tmp_path), create=True)
    assert f"process {holder.pid}" in refused(place).what
    os.kill(holder.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    holder.wait()
    with writing(place):
        pass
    with writing(place):
        pass


def test_lock_is_free_after_an_orderly_end(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    holder.communicate(b"")
    with writing(place_for(str(tmp_path), create=True)):
        pass


def test_second_writer_in_the_same_process_is_refused(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    with writing(place):
        assert f"process {os.getpid()}" in refused(place).what
    with writing(place):
        pass


def test_lock_is_freed_by_an_error(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    with pytest.raises(KeyboardInterrupt), writing(place):
        raise KeyboardInterrupt
    with writing(place):
        pass


def test_readers_are_free_while_another_process_writes(tmp_path: Path) -> None:
    place = make_store(tmp_path / "photos", image("a.jpg", "c1", 1))
    holder = start_holder(tmp_path / "photos")
    with Store.open(place, write=False) as store:
        assert store.counts().images == 1
    holder.communicate(b"")


def test_locks_of_two_folders_do_not_touch(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (place_for(str(tmp_path / name), create=True) for name in ("a", "b"))
    with writing(first), writing(second):
        pass


def test_vanished_place_is_told(tmp_path: Path) -> None:
    assert "can't be opened" in refused(place_for(str(tmp_path), create=False)).what
