"""JSON and CSV: the exact shapes, and every file name back as its bytes."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_examples import (
    CALIBRATION,
    DEDUPE,
    EMBED,
    LEAKS,
    NO_DUPLICATES,
    QUERY,
    UNCALIBRATED,
    WEIRD_NAMES,
    weird_cluster,
    weird_dedupe,
    weird_query,
    with_hits,
)

from augnet_cli.records import Group, Kept, Recall, Redundant, Transform
from augnet_cli.report.cluster_data import write_cluster
from augnet_cli.report.data import (
    Format,
    write_calibration,
    write_dedupe,
    write_embed,
    write_leaks,
)
from augnet_cli.report.query_data import write_query
from augnet_cli.results import Hit, Stack, Suspect

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

name_bytes = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


def written(write, result, format: Format) -> bytes:
    stream = io.BytesIO()
    write(result, format, stream)
    return stream.getvalue()


def csv_rows(data: bytes) -> list[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline="")
    return list(csv.reader(text))


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_dedupe_json_word_for_word() -> None:
    assert written(write_dedupe, DEDUPE, "json").decode() == (
        '{"version": 1, "folder": "/home/ann/photos", "encoder": "abc123", "threshold": 0.2, '
        '"threshold_from": "given", "groups": [\n'
        '{"kept": {"path": "beach.jpg", "reason": "most pixels (4000 x 3000)"}, "redundant": ['
        '{"path": "copies/beach.jpg", "distance": 0.0, "witness": "beach.jpg", "verified": true, '
        '"verdict": ["identical-bytes"], "transform": null}, '
        '{"path": "beach, small.jpg", "distance": 0.031235, "witness": "beach.jpg", "verified": false, '
        '"verdict": ["near"], "transform": null}]},\n'
        '{"kept": {"path": "cat.png", "reason": "first path"}, "redundant": ['
        '{"path": "cat (1).png", "distance": 0.2, "witness": "cat.png", "verified": false, '
        '"verdict": ["near"], "transform": null}]}\n'
        '], "unverified": [], "stacks": [], "skipped": [\n'
        '{"path": "broken/a.jpg", "reason": "truncated JPEG"},\n'
        '{"path": "broken/b.jpg", "reason": "truncated JPEG"},\n'
        '{"path": "c.heic", "reason": "no HEIF"}\n'
        "]}\n"
    )


def test_json_tells_what_share_a_search_that_is_not_exact_finds() -> None:
    recall = Recall(rows=91_819, pairs=3101, found=3100, at_least=0.999, confidence=0.95)
    told = json.loads(written(write_dedupe, replace(DEDUPE, search="partitioned", recall=recall), "json"))
    told_of_leaks = json.loads(written(write_leaks, replace(LEAKS, recall=recall), "json"))
    assert told["recall"] == told_of_leaks["recall"] == {
        "rows": 91_819,
        "pairs": 3101,
        "found": 3100,
        "at_least": 0.999,
        "confidence": 0.95,
    }  # fmt: skip


def test_calibration_json_word_for_word() -> None:
    assert written(write_calibration, CALIBRATION, "json").decode() == (
        '{"version": 1, "folder": "/home/ann/photos", "encoder": "abc123", "contents": 1234, "altered": 128, '
        '"precision": 0.99, "threshold": 0.0215, "threshold_from": "calibrated", "curve": [\n'
        '{"distance": 0.0001, "found": 1.0, "false": 0.0001, "precision": 0.9999, "low": 0.2, "high": 1.0, '
        '"recall": 0.05, "recall_of": {"crop_50": 0.0, "blur": 0.1}},\n'
        '{"distance": 0.0215, "found": 40.0, "false": 0.36, "precision": 0.991, "low": 0.95, "high": 0.999, '
        '"recall": 0.55, "recall_of": {"crop_50": 0.1, "blur": 1.0}},\n'
        '{"distance": 0.1, "found": 1500.4, "false": 600.25, "precision": 0.599947, "low": 0.4, "high": 0.7, '
        '"recall": 0.75, "recall_of": {"crop_50": 0.5, "blur": 1.0}},\n'
        '{"distance": 0.3, "found": 1234.0, "false": 9999.0, "precision": 0.0, "low": 0.0, "high": 0.01, '
        '"recall": 1.0, "recall_of": {"crop_50": 1.0, "blur": 1.0}}\n'
        '], "skipped": [\n{"path": "c.heic", "reason": "no HEIF"}\n]}\n'
    )
    assert json.loads(written(write_calibration, UNCALIBRATED, "json")) == {
        "version": 1,
        "folder": "/home/ann/photos",
        "encoder": "abc123",
        "contents": 12,
        "altered": 0,
        "precision": 0.9,
        "threshold": 0.0115,
        "threshold_from": "card",
        "curve": [],
        "skipped": [],
    }


def test_calibration_csv_has_a_row_a_distance_and_a_column_a_kind() -> None:
    head, *rows = csv_rows(written(write_calibration, CALIBRATION, "csv"))
    names = ["distance", "found", "false", "precision", "low", "high", "recall", "crop_50", "blur"]
    assert head == names and len(rows) == 4
    for row, point in zip(rows, CALIBRATION.curve, strict=True):
        figures = [getattr(point, name) for name in names[:7]] + list(point.recall_of.values())
        assert [float(cell) for cell in row] == pytest.approx(figures, abs=1e-6)
        assert not any("e" in cell for cell in row)
    assert csv_rows(written(write_calibration, UNCALIBRATED, "csv")) == [names[:7]]


def test_dedupe_json_keeps_its_shape_when_nothing_was_found() -> None:
    assert written(write_dedupe, NO_DUPLICATES, "json").decode() == (
        '{"version": 1, "folder": "/home/ann/photos", "encoder": "abc123", "threshold": 0.2, '
        '"threshold_from": "given", "groups": [], "unverified": [], "stacks": [], "skipped": []}\n'
    )


def test_query_json_word_for_word() -> None:
    assert written(write_query, QUERY, "json").decode() == (
        '{"version": 1, "query": "../new photo.jpg", "folder": "/home/ann/photos", "hits": [\n'
        '{"path": "beach.jpg", "distance": 0.0},\n'
        '{"path": "copies/beach.jpg", "distance": 1e-06},\n'
        '{"path": "cat.png", "distance": 0.987654}\n'
        '], "answers": [\n'
        '{"queries": ["../new photo.jpg"], "without": [], "hits": [\n'
        '{"path": "beach.jpg", "distance": 0.0},\n'
        '{"path": "copies/beach.jpg", "distance": 1e-06},\n'
        '{"path": "cat.png", "distance": 0.987654}\n'
        "]}\n"
        '], "skipped": []}\n'
    )


def test_embed_json_word_for_word() -> None:
    assert written(write_embed, EMBED, "json").decode() == (
        '{"version": 1, "folder": "/home/ann/photos", "encoder": "abc123", '
        '"images": 1234, "embedded": 34, "known": 1200, "removed": 1, "others": 2, "skipped": [\n'
        '{"path": "c.heic", "reason": "no HEIF"}\n'
        "]}\n"
    )


def test_dedupe_csv_word_for_word() -> None:
    assert written(write_dedupe, DEDUPE, "csv").decode() == (
        "group,role,path,distance,witness,verified,verdict\n"
        "1,kept,beach.jpg,,,,\n"
        "1,redundant,copies/beach.jpg,0.0,beach.jpg,true,identical-bytes\n"
        '1,redundant,"beach, small.jpg",0.031235,beach.jpg,false,near\n'
        "2,kept,cat.png,,,,\n"
        "2,redundant,cat (1).png,0.2,cat.png,false,near\n"
    )


def test_query_csv_word_for_word() -> None:
    assert written(write_query, QUERY, "csv").decode() == (
        "query,rank,path,distance,same,verdict\n"
        "../new photo.jpg,1,beach.jpg,0.0,,\n"
        "../new photo.jpg,2,copies/beach.jpg,0.000001,,\n"
        "../new photo.jpg,3,cat.png,0.987654,,\n"
    )


def test_embed_csv_word_for_word() -> None:
    assert written(write_embed, EMBED, "csv").decode() == (
        "images,embedded,known,removed,others,skipped\n1234,34,1200,1,2,1\n"
    )


def test_several_words_of_a_verdict_are_parted_by_spaces_in_csv() -> None:
    half = Transform((0.5, 0, 0, 0, 0.5, 0), (0, 0, 40, 30), 0.0, False, 0.0)
    redundant = Redundant("b", 0.1, "a", True, ("resized", "re-encoded"), half)
    result = replace(DEDUPE, groups=(Group(Kept("a", "first path"), (redundant,)),))

    assert csv_rows(written(write_dedupe, result, "csv"))[2][-2:] == ["true", "resized re-encoded"]
    (only,) = json.loads(written(write_dedupe, result, "json"))["groups"][0]["redundant"]
    assert only["verdict"] == ["resized", "re-encoded"]
    assert only["transform"] == {
        "matrix": [0.5, 0, 0, 0, 0.5, 0],
        "box": [0, 0, 40, 30],
        "degrees": 0.0,
        "mirrored": False,
        "changed_share": 0.0,
    }


def test_what_stays_with_a_reason_stands_in_json_and_csv() -> None:
    """In CSV its numbers go on from those of the groups, and only its roles tell it from what may go."""
    suspect, part = Suspect("c", "d", 0.2, ("unverified",)), Suspect("g", "h", 0.3, ("partial", "cropped"))
    result = replace(DEDUPE, suspects=(suspect, part), stacks=(Stack(("e", "f")),))
    facts = json.loads(written(write_dedupe, result, "json"))
    expected = {"path": "c", "other": "d", "distance": 0.2, "verdict": ["unverified"], "transform": None}
    assert facts["unverified"][0] == expected and facts["stacks"] == [{"paths": ["e", "f"]}]
    assert [one["verdict"] for one in facts["unverified"]] == [["unverified"], ["partial", "cropped"]]
    rows, groups = (csv_rows(written(write_dedupe, one, "csv")) for one in (result, DEDUPE))
    assert rows[: len(groups)] == groups
    assert rows[len(groups) :] == [
        ["3", "unverified", "c", "0.2", "d", "false", "unverified"],
        ["4", "partial", "g", "0.3", "h", "false", "partial cropped"],
        ["5", "stack", "e", "", "", "", ""],
        ["5", "stack", "f", "", "", "", ""],
    ]


def test_json_gives_every_file_name_back_as_its_bytes() -> None:
    dedupe = json.loads(written(write_dedupe, weird_dedupe(), "json"))
    query = json.loads(written(write_query, weird_query(), "json"))
    cluster = json.loads(written(write_cluster, weird_cluster(), "json"))

    names = list(WEIRD_NAMES)
    assert [os.fsencode(one["kept"]["path"]) for one in dedupe["groups"]] == names
    redundant = [one["redundant"][0] for one in dedupe["groups"]]
    assert [os.fsencode(one["path"]) for one in redundant] == [b"copy of " + name for name in names]
    assert [os.fsencode(one["witness"]) for one in redundant] == [b"other " + name for name in names]
    assert [os.fsencode(one["path"]) for one in dedupe["skipped"]] == names
    assert os.fsencode(dedupe["folder"]) == names[1]
    assert os.fsencode(query["query"]) == names[1]
    assert [os.fsencode(one["path"]) for one in query["hits"]] == names
    assert [os.fsencode(path) for path in cluster["clusters"][0]["members"]] == names
    assert [os.fsencode(path) for path in cluster["clusters"][0]["exemplars"]] == names


@calm
@given(st.lists(name_bytes, max_size=4))
def test_any_file_name_survives_json_and_csv(names: list[bytes]) -> None:
    result = with_hits(*(Hit(os.fsdecode(name), 0.25) for name in names))

    as_json = written(write_query, result, "json")
    as_csv = written(write_query, result, "csv")

    assert as_json.isascii()
    assert [os.fsencode(hit["path"]) for hit in json.loads(as_json)["hits"]] == names
    assert [os.fsencode(row[2]) for row in csv_rows(as_csv)[1:]] == names


def test_csv_gives_every_file_name_back_as_its_bytes_and_alters_none() -> None:
    dedupe = csv_rows(written(write_dedupe, weird_dedupe(), "csv"))[1:]
    cluster = csv_rows(written(write_cluster, weird_cluster(), "csv"))[1:]

    assert [os.fsencode(row[2]) for row in dedupe if row[1] == "kept"] == list(WEIRD_NAMES)
    assert [os.fsencode(row[4]) for row in dedupe if row[1] == "redundant"] == [
        b"other " + name for name in WEIRD_NAMES
    ]
    assert [os.fsencode(row[1]) for row in cluster] == list(WEIRD_NAMES)


def test_csv_lines_end_in_a_newline_alone_and_hold_raw_bytes() -> None:
    data = written(write_query, with_hits(Hit(os.fsdecode(b"\xff.jpg"), 0.5)), "csv")

    assert data == b"query,rank,path,distance,same,verdict\n../new photo.jpg,1,\xff.jpg,0.5,,\n"


@pytest.mark.parametrize("format", ["json", "csv"])
def test_distances_of_numpy_are_plain_numbers(format: Format) -> None:
    hits = (Hit("a", np.float32(0.1)), Hit("b", np.float32(-0.0)), Hit("c", np.float64(2)))
    data = written(write_query, with_hits(*hits), format)

    if format == "csv":
        assert [row[3] for row in csv_rows(data)[1:]] == ["0.1", "0.0", "2.0"]
    else:
        found = [hit["distance"] for hit in json.loads(data)["hits"]]
        assert [str(distance) for distance in found] == ["0.1", "0.0", "2.0"]


def test_a_distance_that_is_no_number_is_refused_not_written() -> None:
    """`NaN` is no JSON: a strict reader would reject the whole report."""
    with pytest.raises(ValueError, match="JSON compliant"):
        written(write_query, with_hits(Hit("a", float("nan"))), "json")


@calm
@given(st.floats(0, 2, width=32), st.floats(0, 2))
def test_a_printed_distance_never_passes_the_printed_threshold(distance: float, threshold: float) -> None:
    """What is within the threshold, compared as float32, is within it for a reader of the report too."""
    if not np.float32(distance) <= np.float32(threshold):
        return
    redundant = Redundant("b", distance, "a", False, ("near",))
    result = replace(DEDUPE, threshold=threshold, groups=(Group(Kept("a", "first path"), (redundant,)),))

    as_json = json.loads(written(write_dedupe, result, "json"), parse_constant=refuse_constant)
    as_csv = csv_rows(written(write_dedupe, result, "csv"))

    printed = as_json["groups"][0]["redundant"][0]["distance"]
    assert printed <= as_json["threshold"]
    assert printed == pytest.approx(distance, abs=1e-6)
    assert float(as_csv[2][3]) == printed
    assert "e" not in as_csv[2][3].lower()


def test_reports_are_written_in_pieces() -> None:
    """No write holds more than one item, so a large result needs no large string."""

    class Sizes(io.BytesIO):
        largest = 0

        def write(self, data) -> int:
            self.largest = max(self.largest, len(data))
            return super().write(data)

    result = with_hits(*(Hit(f"{number:06}.jpg", 0.5) for number in range(5000)))
    for format in ("json", "csv"):
        stream = Sizes()
        write_query(result, format, stream)
        assert stream.largest < 200 < 90_000 < len(stream.getvalue())
