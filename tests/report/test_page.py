"""The page as a file: what it holds, how large it is, and that it is written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import stat
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import drawn_picture
from page_examples import make_folder
from PIL import Image
from report_examples import weird_dedupe

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.progress import Progress
from augnet_cli.records import Group, Kept, Redundant
from augnet_cli.report import page as page_module
from augnet_cli.report.page import write_page
from augnet_cli.report.thumbnails import SIDES, encoded, thumbnail
from augnet_cli.results import DedupeResult


class Reader(HTMLParser):
    """Every element of a page with its attributes, and the text of style and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.inside: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open = tag if tag != "script" else str(dict(attributes).get("type"))

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        self.inside[self._open] = self.inside.get(self._open, "") + data


def data_of(file: Path) -> dict:
    return json.loads(Reader(file.read_text(encoding="utf-8")).inside["application/json"])


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[DedupeResult, Path]:
    folder = tmp_path_factory.mktemp("photos")
    result = make_folder(folder)
    file = folder.parent / f"{folder.name}.html"
    write_page(result, str(file))
    return result, file


def test_the_page_holds_everything_it_shows(made):
    _, file = made
    reader = Reader(file.read_text(encoding="utf-8"))

    for tag, attributes in reader.elements:
        for name in ("src", "href", "action", "data", "srcset"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (
            tag,
            attributes,
        )
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", file.read_text(encoding="utf-8"))
    assert "@import" not in reader.inside["style"]
    assert "url(" not in reader.inside["style"]


def test_the_policy_lets_in_this_style_and_script_and_pictures_of_the_page_alone(made):
    _, file = made
    reader = Reader(file.read_text(encoding="utf-8"))
    (policy,) = [a["content"] for _, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == hashed(reader.inside["style"])
    assert rules["script-src"] == hashed(reader.inside["module"])
    assert "unsafe" not in policy


def test_thumbnails_are_upright_small_and_of_the_picture(made):
    result, file = made
    data = data_of(file)

    pictures = {}
    for image in data["images"]:
        thumbnail = data["thumbnails"][image["thumbnail"]]
        if thumbnail:
            pictures[image["path"]] = Image.open(io.BytesIO(base64.b64decode(thumbnail)))
    kept = pictures["first/kept.png"]
    assert max(kept.size) == 480
    assert pictures["first/turn.png"].size == (kept.height, kept.width)
    with Image.open(os.path.join(result.folder, "first/kept.png")) as original:
        assert kept.convert("RGB").resize((1, 1)).getpixel((0, 0)) == pytest.approx(
            original.resize((1, 1)).getpixel((0, 0)), abs=6
        )


def test_what_cannot_be_shown_has_a_placeholder_with_its_reason(made):
    _, file = made
    data = data_of(file)

    (broken,) = [image for image in data["images"] if image["path"] == "cut short.png"]
    assert data["thumbnails"][broken["thumbnail"]] == ""
    assert "cut short" in broken["reason"]
    assert broken["bytes"] == 2000


def test_a_folder_that_vanished_still_makes_a_page(tmp_path):
    file = tmp_path / "report.html"

    written = write_page(weird_dedupe(), str(file))

    assert written.broken == len(data_of(file)["thumbnails"])
    assert written.size_bytes == file.stat().st_size


def test_a_title_that_is_markup_stays_text(tmp_path):
    result = DedupeResult("/photos/<b>$data</b>&amp;", "p", "e", 0.2, 0, (), ())
    file = tmp_path / "report.html"

    write_page(result, str(file))

    reader = Reader(file.read_text(encoding="utf-8"))
    assert not [tag for tag, _ in reader.elements if tag == "b"]
    assert reader.inside["title"].endswith("b>&amp;")


def test_the_same_result_makes_the_same_page(made, tmp_path_factory):
    result, file = made
    again = file.with_name("again.html")

    write_page(result, str(again), workers=3)

    assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("threshold", "source", "verified", "all_proved", "words"),
    [
        (
            None,
            "auto",
            True,
            True,
            "Every pair was proved by laying one picture upon the other, whatever its",
        ),
        (0.3, "given", True, True, "Every pair within distance 0.3 was proved"),
        (None, "auto", True, False, "1 redundant image rests on no proof: look before you act."),
        (None, "auto", True, False, "Every pair but those marked unverified was proved"),
        (0.15, "calibrated", False, False, "Distance threshold 0.15, calibrated on this folder."),
        (0.15, "card", False, False, "1 redundant image rests on the distance alone: look before you act."),
    ],
)
def test_the_page_says_what_its_groups_rest_on(tmp_path, threshold, source, verified, all_proved, words):
    drawn_picture(1).save(tmp_path / "a.png")
    pair = Group(Kept("a.png", "why"), (Redundant("b.png", 0.1, "a.png", all_proved, ("near",)),))
    file = tmp_path / "report.html"
    result = DedupeResult(str(tmp_path), "p", "e", threshold, 2, (pair,), ())
    write_page(replace(result, threshold_from=source, verified=verified), str(file))

    how = Reader(file.read_text(encoding="utf-8")).inside["p"]
    assert words in how and "Nothing was changed." in how
    assert "Click a picture to compare it" in how


@pytest.mark.parametrize(("threshold", "within"), [(None, ""), (0.3, " within distance 0.3")])
def test_the_page_does_not_call_a_persons_word_a_proof(tmp_path, threshold, within):
    drawn_picture(1).save(tmp_path / "a.png")
    copies = (
        Redundant("b.png", 0.1, "a.png", True, ("decided",)),
        Redundant("c.png", 0.1, "a.png", True, ("cropped",)),
    )
    result = DedupeResult(str(tmp_path), "p", "e", threshold, 3, (Group(Kept("a.png", "why"), copies),), ())
    write_page(replace(result, verified=True), str(tmp_path / "report.html"))

    how = Reader((tmp_path / "report.html").read_text(encoding="utf-8")).inside["p"]
    assert f"Every pair{within} but those that you decided was proved" in how


def test_exif_turns_a_thumbnail(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn_picture(1, 64, 32).save(tmp_path / "a.jpg", exif=exif)
    result = DedupeResult(str(tmp_path), "p", "e", 0.2, 1, (Group(Kept("a.jpg", ""), ()),), ())
    file = tmp_path / "report.html"

    write_page(result, str(file))

    data = data_of(file)
    picture = Image.open(io.BytesIO(base64.b64decode(data["thumbnails"][0])))
    assert picture.size == (data["images"][0]["width"], data["images"][0]["height"]) == (32, 64)


def test_thumbnails_shrink_when_there_are_many(tmp_path, monkeypatch):
    for seed in range(6):
        drawn_picture(seed, 600, 450).save(tmp_path / f"{seed}.png")
    copies = tuple(Redundant(f"{seed}.png", 0.1, "0.png", True, ()) for seed in range(1, 6))
    result = DedupeResult(str(tmp_path), "p", "e", 0.2, 6, (Group(Kept("0.png", ""), copies),), ())
    file = tmp_path / "report.html"

    assert write_page(result, str(file)).side == SIDES[0]
    at_256 = [len(encoded(thumbnail(str(tmp_path), f"{seed}.png", 256).pixels)) for seed in range(6)]
    budget = sum(at_256) * 4 // 3 + 6 * 4
    monkeypatch.setattr(page_module, "THUMBNAILS_BYTES", budget)
    written = write_page(result, str(file))

    assert written.side == 256
    assert sum(map(len, data_of(file)["thumbnails"])) <= budget
    monkeypatch.setattr(page_module, "THUMBNAILS_BYTES", 6)
    assert write_page(result, str(file)).side == SIDES[-1]


def test_a_failure_leaves_the_earlier_page_and_nothing_else(made, tmp_path):
    result, _ = made
    file = tmp_path / "report.html"
    write_page(result, str(file))
    before = file.read_bytes()

    class Stopped(Progress):
        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(result, str(file), Stopped())

    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["report.html"]


def test_only_an_earlier_page_is_replaced(made, tmp_path):
    result, _ = made
    file = tmp_path / "report.html"
    file.write_text("<p>my notes</p>")

    with pytest.raises(FolderError, match="another file of that name"):
        write_page(result, str(file))

    assert file.read_text() == "<p>my notes</p>"


def test_a_page_goes_neither_into_the_store_nor_under_another_name(made, tmp_path):
    result, _ = made
    cache = tmp_path / ".augnet" / "cache"
    cache.mkdir(parents=True)
    (tmp_path / "link").symlink_to(cache)
    os.mkfifo(tmp_path / "pipe.html")

    for file, error in (
        (cache / "report.html", FolderError),
        (tmp_path / "link" / "report.html", FolderError),
        (tmp_path / "there is no folder" / "report.html", FolderError),
        (tmp_path / "pipe.html", FolderError),
        (tmp_path / "photo.jpg", UsageError),
    ):
        with pytest.raises(error):
            write_page(result, str(file))
    assert stat.S_ISFIFO((tmp_path / "pipe.html").stat().st_mode)
    assert list(cache.iterdir()) == []
