"""What `inspect` found, for other programs."""

from __future__ import annotations

import csv
import io
import json
import os

from inspect_examples import picture, result
from report_examples import WEIRD_PATHS

from augnet_cli.report.inspect_data import write_inspect


def written(made: object, format: str) -> bytes:
    stream = io.BytesIO()
    write_inspect(made, format, stream)  # type: ignore[arg-type]
    return stream.getvalue()


def test_json_has_all_that_is_known() -> None:
    first = picture("a.jpg", "blurred", taken_at="2003-12-14T12:01:44", camera="Acme One")
    made = result(
        first, picture("b.png", format="", measures=None), first_taken=first, last_taken=first, dated=1
    )
    found = json.loads(written(made, "json"))
    assert found["version"] == 1 and found["total"] == 2 and found["flags"]["blurred"] == 1
    assert found["formats"]["JPEG"] == 1203 and found["near"] == {
        "threshold": 0.15,
        "pairs": 12,
        "contents": 20,
    }
    assert found["pixels"]["smallest"] == {"path": "a.jpg", "width": 4000, "height": 3000, "bytes": 1000}
    assert found["taken"]["first"] == {"path": "a.jpg", "taken_at": "2003-12-14T12:01:44"}
    one, other = found["images"]
    assert one["flags"] == ["blurred"] and one["camera"] == "Acme One" and one["measures"]["smear"] is None
    assert one["measures"]["detail"] == 1.0 and other["measures"] is None and other["format"] is None
    assert found["skipped"] == [{"path": "cut.jpg", "reason": "JPEG cut short"}] and found["unread"] == []


def test_csv_has_a_row_an_image_without_exponents() -> None:
    made = result(picture("a.jpg", "dark", "grey"), picture("b.jpg", measures=None))
    rows = list(csv.DictReader(io.StringIO(written(made, "csv").decode())))
    assert [row["path"] for row in rows] == ["a.jpg", "b.jpg"]
    assert rows[0]["flags"] == "dark grey" and rows[0]["blur"] == "0.00001" and rows[0]["smear"] == ""
    assert list(rows[0])[:8] == ["path", "flags", "width", "height", "bytes", "format", "camera", "taken_at"]
    assert rows[1]["flags"] == rows[1]["blur"] == rows[1]["taken_at"] == ""


def test_any_name_comes_back() -> None:
    made = result(*(picture(path, "dark", camera='a "camera", so called') for path in WEIRD_PATHS))
    found = json.loads(written(made, "json"))
    assert [image["path"] for image in found["images"]] == list(WEIRD_PATHS)
    text = written(made, "csv").decode("utf-8", "surrogateescape")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [os.fsencode(row[0]) for row in rows[1:]] == [os.fsencode(path) for path in WEIRD_PATHS]
