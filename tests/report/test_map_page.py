"""The map as a file: what it holds, how large it is, and that it is written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from map_examples import CUT_SHORT, make_map_folder
from test_page import Reader, data_of

from augnet_cli.errors import FolderError
from augnet_cli.progress import Progress
from augnet_cli.report import map_page
from augnet_cli.report.map_page import check_map, write_map
from augnet_cli.results import ClusterResult


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[ClusterResult, Path, map_page.WrittenMap]:
    folder = tmp_path_factory.mktemp("photos")
    result = make_map_folder(folder)
    file = folder.parent / f"{folder.name}.html"
    return result, file, write_map(result, str(file), workers=2)


def test_the_map_tells_what_was_written(made):
    result, file, written = made

    assert written.size_bytes == file.stat().st_size
    assert (written.images, written.pictures, written.broken) == (26, 26, 1)
    (broken,) = [picture for picture in data_of(file)["pictures"] if len(picture) > 6]
    assert result.spread.paths[broken[0]] == CUT_SHORT and broken[6]


def test_the_map_holds_everything_it_shows_and_its_policy_names_it(made):
    _, file, _ = made
    text = file.read_text(encoding="utf-8")
    reader = Reader(text)

    for tag, attributes in reader.elements:
        for name in ("src", "href", "action", "data", "srcset"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "@import" not in reader.inside["style"] and "url(" not in reader.inside["style"]
    (policy,) = [a["content"] for _, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy"]
    for kind, inside in (("style", "style"), ("script", "module")):
        digest = hashlib.sha256(reader.inside[inside].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_a_title_that_is_markup_stays_text(made, tmp_path):
    result, _, _ = made
    file = tmp_path / "map.html"

    write_map(replace(result, folder="/photos/<b>$data</b>&amp;"), str(file))

    reader = Reader(file.read_text(encoding="utf-8"))
    assert not [tag for tag, _ in reader.elements if tag == "b"]
    assert reader.inside["title"].endswith("b>&amp;")


def test_the_same_result_makes_the_same_map(made):
    result, file, _ = made
    again = file.with_name(f"{file.stem} again.html")

    write_map(result, str(again), workers=1)

    assert again.read_bytes() == file.read_bytes()


def test_beyond_a_number_the_rest_are_dots_without_picture(made, tmp_path, monkeypatch):
    result, _, _ = made
    monkeypatch.setattr(map_page, "MOST_PICTURES", 9)

    written = write_map(result, str(tmp_path / "map.html"))

    assert (written.images, written.pictures) == (26, 9)


def test_the_map_says_how_it_was_made(made):
    _, file, _ = made

    how = Reader(file.read_text(encoding="utf-8")).inside["p"]
    assert "26 images in 3 clusters by HDBSCAN, their number found here." in how
    assert "laid flat by PCA" in how


def test_a_failure_leaves_the_earlier_map_and_only_such_a_one_is_replaced(made, tmp_path):
    result, _, _ = made
    file = tmp_path / "map.html"
    write_map(result, str(file))
    before = file.read_bytes()

    class Stopped(Progress):
        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_map(result, str(file), Stopped())
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["map.html"]

    check_map(str(file))
    file.write_text("<p>my notes</p>")
    with pytest.raises(FolderError, match="another file of that name"):
        write_map(result, str(file))
    assert file.read_text() == "<p>my notes</p>"
