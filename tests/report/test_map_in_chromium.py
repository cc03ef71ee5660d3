"""The map in a real browser: what a person sees, points at and types, and what a harmful name can't do."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlparse

import pytest
from chromium import Tab, chromium_tab
from map_examples import CUT_SHORT, HARMFUL, colour_of, make_map_folder

from augnet_cli.images.names import shown
from augnet_cli.report import map_page
from augnet_cli.report.map_page import write_map
from augnet_cli.results import ClusterResult

MAP = "document.querySelector('#over')"
TITLE = "document.querySelector('.heading h2').textContent"


@pytest.fixture(scope="module")
def browser():
    with chromium_tab() as tab:
        yield tab


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[ClusterResult, Path]:
    folder = tmp_path_factory.mktemp("photos")
    result = make_map_folder(folder)
    file = folder.parent / "map #1 & 100%.html"
    write_map(result, str(file))
    return result, file


def opened(browser: Tab, file: Path) -> Tab:
    browser.events.clear()
    browser.window(1280, 900)
    browser.prefer("prefers-color-scheme", "light")
    browser.mouse("mouseMoved", 1, 1)
    browser.open(file)
    browser.wait(f"{MAP}.dataset.view")
    return browser


@pytest.fixture
def tab(browser: Tab, made) -> Tab:
    return opened(browser, made[1])


def number_of(result: ClusterResult, path: str) -> int:
    return list(result.spread.paths).index(path)


def place(tab: Tab, result: ClusterResult, path: str) -> tuple[float, float]:
    """Where an image is on the screen, once the map stands still."""
    tab.wait(f"!JSON.parse({MAP}.dataset.view).flying")
    view = json.loads(tab.run(f"{MAP}.dataset.view"))
    box = tab.run(f"{MAP}.getBoundingClientRect().toJSON()")
    x, y = (float(number) for number in result.spread.places[number_of(result, path)])
    across = box["x"] + box["width"] / 2 + (x - view["x"]) * view["scale"]
    return across, box["y"] + box["height"] / 2 - (y - view["y"]) * view["scale"]


def point_at(tab: Tab, result: ClusterResult, path: str) -> None:
    x, y = place(tab, result, path)
    tab.mouse("mouseMoved", x, y)
    tab.wait("!document.querySelector('#card').hidden")


def click_on(tab: Tab, result: ClusterResult, path: str) -> None:
    x, y = place(tab, result, path)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        tab.mouse(kind, x, y)


def dot(tab: Tab, result: ClusterResult, path: str) -> tuple[int, ...]:
    """The colour on the layer of dots in the middle of an image, once what changed is drawn."""
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    x, y = place(tab, result, path)
    box = tab.run(f"{MAP}.getBoundingClientRect().toJSON()")
    at = f"{round(x - box['x'])}, {round(y - box['y'])}, 1, 1"
    layer = "document.querySelector('#dots').getContext('2d')"
    return tuple(tab.run(f"[...{layer}.getImageData({at}).data]")[:3])


def without_pictures(tab: Tab) -> None:
    tab.click("#thumbs")
    tab.wait(f"JSON.parse({MAP}.dataset.view).pictures === 0")
    tab.mouse("mouseMoved", 1, 1)


def picture_colour(tab: Tab, selector: str) -> tuple[int, ...]:
    """Of the middle of a picture drawn by the page, once it is."""
    tab.wait(f"document.querySelector('{selector} canvas[data-drawn]')")
    canvas = f"document.querySelector('{selector} canvas')"
    middle = f"{canvas}.width >> 1, {canvas}.height >> 1, 1, 1"
    return tuple(tab.run(f"[...{canvas}.getContext('2d').getImageData({middle}).data]")[:3])


def far(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def type_text(tab: Tab, text: str) -> None:
    tab.run(f"Object.assign(document.querySelector('#text'), {{ value: {json.dumps(text)} }})")
    tab.run("document.querySelector('#text').dispatchEvent(new Event('input'))")


def test_every_image_is_a_dot_in_the_colour_of_its_cluster(tab, made):
    result, _ = made
    without_pictures(tab)

    colours = [{dot(tab, result, path) for path in cluster.members} for cluster in result.clusters]
    noise = {dot(tab, result, path) for path in result.noise}

    assert [len(each) for each in (*colours, noise)] == [1, 1, 1, 1]
    (one,), (two,), (three,), (grey,) = *colours, noise
    assert max(grey) - min(grey) < 16
    assert all(far(a, b) > 60 for a, b in ((one, two), (two, three), (one, three), (one, grey)))


def test_where_there_is_room_images_are_pictures(tab, made):
    result, _ = made
    drawn = f"JSON.parse({MAP}.dataset.view).pictures"
    tab.wait(f"{drawn} > 0")
    few = tab.run(drawn)

    for _ in range(4):
        tab.click("#closer")
    tab.wait(f"!JSON.parse({MAP}.dataset.view).flying")
    tab.click("#whole")
    tab.wait(f"!JSON.parse({MAP}.dataset.view).flying && {drawn} === {few}")
    x, y = place(tab, result, "noise/far.png")
    box = tab.run(f"{MAP}.getBoundingClientRect().toJSON()")
    at = f"{round(x - box['x'])}, {round(y - box['y'])}, 1, 1"

    def shown_there() -> tuple[int, ...]:
        return tuple(tab.run(f"[...{MAP}.getContext('2d').getImageData({at}).data]")[:3])

    tab.wait(f"{MAP}.getContext('2d').getImageData({at}).data[3] === 255")
    assert far(shown_there(), colour_of(number_of(result, "noise/far.png"))) < 14


def test_pointing_at_an_image_shows_its_picture_path_cluster_and_distance(tab, made):
    result, _ = made
    for path, cluster in (
        ("b/3.png", "red, warm"),
        ("c/5.png", "Cluster 3"),
        ("noise/out.png", "in no cluster"),
    ):
        point_at(tab, result, path)

        number = number_of(result, path)
        assert far(picture_colour(tab, "#card"), colour_of(number)) < 14
        words = tab.run("document.querySelector('#card').textContent")
        assert path in words and cluster in words
        assert f"{result.spread.distances[number]:.4f}" in words


def test_an_image_that_cannot_be_shown_says_why(tab, made):
    result, _ = made
    without_pictures(tab)
    point_at(tab, result, CUT_SHORT)

    assert "cut short" in tab.run("document.querySelector('#card .broken small').textContent")


def test_keys_go_from_image_to_image_zoom_and_open(tab, made):
    tab.run(f"{MAP}.focus()")
    tab.press("+", "+")
    tab.wait(f"JSON.parse({MAP}.dataset.view).zoom > 1.5")
    tab.press("0", "0")
    tab.wait(f"JSON.parse({MAP}.dataset.view).zoom === 1")
    tab.press("ArrowRight")
    path = "document.querySelector('#card .path').textContent"
    first = tab.run(path)
    tab.press("ArrowRight")
    second = tab.run(path)

    result, _ = made
    at = [result.spread.places[number_of(result, name)][0] for name in (first, second)]
    assert at[1] > at[0]
    tab.press("Enter", "\r")
    assert second in tab.run("document.querySelector('.image').textContent")


def test_a_click_opens_the_images_cluster_with_all_that_is_known_of_it(tab, made):
    result, _ = made
    click_on(tab, result, "b/2.png")

    assert tab.run(TITLE) == "0 red, warm"
    words = tab.run("document.querySelector('#content').textContent")
    for part in (
        "0.1235", "Feb 1, 2019 – Dec 24, 2021", "<i>Camera</i> & co 60 %", "landscape 75 %, portrait 25 %",
        "What it spans", "On the border", "Outliers in it", "Flagged in it", "dark, blurred", "half 1",
        "64 × 48",
    ):  # fmt: skip
        assert part in words, part
    swatches = tab.run("[...document.querySelectorAll('.swatches i')].map((i) => i.style.background)")
    assert swatches == ["rgb(170, 51, 17)", "rgb(255, 255, 255)"]
    assert far(picture_colour(tab, ".image .frame"), colour_of(number_of(result, "b/2.png"))) < 14
    tab.click(".factlist .link")  # its cluster, without the image
    tab.click(".factlist .link")  # the nearest one
    assert tab.run(TITLE) == "Cluster 3"


def test_an_open_part_leaves_the_rest_of_its_cluster_faint(tab, made):
    result, _ = made
    without_pictures(tab)
    before = [dot(tab, result, path) for path in result.clusters[1].members]
    tab.click(".cluster:nth-child(2)")
    tab.click("section .cluster:nth-child(2)")
    tab.mouse("mouseMoved", 1, 1)

    assert tab.run(TITLE) == "half 1"
    part = result.clusters[1].children[1]
    for path, colour in zip(result.clusters[1].members, before, strict=True):
        assert (dot(tab, result, path) == colour) is (path in part.members)
    tab.click(".back")
    assert [dot(tab, result, path) for path in result.clusters[1].members] == before


def test_a_search_lists_and_lights_what_holds_its_text(tab, made):
    result, _ = made
    without_pictures(tab)
    before = dot(tab, result, "c/1.png"), dot(tab, result, "b/1.png")
    type_text(tab, "C/")
    tab.wait("document.querySelector('#content .lead')?.textContent.includes('8 of 26')")

    texts = tab.run("[...document.querySelectorAll('.row .path')].map((each) => each.textContent)")
    assert texts == [f"c/{number}.png" for number in range(8)]
    assert dot(tab, result, "c/1.png") == before[0]
    assert dot(tab, result, "b/1.png") != before[1]
    type_text(tab, "no such name")
    tab.wait("document.querySelector('#content .lead')?.textContent === 'No path holds this.'")
    type_text(tab, "")
    tab.wait("document.querySelectorAll('.rows .cluster').length === 3")


def test_lists_and_the_curve_are_there(tab):
    tabs = tab.run("[...document.querySelectorAll('#tabs button')].map((each) => each.textContent)")
    assert tabs == ["Clusters3", "Outliers2", "Flagged1", "Noise2", "Skipped1"]
    assert tab.run("document.querySelectorAll('.chart path.line').length") == 3
    tab.click("[data-list=outliers]")
    rows = tab.run("[...document.querySelectorAll('.row')].map((each) => each.textContent)")
    assert ["noise/out.png" in rows[0], "0.6100" in rows[0], "b/1.png" in rows[1]] == [True] * 3
    tab.click("[data-list=skipped]")
    assert "<i>old</i>.tif" in tab.run("document.querySelector('#content').textContent")


def test_names_do_no_harm_and_links_lead_to_the_very_files(tab, made):
    result, _ = made
    tab.click(".cluster")  # the first holds them all
    texts = tab.run("[...document.querySelectorAll('.tile')].map((each) => each.title)")
    assert {shown(name) for name in HARMFUL} <= set(texts)
    for name in HARMFUL:
        tab.run(f"document.querySelector('.tile[data-image=\"{number_of(result, name)}\"]').click()")
        address = tab.run("document.querySelector('.image .path a').href")
        assert os.path.samefile(unquote_to_bytes(urlparse(address).path), os.path.join(result.folder, name))
        assert tab.run("document.querySelector('.image .path').textContent") == shown(name)

    assert tab.run("document.querySelectorAll('script').length") == 2
    assert (
        tab.run("document.querySelectorAll('#content b, #content i:not(.dot, .swatches i), img').length") == 0
    )
    assert (tab.complaints(), tab.dialogs()) == ([], 0)
    (only,) = tab.requests()
    assert only.startswith("file:")


def test_nothing_can_be_fetched_even_from_inside_the_page(tab):
    tried = tab.run("fetch('http://127.0.0.1:9/').then(() => 'came', () => 'no')")

    assert tried == "no"


def test_the_wheel_zooms_about_the_pointer_and_dragging_moves(tab, made):
    result, _ = made
    x, y = place(tab, result, "c/1.png")
    tab.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-300)
    tab.wait(f"JSON.parse({MAP}.dataset.view).zoom > 1.3")
    assert place(tab, result, "c/1.png") == pytest.approx((x, y), abs=1)

    tab.mouse("mousePressed", 300, 500)
    tab.mouse("mouseMoved", 320, 530)
    tab.mouse("mouseMoved", 340, 550)
    tab.mouse("mouseReleased", 340, 550)
    tab.wait(f"Math.abs(JSON.parse({MAP}.dataset.view).x) > 0.01")
    assert place(tab, result, "c/1.png") == pytest.approx((x + 40, y + 50), abs=2)
    assert tab.run("document.querySelector('.heading') === null")  # a drag is no click


def test_two_fingers_zoom(tab):
    def touch(kind: str, *xs: int) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(xs)]
        tab.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", 400)
    touch("touchStart", 400, 500)
    touch("touchMove", 380, 520)
    touch("touchMove", 350, 550)
    touch("touchEnd")

    tab.wait(f"JSON.parse({MAP}.dataset.view).zoom > 1.8")
    assert tab.run("document.querySelector('.heading') === null")  # and open nothing


def test_dark_and_light_follow_the_system_while_the_page_is_open(tab, made):
    result, _ = made
    without_pictures(tab)
    light, ground = dot(tab, result, "b/0.png"), tab.run("getComputedStyle(document.body).backgroundColor")
    tab.prefer("prefers-color-scheme", "dark")
    tab.wait(f"getComputedStyle(document.body).backgroundColor !== '{ground}'")
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert far(dot(tab, result, "b/0.png"), light) > 20
    swatch = tab.run("getComputedStyle(document.querySelectorAll('.cluster .dot')[1]).backgroundColor")
    assert swatch == f"rgb{dot(tab, result, 'b/0.png')}"


def test_an_image_without_a_picture_says_so_and_shows_one_like_it(browser, made, tmp_path, monkeypatch):
    result, _ = made
    monkeypatch.setattr(map_page, "MOST_PICTURES", 8)
    # None stands for itself: only the first cluster's exemplars come first.
    write_map(replace(result, outliers=(), flagged=()), str(tmp_path / "map.html"))
    tab = opened(browser, tmp_path / "map.html")
    pictured = {
        each[0] for each in tab.run("JSON.parse(document.querySelector('#data').textContent).pictures")
    }
    path = next(p for n, p in enumerate(result.spread.paths) if n not in pictured and p.startswith("b/"))

    point_at(tab, result, path)

    words = tab.run("document.querySelector('#card').textContent")
    assert path in words and "no picture on this page" in words
    colour = picture_colour(tab, "#card")
    assert min(far(colour, colour_of(number)) for number in pictured) < 14
