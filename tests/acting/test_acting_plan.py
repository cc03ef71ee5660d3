"""The plan file: written whole, edited by hand, read with suspicion."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from acting_examples import Copy, plan_for, put

from augnet_cli.acting.plan import check_plan_file, read_plan, save_plan
from augnet_cli.errors import PlanError, UsageError
from augnet_cli.records import Group, ImageRecord, Kept, Redundant
from augnet_cli.results import DedupeResult

RAW_NAME = os.fsdecode(b"raw \xff\xfe.jpg")
ODD_NAMES = (
    "größe 日本.jpg",
    "line\nbreak.jpg",
    "esc\x1b[31m.jpg",
    "right\u202eto left.jpg",
    RAW_NAME,
    "-o.jpg",
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    put(folder, {"kept.jpg": b"kept", "a.jpg": b"a", "b/c.jpg": b"c", **dict.fromkeys(ODD_NAMES, b"odd")})
    return folder


@pytest.fixture
def plan(photos: Path, tmp_path: Path) -> Path:
    return plan_for(
        photos, [Copy(name, "kept.jpg") for name in ("a.jpg", "b/c.jpg")], tmp_path / "plan.jsonl"
    )


def edited(plan: Path, line: int, **changes: object) -> Path:
    """The plan with fields of one line (from 1) changed, or removed where the change is None."""
    lines = [json.loads(text) for text in plan.read_text().splitlines()]
    for name, value in changes.items():
        if value is None:
            del lines[line - 1][name]
        else:
            lines[line - 1][name] = value
    plan.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return plan


def refusal(plan: Path) -> str:
    with pytest.raises(PlanError) as told:
        read_plan(str(plan))
    assert told.value.hint and "\n" not in told.value.what
    return told.value.what


def test_what_is_written_is_what_is_read(photos: Path, plan: Path) -> None:
    read = read_plan(str(plan))

    assert (read.folder, read.encoder, read.threshold, read.images) == (str(photos), "encoder", 0.2, 3)
    assert [line.path for line in read.lines] == ["a.jpg", "b/c.jpg"]
    first, status = read.lines[0], (photos / "a.jpg").stat()
    assert (first.size, first.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert (first.witness, first.distance, first.verdict, first.verified) == (
        "kept.jpg",
        0.1,
        ("re-encoded",),
        True,
    )


def test_names_survive_whatever_they_hold_and_harm_no_terminal(photos: Path, tmp_path: Path) -> None:
    plan = plan_for(photos, [Copy(name, "kept.jpg") for name in ODD_NAMES], tmp_path / "plan.jsonl")

    assert [line.path for line in read_plan(str(plan)).lines] == list(ODD_NAMES)
    data = plan.read_bytes().decode("utf-8")  # the file itself is UTF-8, whatever the names are
    assert "größe 日本.jpg" in data  # grep finds it
    assert not set("\x1b\u202e") & set(data)
    assert len(data.splitlines()) == 1 + len(ODD_NAMES)


def test_deleted_line_blank_line_and_other_line_ends_are_edits_as_any(plan: Path) -> None:
    head, _, second = plan.read_bytes().splitlines()
    plan.write_bytes(b"\xef\xbb\xbf" + head + b"\r\n\r\n" + second)

    assert [(line.number, line.path) for line in read_plan(str(plan)).lines] == [(3, "b/c.jpg")]


def test_plan_of_which_every_line_was_deleted_asks_for_nothing(plan: Path) -> None:
    plan.write_bytes(plan.read_bytes().splitlines()[0])

    assert read_plan(str(plan)).lines == ()


@pytest.mark.parametrize(
    ("line", "changes", "said"),
    [
        (2, {"path": None}, "line 2: `path` is missing"),
        (3, {"size": "7"}, "line 3: `size` is not a whole number"),
        (3, {"size": True}, "line 3: `size` is not a whole number"),
        (3, {"size": -1}, "line 3: `size` is negative"),
        (2, {"mtime_ns": 1.5}, "`mtime_ns` is not a whole number"),
        (2, {"hash": "abc"}, "`hash` is not 32 hexadecimal digits"),
        (2, {"witness_hash": "x" * 32}, "`witness_hash` is not 32 hexadecimal digits"),
        (2, {"verified": 1}, "`verified` is not true or false"),
        (2, {"verdict": "near"}, "`verdict` is not a list"),
        (2, {"verdict": [1]}, "`verdict` is not a list of words"),
        (2, {"distance": 3}, "`distance` is not between 0 and 2"),
        (2, {"path": ""}, "no file can have this name"),
        (2, {"path": "a\0.jpg"}, "no file can have this name"),
        (2, {"path": "\ud83d.jpg"}, "no file can have this name"),
        (2, {"path": "/etc/passwd"}, "it is absolute"),
        (2, {"path": "../a.jpg"}, "it goes up"),
        (2, {"path": "b/../a.jpg"}, "it goes up"),
        (2, {"path": "./a.jpg"}, "it can be written shorter"),
        (2, {"path": "b//c.jpg"}, "it can be written shorter"),
        (2, {"path": "b/"}, "it can be written shorter"),
        (2, {"path": ".augnet/journal.jsonl"}, "it is in the store"),
        (2, {"path": "b/.AUGNET/x.jpg"}, "it is in the store"),
        (2, {"witness": "../kept.jpg"}, "`witness` ../kept.jpg: it goes up"),
        (2, {"witness": "a.jpg"}, "a.jpg is its own witness"),
        (3, {"path": "a.jpg"}, "line 3: a.jpg stands in line 2 already"),
        (3, {"witness": "a.jpg"}, "line 3: the witness a.jpg may go itself, by line 2"),
        (3, {"witness_size": 99}, "line 3: of kept.jpg it says something else than line 2"),
        (1, {"augnet_plan": 2}, "line 1: it was made by a newer augnet"),
        (1, {"augnet_plan": None}, "line 1: no `augnet_plan`: this is no plan"),
        (1, {"folder": "photos"}, "line 1: `folder` is not an absolute path"),
    ],
)
def test_line_that_does_not_hold_together_is_named(
    plan: Path, line: int, changes: dict[str, object], said: str
) -> None:
    assert said in refusal(edited(plan, line, **changes))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: the file is empty"),
        (b"\n\n", "line 1: the file is empty"),
        (b"keep a.jpg\n", "line 1: it is no JSON"),
        (b"[1]\n", "line 1: it is no JSON object"),
        (b'{"augnet_plan": NaN}\n', "NaN is no JSON"),
        (b'{"path": "\xff"}\n', "line 1: it is no UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1: it is no JSON: too deep"),
    ],
)
def test_file_that_is_no_plan_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "plan.jsonl").write_bytes(data)

    assert said in refusal(tmp_path / "plan.jsonl")


def test_line_cut_off_in_the_middle_is_refused_and_named(plan: Path) -> None:
    plan.write_bytes(plan.read_bytes()[:-40])

    assert "line 3: it is no JSON" in refusal(plan)


def test_missing_plan_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as told:
        read_plan(str(tmp_path / "plan.jsonl"))
    assert "no such file" in told.value.what and "--plan" in told.value.hint


def result_of(photos: Path) -> tuple[DedupeResult, list[ImageRecord]]:
    images = [ImageRecord(name, "0" * 32, 1, 1, 4, 1, None) for name in ("a.jpg", "kept.jpg")]
    group = Group(Kept("kept.jpg", "most pixels"), (Redundant("a.jpg", 0.1, "kept.jpg", True, ("resized",)),))
    return DedupeResult(str(photos), "photos", "encoder", 0.2, 2, (group,), ()), images


def test_plan_is_replaced_whole_and_leaves_nothing_else(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.jsonl"
    result, images = result_of(photos)
    save_plan(replace(result, groups=()), images, str(out))
    assert not read_plan(str(out)).lines

    save_plan(result, images, str(out))

    assert [line.path for line in read_plan(str(out)).lines] == ["a.jpg"]
    assert sorted(os.listdir(tmp_path)) == ["photos", "plan.jsonl"]


def test_plan_may_take_the_place_of_an_empty_file(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.jsonl"
    out.touch()
    save_plan(*result_of(photos), str(out))
    assert len(read_plan(str(out)).lines) == 1


@pytest.mark.parametrize(
    "other",
    [
        b'{"augnet_journal": 1, "run": "r", "state": "begun"}\n',
        b'{"label": "cat"}\n',
        b"no object\n",
        b"\n\n",
        b"\xff\xfe",
    ],
)
def test_a_file_that_is_no_plan_is_not_written_over(photos: Path, tmp_path: Path, other: bytes) -> None:
    out = tmp_path / "labels.jsonl"
    out.write_bytes(other)
    with pytest.raises(PlanError, match="another file of that name"):
        save_plan(*result_of(photos), str(out))
    assert out.read_bytes() == other


def test_plan_is_not_written_where_it_could_be_lost_or_be_a_photo(photos: Path, tmp_path: Path) -> None:
    cache = photos / ".augnet" / "cache"
    cache.mkdir(parents=True)
    for name, kind in (
        (photos / "a.jpg", UsageError),
        (cache / "plan.jsonl", UsageError),
        (tmp_path / "missing" / "plan.jsonl", PlanError),
    ):
        with pytest.raises(kind):
            check_plan_file(str(name))
        with pytest.raises(kind):
            save_plan(*result_of(photos), str(name))
    assert (photos / "a.jpg").read_bytes() == b"a" and not list(cache.iterdir())
