"""Sheets of thumbnails: each picture in its own cell, as it is, whatever lies beside it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image

from augnet_cli.report import sprites
from augnet_cli.report.sprites import LEAST_SIDE, SIDES, cells_across, fitting_cell, sheets
from augnet_cli.report.thumbnails import thumbnail


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(10):
        drawn_picture(seed, *((300, 200) if seed % 2 else (150, 290))).save(folder / f"{seed}.png")
    (folder / "text.png").write_text("no picture")
    return folder


PATHS = [*(f"{seed}.png" for seed in range(5)), "text.png", *(f"{seed}.png" for seed in range(5, 10))]


def test_each_picture_stands_in_its_cell_and_sheets_are_full_but_the_last(folder, monkeypatch):
    monkeypatch.setattr(sprites, "SHEET_SIDE", 3 * 64 + 20)
    made = list(sheets(str(folder), PATHS, 64, 2))

    assert [len(sheet.cells) for sheet in made] == [9, 2]
    opened = [np.asarray(Image.open(io.BytesIO(sheet.picture)).convert("RGB"), np.int16) for sheet in made]
    assert [pixels.shape for pixels in opened] == [(192, 192, 3), (64, 128, 3)]
    for place, path in enumerate(PATHS):
        cell = made[place // 9].cells[place % 9]
        alone = thumbnail(str(folder), path, 64)
        assert (cell.width, cell.height, cell.size_bytes) == (alone.width, alone.height, alone.size_bytes)
        if alone.pixels is None:
            assert (cell.across, cell.down, cell.reason) == (0, 0, alone.reason) and cell.reason
            continue
        assert (cell.down, cell.across) == alone.pixels.shape[:2]
        top, left = 64 * (place % 9 // 3), 64 * (place % 9 % 3)
        drawn = opened[place // 9][top : top + cell.down, left : left + cell.across]
        assert np.abs(drawn - alone.pixels).mean() < 12  # WebP loses that much of noise; others differ by 50


def test_the_cell_is_as_large_as_the_bytes_allow_and_as_pictures_need(folder):
    def side(bytes_each: float, paths=PATHS) -> int:
        return fitting_cell(str(folder), paths, bytes_each, 2)

    assert side(10**6) == SIDES[0]
    assert side(1) == LEAST_SIDE
    Image.new("RGB", (30, 20)).save(folder / "icon.png")
    assert side(10**6, ["icon.png"]) == side(1, ["icon.png"]) == 32
    assert side(10**6, ["text.png"]) == LEAST_SIDE


def test_many_pictures_get_smaller_cells_so_that_a_browser_can_hold_them(folder, monkeypatch):
    monkeypatch.setattr(sprites, "MOST_SHEETS", 1)

    side = fitting_cell(str(folder), PATHS * 30, 10**6, 2)

    assert cells_across(side) ** 2 >= len(PATHS) * 30
    larger = SIDES[SIDES.index(side) - 1]
    assert cells_across(larger) ** 2 < len(PATHS) * 30
