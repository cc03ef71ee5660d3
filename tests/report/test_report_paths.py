"""Paths for xargs: joined as typed, bytes untouched, never taken for an option."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_examples import CLUSTER, DEDUPE, QUERY, WEIRD_NAMES, WEIRD_PATHS

from augnet_cli.report.paths import joined, paths_of, write_paths

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def written(paths: list[str], typed_folder: str, null: bool) -> tuple[bytes, int]:
    stream = io.BytesIO()
    left_out = write_paths(paths, typed_folder, stream, null)
    return stream.getvalue(), left_out


@pytest.mark.parametrize(
    ("typed", "path", "whole"),
    [
        ("photos", "a.jpg", "photos/a.jpg"),
        ("photos/", "a.jpg", "photos/a.jpg"),
        ("photos//", "b/a.jpg", "photos/b/a.jpg"),
        ("./photos", "a.jpg", "./photos/a.jpg"),
        (".", "a.jpg", "./a.jpg"),
        ("./", "-a.jpg", "./-a.jpg"),
        ("..", "a.jpg", "../a.jpg"),
        ("../x/", "a.jpg", "../x/a.jpg"),
        ("/", "a.jpg", "/a.jpg"),
        ("/home/ann/photos", "a.jpg", "/home/ann/photos/a.jpg"),
        ("", "a.jpg", "a.jpg"),
        ("", "-a.jpg", "./-a.jpg"),
        ("-photos", "a.jpg", "./-photos/a.jpg"),
        ("photos", "-a.jpg", "photos/-a.jpg"),
        ("a b", "c d.jpg", "a b/c d.jpg"),
    ],
)
@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
def test_the_folder_is_joined_as_typed(typed: str, path: str, whole: str) -> None:
    assert joined(typed, path) == whole


def test_paths_of_each_result() -> None:
    assert list(paths_of(DEDUPE)) == ["copies/beach.jpg", "beach, small.jpg", "cat (1).png"]
    assert list(paths_of(QUERY)) == ["beach.jpg", "copies/beach.jpg", "cat.png"]
    assert list(paths_of(CLUSTER)) == ["a.jpg", "b.jpg", "c, d.jpg", "z.jpg"]


def test_lines_word_for_word() -> None:
    assert written(list(paths_of(DEDUPE)), "photos/", null=False) == (
        b"photos/copies/beach.jpg\nphotos/beach, small.jpg\nphotos/cat (1).png\n",
        0,
    )


def test_no_paths_are_no_bytes() -> None:
    assert written([], "photos", null=False) == (b"", 0)
    assert written([], "photos", null=True) == (b"", 0)


def test_a_name_that_holds_a_newline_is_left_out_of_lines_and_counted() -> None:
    names = ["a.jpg", "two\nlines.jpg", "b.jpg"]

    assert written(names, "photos", null=False) == (b"photos/a.jpg\nphotos/b.jpg\n", 1)
    assert written(names, "photos", null=True) == (b"photos/a.jpg\0photos/two\nlines.jpg\0photos/b.jpg\0", 0)


def test_a_typed_folder_that_holds_a_newline_leaves_all_out_of_lines() -> None:
    assert written(["a.jpg", "b.jpg"], "two\nlines", null=False) == (b"", 2)


@calm
@given(
    st.lists(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and name[:1] != b"/"))
)
def test_zero_ended_paths_are_the_very_bytes(names: list[bytes]) -> None:
    data, left_out = written([os.fsdecode(name) for name in names], "photos", null=True)

    assert left_out == 0
    assert data.split(b"\0")[:-1] == [b"photos/" + name for name in names]


@pytest.mark.skipif(shutil.which("xargs") is None, reason="no xargs here")
@pytest.mark.parametrize("typed", [".", "", "photos/.."])
def test_xargs_finds_every_weird_name_from_where_one_stands(tmp_path: Path, typed: str) -> None:
    """The real xargs gives the real rm our bytes: each file is found, and none is taken for an option."""
    (tmp_path / "photos").mkdir()
    for name in WEIRD_NAMES:
        file = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        Path(os.fsdecode(file)).write_bytes(b"")
    data, _ = written(list(WEIRD_PATHS), typed, null=True)

    run = subprocess.run(["xargs", "-0", "rm"], input=data, cwd=tmp_path, capture_output=True, check=False)

    assert (run.returncode, run.stderr) == (0, b"")
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == []
