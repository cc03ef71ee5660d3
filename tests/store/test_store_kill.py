"""kill -9 at any moment leaves a valid store."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store

BATCH = 10
WRITER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from store_examples import image
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store
place, start = place_for(sys.argv[1], create=True), int(sys.argv[2])
with writing(place):
    print("go", flush=True)
    with Store.open(place, write=True) as store:
        for batch in range(start, start + 10_000):
            store.save([image(f"{{batch}}/{{i}}.jpg", f"c{{batch}}-{{i}}", i) for i in range({BATCH})])
            store.forget([f"{{batch - 5}}/{{i}}.jpg" for i in range({BATCH})])
            if batch % 3 == 0:
                store.forget_unreferenced()
            hashes, _ = store.lag("enc", 0)
            store.set_index(hashes, {{"rows": len(hashes)}})
"""
KILLS = 12


def test_store_killed_at_random_moments_is_valid(tmp_path: Path) -> None:
    moments = random.Random(0)
    for attempt in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(attempt * 10_000)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None and writer.stdout.readline() == b"go\n"
        time.sleep(moments.uniform(0, 0.15))
        writer.kill()
        writer.wait()
        check(tmp_path)


FULL_DISK = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from store_examples import image
from augnet_cli.errors import StoreError
from augnet_cli.search.neighbours import see_to_index
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store
place = place_for(sys.argv[1], create=True)
with writing(place), Store.open(place, write=True) as store:
    store.save([image(f"0/{{i}}.jpg", f"c0-{{i}}", i) for i in range({BATCH})])
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
    try:
        for batch in range(1, 1000):
            store.save([image(f"{{batch}}/{{i}}.jpg", f"c{{batch}}-{{i}}", i) for i in range({BATCH})])
    except StoreError as error:
        print(error.what, "|", error.hint)
"""


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE")
def test_disk_that_takes_no_more_is_told_as_that_and_loses_nothing(tmp_path: Path) -> None:
    """A file size limit makes the system refuse to write, as a full disk does."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, check=True)
    told = done.stdout.decode()
    assert told.startswith(("the disk of the store", "no room left"))
    check(tmp_path)


def check(folder: Path) -> None:
    place = place_for(str(folder), create=True)
    with writing(place), Store.open(place, write=True) as store:
        known = [one.found.path for one in store.known_files("enc")]
        collection, facts = store.collection("enc"), store.index_facts()
    batches = [path.split("/")[0] for path in known]
    assert all(batches.count(batch) == BATCH for batch in set(batches)), "half a batch"
    assert [record.path for record in collection.images] == known, "a file without its embedding"
    connection = sqlite3.connect(place.store_file)
    if facts is not None:
        rows = connection.execute("SELECT count(*) FROM index_rows").fetchone()
        assert rows == (facts["rows"],), "rows and facts of different indexes"
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
