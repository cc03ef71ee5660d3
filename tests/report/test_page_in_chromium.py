"""The page in a real browser: what a person sees, clicks and types, and what a harmful name can't do."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlparse

import pytest
from chromium import Tab, chromium_tab
from page_examples import BACKWARDS, BROKEN_LINE, IMAGE_TAG, NO_UTF8, SCRIPT_TAG, make_folder
from PIL import Image

from augnet_cli.images.names import shown
from augnet_cli.records import Group, Kept, Redundant
from augnet_cli.report.page import write_page
from augnet_cli.results import DedupeResult

HARMFUL = (IMAGE_TAG, SCRIPT_TAG, BROKEN_LINE, NO_UTF8, BACKWARDS)
TITLES = "[...document.querySelectorAll('article')].map((card) => card.item.title)"
TILES = 11  # on the page of examples
MANY = 3000
BOX_OF_PARTS = "M120.0 0.0L360.0 0.0L360.0 360.0L120.0 360.0Z"


@pytest.fixture(scope="module")
def browser():
    with chromium_tab() as tab:
        yield tab


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    file = folder.parent / "report #1 & 100%.html"
    write_page(make_folder(folder), str(file))
    return file


@pytest.fixture
def tab(browser: Tab, page: Path) -> Tab:
    browser.events.clear()
    browser.window(1280, 900)
    browser.prefer("prefers-color-scheme", "light")
    browser.open(page)
    browser.wait(f"document.querySelectorAll('.path a').length === {TILES}")
    return browser


def choose(tab: Tab, name: str, value: str) -> None:
    tab.run(f"Object.assign(document.querySelector('#{name}'), {{ value: {value!r} }})")
    tab.run(f"document.querySelector('#{name}').dispatchEvent(new Event('change'))")


def open_comparison(tab: Tab, number: int) -> None:
    """Of the first group's copy `number`, in the order of the page's records."""
    choose(tab, "order", "number")
    tab.wait("document.querySelector('button.picture')")
    tab.click(f"article button.picture[data-place='{number}']")
    tab.wait("document.querySelector('dialog').open && document.querySelector('#canvas').dataset.pair")


def canvas_pixels(tab: Tab) -> Image.Image:
    """What the canvas shows, made small; opaque white where it shows nothing."""
    return flat(tab.run("document.querySelector('#canvas').toDataURL()"))


def flat(address: str) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture.convert("RGBA"))
    return paper.convert("RGB")


def mean_difference(one: Image.Image, other: Image.Image, box: tuple[int, int, int, int]) -> float:
    a, b = (picture.crop(box).resize((40, 30), Image.Resampling.BOX).tobytes() for picture in (one, other))
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)


def test_groups_are_drawn_and_names_do_no_harm(tab):
    texts = tab.run("[...document.querySelectorAll('.path a')].map((a) => a.textContent)")

    assert {shown(name) for name in HARMFUL} <= set(texts)
    assert tab.run("document.querySelectorAll('img:not([src^=\"data:image/\"])').length") == 0
    assert tab.run("document.querySelectorAll('script').length") == 2
    assert tab.run("document.querySelector('.broken').textContent").startswith("can't be shown")
    assert tab.complaints() == []
    assert tab.dialogs() == 0
    (only,) = tab.requests()
    assert only.startswith("file:")


def test_links_lead_to_the_very_files(tab):
    addresses = tab.run("[...document.querySelectorAll('.path a')].map((a) => a.href)")

    assert len(addresses) == TILES
    for address in addresses:
        assert os.path.exists(unquote_to_bytes(urlparse(address).path)), address


def test_nothing_can_be_fetched_or_run_even_from_inside_the_page(tab):
    tried = tab.run(
        """(async () => {
          const tries = {};
          const image = new Image();
          tries.image = new Promise((done) => {
            image.onload = () => done('came');
            image.onerror = () => done('no');
          });
          image.src = 'http://127.0.0.1:9/x.png';
          tries.fetch = fetch('http://127.0.0.1:9/').then(() => 'came', () => 'no');
          const style = document.createElement('style');
          style.textContent = 'h1 { color: rgb(1, 2, 3) }';
          document.head.append(style);
          const colour = getComputedStyle(document.querySelector('h1')).color;
          tries.style = colour === 'rgb(1, 2, 3)' ? 'came' : 'no';
          try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); tries.html = 'came'; }
          catch { tries.html = 'no'; }
          const names = Object.keys(tries);
          const ends = await Promise.all(Object.values(tries));
          return Object.fromEntries(names.map((name, place) => [name, ends[place]]));
        })()"""
    )

    assert tried == {"image": "no", "fetch": "no", "style": "no", "html": "no"}


@pytest.mark.parametrize(
    ("copy", "shared"),
    [
        (0, (120, 60, 440, 300)),  # a crop
        (1, (0, 0, 480, 360)),  # turned left
        (2, (0, 0, 480, 360)),  # mirrored and half as large
        (3, (0, 0, 480, 360)),  # in a border
        (4, (60, 45, 420, 315)),  # a crop, mirrored, turned and half as large
    ],
)
def test_the_pictures_lie_upon_each_other(tab, copy, shared):
    """In flicker mode both pictures, as the canvas shows them, agree where the copy lies."""
    tab.prefer("prefers-reduced-motion", "reduce")
    open_comparison(tab, copy)
    tab.press("f", "f")
    kept = canvas_pixels(tab)
    tab.press(" ", " ")
    assert tab.run("document.querySelector('#canvas').dataset.shown") == "copy"
    other = canvas_pixels(tab)

    # Where the witness stands on the canvas: the border's view is larger than the witness by 40 on each side.
    around = 40 if copy == 3 else 0
    width, height = 480 + 2 * around, 360 + 2 * around
    scale = min(kept.width / width, kept.height / height)
    left, top = (kept.width - scale * width) / 2, (kept.height - scale * height) / 2
    inset = 4
    box = (
        round(left + scale * (shared[0] + around) + inset),
        round(top + scale * (shared[1] + around) + inset),
        round(left + scale * (shared[2] + around) - inset),
        round(top + scale * (shared[3] + around) - inset),
    )
    assert mean_difference(kept, other, box) < 6
    # Where the crop has nothing they do not.
    if copy == 0:
        assert mean_difference(kept, other, (0, 0, kept.width, kept.height)) > 6
    tab.prefer("prefers-reduced-motion", "no-preference")


def test_the_slider_moves_by_mouse_and_by_key(tab):
    open_comparison(tab, 2)
    tab.press("s", "s")
    divider = "Number(document.querySelector('#canvas').dataset.divider)"
    middle = tab.run(divider)
    before = canvas_pixels(tab)

    for _ in range(5):
        tab.press("ArrowRight")
    by_key = tab.run(divider)
    box = tab.run("document.querySelector('#stage').getBoundingClientRect().toJSON()")
    y = box["y"] + box["height"] / 2
    tab.mouse("mousePressed", box["x"] + middle, y)
    tab.mouse("mouseMoved", box["x"] + middle - 150, y)
    tab.mouse("mouseReleased", box["x"] + middle - 150, y)

    assert by_key > middle
    assert tab.run(divider) == pytest.approx(middle - 150, abs=8)
    assert tab.run("document.querySelector('#slide').value") < "50"
    assert before.tobytes() != canvas_pixels(tab).tobytes()
    tab.press("Escape")
    tab.wait("!document.querySelector('dialog').open")
    # The tile one came from has the focus again.
    assert tab.run("document.activeElement.dataset.place") == "2"


def test_the_flicker_turns_by_itself_and_stops_by_key(tab):
    open_comparison(tab, 0)
    showing = "document.querySelector('#canvas').dataset.shown"
    tab.click("[data-mode='flicker']")

    tab.wait(f"{showing} === 'copy'")
    tab.wait(f"{showing} === 'kept'")
    tab.run("document.querySelector('#stage').focus()")
    tab.press(" ", " ")
    stopped = tab.run(showing)
    tab.run("new Promise((done) => setTimeout(done, 1000))")
    assert tab.run(showing) == stopped
    tab.press("d", "d")
    assert tab.run(showing) == "difference"
    tab.press("n", "n")
    tab.wait("document.querySelector('#step').textContent.startsWith('2 of')")
    assert tab.complaints() == []


def test_the_comparison_opens_by_keyboard_alone(tab):
    tab.run("document.querySelector('button.picture').focus()")
    tab.press("Enter", "\r")

    tab.wait("document.querySelector('dialog').open")


def test_groups_are_sorted_and_filtered(tab):
    orders = {
        "number": ["Group 1", "Group 2", "Group 3"],
        "far": ["Group 1", "Group 3", "Group 2"],
        "near": ["Group 2", "Group 3", "Group 1"],
        "path": ["Group 2", "Group 3", "Group 1"],
    }
    for order, titles in orders.items():
        choose(tab, "order", order)
        assert tab.run(TITLES) == titles, order
    choose(tab, "order", "saved")
    bytes_of = tab.run("[...document.querySelectorAll('article')].map((card) => card.item.saved)")
    assert bytes_of == sorted(bytes_of, reverse=True)

    choose(tab, "verdict", "cropped")
    assert tab.run(TITLES) == ["Group 1"]
    tab.wait("document.querySelectorAll('.tile.other').length === 3")
    assert tab.run("document.querySelector('#count').textContent") == "1 of 3 shown"
    choose(tab, "verdict", "")
    tab.run("document.querySelector('#text').focus()")
    tab.call("Input.insertText", text="LINES & more")
    tab.wait("document.querySelectorAll('article').length === 1")
    assert tab.run(TITLES) == ["Group 2"]
    tab.call("Input.insertText", text=" nowhere")
    tab.wait("!document.querySelector('#empty').hidden")
    assert tab.run("document.querySelector('#empty').textContent") == "Nothing fits this filter."


def test_what_stays_with_a_reason_and_skips_have_their_own_lists(tab):
    tab.click("[data-section='unverified']")
    tab.wait("document.querySelectorAll('article.unverified .tile').length === 2")
    assert "not verified" in tab.run("document.querySelector('article h3').textContent")
    tab.click("[data-section='partial']")
    tab.wait("document.querySelectorAll('article.partial .tile').length === 2")
    title = tab.run("document.querySelector('article h3').textContent")
    assert all(word in title for word in ("partial", "cropped to 67 %", "both stay"))
    # What the copy shows beyond the other picture is not drawn on it.
    assert tab.run("document.querySelector('.box .line').getAttribute('d')") == BOX_OF_PARTS
    tab.click("[data-section='stacks']")
    tab.wait("document.querySelector('article.stacks .tile')")
    tab.click("[data-section='skipped']")
    tab.wait("document.querySelector('article.skipped .facts')")
    assert tab.run("document.querySelector('article').textContent").startswith("<b>old</b>.tif")
    tab.press("ArrowLeft")
    assert tab.run("document.activeElement.dataset.section") == "stacks"
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_light_and_dark_both_show_the_page(tab, width):
    tab.window(width, 800)
    grounds = {}
    for scheme in ("light", "dark"):
        tab.prefer("prefers-color-scheme", scheme)
        with Image.open(io.BytesIO(tab.screenshot())) as shot:
            grounds[scheme] = sum(shot.convert("L").getpixel((3, 500 + y)) for y in range(8)) / 8
            assert len(shot.convert("RGB").quantize(64).getcolors()) > 20
    assert grounds["light"] > 200
    assert grounds["dark"] < 60
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_of_thousands_of_groups_opens_at_once_and_holds_few_at_a_time(browser, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "a.png")
    groups = tuple(
        Group(
            Kept(f"{n}/a.png", "first path"),
            (Redundant(f"{n}/b.png", n / MANY, f"{n}/a.png", True, ("near",)),),
        )
        for n in range(MANY)
    )
    file = tmp_path / "report.html"
    write_page(DedupeResult(str(folder), "p", "e", 0.2, 2 * MANY, groups, ()), str(file))
    browser.events.clear()
    browser.window(1280, 900)

    browser.open(file)

    assert browser.run("document.querySelectorAll('article').length") == MANY
    filled = "[...document.querySelectorAll('article')].filter((card) => card.firstChild).length"
    browser.wait(f"{filled} > 0")
    assert browser.run(filled) < 60
    browser.run("window.scrollTo(0, document.body.scrollHeight)")
    browser.wait("[...document.querySelectorAll('article')].at(-1).firstChild")
    assert browser.run(filled) < 120
    assert browser.complaints() == []
