"""Walking a folder that holds whatever a file system can hold."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from augnet_cli.errors import FolderError
from augnet_cli.images import files
from augnet_cli.images.files import content_hash, hash_of_file, is_image, read_bytes, walk
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import FoundFile, Skip

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
NOBODY = 65534


def put(folder: Path, path: str, data: bytes = b"x") -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def paths(folder: Path, *exclude: str) -> list[str]:
    return [file.path for file in walk(str(folder), exclude).files]


def test_walk_gives_every_regular_file_in_order_of_path_bytes(tmp_path: Path) -> None:
    names = [
        "b.jpg",
        "a/z.png",
        "a.jpg",
        "a-b/c.jpg",
        "a0/c.jpg",
        "a/b/c.txt",
        "é.jpg",
        "Z.jpg",
        "a-b.jpg",
        "😀.jpg",
        "\uffff.jpg",
    ]
    random.Random(3).shuffle(names)
    for name in names:
        put(tmp_path, name, name.encode())
    found = walk(str(tmp_path)).files
    assert [file.path for file in found] == sorted(names, key=os.fsencode)
    for file in found:
        status = os.stat(tmp_path / file.path)
        assert (file.size_bytes, file.mtime_ns, file.ctime_ns, file.inode) == (
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        )  # fmt: skip


def test_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        put(tmp_path, f"{number % 4}/{number}.jpg")
    expected = walk(str(tmp_path))
    scandir = os.scandir
    for seed in range(5):

        @contextmanager
        def shuffled(folder: str, seed: int = seed) -> Iterator[list[os.DirEntry[str]]]:
            with scandir(folder) as listed:
                entries = list(listed)
            yield random.Random(seed).sample(entries, len(entries))

        monkeypatch.setattr(files.os, "scandir", shuffled)
        assert walk(str(tmp_path)) == expected


def test_stores_are_not_entered_at_any_depth(tmp_path: Path) -> None:
    put(tmp_path, ".augnet/cache/thumb.jpg")
    put(tmp_path, "a/b/.augnet/quarantine/lost.jpg")
    put(tmp_path, "a/b/seen.jpg")
    put(tmp_path, ".hidden/seen.jpg")
    assert paths(tmp_path) == [".hidden/seen.jpg", "a/b/seen.jpg"]


def test_links_are_not_followed_and_those_named_as_images_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "real.jpg")
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    (tmp_path / "notes").symlink_to("real.jpg")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "folder.jpg").symlink_to(tmp_path / "sub")
    result = walk(str(tmp_path))
    assert [file.path for file in result.files] == ["real.jpg"]
    assert result.skips == (
        Skip("broken.jpg", "symbolic link, not followed"),
        Skip("link.jpg", "symbolic link, not followed"),
    )


def test_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path, "real/a.jpg")
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link") == ["a.jpg"]


@pytest.mark.timeout(20)
def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path is at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        assert walk(str(tmp_path)).skips == (
            Skip("pipe.jpg", "not a file but a named pipe"),
            Skip("socket.png", "not a file but a socket"),
        )
    with pytest.raises(Unusable, match="named pipe"):
        read_bytes(str(tmp_path / "pipe.jpg"))
    # A file may become a pipe after the walk.
    assert not is_image(str(tmp_path), FoundFile("pipe", 9, 0, 0, 0))


def test_odd_names_are_found_and_read(tmp_path: Path) -> None:
    odd = [
        b"new\nline.jpg",
        b"quote'\".jpg",
        "😀.jpg".encode(),
        b"\xff\xfe.jpg",
        b"-rf.jpg",
        b" .jpg",
        b"a\\b.jpg",
    ]
    for name in odd:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as out:
            out.write(name)
    found = walk(str(tmp_path)).files
    assert [os.fsencode(file.path) for file in found] == sorted(odd)
    for file in found:
        assert read_bytes(os.path.join(str(tmp_path), file.path)) == os.fsencode(file.path)


def test_deep_nesting_is_walked_without_recursion(tmp_path: Path) -> None:
    deep = "/".join("d" * 400)
    put(tmp_path, f"{deep}/a.jpg")
    assert paths(tmp_path) == [f"{deep}/a.jpg"]


def test_path_longer_than_the_system_takes_is_a_skip(tmp_path: Path) -> None:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(25):  # 25 * 201 is more than PATH_MAX
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.fchdir(before)
        os.close(before)
    put(tmp_path, "a.jpg")
    result = walk(str(tmp_path))
    assert [file.path for file in result.files] == ["a.jpg"]
    assert all("too long" in skip.reason for skip in result.skips)


@pytest.mark.parametrize(
    "trash",
    [
        ".Trash-1000/files",
        ".Trash/1000/files",
        ".Trashes/501",
        "$RECYCLE.BIN/S-1-5",
        "nas/#recycle",
        "nas/@Recycle",
        ".dtrash/files",
        "sync/.stversions",
        ".local/share/Trash/files",
        "home/ann/.local/share/Trash/files",
    ],
)
def test_what_was_thrown_away_is_not_met(tmp_path: Path, trash: str) -> None:
    put(tmp_path, f"{trash}/a.jpg")
    put(tmp_path, "2019/trash/b.jpg")  # a person's own folder
    put(tmp_path, "share/c.jpg")
    assert paths(tmp_path) == ["2019/trash/b.jpg", "share/c.jpg"]
    # Asked for by name it is looked at.
    assert paths(tmp_path / trash) == ["a.jpg"]


def test_the_quarantine_of_another_folder_is_not_met_and_a_folder_of_that_name_is(tmp_path: Path) -> None:
    put(tmp_path, "share/augnet/photos-1/journal.jsonl")
    put(tmp_path, "share/augnet/photos-1/quarantine/run/a.jpg")
    put(tmp_path, "film/quarantine/b.jpg")
    assert paths(tmp_path) == ["film/quarantine/b.jpg", "share/augnet/photos-1/journal.jsonl"]


def test_exclude_matches_path_or_name_and_prunes_folders(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.tmp.jpg", "raw/x.jpg", "sub/raw/y.jpg", "sub/z.jpg", "raw.jpg", "Raw/q.jpg"):
        put(tmp_path, name)
    assert paths(tmp_path, "*.tmp.*") == [
        "Raw/q.jpg",
        "a.jpg",
        "raw.jpg",
        "raw/x.jpg",
        "sub/raw/y.jpg",
        "sub/z.jpg",
    ]
    assert paths(tmp_path, "raw") == ["Raw/q.jpg", "a.jpg", "a.tmp.jpg", "raw.jpg", "sub/z.jpg"]
    assert paths(tmp_path, "sub/*") == ["Raw/q.jpg", "a.jpg", "a.tmp.jpg", "raw.jpg", "raw/x.jpg"]
    assert paths(tmp_path, "raw*/") == ["Raw/q.jpg", "a.jpg", "a.tmp.jpg", "raw.jpg", "sub/z.jpg"]
    assert paths(tmp_path, "**/raw/*", "?.jpg") == ["a.tmp.jpg", "raw.jpg"]


def test_missing_folder_and_file_instead_of_folder_are_errors(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    with pytest.raises(FolderError, match="there is no folder") as missing:
        walk(str(tmp_path / "no\nwhere"))
    assert "\n" not in missing.value.what and r"no\nwhere" in missing.value.what and missing.value.hint
    with pytest.raises(FolderError, match="a file, not a folder"):
        walk(str(tmp_path / "a.jpg"))


UNREADABLE = f"""
import os
from augnet_cli.errors import FolderError
from augnet_cli.images.files import is_image, read_bytes, walk
from augnet_cli.images.unusable import Unusable
# All is imported and the folder is entered: root, who may read everything, becomes nobody.
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
folder = "."
result = walk(folder)
print([file.path for file in result.files], [(skip.path, skip.reason) for skip in result.skips])
print([is_image(folder, file) for file in result.files])
try:
    read_bytes(folder + "/secret.jpg")
except Unusable as error:
    print(error.reason)
try:
    walk(folder + "/locked")
except FolderError as error:
    print("you may not read" in error.what)
"""


def test_what_may_not_be_read_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    put(tmp_path, "secret.jpg")
    put(tmp_path, "secret", PNG_HEAD)
    put(tmp_path, "locked/b.jpg")
    for name in ("secret.jpg", "secret", "locked"):
        (tmp_path / name).chmod(0)
    tmp_path.chmod(0o755)
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
    )
    (tmp_path / "locked").chmod(0o755)
    assert done.stdout.splitlines() == [
        "['a.jpg', 'secret', 'secret.jpg'] [('locked/', \"the folder can't be read: permission denied\")]",
        "[True, False, True]",
        "permission denied",
        "True",
    ], done.stderr


def test_file_is_an_image_by_name_or_by_first_bytes(tmp_path: Path) -> None:
    put(tmp_path, "by-name.jpg", b"no picture")
    put(tmp_path, "by-bytes", PNG_HEAD + b"rest")
    put(tmp_path, "notes.txt", b"no picture")
    put(tmp_path, "empty", b"")
    told = {file.path: is_image(str(tmp_path), file) for file in walk(str(tmp_path)).files}
    assert told == {"by-name.jpg": True, "by-bytes": True, "notes.txt": False, "empty": False}


def test_file_that_vanishes_between_walk_and_read_is_unusable(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    put(tmp_path, "b")
    found = walk(str(tmp_path)).files
    for file in found:
        (tmp_path / file.path).unlink()
    with pytest.raises(Unusable, match="vanished"):
        read_bytes(str(tmp_path / "a.jpg"))
    assert not is_image(str(tmp_path), found[1])


def test_entries_that_vanish_during_the_walk_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg")
    listed = os.listdir
    ghosts = ["ghost.jpg", "ghosts"]
    monkeypatch.setattr(files.os, "listdir", lambda path: listed(path) + ghosts)
    result = walk(str(tmp_path))
    assert [file.path for file in result.files] == ["a.jpg"]
    assert result.skips == ()


def test_empty_large_and_linked_files_are_unusable(tmp_path: Path) -> None:
    put(tmp_path, "empty.jpg", b"")
    with pytest.raises(Unusable, match="the file is empty"):
        read_bytes(str(tmp_path / "empty.jpg"))
    with open(tmp_path / "large.jpg", "wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)  # a hole: takes no room on the disk
    with pytest.raises(Unusable, match="files over 1 GiB are not read"):
        read_bytes(str(tmp_path / "large.jpg"))
    put(tmp_path, "real.jpg", b"data")
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    assert read_bytes(str(tmp_path / "link.jpg")) == b"data"
    with pytest.raises(Unusable, match="symbolic link"):
        read_bytes(str(tmp_path / "link.jpg"), follow_links=False)
    with pytest.raises(Unusable, match="a folder"):
        read_bytes(str(tmp_path))


def test_content_hash_is_blake3_of_the_bytes() -> None:
    # The first 128 bits of the values that the authors of BLAKE3 publish.
    assert content_hash(b"") == "af1349b9f5f9a1a6a0404dea36dcc949"
    assert content_hash(b"abc") == "6437b3ac38465133ffb63b75273a8db5"


def test_hash_of_a_file_read_in_chunks_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(3_000_001)
    (tmp_path / "large").write_bytes(data)
    assert hash_of_file(str(tmp_path / "large")) == content_hash(data)
