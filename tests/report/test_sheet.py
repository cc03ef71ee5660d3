"""Contact sheets: every group a row, over as many files as it takes, whatever the files are called."""

from __future__ import annotations

import os

import pytest
from conftest import drawn_picture
from hypothesis import example, given
from hypothesis import strategies as st
from page_examples import make_folder
from PIL import Image, ImageFont
from report_examples import weird_dedupe

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.records import Group, Kept, Redundant
from augnet_cli.report import sheet as sheet_module
from augnet_cli.report.sheet import (
    COLUMNS,
    COPIES_SHOWN,
    GAP,
    HEAD,
    ROWS_A_SHEET,
    TILE,
    check_sheet,
    write_sheets,
)
from augnet_cli.report.sheet_text import CUT, cut_end, cut_middle, font_of, wrapped
from augnet_cli.results import DedupeResult


def pairs_of(folder, number: int) -> DedupeResult:
    drawn_picture(1).save(folder / "a.png")
    drawn_picture(2).save(folder / "b.png")
    group = Group(Kept("a.png", "why"), (Redundant("b.png", 0.1, "a.png", True, ("cropped",)),))
    return DedupeResult(str(folder), "p", "e", 0.2, 2, (group,) * number, ())


A_ROW = COLUMNS // 2  # groups of two that stand side by side


def shape_of(file) -> tuple[int, int]:
    with Image.open(file) as sheet:
        return sheet.size


def looks_like(drawn: Image.Image, file) -> bool:
    with Image.open(file) as picture:
        expected = picture.convert("RGB").resize((8, 6), Image.Resampling.BOX).tobytes()
    got = drawn.resize((8, 6), Image.Resampling.BOX).tobytes()
    return all(abs(a - b) <= 12 for a, b in zip(got, expected, strict=True))


def test_a_group_stands_with_the_kept_picture_first_and_the_next_one_beside_it(tmp_path):
    folder, file = tmp_path / "photos", tmp_path / "groups.png"
    folder.mkdir()
    for name, seed in (("a", 1), ("b", 2), ("c", 3), ("d", 4)):
        drawn_picture(seed, 2 * TILE, TILE).save(folder / f"{name}.png")
    groups = tuple(
        Group(Kept(f"{kept}.png", "why"), (Redundant(f"{copy}.png", 0.1, f"{kept}.png", True, ("cropped",)),))
        for kept, copy in ("ab", "cd")
    )

    written = write_sheets(DedupeResult(str(folder), "p", "e", 0.2, 4, groups, ()), str(file))

    assert (written.files, written.groups) == ((str(file),), 2)
    with Image.open(file) as sheet:
        for column, name in enumerate("abcd"):
            left, top = GAP + column * (TILE + GAP), HEAD + GAP
            assert looks_like(sheet.crop((left, top, left + TILE, top + TILE // 2)), folder / f"{name}.png")


def test_a_row_is_as_tall_as_its_tallest_picture(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    result = pairs_of(folder, 1)
    for name in "ab":
        with Image.open(folder / f"{name}.png") as picture:
            flat = picture.resize((160, 40))
        flat.save(folder / f"{name}.png")
    write_sheets(result, str(tmp_path / "flat.png"))
    for name in "ab":
        with Image.open(folder / f"{name}.png") as picture:
            tall = picture.resize((40, 160))
        tall.save(folder / f"{name}.png")
    write_sheets(result, str(tmp_path / "tall.png"))

    assert shape_of(tmp_path / "tall.png")[1] - shape_of(tmp_path / "flat.png")[1] >= TILE // 2


def test_groups_pairs_and_stacks_are_all_on_the_sheet(tmp_path):
    folder, file = tmp_path / "photos", tmp_path / "groups.png"
    folder.mkdir()
    result = make_folder(folder)

    assert write_sheets(result, str(file)).groups == 3 == len(result.groups)
    alone = DedupeResult(str(folder), "p", "e", 0.2, 4, result.groups, ())
    write_sheets(alone, str(tmp_path / "alone.png"))
    assert result.suspects and result.stacks
    assert shape_of(file)[1] > shape_of(tmp_path / "alone.png")[1]


def test_many_groups_go_on_to_further_sheets_up_to_a_limit(tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    monkeypatch.setattr(sheet_module, "MAX_SHEETS", 2)
    monkeypatch.setattr(sheet_module, "ROWS_A_SHEET", 3)
    result = pairs_of(folder, 11 * A_ROW)

    written = write_sheets(result, str(tmp_path / "groups.png"))

    assert sorted(os.listdir(tmp_path)) == ["groups-2.png", "groups.png", "photos"]
    assert written.groups == 6 * A_ROW
    # A second run replaces what the first wrote.
    assert write_sheets(result, str(tmp_path / "groups.png")) == written


def test_a_large_group_says_how_many_more_there_are(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    result = pairs_of(folder, 1)
    (group,) = result.groups
    many = Group(group.kept, group.redundant * (COPIES_SHOWN + 7))

    write_sheets(DedupeResult(str(folder), "p", "e", 0.2, 2, (many,), ()), str(tmp_path / "groups.png"))

    exactly = Group(group.kept, group.redundant * COPIES_SHOWN)
    write_sheets(DedupeResult(str(folder), "p", "e", 0.2, 2, (exactly,), ()), str(tmp_path / "exactly.png"))
    taller = shape_of(tmp_path / "groups.png")[1] - shape_of(tmp_path / "exactly.png")[1]
    assert 0 < taller < TILE  # a line of text, and no further row


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
        write_sheets(pairs_of(folder, ROWS_A_SHEET * A_ROW + 1), str(tmp_path / "groups.png"))
    assert (tmp_path / "groups-2.png").read_bytes() == photo.read_bytes() == before
    assert not (tmp_path / "groups.png").exists()


FONTS = [font_of(12), ImageFont.load_default(12), ImageFont.load_default_imagefont()]


@given(st.text(max_size=80), st.integers(30, 200), st.sampled_from(FONTS))
@example("0\x1f.\x1f\x1f0", 80, FONTS[0])
def test_any_name_is_cut_to_its_width_with_its_ends_kept(text, width, font):
    name = shown(text)
    middle, end = cut_middle(name, font, width), cut_end(name, font, width)

    for cut in (middle, end):
        assert font.getlength(cut) <= max(width, font.getlength(CUT))
    if not isinstance(font, ImageFont.ImageFont):
        # A name may have dots itself beside those of the cut.
        cuts = [at for at in range(len(middle)) if middle.startswith(CUT, at)]
        ends = [(middle[:at], middle[at + len(CUT) :]) for at in cuts]
        assert middle == name or any(name.startswith(head) and name.endswith(tail) for head, tail in ends)


@given(st.text(max_size=200), st.integers(30, 200), st.integers(1, 4), st.sampled_from(FONTS))
def test_any_text_is_wrapped_into_its_width_and_only_cut_at_the_end_of_the_last_line(text, width, most, font):
    name = shown(text)
    lines = wrapped(name, font, width, most)
    assert len(lines) <= most
    for line in lines:
        assert font.getlength(line) <= width or line == CUT
    if not any(line.endswith(CUT) for line in lines) and font is not FONTS[-1]:
        assert " ".join(lines).split() == name.split()


def test_long_verdict_is_told_whole():
    verdict = "rotated 90° left, cropped (120,40)-(980,700), resized to 50 %, edited 12 %"
    lines = wrapped(verdict, font_of(12), TILE, 3)
    assert " ".join(lines) == verdict and 1 < len(lines) <= 3
