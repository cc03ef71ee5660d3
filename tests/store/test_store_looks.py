"""What was seen of contents is kept with them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store_examples import image, make_store

from augnet_cli.store.lock import writing
from augnet_cli.store.store import Store


def test_looks_are_known_by_content_and_way_and_go_with_the_content(tmp_path: Path) -> None:
    place = make_store(tmp_path / "photos", image("a.jpg", "c1", 1), image("b.jpg", "c2", 2))
    with writing(place), Store.open(place, write=True) as store:
        assert store.looks("one way") == {}
        store.save_looks("one way", {"c1": "seen", "c2": "also seen"})
        store.save_looks("one way", {"c1": "seen again"})
        assert store.looks("one way") == {"c1": "seen again", "c2": "also seen"}
        store.forget(["b.jpg"])
        store.save([image("renamed.jpg", "c2")])
        store.forget_unreferenced()
        assert store.looks("one way") == {"c1": "seen again", "c2": "also seen"}
        store.forget(["a.jpg"])
        store.forget_unreferenced()
        assert store.looks("one way") == {"c2": "also seen"}
        assert store.looks("another") == {}
        store.save_looks("another", {})
        assert store.looks("one way") == {}


def test_a_store_from_before_there_were_looks_gets_its_table(tmp_path: Path) -> None:
    place = make_store(tmp_path / "photos", image("a.jpg", "c1", 1))
    with closing(sqlite3.connect(place.store_file)) as connection:
        connection.execute("DROP TABLE looks")
    with writing(place), Store.open(place, write=True) as store:
        store.save_looks("way", {"c1": "seen"})
        assert store.looks("way") == {"c1": "seen"}
        assert len(store.images("enc")) == 1
