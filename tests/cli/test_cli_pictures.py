"""`augnet dedupe --html --sheet`: files beside the result, refused before the work where they can't be."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import drawn_picture

from augnet_cli.report.page import MARK


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        drawn_picture(seed).save(folder / f"{seed}.png")
    (folder / "copy.png").write_bytes((folder / "1.png").read_bytes())
    return folder


def augnet(*words, cwd):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return subprocess.run(
        [sys.executable, "-m", "augnet_cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )


def test_page_and_sheet_are_written_beside_the_result(photos, tmp_path):
    words = ("--threshold", "0", "--html", "report.html", "--sheet", "groups.png", "--format", "json")
    done = augnet("dedupe", "photos", *words, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["groups"]) == 1
    assert MARK in (tmp_path / "report.html").read_text()
    assert (tmp_path / "groups.png").stat().st_size > 1000
    assert "report.html: 2 pictures" in done.stderr
    assert "groups.png: 1 group" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["groups.png", "photos", "report.html"]


def test_a_file_that_cannot_be_written_is_two_lines_before_the_work(photos, tmp_path):
    for words in (
        ("--html", "nowhere/report.html"),
        ("--html", "photos/.augnet/cache/report.html"),
        ("--html", "photos/1.png"),
        ("--sheet", "photos/groups.png"),
        ("--sheet", "photos"),
    ):
        done = augnet("dedupe", "photos", *words, cwd=tmp_path)

        assert done.returncode in (1, 2), words
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 2, done.stderr
        assert lines[1].strip().startswith("hint:")
        assert done.stdout == ""
    assert not (photos / ".augnet").exists()
