"""Several answers in each report: text, JSON, CSV, contact sheets, the strips of a terminal."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image
from report_examples import QUERY, WEIRD_PATHS
from test_report_data import csv_rows
from test_terminal_pictures import seen_half_blocks

from augnet_cli.errors import FolderError
from augnet_cli.records import Skip
from augnet_cli.report import query_sheet
from augnet_cli.report.query_data import write_query
from augnet_cli.report.query_pictures import outlined
from augnet_cli.report.query_sheet import AWAY, GAP, HEAD, TILE, write_query_sheets
from augnet_cli.report.query_shown import BETWEEN, HIGH_BLOCKS, drawings
from augnet_cli.report.query_text import query_lines
from augnet_cli.report.sheet_picture import KEPT
from augnet_cli.report.style import PLAIN
from augnet_cli.report.terminal_pictures import Graphics, Screen
from augnet_cli.report.thumbnails import Thumbnail
from augnet_cli.results import Answer, Hit, QueryResult

SEVERAL = replace(
    QUERY,
    threshold=0.5,
    skipped=(Skip("gone.jpg", "there is no such file"),),
    answers=(
        Answer(
            ("a.jpg", "b, b.jpg"),
            (
                Hit("1.jpg", 0.125, True, ("resized",)),
                Hit("2.jpg", 0.25, False, ()),
                Hit("3.jpg", 0.25, False, ("scene",)),
                Hit("4.jpg", 0.3, True, ("source", "cropped", "resized")),
            ),
            ("not.jpg",),
        ),
        Answer(("c.jpg",), (), crop=(1, 2, 30, 40)),
    ),
)


def as_json(result: QueryResult) -> dict:
    stream = io.BytesIO()
    write_query(result, "json", stream)
    return json.loads(stream.getvalue())


def test_text_has_a_head_for_each_query_and_says_what_is_proved() -> None:
    assert list(query_lines(SEVERAL)) == [
        "a.jpg + b, b.jpg - not.jpg",
        "  0.1250  1.jpg  same: resized",
        "  0.2500  2.jpg",
        "  0.2500  3.jpg  same scene",
        "  0.3000  4.jpg  same, the query is cropped, resized",
        "",
        "c.jpg (1,2,30,40)",
        "  /home/ann/photos holds no other image within distance 0.5",
    ]


def test_of_many_queries_that_have_one_answer_the_head_names_a_few() -> None:
    answer = Answer(tuple(f"{number}.jpg" for number in range(1002)), (Hit("x.jpg", 0.1),))
    lines = list(query_lines(replace(QUERY, answers=(answer, answer))))
    assert lines[0] == "0.jpg + 1.jpg + 1,000 more"


def test_json_of_several_answers_has_them_in_a_list_alone() -> None:
    result = as_json(SEVERAL)

    assert list(result) == ["version", "folder", "answers", "skipped"]
    first, second = result["answers"]
    assert (first["queries"], first["without"]) == (["a.jpg", "b, b.jpg"], ["not.jpg"])
    assert first["hits"][0] == {"path": "1.jpg", "distance": 0.125, "same": True, "verdict": ["resized"]}
    assert second == {"queries": ["c.jpg"], "without": [], "crop": [1, 2, 30, 40], "hits": []}
    assert result["skipped"] == [{"path": "gone.jpg", "reason": "there is no such file"}]


def test_csv_names_the_query_of_each_hit() -> None:
    stream = io.BytesIO()
    write_query(SEVERAL, "csv", stream)
    rows = csv_rows(stream.getvalue())[1:]
    assert rows[0] == ["a.jpg + b, b.jpg", "1", "1.jpg", "0.125", "true", "resized"]
    assert rows[1] == ["a.jpg + b, b.jpg", "2", "2.jpg", "0.25", "false", ""]
    assert [row[0] for row in rows] == ["a.jpg + b, b.jpg"] * 4


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wide pictures 0 to 11, a broken one, and one with a name that tries to do harm."""
    folder = tmp_path_factory.mktemp("sheet") / "photos"
    folder.mkdir()
    for seed in range(12):
        drawn_picture(seed, 2 * TILE, TILE).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    drawn_picture(50, 60, 60).save(os.fsdecode(os.fsencode(folder) + b"/'\"<b>\n\xff.png"))
    return folder


def result_of(folder: Path, *answers: Answer) -> QueryResult:
    return QueryResult(str(folder), "photos", "abc", answers)


def hits_of(*seeds: int) -> tuple[Hit, ...]:
    return tuple(Hit(f"{seed}.png", seed / 20, seed % 2 == 0, ("resized",)) for seed in seeds)


def looks_like(drawn: Image.Image, seed: int, levels: int = 12) -> bool:
    expected = np.asarray(drawn_picture(seed, 2 * TILE, TILE).resize((8, 4), Image.Resampling.BOX), int)
    got = np.asarray(drawn.convert("RGB").resize((8, 4), Image.Resampling.BOX), int)
    return bool(np.abs(got - expected).max() <= levels)


def colour(name: str) -> tuple[int, int, int]:
    return tuple(int(name[start : start + 2], 16) for start in (1, 3, 5))


def test_a_row_has_the_query_at_its_left_and_the_hits_in_order_the_same_ones_framed(
    photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "hits.png"
    answers = [Answer((str(photos / f"{seed}.png"),), hits_of(3, 4, 5, 6, 7)) for seed in (1, 2)]

    written = write_query_sheets(result_of(photos, *answers), str(file))

    assert (written.files, written.groups) == ((str(file),), 2)
    with Image.open(file) as sheet:
        rgb = sheet.convert("RGB")
    tall = (rgb.height - HEAD) // 2
    for row, query in enumerate((1, 2)):
        top = HEAD + row * tall + GAP
        starts = [GAP, *(GAP + TILE + 2 * GAP + place * (TILE + GAP) for place in range(5))]
        for left, seed in zip(starts, (query, 3, 4, 5, 6, 7), strict=True):
            assert looks_like(rgb.crop((left, top, left + TILE, top + TILE // 2)), seed)
            edge = rgb.getpixel((left - 2, top + TILE // 4))
            assert (edge == colour(KEPT)) is (seed in (4, 6))


def test_many_hits_go_on_below_and_many_answers_on_further_sheets(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_sheet, "LINES_A_SHEET", 3)
    monkeypatch.setattr(query_sheet, "MAX_SHEETS", 2)
    answer = Answer((str(photos / "0.png"),), hits_of(*range(1, 12)))

    written = write_query_sheets(result_of(photos, answer, answer, answer), str(tmp_path / "hits.png"))

    assert [os.path.basename(file) for file in written.files] == ["hits.png", "hits-2.png"]
    assert written.groups == 2
    with Image.open(written.files[0]) as sheet:
        left = GAP + TILE + 2 * GAP
        places = range(HEAD + TILE // 2 + GAP, sheet.height - TILE // 2)
        assert any(looks_like(sheet.crop((left, top, left + TILE, top + TILE // 2)), 11) for top in places)
    assert write_query_sheets(result_of(photos, answer), str(tmp_path / "hits.png")).groups == 1


def test_queries_of_one_answer_stand_in_one_square_with_those_pushed_away_struck_out(
    photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "hits.png"
    queries = tuple(str(photos / f"{seed}.png") for seed in range(3))
    answer = Answer(queries, hits_of(5), (str(photos / "9.png"),))
    write_query_sheets(result_of(photos, answer), str(file))
    with Image.open(file) as sheet:
        square = np.asarray(sheet.convert("RGB"))[HEAD + GAP : HEAD + GAP + TILE, GAP : GAP + TILE]
    struck = (square == colour(AWAY)).all(axis=2)
    assert struck[TILE // 2 :, TILE // 2 :].any() and not struck[: TILE // 2].any()


def test_whatever_files_hold_and_are_called_the_sheet_is_drawn(photos: Path, tmp_path: Path) -> None:
    weird = next(name for name in os.listdir(photos) if "<b>" in name)
    hits = (Hit(weird, 0.1), Hit("broken.png", 0.2), Hit("gone.png", 0.3), *(Hit(p, 1) for p in WEIRD_PATHS))
    answers = (Answer((str(photos / "broken.png"),), hits), Answer((str(photos / weird),), ()))
    write_query_sheets(result_of(photos, *answers), str(tmp_path / "hits.png"))
    assert (tmp_path / "hits.png").stat().st_size > 1000


def test_a_sheet_is_never_written_into_the_folder_searched_or_over_a_photo(
    photos: Path, tmp_path: Path
) -> None:
    drawn_picture(1).save(tmp_path / "mine.png")
    answer = Answer((str(photos / "0.png"),), hits_of(1))
    for file in (photos / "hits.png", tmp_path / "mine.png"):
        with pytest.raises(FolderError):
            write_query_sheets(result_of(photos, answer), str(file))


def test_the_part_asked_by_is_clear_and_the_rest_dark() -> None:
    whole = Thumbnail(np.full((50, 100, 3), 200, np.uint8), 1000, 500)
    pixels = outlined(whole, (200, 100, 300, 200)).pixels
    assert (pixels[10:30, 20:50] == 200).all()
    assert (pixels[:8] < 100).all() and (pixels[:, 52:] < 100).all()
    assert (whole.pixels == 200).all()


def test_a_terminal_gets_strips_of_pictures_with_their_distances(photos: Path) -> None:
    answer = Answer((str(photos / "0.png"),), hits_of(3, 4, 5, 6))
    high, wide = HIGH_BLOCKS, 2 * HIGH_BLOCKS
    screen = Screen(Graphics.blocks, 2 * wide + BETWEEN, 10, 20)

    lines = list(next(drawings(result_of(photos, answer), screen, PLAIN)))

    strips = [lines[start : start + high] for start in range(0, len(lines), high + 2)]
    captions = [lines[start + high].split() for start in range(0, len(lines), high + 2)]
    assert captions == [["query", "0.1500"], ["0.2000", "same", "0.2500"], ["0.3000", "same"]]
    for strip, seeds in zip(strips, ((0, 3), (4, 5), (6,)), strict=True):
        pixels = seen_half_blocks(strip)
        for place, seed in enumerate(seeds):
            tile = pixels[:, place * (wide + BETWEEN) : place * (wide + BETWEEN) + wide]
            rows = np.flatnonzero(tile[:, :, 3].all(axis=1))
            assert len(rows) == high  # twice as wide as high, as the pictures are
            assert looks_like(Image.fromarray(tile[rows, :, :3]), seed, levels=45)
