"""The block of JSON inside the page: whatever a file is called, it says so and does no more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_examples import make_folder
from report_examples import WEIRD_PATHS, weird_dedupe

from augnet_cli.images.names import shown
from augnet_cli.records import Group, Kept, Redundant, Skip
from augnet_cli.report.page_data import Small, cast_of, json_pieces
from augnet_cli.report.self_contained import as_json
from augnet_cli.results import DedupeResult, Stack, Suspect

NOTHING = Small("", 0, 0, 0, "it vanished")
# Any path that a file system can hold: bytes but for NUL, no empty part, no dots alone.
parts = st.binary(min_size=1, max_size=30).map(lambda part: part.replace(b"\0", b"0").replace(b"/", b"_"))
real_parts = parts.filter(lambda part: part not in (b".", b".."))
paths = st.lists(real_parts, min_size=1, max_size=3).map(lambda each: os.fsdecode(b"/".join(each)))


def block(result: DedupeResult, page_folder: str = "/pages") -> str:
    cast = cast_of(result)
    return "".join(json_pieces(result, cast, [NOTHING] * len(cast.drawn), page_folder))


@given(st.lists(paths, min_size=3, max_size=3, unique=True), st.text())
def test_any_name_comes_back_from_the_block_and_none_can_end_it(names, reason):
    kept, copy, other = names
    result = DedupeResult(
        "/photos",
        "photos",
        "e",
        0.2,
        3,
        (Group(Kept(kept, reason), (Redundant(copy, 0.1, kept, False, ("near",)),)),),
        (Skip(other, reason),),
        suspects=(Suspect(other, kept, 0.3, ("unverified",)),),
        stacks=(Stack((kept, other)),),
    )

    text = block(result)

    assert not set("<>&") & set(text)
    assert text.isascii()
    data = json.loads(text)
    assert [image["path"] for image in data["images"]] == [kept, copy, other]
    assert data["groups"][0]["why"] == shown(reason)
    for image, name in zip(data["images"], names, strict=True):
        assert image.get("shown", image["path"]) == shown(name)
        assert unquote_to_bytes(image.get("href", image["path"])) == os.fsencode(name)


@given(st.text())
def test_any_text_survives_json_without_a_letter_that_means_anything_to_html(text):
    assert json.loads(as_json(text)) == text
    assert not set("<>&\u2028\u2029") & set(as_json(text))


def test_the_shared_weird_names_are_all_there():
    data = json.loads(block(weird_dedupe()))

    assert {image["path"] for image in data["images"]} >= set(WEIRD_PATHS)


@pytest.mark.parametrize(
    ("folder", "page_folder", "expected"),
    [
        ("/home/ann/photos", "/home/ann", "./photos/"),
        ("/home/ann/photos", "/home/ann/photos", "./"),
        ("/home/ann/photos", "/srv/pages", "./../../home/ann/photos/"),
        ("/home/ann/a:b #1?", "/home/ann", "./a%3Ab%20%231%3F/"),
        (os.fsdecode(b"/caf\xe9"), "/", "./caf%E9/"),
    ],
)
def test_the_address_of_the_folder_is_relative_and_of_plain_letters(folder, page_folder, expected):
    result = DedupeResult(folder, folder, "e", 0.2, 0, (), ())

    assert json.loads(block(result, page_folder))["folder"] == expected


def test_images_of_equal_pixels_share_one_thumbnail_and_keep_their_own_sizes(tmp_path: Path):
    (tmp_path / "b.png").write_bytes(b"x" * 7)
    twins = (
        Redundant("b.png", 0.0, "a.png", True, ("identical-pixels",)),
        Redundant("gone.png", 0.0, "a.png", True, ("identical-bytes",)),
        Redundant("c.png", 0.0, "a.png", True, ("re-encoded",)),
    )
    result = DedupeResult(str(tmp_path), "p", "e", 0.2, 4, (Group(Kept("a.png", "why"), twins),), ())
    cast = cast_of(result)
    assert cast.drawn == ("a.png", "c.png")

    smalls = [Small("AAAA", 40, 30, 11, ""), Small("BBBB", 40, 30, 12, "")]
    data = json.loads("".join(json_pieces(result, cast, smalls, "/")))

    seen = [(i["path"], i["thumbnail"], i["width"], i["height"], i["bytes"]) for i in data["images"]]
    assert seen == [
        ("a.png", 0, 40, 30, 11),
        ("b.png", 0, 40, 30, 7),
        ("gone.png", 0, 40, 30, 0),
        ("c.png", 1, 40, 30, 12),
    ]
    assert data["thumbnails"] == ["AAAA", "BBBB"]


def test_transforms_and_distances_keep_their_figures(tmp_path: Path):
    data = json.loads(block(make_folder(tmp_path)))

    crop, turn = data["groups"][0]["copies"][:2]
    assert crop["transform"] == {
        "matrix": [1, 0, 120, 0, 1, 60],
        "degrees": 0,
        "mirrored": False,
        "changed": 0,
    }
    assert turn["transform"]["degrees"] == 90
    assert crop["distance"] == 0.11
    assert "transform" not in data["groups"][1]["copies"][0]
    assert data["suspects"][0]["verified"] is False
