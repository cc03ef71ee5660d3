"""A store or an encoder that can't be used: two lines that say which file and what to do; nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from augnet_program import augnet, environment, tree
from conftest import drawn_picture

from augnet_cli.encoder.locate import shipped_encoder

COMMANDS = (("embed", "."), ("dedupe", "."), ("cluster", "."), ("query", "0.png"), ("info", "."))
WRITERS = COMMANDS[:3]
HOLDER = """
import sys
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
with writing(place_for(sys.argv[1], create=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    augnet("embed", tmp_path).ok()
    return tmp_path


@contextmanager
def at_work(folder: Path) -> Iterator[int]:
    """Another process that holds the right to write to a folder's store; gives its id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    try:
        yield process.pid
    finally:
        process.communicate()


def test_second_augnet_at_work_is_named_and_readers_go_on(photos: Path) -> None:
    with at_work(photos) as pid:
        for words in WRITERS:
            assert f"process {pid}" in augnet(*words, cwd=photos).refused()
        hits = augnet("query", "0.png", "--format", "json", cwd=photos).ok().json()["hits"]
        assert hits[0] == {"path": "copy.png", "distance": 0.0}
        augnet("info", photos).ok()
    augnet("embed", photos).ok()


def store_of(folder: Path) -> Path:
    return folder / ".augnet" / "cache" / "store.sqlite"


def test_store_of_a_newer_version_is_refused_and_left_alone(photos: Path) -> None:
    with sqlite3.connect(store_of(photos)) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = store_of(photos).read_bytes()
    for words in COMMANDS:
        said = augnet(*words, cwd=photos).refused()
        assert "newer" in said and "upgrade" in said
    assert store_of(photos).read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "half", "zeros"])
def test_corrupt_store_is_told_with_what_to_delete(photos: Path, damage: str) -> None:
    before, content = tree(photos), store_of(photos).read_bytes()
    damaged = {
        "text": b"this is no SQLite file" * 100,
        "half": content[: len(content) // 2],
        "zeros": content[:100] + bytes(len(content) - 100),
    }[damage]
    store_of(photos).write_bytes(damaged)
    for words in COMMANDS if damage == "text" else COMMANDS[1:4:2]:
        said = augnet(*words, cwd=photos).refused()
        assert str(store_of(photos)) in said and f"delete the folder {photos / '.augnet' / 'cache'}" in said
    assert store_of(photos).read_bytes() == damaged and tree(photos) == before
    # What the hint says works.
    shutil.rmtree(photos / ".augnet" / "cache")
    assert augnet("embed", photos, "--format", "json").ok().json()["embedded"] == 3


def test_file_in_the_place_of_the_store_is_told(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    (tmp_path / ".augnet").write_text("mine")
    assert ".augnet" in augnet("embed", tmp_path).refused()
    assert (tmp_path / ".augnet").read_text() == "mine"


def test_damaged_or_missing_index_costs_nothing_but_a_note(photos: Path) -> None:
    (index,) = (photos / ".augnet" / "cache").glob("*.ann")
    wanted = augnet("query", "0.png", "--format", "json", cwd=photos).ok().json()["hits"]
    for content in (b"rubbish", None):
        index.unlink()
        if content is not None:
            index.write_bytes(content)
        done = augnet("query", "0.png", "--in", ".", "--format", "json", cwd=photos).ok()
        assert done.json()["hits"] == wanted
        assert len(done.notes) == 1 and done.notes[0].startswith("augnet: ")


def not_encoders(folder: Path) -> dict[str, Path]:
    shipped = Path(shipped_encoder()).read_bytes()
    contents = {
        "text.onnx": b"this is a text",
        "random.onnx": np.random.default_rng(0).bytes(50_000),
        "empty.onnx": b"",
        "half.onnx": shipped[: len(shipped) // 2],
        # The card's name altered: a valid ONNX file of another purpose.
        "no-card.onnx": shipped.replace(b"augnet_card", b"augnet_cord"),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.onnx").mkdir()
    return {name: folder / name for name in (*contents, "folder.onnx", "missing.onnx")}


def test_weights_that_are_no_encoder_are_told(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = tree(photos)
    for name, file in not_encoders(tmp_path_factory.mktemp("weights")).items():
        assert name in augnet("dedupe", photos, "--encoder", file).refused()
    for words in COMMANDS[2:]:
        missing = augnet(*words, "--encoder", "missing.onnx", cwd=photos)
        assert "missing.onnx" in missing.refused()
    assert tree(photos) == before


def test_broken_encoder_of_the_folder_is_told_and_can_be_passed_by(photos: Path) -> None:
    (photos / ".augnet" / "encoder.onnx").write_bytes(b"this is a text")
    assert "encoder.onnx" in augnet("dedupe", photos).refused()
    augnet("dedupe", photos, "--encoder", "shipped").ok()


def test_missing_weights_leave_no_store_behind(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    augnet("embed", tmp_path, "--encoder", "missing.onnx").refused()
    assert os.listdir(tmp_path) == ["a.png"]
