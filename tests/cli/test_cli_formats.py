"""What the program prints: the shapes that other programs read, and paths that the shell can use."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from augnet_program import Done, augnet, tree
from conftest import drawn_picture
from photo_folders import IMAGES, SAME, SKIPPED, between, make_album

from augnet_cli.encoder.locate import shipped_encoder

DISTANCE_DIGITS = 6


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_album(tmp_path_factory.mktemp("formats") / "album")


@pytest.fixture(scope="module")
def near(album: Path) -> list[str]:
    return ["--threshold", repr(between(album))]


def test_dedupe_json_has_the_promised_shape(album: Path, near: list[str]) -> None:
    before = tree(album)
    done = augnet("dedupe", album, *near, "--format", "json").ok()
    result = done.json()
    assert list(result) == [
        "version", "folder", "encoder", "threshold", "threshold_from",
        "groups", "unverified", "stacks", "skipped",
    ]  # fmt: skip
    assert (result["version"], result["folder"], result["threshold"]) == (1, str(album), float(near[1]))
    assert (result["unverified"], result["stacks"], result["threshold_from"]) == ([], [], "given")
    assert [list(skip) for skip in result["skipped"]] == [["path", "reason"]]
    assert result["skipped"][0]["path"] == SKIPPED
    found = set()
    for group in result["groups"]:
        assert list(group) == ["kept", "redundant"] and list(group["kept"]) == ["path", "reason"]
        found.add((group["kept"]["path"], *sorted(image["path"] for image in group["redundant"])))
        for image in group["redundant"]:
            assert list(image) == ["path", "distance", "witness", "verified", "verdict", "transform"]
            assert image["witness"] == group["kept"]["path"]
            same = (album / image["path"]).read_bytes() == (album / image["witness"]).read_bytes()
            assert image["verified"] is True
            if same:
                assert image["verdict"] == ["identical-bytes"] and image["transform"] is None
                continue
            assert image["verdict"] in (["resized"], ["re-encoded"])
            assert list(image["transform"]) == ["matrix", "box", "degrees", "mirrored", "changed_share"]
            assert [len(image["transform"][name]) for name in ("matrix", "box")] == [6, 4]
            assert 0 <= image["distance"] <= float(near[1])
    assert found == set(SAME)
    assert tree(album) == before


def test_json_says_how_the_pairs_were_chosen(album: Path) -> None:
    proved = augnet("dedupe", album, "--format", "json").ok().json()
    assert (proved["threshold"], proved["threshold_from"]) == ("auto", "auto")
    plain = augnet("dedupe", album, "--no-verify", "--format", "json").ok().json()
    assert plain["threshold_from"] == "card" and isinstance(plain["threshold"], float)
    for group in plain["groups"]:
        for image in group["redundant"]:
            assert image["verdict"] == (["identical-bytes"] if image["verified"] else ["near"])
            assert image["transform"] is None


def test_query_json_has_the_promised_shape(album: Path) -> None:
    done = augnet("query", "flower.jpg", "--k", "4", "--format", "json", cwd=album).ok()
    result = done.json()
    assert list(result) == ["version", "query", "folder", "hits", "answers", "skipped"]
    assert (result["version"], result["query"], result["folder"]) == (1, "flower.jpg", str(album))
    assert [list(hit) for hit in result["hits"]] == [["path", "distance"]] * 4
    assert [hit["distance"] for hit in result["hits"][:2]] == [0, 0]
    assert any(str(album) in note for note in done.notes)


def test_cluster_json_has_the_promised_shape(album: Path) -> None:
    result = augnet("cluster", album, "--k", "3", "--format", "json").ok().json()
    assert list(result)[:3] == ["version", "folder", "encoder"] and result["version"] == 1
    assert (result["method"], result["k"], result["chosen"], result["seed"]) == ("kmeans", 3, False, 0)
    promised = {"id", "name", "size", "medoid", "exemplars", "members", "tightness", "neighbour", "looks"}
    assert all(promised <= set(found) for found in result["clusters"]) and len(result["clusters"]) == 3
    assert sum(found["size"] for found in result["clusters"]) == IMAGES


def test_embed_json_counts_and_exports(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npz"
    result = augnet("embed", album, "--out", out, "--format", "json").ok().json()
    assert (result["version"], result["images"], result["others"]) == (1, IMAGES, 1)
    assert result["embedded"] + result["known"] == IMAGES
    with np.load(out, allow_pickle=False) as file:
        assert len(file["paths"]) == IMAGES == len(file["embeddings"])


def test_info_json_says_what_is_known(album: Path) -> None:
    augnet("embed", album).ok()
    result = augnet("info", album, "--format", "json").ok().json()
    assert (result["version"], result["folder"], result["images"], result["skipped"]) == (
        1, str(album), IMAGES, 1
    )  # fmt: skip
    assert result["store_bytes"] > 0
    text = augnet("info", album).ok().out.decode()
    assert str(album) in text and result["encoder"] in text


def test_info_tells_of_an_encoder_that_was_trained_before_anything_was_embedded(tmp_path: Path) -> None:
    """As `train` leaves a folder that no other command has seen."""
    (tmp_path / ".augnet").mkdir()
    shutil.copy(shipped_encoder(), tmp_path / ".augnet" / "encoder.onnx")
    text = augnet("info", tmp_path).ok().out.decode()
    assert str(tmp_path / ".augnet" / "encoder.onnx") in text and f"`augnet embed {tmp_path}`" in text
    result = augnet("info", tmp_path, "--format", "json").ok().json()
    assert (result["store"], result["store_bytes"], result["images"]) == (None, 0, 0)


def rows_of(done: Done) -> list[list[str]]:
    return list(csv.reader(io.StringIO(done.ok().out.decode(), newline="")))


def test_csv_has_a_row_an_image(album: Path, near: list[str]) -> None:
    head, *rows = rows_of(augnet("dedupe", album, *near, "--format", "csv"))
    assert head == ["group", "role", "path", "distance", "witness", "verified", "verdict"]
    assert sorted(row[2] for row in rows) == sorted(path for same in SAME for path in same)
    assert [row[2] for row in rows if row[1] == "kept"] == sorted(same[0] for same in SAME)
    head, *rows = rows_of(augnet("cluster", album, "--k", "2", "--format", "csv"))
    assert len(rows) == IMAGES and {row[0] for row in rows} == {"0", "1"}
    head, *rows = rows_of(augnet("query", album / "china.png", "--k", "3", "--in", album, "--format", "csv"))
    assert head == ["query", "rank", "path", "distance", "same", "verdict"]
    assert [row[1] for row in rows] == ["1", "2", "3"]


def test_text_names_what_stays_and_what_may_go(album: Path, near: list[str]) -> None:
    out = augnet("dedupe", album, *near).ok().out.decode()
    for kept, *redundant in SAME:
        assert f"keep    {kept}" in out
        for path in redundant:
            assert f"  {path}" in out
    assert "nothing was changed" in out and "1 image skipped" in out


@pytest.mark.parametrize(
    ("typed", "start"),
    [("album", "album/"), ("album/", "album/"), ("./album", "./album/"), ("album//", "album/")],
)
def test_paths_start_with_the_folder_as_typed(album: Path, near: list[str], typed: str, start: str) -> None:
    lines = augnet("dedupe", typed, *near, "--format", "paths", cwd=album.parent).ok().lines
    assert len(lines) == sum(len(same) - 1 for same in SAME)
    for line in lines:
        assert line.startswith(start) and "//" not in line and (album.parent / line).is_file()


def test_paths_of_the_current_folder(album: Path, near: list[str]) -> None:
    for line in augnet("dedupe", ".", *near, "--format", "paths", cwd=album).ok().lines:
        assert line.startswith("./") and (album / line).is_file()


def test_hostile_names_reach_other_programs_unharmed(tmp_path: Path) -> None:
    """Through a real `xargs -0 ls` and `xargs -0 rm`, from a folder whose own name begins with a dash."""
    folder = tmp_path / "-photos"
    folder.mkdir()
    names = [
        b"a b.png",
        b"new\nline.png",
        b"quote'\".png",
        "emoji 🦊.png".encode(),
        b"no\xff\xfe.png",
        b"-rf.png",
    ]
    for number, name in enumerate(names):
        drawn_picture(number).save(folder / "x.png")
        os.rename(folder / "x.png", os.path.join(os.fsencode(folder), name))
        shutil.copy(os.path.join(os.fsencode(folder), name), os.path.join(os.fsencode(folder), b"~" + name))
    command = ("dedupe", "--threshold", "0", "--format", "paths", "-0", "--quiet", "--", "-photos")
    done = augnet(*command, cwd=tmp_path).ok()
    wanted = sorted(b"./-photos/~" + name for name in names)
    assert sorted(done.out.split(b"\0")[:-1]) == wanted
    listed = subprocess.run(
        ["xargs", "-0", "ls", "-d", "--zero"], input=done.out, cwd=tmp_path, capture_output=True, check=True
    )
    assert sorted(listed.stdout.split(b"\0")[:-1]) == wanted
    subprocess.run(["xargs", "-0", "rm"], input=done.out, cwd=tmp_path, check=True)
    assert sorted(os.listdir(os.fsencode(folder))) == sorted([*names, b".augnet"])


def test_line_break_in_a_name_is_left_out_of_lines_and_told(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "b\nc.png")
    done = augnet("dedupe", tmp_path, "--threshold", "0", "--format", "paths").ok()
    assert done.out == b"" and len(done.notes) == 1 and "-0" in done.notes[0]


def test_json_gives_names_that_are_no_text_back(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", os.path.join(os.fsencode(tmp_path), b"z\xff[red]\x1b[31m.png"))
    done = augnet("dedupe", tmp_path, "--threshold", "0", "--format", "json").ok()
    assert done.out.isascii() and b"\x1b" not in done.out
    name = done.json()["groups"][0]["redundant"][0]["path"]
    assert os.fsencode(name) == b"z\xff[red]\x1b[31m.png"


def test_null_without_paths_is_refused_before_any_work(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    assert "--format paths" in augnet("dedupe", tmp_path, "-0").refused(2)
    assert not (tmp_path / ".augnet").exists()


@pytest.mark.parametrize("command", [["embed", "--format", "paths"], ["info", "--format", "csv"]])
def test_format_that_a_command_has_not_is_refused(tmp_path: Path, command: list[str]) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    assert "--format text" in augnet(*command, tmp_path).refused(2)
