"""The page of hits in a real browser: what it shows, and what a harmful name can't do."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlparse

import pytest
from chromium import Tab, chromium_tab
from conftest import drawn_picture
from page_examples import BACKWARDS, BROKEN_LINE, IMAGE_TAG, NO_UTF8, SCRIPT_TAG

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.report.query_page import MARK, write_query_page
from augnet_cli.results import Answer, Hit, QueryResult

HARMFUL = (IMAGE_TAG, SCRIPT_TAG, BROKEN_LINE, NO_UTF8, BACKWARDS, "a \"quoted\" & 'such'.png")
PICTURES = 2 + 1 + 1 + len(HARMFUL) + 2


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "photos <i>"
    folder.mkdir()
    for seed, name in enumerate(("plain.png", *HARMFUL)):
        file = os.path.join(folder, name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        drawn_picture(seed, 80, 60).save(file, "PNG")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return folder


@pytest.fixture(scope="module")
def file(photos: Path) -> Path:
    hits = tuple(Hit(name, place / 10, place == 0, ("resized",)) for place, name in enumerate(HARMFUL))
    asked = tuple(os.path.join(photos, name) for name in ("plain.png", HARMFUL[0]))
    answers = (
        Answer(asked, (*hits, Hit("broken.png", 0.9)), (os.path.join(photos, HARMFUL[1]),)),
        Answer((os.path.join(photos, HARMFUL[5]),), (Hit("gone.png", 1.0),), crop=(0, 0, 40, 30)),
    )
    file = photos.parent / "hits #1 & 100%.html"
    written = write_query_page(QueryResult(str(photos), "p", "e", answers), str(file))
    assert (written.pictures, written.broken) == (PICTURES, 2)
    assert written.size_bytes == file.stat().st_size
    return file


@pytest.fixture(scope="module")
def tab(file: Path):
    with chromium_tab() as tab:
        tab.window(1280, 900)
        tab.open(file)
        tab.wait("document.readyState === 'complete'")
        yield tab


def test_every_picture_is_seen_with_its_name_and_distance(tab: Tab) -> None:
    seen = tab.run("[...document.images].map((one) => one.naturalWidth)")
    assert seen == [80] * (PICTURES - 2)
    names = tab.run(
        "[...document.querySelectorAll('article:first-of-type li .path')].map((one) => one.innerText)"
    )
    assert names == [*map(shown, HARMFUL), "broken.png"]
    distances = tab.run(
        "[...document.querySelectorAll('article:first-of-type .distance')].map((one) => one.innerText)"
    )
    assert distances == [*(f"{place / 10:.4f}" for place in range(len(HARMFUL))), "0.9000"]
    assert tab.run("[...document.querySelectorAll('.same .word')].map((one) => one.innerText)") == [
        "same: resized"
    ]


def test_names_are_text_and_nothing_runs_or_is_fetched(tab: Tab, file: Path) -> None:
    assert tab.complaints() == [] and tab.dialogs() == 0
    assert tab.run("document.scripts.length") == 0
    assert {urlparse(address).path for address in tab.requests()} == {urlparse(file.as_uri()).path}
    text = file.read_text(encoding="utf-8")
    assert "<script" not in text and MARK in text


def test_links_lead_to_the_files(tab: Tab, photos: Path) -> None:
    links = tab.run("[...document.querySelectorAll('li .path')].map((one) => one.href)")
    files = [unquote_to_bytes(urlparse(link).path) for link in links]
    expected = [
        os.path.join(os.fsencode(photos), os.fsencode(name)) for name in (*HARMFUL, "broken.png", "gone.png")
    ]
    assert files == expected


def test_what_can_not_be_shown_says_why(tab: Tab) -> None:
    said = tab.run("[...document.querySelectorAll('.broken')].map((one) => one.innerText)")
    assert len(said) == 2 and all(words.startswith("can't be shown: ") for words in said)


@pytest.mark.parametrize(("theme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_is_light_or_dark_as_the_reader_wants_it(tab: Tab, theme: str, is_dark: bool) -> None:
    tab.prefer("prefers-color-scheme", theme)
    ground = tab.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 3 * 128) is is_dark


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_is_cut_off_in_any_window(tab: Tab, width: int) -> None:
    tab.window(width, 900)
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_is_not_written_over_another_file(tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("my own page")
    result = QueryResult(str(tmp_path), "p", "e", (Answer(("a.png",), ()),))
    for name, error in (("mine.html", FolderError), ("mine.txt", UsageError), ("no/mine.html", FolderError)):
        with pytest.raises(error):
            write_query_page(result, str(tmp_path / name))
    assert (tmp_path / "mine.html").read_text() == "my own page"
