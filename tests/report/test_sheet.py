"""Contact sheets: every group a row, over as many files as it takes, whatever the files are called."""

from __future__ import annotations

import os

import pytest
from conftest import drawn_picture
from hypothesis import given
from hypothesis import strategies as st
from page_examples import make_folder
from PIL import Image, ImageFont
from report_examples import weird_dedupe

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.records import Group, Kept, Redundant
from augnet_cli.report import sheet as sheet_module
from augnet_cli.report.sheet import (
    COPIES_A_ROW,
    GAP,
    HEAD,
    ROW,
    ROWS_A_SHEET,
    TILE,
    check_sheet,
    write_sheets,
)
from augnet_cli.report.sheet_text import CUT, cut_end, cut_middle, font_of
from augnet_cli.results import DedupeResult


def pairs_of(folder, number: int) -> DedupeResult:
    drawn_picture(1).save(folder / "a.png")
    drawn_picture(2).save(folder / "b.png")
    group = Group(Kept("a.png", "why"), (Redundant("b.png", 0.1, "a.png", True, ("cropped",)),))
    return DedupeResult(str(folder), "p", "e", 0.2, 2, (group,) * number, ())


def test_a_group_is_a_row_with_the_kept_picture_first(tmp_path):
    folder, file = tmp_path / "photos", tmp_path / "groups.png"
    folder.mkdir()
    result = make_folder(folder)

    written = write_sheets(result, str(file))

    assert (written.files, written.groups) == ((str(file),), 3)
    with Image.open(file) as sheet:
        # Three groups, two pairs of which both stay, a stack.
        assert sheet.height == HEAD + 6 * ROW
        for row, path in enumerate(("first/kept.png", "a</script><script>alert(2)</script>.jpg")):
            tile = (GAP, HEAD + row * ROW + GAP + TILE - 132, GAP + TILE, HEAD + row * ROW + GAP + TILE)
            with Image.open(folder / path) as kept:
                drawn = sheet.crop(tile).resize((8, 6), Image.Resampling.BOX)
                expected = kept.convert("RGB").resize((8, 6), Image.Resampling.BOX)
            for a, b in zip(drawn.tobytes(), expected.tobytes(), strict=True):
                assert abs(a - b) <= 12


def test_many_groups_go_on_to_further_sheets_up_to_a_limit(tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    monkeypatch.setattr(sheet_module, "MAX_SHEETS", 2)
    monkeypatch.setattr(sheet_module, "ROWS_A_SHEET", 3)
    result = pairs_of(folder, 11)

    written = write_sheets(result, str(tmp_path / "groups.png"))

    assert sorted(os.listdir(tmp_path)) == ["groups-2.png", "groups.png", "photos"]
    assert written.groups == 6
    # A second run replaces what the first wrote.
    assert write_sheets(result, str(tmp_path / "groups.png")) == written


def test_a_large_group_says_how_many_more_there_are(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    result = pairs_of(folder, 1)
    (group,) = result.groups
    many = Group(group.kept, group.redundant * (COPIES_A_ROW + 7))

    write_sheets(DedupeResult(str(folder), "p", "e", 0.2, 2, (many,), ()), str(tmp_path / "groups.png"))

    with Image.open(tmp_path / "groups.png") as sheet:
        assert sheet.height == HEAD + ROW


def test_no_groups_make_an_empty_sheet(tmp_path):
    result = DedupeResult("/photos", "p", "e", 0.2, 2, (), ())

    assert write_sheets(result, str(tmp_path / "groups.png")).groups == 0


def test_weird_names_and_missing_files_are_drawn(tmp_path):
    assert write_sheets(weird_dedupe(), str(tmp_path / "groups.png")).groups == len(weird_dedupe().groups)


def test_a_sheet_never_becomes_an_image_of_the_folder_or_replaces_a_photo(tmp_path):
    folder = tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    photo = tmp_path / "photo.png"
    drawn_picture(1).save(photo)
    before = photo.read_bytes()

    for file in (folder / "groups.png", folder / "inside" / "groups.png", photo):
        with pytest.raises(FolderError):
            check_sheet(str(file), str(folder))
    with pytest.raises(UsageError):
        check_sheet(str(tmp_path / "groups.gif"), str(folder))
    check_sheet(str(tmp_path / "groups.png"), str(folder))
    # Nor does the second sheet replace a photo.
    (tmp_path / "groups-2.png").write_bytes(before)
    with pytest.raises(FolderError):
        write_sheets(pairs_of(folder, ROWS_A_SHEET + 1), str(tmp_path / "groups.png"))
    assert (tmp_path / "groups-2.png").read_bytes() == photo.read_bytes() == before
    assert not (tmp_path / "groups.png").exists()


FONTS = [font_of(12), ImageFont.load_default(12), ImageFont.load_default_imagefont()]


@given(st.text(max_size=80), st.integers(30, 200), st.sampled_from(FONTS))
def test_any_name_is_cut_to_its_width_with_its_ends_kept(text, width, font):
    name = shown(text)
    middle, end = cut_middle(name, font, width), cut_end(name, font, width)

    for cut in (middle, end):
        assert font.getlength(cut) <= max(width, font.getlength(CUT))
    if not isinstance(font, ImageFont.ImageFont):
        head, dots, tail = middle.partition(CUT) if middle != name else (name, "", "")
        assert name.startswith(head)
        assert name.endswith(tail) or dots == ""
