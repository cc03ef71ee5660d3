"""What changed in a folder: told from the status of its files alone, and as a slow comparison tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from augnet_program import environment
from conftest import drawn_picture
from hypothesis import given
from hypothesis import strategies as st

import augnet_cli
from augnet_cli.pipeline.changes import changes
from augnet_cli.pipeline.embed import embed
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.records import FoundFile, Skip
from augnet_cli.store.entries import KnownFile

TAG = "decoder 1"
# Which files a run opens, told by the interpreter itself.
WATCHED = """
import json, os, sys
opened = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
folder, *words = sys.argv[1:]
sys.addaudithook(watch)
from augnet_cli.cli.main import run
sys.argv[1:] = words
try: run()
except SystemExit as end: assert not end.code, end.code
inside = [path for path in opened if os.path.abspath(path).startswith(folder + os.sep)]
print(json.dumps([path for path in inside if ".augnet" not in path]), file=sys.stderr)
"""


def opened(folder: Path, *words: str) -> list[str]:
    """The files of a folder that augnet opens."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder), *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(os.path.basename(path) for path in json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(12):
        drawn_picture(seed).save(folder / f"{seed:02}.png")
    (folder / "notes.txt").write_text("no picture")
    drawn_picture(99).save(tmp_path / "asked.png")
    return folder


def test_unchanged_folder_is_known_without_opening_a_file(photos: Path) -> None:
    assert len(opened(photos, "embed", str(photos))) >= 13  # else nothing was watched
    assert opened(photos, "cluster", str(photos), "--k", "2") != []  # for cameras and colours, once
    for words in (["embed"], ["dedupe", "--no-verify"], ["cluster", "--k", "2"]):
        command, *options = words
        assert opened(photos, command, str(photos), *options) == []
    asked = str(photos.parent / "asked.png")
    assert opened(photos, "query", asked, "--in", str(photos), "--k", "3") == []


def test_only_what_changed_is_opened(photos: Path) -> None:
    opened(photos, "embed", str(photos))
    same_size = (photos / "03.png").stat()
    data = (photos / "03.png").read_bytes()
    (photos / "03.png").write_bytes(data)
    # Even where someone sets the old times again: the inode's own time can't be set.
    os.utime(photos / "03.png", ns=(same_size.st_atime_ns, same_size.st_mtime_ns))
    (photos / "04.png").rename(photos / "renamed.png")
    drawn_picture(50).save(photos / "new.png")
    assert opened(photos, "embed", str(photos)) == ["03.png", "new.png", "renamed.png"]


def test_query_walks_the_folder_only_when_told_to(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(FolderRequest(str(photos)))
    asked = photos.parent / "asked.png"
    expected = augnet_cli.query(asked, k=3, folder=photos).hits
    drawn_picture(99).save(photos / "equal.png")
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": (listed.append(os.fspath(path)), scandir(path))[1])
    assert augnet_cli.query(asked, k=3, folder=photos).hits == expected
    assert str(photos) not in listed
    found = augnet_cli.query(asked, k=3, folder=photos, refresh=True).hits
    assert (found[0].path, found[0].distance) == ("equal.png", 0.0) and found[1:] == expected[:2]


def test_photos_that_were_added_are_found_and_the_index_is_not_built_again(photos: Path) -> None:
    embed(FolderRequest(str(photos)))
    (index,) = (photos / ".augnet" / "cache").glob("index-*.ann")
    built = index.stat().st_mtime_ns
    for seed in range(20, 30):
        drawn_picture(seed).save(photos / f"{seed}.png")
    assert embed(FolderRequest(str(photos))).embedded == 10
    assert index.stat().st_mtime_ns == built
    for seed in (0, 11, 20, 29):
        own = photos / f"{seed:02}.png"
        hits = augnet_cli.query(own, k=21, folder=photos).hits
        rows = augnet_cli.encode([own, *(photos / hit.path for hit in hits)])
        true = 1 - rows[1:] @ rows[0]
        np.testing.assert_allclose([hit.distance for hit in hits], true, atol=1e-5)
        assert len({hit.path for hit in hits}) == 21 and (np.diff(true) > -1e-5).all()


names = st.text(st.sampled_from("a-/0.\uffff😀"), min_size=1, max_size=5).filter(
    lambda path: not path.startswith("/") and not path.endswith("/") and "//" not in path
)
statuses = st.builds(FoundFile, st.just(""), *[st.integers(0, 1)] * 4)


def in_order(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=os.fsencode)


@given(
    now=st.dictionaries(names, st.one_of(statuses, st.sampled_from(["link", "pipe"]))),
    known=st.dictionaries(
        names,
        st.tuples(
            statuses, st.sampled_from(["image", "skip", "other"]), st.booleans(), st.sampled_from([TAG, None])
        ),
    ),
)
def test_changes_are_those_a_slow_comparison_finds(
    now: dict[str, FoundFile | str], known: dict[str, tuple[FoundFile, str, bool, str | None]]
) -> None:
    def status(path: str, one: FoundFile) -> FoundFile:
        return FoundFile(path, one.size_bytes, one.mtime_ns, one.ctime_ns, one.inode)

    met = [Skip(path, one) if isinstance(one, str) else status(path, one) for path, one in now.items()]
    before = {
        path: KnownFile(status(path, one), kind, "c", "link" if kind == "skip" else None, decoder, embedded)
        for path, (one, kind, embedded, decoder) in known.items()
    }
    found = changes(
        sorted(met, key=lambda one: os.fsencode(one.path)),
        [before[path] for path in in_order(before)],
        None,
        TAG,
    )

    waiting = []
    for one in met:
        old = before.get(one.path)
        if isinstance(one, Skip):
            continue
        same = old is not None and old.found == one
        settled = same and (
            (old.kind == "image" and old.embedded)
            or old.kind == "other"
            or (old.kind == "skip" and old.decoder == TAG)
        )
        if not settled:
            waiting.append(one.path)
    skips = [
        one.path
        for one in met
        if isinstance(one, Skip)
        and not (one.path in before and before[one.path].kind == "skip" and one.reason == "link")
    ]
    assert [one.path for one in found.waiting] == in_order(waiting)
    assert [one.path for one in found.skips] == in_order(skips)
    assert found.gone == in_order(set(before) - set(now))
    assert found.replaced == any(path in before for path in waiting)
