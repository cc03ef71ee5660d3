"""Text for people: exact layouts, and nothing harmful whatever the files are called."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_examples import (
    CALIBRATION,
    CLUSTER,
    DEDUPE,
    EMBED,
    LEAKS,
    NO_DUPLICATES,
    QUERY,
    UNCALIBRATED,
    VERIFIED,
    weird_cluster,
    weird_dedupe,
    weird_query,
    with_hits,
)

from augnet_cli.records import Group, Kept, Recall, Redundant, Skip, Transform
from augnet_cli.report.cluster_text import cluster_lines
from augnet_cli.report.leaks_text import leaks_lines
from augnet_cli.report.query_text import query_lines
from augnet_cli.report.style import COLOUR, PLAIN, Style
from augnet_cli.report.text import (
    calibration_lines,
    dedupe_lines,
    embed_lines,
    size_words,
    write_lines,
)
from augnet_cli.results import EmbedResult, Hit, Stack, Suspect

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MARKS = Style(bold="<b>", dim="<d>", green="<g>", red="<r>", reset="</>")


def text(lines) -> str:
    return "".join(line + "\n" for line in lines)


def test_the_next_command_repeats_the_rules_for_what_stays() -> None:
    """Without them it would list other images as redundant."""
    said = text(dedupe_lines(replace(DEDUPE, keep="format:png>jpg, bytes")))
    assert "--threshold 0.2 --no-verify --keep 'format:png>jpg, bytes' --format paths -0`" in said
    hostile = text(dedupe_lines(replace(DEDUPE, keep="folder:a\x1b[31mb")))
    assert "--keep RULES --format" in hostile and "\x1b" not in hostile


def test_dedupe_text_word_for_word() -> None:
    assert text(dedupe_lines(DEDUPE)) == (
        "keep    beach.jpg  most pixels (4000 x 3000)\n"
        "  0.0000  copies/beach.jpg  identical-bytes\n"
        "  0.0312  beach, small.jpg\n"
        "\n"
        "keep    cat.png  first path\n"
        "  0.2000  cat (1).png\n"
        "\n"
        "3 images skipped (--format json lists all):\n"
        "  2  truncated JPEG, e.g. broken/a.jpg\n"
        "  1  no HEIF: c.heic\n"
        "\n"
        "1,234 images, 2 groups, 3 redundant (4.2 MB); nothing was changed\n"
        "next: `augnet dedupe photos --threshold 0.2 --no-verify --format paths -0` "
        "lists the redundant ones\n"
    )


def test_a_search_that_is_not_exact_says_how_much_it_finds() -> None:
    recall = Recall(rows=91_819, pairs=3101, found=3100, at_least=0.999, confidence=0.95)
    for lines in (dedupe_lines, leaks_lines):
        result = DEDUPE if lines is dedupe_lines else LEAKS
        said = text(lines(replace(result, verified=False, search="partitioned", recall=recall)))
        assert (
            "partitioned search: finds 3,100 of the 3,101 pairs of 91,819 images that were compared with all "
            "others\n  so with 95% confidence at least 99.9% of all pairs\n"
        ) in said
        assert "--no-verify --search partitioned" in said


@pytest.mark.parametrize(
    ("lines", "result"),
    [(dedupe_lines, DEDUPE), (leaks_lines, LEAKS), (calibration_lines, CALIBRATION)],
    ids=["dedupe", "leaks", "calibrate"],
)
def test_the_next_command_takes_the_encoder_that_was_named(
    lines: Callable[[Any], Iterator[str]], result: Any
) -> None:
    assert "--encoder" not in text(lines(result))
    (told,) = [line for line in lines(replace(result, typed_encoder="a b.onnx")) if line.startswith("next")]
    assert " --encoder 'a b.onnx' " in told


def test_after_a_plan_the_next_step_is_to_apply_it() -> None:
    proved = replace(DEDUPE.groups[0].redundant[0], verified=True)
    groups = (replace(DEDUPE.groups[0], redundant=(proved,)),)
    planned = text(dedupe_lines(replace(DEDUPE, plan="my plan.jsonl", groups=groups))).splitlines()[-1]
    assert planned == "next: look through my plan.jsonl, then `augnet apply 'my plan.jsonl'` does it"


def test_a_plan_of_what_nothing_proves_is_applied_with_the_word_for_it() -> None:
    unproved = replace(DEDUPE.groups[0].redundant[0], verified=False)
    group = replace(DEDUPE.groups[0], redundant=(unproved,))
    last = text(dedupe_lines(replace(DEDUPE, plan="p.jsonl", groups=(group,)))).splitlines()[-1]
    assert last.endswith("`augnet apply p.jsonl --include-unverified` does it")


@pytest.mark.parametrize("file", ["-", "/dev/stdin"])
def test_a_list_that_is_read_once_is_not_proposed_again(file: str) -> None:
    last = text(dedupe_lines(replace(DEDUPE, typed=("photos", "--files-from", file)))).splitlines()[-1]
    assert last == "next: the same once more with `--format paths -0` lists the redundant ones"


def test_verified_text_word_for_word() -> None:
    assert text(dedupe_lines(VERIFIED)) == (
        "keep    beach.jpg  unedited\n"
        "  0.0000  beach (1).jpg  identical-bytes\n"
        "  0.0100  sent.jpg  resized to 50 %, cropped (120,40)-(980,700), rotated 90° left\n"
        "  0.0600  captioned.jpg  edited 12 %\n"
        "  0.1000  blurred.jpg  edited\n"
        "  0.2500  a long name of a folder/and another long name of a folder/askew.jpg\n"
        "          bordered, rotated 7.5° right, mirrored, recoloured\n"
        "  0.6000  unlike.jpg  as you decided\n"
        "\n"
        "partial  1 pair, both kept: the first shows something that the second lacks\n"
        "  0.4000  right.jpg  left.jpg\n"
        "\n"
        "unverified  1 pair, both kept: near, but nothing proves that they are the same picture\n"
        "  0.0100  fog 1.jpg  fog 2.jpg\n"
        "\n"
        "stack   2 photos of one scene, all kept\n"
        "  burst/1.jpg\n"
        "  burst/2.jpg\n"
        "\n"
        "1,234 images, 1 group, 6 redundant (4.2 MB); nothing was changed\n"
        "next: `augnet dedupe photos --format paths -0` lists the redundant ones\n"
    )


def test_what_was_asked_for_is_in_the_next_command() -> None:
    told = replace(VERIFIED, include_unverified=True, threshold=0.3)
    assert "`augnet dedupe photos --threshold 0.3 --include-unverified --format" in text(dedupe_lines(told))


def test_of_many_pairs_that_stay_the_nearest_are_shown() -> None:
    many = tuple(Suspect(f"{n}.jpg", "other.jpg", n / 100, ("unverified",)) for n in range(1, 25))
    lines = list(dedupe_lines(replace(VERIFIED, suspects=many)))
    at = next(place for place, line in enumerate(lines) if line.startswith("unverified  24 pairs"))
    assert lines[at + 1] == "  0.0100  1.jpg  other.jpg"
    assert lines[at + 11 : at + 13] == ["  14 more (--format json lists all)", ""]


@pytest.mark.parametrize(
    ("degrees", "words"),
    [(90, "90° left"), (-90, "90° right"), (180, "180°"), (179.97, "180°"), (-2.04, "2° right")],
)
def test_turns_in_words(degrees: float, words: str) -> None:
    turn = Transform((0, -1, 10, 1, 0, 0), (0, 0, 10, 10), degrees, False, 0.0)
    group = Group(Kept("a.jpg", "first path"), (Redundant("b.jpg", 0, "a.jpg", True, ("rotated",), turn),))
    assert list(dedupe_lines(replace(VERIFIED, groups=(group,))))[1] == f"  0.0000  b.jpg  rotated {words}"


def test_no_duplicates_is_said() -> None:
    assert text(dedupe_lines(NO_DUPLICATES)) == (
        "12 images, no duplicates within distance 0.2\n"
        "next: a larger --threshold than 0.2 also finds looser copies\n"
    )


def test_no_duplicates_where_pairs_were_proved() -> None:
    near = replace(NO_DUPLICATES, verified=True)
    assert text(dedupe_lines(near)) == (
        "12 images, no duplicates within distance 0.2\n"
        "next: without --threshold all likely pairs are looked at, whatever their distance\n"
    )
    assert text(dedupe_lines(replace(near, threshold=None))) == "12 images, no duplicates\n"


def test_query_text_word_for_word() -> None:
    assert text(query_lines(QUERY)) == "0.0000  beach.jpg\n0.0000  copies/beach.jpg\n0.9877  cat.png\n"


def test_a_query_without_hits_says_so() -> None:
    assert text(query_lines(with_hits())) == "/home/ann/photos holds no other image\n"


def test_calibration_text_word_for_word() -> None:
    """Distances that find next to nothing, or nothing that is right, are left out."""
    assert text(calibration_lines(CALIBRATION)) == (
        "distance   precision (90 % interval)   recall    found\n"
        "0.0215     0.991  (0.950 to 0.999)   0.55         40  threshold\n"
        "0.1        0.600  (0.400 to 0.700)   0.75      1,500\n"
        "\n"
        "recall at the threshold by kind of change (altered copies of 128 images):\n"
        "  0.10 crop_50         1.00 blur\n"
        "\n"
        "1 image skipped (--format json lists all):\n"
        "  1  no HEIF: c.heic\n"
        "\n"
        "1,234 different images, threshold 0.0215, at which a precision of 0.99 is estimated\n"
        "next: `augnet dedupe photos --no-verify` uses it\n"
    )


def test_calibration_of_few_images_says_whose_the_threshold_is() -> None:
    assert text(calibration_lines(UNCALIBRATED)) == (
        "12 different images, threshold 0.0115, the encoder's own: too few\n"
        "next: `augnet dedupe photos --no-verify --precision 0.9` uses it\n"
    )


def test_a_long_curve_shows_a_screenful_with_the_threshold_among_it() -> None:
    middle = CALIBRATION.curve[1]
    curve = tuple(
        replace(middle, distance=round(0.001 * step, 4), found=float(step + 5)) for step in range(1, 101)
    )
    lines = list(calibration_lines(replace(CALIBRATION, curve=curve, threshold=0.05, skipped=())))
    table = lines[1 : lines.index("")]
    assert 10 <= len(table) <= 16
    assert [line.split()[0] for line in table if line.endswith("threshold")] == ["0.05"]
    distances = [float(line.split()[0]) for line in table]
    assert distances == sorted(distances)


def test_embed_text_word_for_word() -> None:
    assert text(embed_lines(EMBED)) == (
        "1 image skipped (--format json lists all):\n"
        "  1  no HEIF: c.heic\n"
        "\n"
        "1,234 images: 34 embedded now, 1,200 known, 1 removed from the store, "
        "2 other files left alone (12.3 s)\n"
    )


def test_embed_text_is_silent_about_what_did_not_happen() -> None:
    result = EmbedResult("/p", "p", "abc", 1, 1, 0, 0, 0, (), 0.04)

    assert text(embed_lines(result)) == "1 image: 1 embedded now, 0 known (0.0 s)\n"


def test_a_witness_is_named_only_where_it_is_not_the_kept_image() -> None:
    redundant = (
        Redundant("b.jpg", 0.1, "a.jpg", True, ("cropped", "re-encoded")),
        Redundant("c.jpg", 0.1, "z.jpg", True, ("resized",)),
    )
    result = replace(DEDUPE, groups=(Group(Kept("a.jpg", "first path"), redundant),), skipped=())

    assert list(dedupe_lines(result))[1:3] == [
        "  0.1000  b.jpg  cropped, re-encoded",
        "  0.1000  c.jpg  resized, as in z.jpg",
    ]


def test_only_the_commonest_reasons_are_shown() -> None:
    skipped = tuple(
        Skip(f"{reason}/{number}.jpg", f"reason {reason}")
        for reason in range(1, 9)
        for number in range(reason)
    )

    assert list(dedupe_lines(replace(NO_DUPLICATES, skipped=skipped)))[:7] == [
        "36 images skipped (--format json lists all):",
        "  8  reason 8, e.g. 8/0.jpg",
        "  7  reason 7, e.g. 7/0.jpg",
        "  6  reason 6, e.g. 6/0.jpg",
        "  5  reason 5, e.g. 5/0.jpg",
        "  4  reason 4, e.g. 4/0.jpg",
        "  6  for 3 other reasons",
    ]


def test_a_long_reason_is_cut_and_its_escapes_stay() -> None:
    skipped = (Skip("a.tif", "libtiff: " + "x" * 5000), Skip("b.tif", "in a\\nb: line\nbreak"))
    lines = list(dedupe_lines(replace(NO_DUPLICATES, skipped=skipped)))

    assert lines[1] == "  1  in a\\nb: line\\nbreak: b.tif"
    assert lines[2] == "  1  libtiff: " + "x" * 88 + "...: a.tif"


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("my photos/", "augnet dedupe 'my photos/' --threshold 0.2 --no-verify --format paths -0"),
        ("it's", """augnet dedupe 'it'"'"'s' --threshold 0.2 --no-verify --format paths -0"""),
        ("\x1b[2Jphotos", "augnet dedupe FOLDER --threshold 0.2 --no-verify --format paths -0"),
        (os.fsdecode(b"\xff"), "augnet dedupe FOLDER --threshold 0.2 --no-verify --format paths -0"),
    ],
)
def test_the_next_command_can_be_pasted(typed: str, command: str) -> None:
    assert f"`{command}`" in list(dedupe_lines(replace(DEDUPE, typed_folder=typed)))[-1]


def test_style_marks_are_closed_on_every_line() -> None:
    lines = [*dedupe_lines(DEDUPE, MARKS), *query_lines(QUERY, MARKS), *cluster_lines(CLUSTER, MARKS)]
    lines += dedupe_lines(VERIFIED, MARKS)
    lines += embed_lines(EMBED, MARKS)
    lines += calibration_lines(CALIBRATION, MARKS)

    assert lines[:2] == [
        "<g>keep</>    <b>beach.jpg</>  <d>most pixels (4000 x 3000)</>",
        "  <d>0.0000</>  copies/beach.jpg  <d>identical-bytes</>",
    ]
    for line in lines:
        assert len(re.findall("<[bdgr]>", line)) == line.count("</>")


def test_colour_adds_codes_and_nothing_else() -> None:
    for lines in (dedupe_lines, query_lines, cluster_lines, embed_lines):
        result = {"dedupe": DEDUPE, "query": QUERY, "cluster": CLUSTER, "embed": EMBED}[
            lines.__name__.split("_")[0]
        ]
        coloured = text(lines(result, COLOUR))
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[\d+m", "", coloured) == text(lines(result, PLAIN))


def assert_harmless(lines: list[str]) -> None:
    for line in lines:
        for character in line:
            assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"), repr(line)
            assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", repr(line)
        line.encode("utf-8")


def test_weird_names_send_nothing_harmful_to_a_terminal() -> None:
    result = weird_dedupe()
    lines = [*dedupe_lines(result), *query_lines(weird_query()), *cluster_lines(weird_cluster())]
    lines += embed_lines(replace(EMBED, skipped=result.skipped))

    assert_harmless(lines)
    shown = text(lines)
    for expected in (
        "[red]a[/red].jpg",
        r"\x1b[2J",
        r"two\nlines.jpg",
        "emoji 😀",
        r"invalid \xff\xfe",
        "-rf",
        "=1+1,and",
    ):
        assert expected in shown


def test_with_colour_the_only_escape_codes_are_those_of_the_style() -> None:
    codes = {getattr(COLOUR, name) for name in Style.__slots__}

    found = re.findall("\x1b[^m]*m?", text(dedupe_lines(weird_dedupe(), COLOUR)))

    assert found
    assert set(found) <= codes


@calm
@given(st.binary(min_size=1, max_size=30), st.text(max_size=30))
def test_no_name_and_no_reason_sends_anything_harmful(name: bytes, reason: str) -> None:
    path = os.fsdecode(name)
    groups = (Group(Kept(path, "first path"), (Redundant(path, 0.1, path + "x", False, ("near",)),)),)
    result = replace(DEDUPE, folder=path, typed_folder=path, groups=groups, skipped=(Skip(path, reason),))

    assert_harmless(list(dedupe_lines(result)))
    suspects = (Suspect(path, path + "y", 0.1, ("unverified",)),)
    assert_harmless(list(dedupe_lines(replace(result, suspects=suspects, stacks=(Stack((path,)),)))))
    assert_harmless(list(query_lines(with_hits(folder=path))))
    assert_harmless(list(query_lines(with_hits(Hit(path, 0.1)))))


def test_an_encoding_that_lacks_a_letter_gets_an_escape_not_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")

    write_lines(["ümlaut 😀", "plain"], stream)
    stream.flush()

    assert raw.getvalue() == b"\\xfcmlaut \\U0001f600\nplain\n"


def test_lines_stream_one_by_one() -> None:
    """The first line is there before the rest was made."""
    endless = with_hits(*(Hit("a.jpg", 0.1) for _ in range(100_000)))
    lines = query_lines(endless)

    assert next(lines) == "0.1000  a.jpg"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9949, "9.9 kB"),
        (9950, "10 kB"),
        (310_000_000, "310 MB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (4_200_000, "4.2 MB"),
        (3 * 10**12, "3.0 TB"), (5 * 10**18, "5000 PB"),
    ],
)  # fmt: skip
def test_sizes_are_in_powers_of_a_thousand(size: int, words: str) -> None:
    assert size_words(size) == words
