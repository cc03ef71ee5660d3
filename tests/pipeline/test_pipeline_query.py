"""Querying a folder: which hits, in which order, and which folder is searched when none is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from photo_folders import IMAGES, home, make_album

import augnet_cli
from augnet_cli import dedupe, index, query
from augnet_cli.errors import FolderError, ImageError
from augnet_cli.progress import Progress
from augnet_cli.store.finding import remember_folder


class Heard(Progress):
    """Keeps what a person would be told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_album(tmp_path_factory.mktemp("query") / "album")
    with home(tmp_path_factory):
        index(folder)
    return folder


def test_query_is_left_out_and_its_copies_are_hits_at_0(album: Path) -> None:
    hits = query(album / "flower.jpg", k=4, folder=album).hits
    assert len(hits) == 4
    assert {hit.path for hit in hits[:2]} == {"copies/flower.jpg", "copies/flower again.jpg"}
    assert [hit.distance for hit in hits[:2]] == [0.0, 0.0]
    assert "flower.jpg" not in {hit.path for hit in hits}
    distances = [hit.distance for hit in hits]
    assert distances == sorted(distances)


def test_reencoded_copy_is_the_nearest(album: Path) -> None:
    # Only re-encoded or made smaller: any encoder puts these before other pictures.
    hits = query(album / "china.png", k=2, folder=album).hits
    assert {hit.path for hit in hits} == {"small/china.jpg", "small/china-half.jpg"}


@pytest.mark.parametrize("k", [1, 3, IMAGES - 1, 1000])
def test_k_hits_or_all_there_are(album: Path, k: int) -> None:
    assert len(query(album / "drawn" / "3.png", k=k, folder=album).hits) == min(k, IMAGES - 1)


def test_image_from_elsewhere_has_all_images_as_hits(album: Path, tmp_path: Path) -> None:
    shutil.copy(album / "flower.jpg", tmp_path / "mine.jpg")
    hits = query(tmp_path / "mine.jpg", k=100, folder=album).hits
    assert len(hits) == IMAGES
    assert {hit.path for hit in hits[:3]} == {"flower.jpg", "copies/flower.jpg", "copies/flower again.jpg"}


def test_same_file_by_another_way_is_still_left_out(album: Path, tmp_path: Path) -> None:
    os.symlink(album, tmp_path / "link")
    by_link = query(tmp_path / "link" / "china.png", k=100, folder=album)
    by_dots = query(album / "drawn" / ".." / "china.png", k=100, folder=album)
    for result in (by_link, by_dots):
        assert "china.png" not in {hit.path for hit in result.hits} and len(result.hits) == IMAGES - 1


def test_hits_are_those_of_an_exact_look_at_all_embeddings(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    shutil.copytree(shared_data("pokemon.tar"), folder)
    index(folder, out=tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz", allow_pickle=False) as file:
        paths, rows = file["paths"].tolist(), file["embeddings"].astype(np.float64)
    for position in (0, 40, 149):
        distances = 1 - rows @ rows[position]
        distances[position] = np.inf
        order = np.argsort(distances, kind="stable")[:10]
        hits = query(folder / paths[position], k=10, folder=folder).hits
        np.testing.assert_allclose([hit.distance for hit in hits], distances[order], atol=2e-5)
        nearest = dict(zip(paths, distances, strict=True))
        for hit in hits:
            assert hit.distance == pytest.approx(nearest[hit.path], abs=2e-5)


def test_folder_is_embedded_first_where_it_has_no_store(tmp_path: Path) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    assert len(query(tmp_path / "0.png", folder=tmp_path).hits) == 2


def test_new_images_are_found_only_with_refresh(tmp_path: Path) -> None:
    for seed in range(2):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    index(tmp_path)
    drawn_picture(9).save(tmp_path / "new.png")
    assert {hit.path for hit in query(tmp_path / "0.png", folder=tmp_path).hits} == {"1.png"}
    hits = query(tmp_path / "0.png", folder=tmp_path, refresh=True).hits
    assert {hit.path for hit in hits} == {"1.png", "new.png"}


def test_changed_query_file_is_left_out_though_its_old_content_is_known(tmp_path: Path) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    index(tmp_path)
    drawn_picture(9).save(tmp_path / "0.png")
    assert sorted(hit.path for hit in query(tmp_path / "0.png", k=2, folder=tmp_path).hits) == [
        "1.png",
        "2.png",
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.png", None, "no such file"),
        ("text.jpg", b"a text, no image", "text"),
        ("empty.png", b"", "empty"),
        ("cut.jpg", b"\xff\xd8\xff", "JPEG"),
    ],
)
def test_query_image_that_can_not_be_used_is_told(
    album: Path, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=words) as told:
        query(tmp_path / name, folder=album)
    assert name in told.value.what


def test_query_folder_without_images_is_told(album: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no image"):
        query(tmp_path, folder=album)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stores in `a/photos` and `b`; the current folder is `here`, which has none."""
    for place in ("a/photos/deep", "b", "here/deep"):
        (tmp_path / place).mkdir(parents=True)
    for seed, place in enumerate(("a/photos/deep/1.png", "a/photos/2.png", "b/3.png", "b/4.png", "lone.png")):
        drawn_picture(seed).save(tmp_path / place)
    index(tmp_path / "a" / "photos")
    index(tmp_path / "b")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def searched(world: Path, image: str, folder: str | None = None) -> tuple[str, str]:
    """The folder that was searched, relative to the world, and what a person was told."""
    heard = Heard()
    result = query(image, folder=folder, progress=heard)
    return os.path.relpath(result.folder, world), "\n".join(heard.notes)


def test_named_folder_comes_before_all(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGNET_FOLDER", str(world / "a" / "photos"))
    assert searched(world, "../a/photos/2.png", "../b") == ("b", "")


def test_variable_comes_before_the_store_above_the_image(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUGNET_FOLDER", "../b")
    folder, told = searched(world, "../a/photos/2.png")
    assert folder == "b" and "AUGNET_FOLDER" in told and "../b" in told


def test_store_above_the_image_comes_before_that_above_here(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world / "b")
    folder, told = searched(world, "../a/photos/deep/1.png")
    assert folder == "a/photos" and str(world / "a" / "photos") in told and "folder of the image" in told


def test_store_above_here_serves_an_image_from_nowhere(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world / "a" / "photos" / "deep")
    folder, told = searched(world, "../../../lone.png")
    assert folder == "a/photos" and "above the current folder" in told


def test_only_child_with_a_store_serves(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)
    folder, told = searched(world, "lone.png")
    assert folder == "b" and "the only folder here" in told


def test_several_children_with_a_store_are_named(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(world / "a")
    monkeypatch.chdir(world)
    remember_folder(str(world / "elsewhere"))
    with pytest.raises(FolderError, match="a, b") as told:
        query("lone.png")
    assert "--in" in told.value.hint


def test_store_used_last_serves_at_the_end(world: Path) -> None:
    index(world / "a" / "photos")
    folder, told = searched(world, "../lone.png")
    assert folder == "a/photos" and "used last" in told
    query("../lone.png", folder="../b")
    assert searched(world, "../lone.png")[0] == "b"


def test_no_store_anywhere_is_told_with_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_picture(0).save(tmp_path / "lone.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FolderError) as told:
        query("lone.png")
    assert told.value.hint == "augnet embed FOLDER"


def test_other_encoder_than_the_store_was_made_with_embeds_again(world: Path, tmp_path: Path) -> None:
    """A store may hold embeddings of several encoders; hits come from the one that is asked for."""
    from augnet_cli.encoder.locate import shipped_encoder

    named = tmp_path / "same.onnx"
    shutil.copy(shipped_encoder(), named)
    assert len(query(world / "b" / "3.png", folder=world / "b", encoder=named).hits) == 1
    assert augnet_cli.dedupe(world / "b", 0, encoder=named).images == 2


def index_files(folder: Path) -> list[str]:
    return [path.name for path in (folder / ".augnet" / "cache").glob("index-*.ann")]


def test_an_index_is_built_by_the_first_query_that_needs_one_and_kept_in_step_by_dedupe(
    tmp_path: Path,
) -> None:
    folder = make_album(tmp_path / "album")
    dedupe(folder, verify=False, threshold=0.1)
    assert index_files(folder) == []

    expected = query(folder / "flower.jpg", k=4, folder=folder).hits
    built = index_files(folder)
    assert len(built) == 1

    drawn_picture(99).save(folder / "new.png")
    dedupe(folder, verify=False, threshold=0.1)
    assert index_files(folder) == built
    heard = Heard()
    result = query(folder / "flower.jpg", k=IMAGES, folder=folder, progress=heard)
    assert result.hits[:4] == expected and "new.png" in {hit.path for hit in result.hits}
    assert not any("exact search" in note for note in heard.notes)
