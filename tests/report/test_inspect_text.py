"""What a person reads of a folder."""

from __future__ import annotations

from dataclasses import replace

from inspect_examples import MEASURES, picture, result
from report_examples import WEIRD_PATHS

from augnet_cli.records import Skip
from augnet_cli.report.inspect_text import inspect_lines
from augnet_cli.report.style import COLOUR
from augnet_cli.results.inspect import FLAGS

BLURRED = replace(MEASURES, blur=2.0, smear=3.25, scale=2.0)


def test_the_whole_report_reads_as_it_should() -> None:
    early = picture("a/old.jpg", taken_at="2003-12-14T12:01:44", camera="Acme One")
    late = picture("b.jpg", "blurred", taken_at="2021-01-02T00:00:00", measures=BLURRED)
    images = (early, late, picture("icon.png", "odd-size", "grey", size=(40, 30)))
    changes = {"identical_groups": 2, "identical_files": 5, "identical_bytes": 1_300_000}
    made = result(*images, first_taken=early, last_taken=late, dated=2, cameras=(("Acme One", 1),), **changes)
    assert list(inspect_lines(made)) == [
        "images     3, 4.2 MB, 3 other files",
        "formats    JPEG 1,203, PNG 14, WebP 2, GIF 1, 2 more 2",
        "size           40 x 30  icon.png",
        "           4000 x 3000  median",
        "           4000 x 3000  b.jpg",
        "bytes      all 1.0 kB",
        "taken      2003-12-14 to 2021-01-02 (2 say when)",
        "cameras    Acme One 1",
        "folders    ./ 7, trip/day one/ 2",
        "identical  5 files in 2 groups, 1.3 MB redundant",
        "near       20 different files in 12 pairs within distance 0.15",
        "",
        "blurred  1 image: out of focus, or shaken",
        "  b.jpg  over 6.5 pixels",
        "odd-size  1 image: far smaller or larger than the others",
        "  icon.png  40 x 30",
        "grey  1 image: without colour; not counted as wrong",
        "",
        "1 image skipped (--format json lists all):",
        "  1  JPEG cut short: cut.jpg",
        "",
        "3 images, 2 look wrong; nothing was changed",
        "next: `augnet inspect photos --format paths` lists them",
    ]


def test_the_worst_come_first_and_the_rest_is_counted() -> None:
    images = [
        picture(f"{number}.jpg", "dark", measures=replace(MEASURES, grey_p95=(number * 7 % 10) / 100))
        for number in range(10)
    ]
    lines = list(inspect_lines(result(*images, only=("dark",))))
    at = lines.index("dark  10 images: even its lightest parts are dark")
    assert lines[at + 1 : at + 5] == ["  0.jpg", "  3.jpg", "  6.jpg", "  7 more"]
    assert lines[-2:] == [
        "10 images, 10 dark; nothing was changed",
        "next: `augnet inspect photos --only dark --format paths` lists them",
    ]


def test_nothing_wrong_is_said_in_one_line_and_nothing_comes_next() -> None:
    lines = list(inspect_lines(result(picture("a.jpg"), skipped=(), near=None)))
    assert lines[-2:] == ["", "1 image, 0 look wrong; nothing was changed"]
    empty = list(inspect_lines(result(by_pixels=None, by_bytes=None, formats=(), folders=(), near=None)))
    assert empty[0] == "images     0, 4.2 MB, 3 other files"


def test_no_name_can_move_the_cursor_or_widen_a_line_of_names() -> None:
    images = [picture(path, *FLAGS, camera=path) for path in WEIRD_PATHS]
    names = tuple((path * 3, 1) for path in WEIRD_PATHS)
    made = result(*images, cameras=names, folders=names, skipped=tuple(Skip(p, p) for p in WEIRD_PATHS))
    for line in inspect_lines(made):
        assert line.isprintable(), line
    assert all(len(line) <= 100 for line in inspect_lines(made) if line.startswith(("cameras", "folders")))
    coloured = "\n".join(inspect_lines(made, COLOUR))
    assert coloured.count("\x1b") == sum(
        coloured.count(code) for code in (COLOUR.bold, COLOUR.dim, COLOUR.green, COLOUR.red, COLOUR.reset)
    )
