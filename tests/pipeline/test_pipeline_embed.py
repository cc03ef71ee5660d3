"""Embedding a folder: what is read, what is not read again, and what is exported."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from photo_folders import IMAGES, OTHER, SKIPPED, make_album

import augnet_cli
from augnet_cli.encoder import devices
from augnet_cli.encoder.session import open_session
from augnet_cli.errors import EncoderError, FolderError, UsageError
from augnet_cli.pipeline import refresh
from augnet_cli.pipeline.embed import embed
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.results import EmbedResult


def run(folder: Path, out: Path | None = None, **options: object) -> EmbedResult:
    return embed(FolderRequest(str(folder), **options), None if out is None else str(out))  # type: ignore[arg-type]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    return make_album(tmp_path / "album")


@pytest.fixture(scope="session")
def pokemon(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 real pictures, embedded once."""
    folder = tmp_path_factory.mktemp("real") / "pokemon"
    shutil.copytree(shared_data("pokemon.tar"), folder)
    return folder


def test_every_file_is_embedded_listed_or_counted(album: Path) -> None:
    before = tree(album)
    result = run(album)
    assert (result.images, result.others, result.removed) == (IMAGES, 1, 0)
    assert [skip.path for skip in result.skipped] == [SKIPPED]
    assert "cut short" in result.skipped[0].reason
    assert tree(album) == before


def test_files_of_the_same_bytes_are_embedded_once(album: Path) -> None:
    result = run(album)
    assert (result.embedded, result.known) == (IMAGES - 2, 2)
    assert run(album).embedded == 0


IN_OPEN, IN_ACCESS, EVENT_HEAD = 0x20, 0x01, struct.Struct("iIII")


@contextmanager
def watched(folder: Path) -> Iterator[Callable[[], set[str]]]:
    """Ask the kernel (inotify(7)) which files below `folder` anybody opens or reads; stores aside."""
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert queue >= 0
    places = {}
    for where, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if name != ".augnet"]
        places[libc.inotify_add_watch(queue, os.fsencode(where), IN_OPEN | IN_ACCESS)] = where

    def opened() -> set[str]:
        found = set()
        while True:
            try:
                events = os.read(queue, 1 << 16)
            except BlockingIOError:
                return found
            at = 0
            while at < len(events):
                watch, _, _, length = EVENT_HEAD.unpack_from(events, at)
                name = events[at + EVENT_HEAD.size : at + EVENT_HEAD.size + length].rstrip(b"\0")
                path = os.path.join(places[watch], os.fsdecode(name))
                if os.path.isfile(path):
                    found.add(os.path.relpath(path, folder))
                at += EVENT_HEAD.size + length

    try:
        yield opened
    finally:
        os.close(queue)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_second_run_opens_only_what_is_new_or_changed(album: Path) -> None:
    files = {path for path, fact in tree(album).items() if fact[0] == "file"}
    with watched(album) as opened:
        run(album)
        assert opened() == files
        assert run(album).embedded == 0
        assert opened() == set()
        drawn_picture(50).save(album / "new.png")
        drawn_picture(51).save(album / "drawn" / "1.png")
        opened()
        assert run(album).embedded == 2
        assert opened() == {"new.png", "drawn/1.png"}


def test_real_pictures_twice_renamed_copied_removed_and_changed(pokemon: Path) -> None:
    first = run(pokemon)
    assert (first.images, first.embedded + first.known, len(first.skipped)) == (150, 150, 0)
    second = run(pokemon)
    assert (second.images, second.embedded, second.known, second.removed) == (150, 0, 150, 0)

    names = sorted((pokemon / "pokemon").iterdir())
    moved = pokemon / "elsewhere" / "renamed.png"
    moved.parent.mkdir()
    names[0].rename(moved)
    renamed = run(pokemon)
    assert (renamed.images, renamed.embedded, renamed.removed) == (150, 0, 1)

    shutil.copy(names[1], pokemon / "copy.png")
    copied = run(pokemon)
    assert (copied.images, copied.embedded, copied.known) == (151, 0, 151)

    names[2].unlink()
    removed = run(pokemon)
    assert (removed.images, removed.embedded, removed.removed) == (150, 0, 1)
    with refreshed(FolderRequest(str(pokemon))) as fresh:
        paths = {image.path for image in fresh.store.collection(fresh.embedder.id).images}
    assert f"pokemon/{names[2].name}" not in paths and "elsewhere/renamed.png" in paths

    drawn_picture(7).save(names[3])
    changed = run(pokemon)
    assert (changed.images, changed.embedded, changed.known) == (150, 1, 149)
    # What the store now holds of it is what a fresh look at the file gives.
    with refreshed(FolderRequest(str(pokemon))) as fresh:
        collection = fresh.store.collection(fresh.embedder.id)
    row = [image.path for image in collection.images].index(f"pokemon/{names[3].name}")
    own = collection.embeddings[collection.content_rows[row]]
    np.testing.assert_allclose(own, augnet_cli.encode([names[3]])[0], atol=1e-5)


def test_same_size_and_mtime_do_not_hide_a_change(album: Path) -> None:
    target = album / "bitmap.bmp"
    drawn_picture(60).save(target)
    run(album)
    before = target.stat()
    drawn_picture(61).save(target)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert target.stat().st_size == before.st_size
    assert run(album).embedded == 1


def test_excluded_files_are_not_embedded_and_the_store_keeps_what_it_has_of_them(album: Path) -> None:
    assert run(album, exclude=["drawn/"]).images == 6
    assert run(album).images == IMAGES
    again = run(album, exclude=["drawn/", "*.txt"])
    assert (again.images, again.others, again.removed) == (6, 0, 0)
    whole = run(album)
    assert (whole.images, whole.embedded) == (IMAGES, 0)


def test_excluded_files_are_in_no_answer(album: Path) -> None:
    run(album)
    (star,) = augnet_cli.dedupe(album, threshold=2, exclude=["drawn/"], verify=False).groups
    assert len(star.redundant) == 5
    assert not [image.path for image in star.redundant if image.path.startswith("drawn/")]
    clusters = augnet_cli.cluster(album, k=2, exclude=["drawn/"]).clusters
    members = [path for cluster in clusters for path in cluster.members]
    assert len(members) == 6 and not [path for path in members if path.startswith("drawn/")]


def test_excluding_everything_is_told_and_loses_nothing(album: Path) -> None:
    run(album)
    with pytest.raises(augnet_cli.AugnetError, match="--exclude"):
        run(album, exclude=["*"])
    assert run(album).embedded == 0


def test_skip_for_size_is_tried_again_under_another_limit(album: Path) -> None:
    small = run(album, max_megapixels=0.02)
    assert {skip.path for skip in small.skipped} == {
        "china.png", "small/china.jpg", "flower.jpg", "copies/flower.jpg", "copies/flower again.jpg",
        "small/china-half.jpg", SKIPPED,
    }  # fmt: skip
    assert run(album).images == IMAGES


def test_broken_image_is_embedded_once_it_is_repaired(album: Path) -> None:
    run(album)
    shutil.copy(album / "small" / "china.jpg", album / SKIPPED)
    result = run(album)
    assert (result.images, result.embedded, result.skipped) == (IMAGES + 1, 0, ())


def test_stores_below_are_not_walked_into(album: Path) -> None:
    run(album / "drawn")
    (album / "drawn" / ".augnet" / "thumbnail.png").write_bytes((album / "drawn" / "1.png").read_bytes())
    assert run(album).images == IMAGES


def test_number_of_workers_changes_nothing(album: Path, tmp_path: Path) -> None:
    one, many = shutil.copytree(album, tmp_path / "one"), shutil.copytree(album, tmp_path / "many")
    results = [run(one, tmp_path / "one.npz", workers=1), run(many, tmp_path / "many.npz", workers=7)]
    assert [(result.images, result.embedded) for result in results] == [(IMAGES, IMAGES - 2)] * 2
    with np.load(tmp_path / "one.npz") as left, np.load(tmp_path / "many.npz") as right:
        assert left["paths"].tolist() == right["paths"].tolist()
        np.testing.assert_allclose(left["embeddings"], right["embeddings"], atol=1e-5)


def test_export_has_one_unit_row_a_file_in_path_order(album: Path, tmp_path: Path) -> None:
    os.rename(album / "drawn" / "7.png", os.path.join(os.fsencode(album), b"drawn/z\xff.png"))
    out = tmp_path / "vectors.npz"
    result = run(album, out)
    with np.load(out, allow_pickle=False) as file:
        assert sorted(file.files) == ["embeddings", "paths"]
        paths, rows = file["paths"], file["embeddings"]
    assert paths.dtype.kind == "U" and paths.shape == (result.images,)
    assert rows.dtype == np.float32 and rows.shape == (result.images, augnet_cli.encode([]).shape[1])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    files = [path for path, fact in tree(album).items() if fact[0] == "file" and path not in (SKIPPED, OTHER)]
    assert paths.tolist() == sorted(files, key=os.fsencode)
    at = {path: row for row, path in enumerate(paths.tolist())}
    np.testing.assert_array_equal(rows[at["flower.jpg"]], rows[at["copies/flower.jpg"]])
    # Each row is its own file's: not shifted, not another order.
    np.testing.assert_allclose(rows, augnet_cli.encode([album / path for path in paths.tolist()]), atol=1e-5)


def test_export_of_a_folder_of_broken_images_is_empty_but_has_its_shape(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    result = run(tmp_path / "a", tmp_path / "out.npz")
    assert (result.images, len(result.skipped)) == (0, 1)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as file:
        assert file["paths"].shape == (0,) and file["paths"].dtype.kind == "U"
        assert file["embeddings"].shape == augnet_cli.encode([]).shape


def test_export_never_overwrites_a_photo(album: Path) -> None:
    before = tree(album)
    with pytest.raises(UsageError):
        run(album, album / "china.png")
    assert tree(album) == before


def test_export_replaces_an_earlier_one_and_no_other_arrays(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npz"
    run(album, out)
    run(album, out)
    np.savez(tmp_path / "mine.npz", weights=np.arange(3))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("mine.npz", "text.npz"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(FolderError, match="another file of that name"):
            run(album, tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("out", ["missing/vectors.npz", "folder.npz"])
def test_export_that_can_not_be_written_is_told_before_the_work(
    album: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(FolderError, match="can't be written"):
        run(album, tmp_path / out)
    assert not (album / ".augnet").exists()


def test_folder_whose_images_all_left_is_told(album: Path) -> None:
    run(album)
    for path, fact in tree(album).items():
        if fact[0] == "file" and path != OTHER:
            (album / path).unlink()
    with pytest.raises(FolderError, match="no image"):
        run(album)


def test_folder_without_images_gets_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(FolderError, match="no image"):
        run(tmp_path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "notes.txt"]


def test_other_devices_are_tried_where_many_images_wait_or_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session of the CPU stands in for the device."""
    opened = []

    def opens(data: bytes, provider: str) -> Any:
        opened.append(provider)
        return open_session(data)

    monkeypatch.setattr(devices, "devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(devices, "open_session", opens)
    for number in range(3):
        drawn_picture(number, 60, 40).save(tmp_path / f"{number}.png")
    request = FolderRequest(str(tmp_path))
    embed(request)
    assert not opened
    monkeypatch.setattr(refresh, "WORTH_A_TRIAL", 1)
    embed(request)
    assert not opened, "nothing waits"
    drawn_picture(3, 60, 40).save(tmp_path / "3.png")
    embed(request)
    assert opened == ["CUDAExecutionProvider"]
    drawn_picture(4, 60, 40).save(tmp_path / "4.png")
    assert embed(replace(request, device="cuda")).embedded == 1 and len(opened) == 2
    with pytest.raises(EncoderError, match="rocm"):
        embed(replace(request, device="rocm"))
