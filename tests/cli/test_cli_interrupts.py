"""Ended in the middle: by kill -9, by Ctrl-C, by a reader that has gone. What was finished is kept."""

from __future__ import annotations

import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from augnet_program import PROGRAM, augnet, ended, environment, in_shell, saved, start, tree
from conftest import drawn_picture
from photo_folders import home

IMAGES = 300
KILLS = 5


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images to be in the middle of for about a second on one core."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(IMAGES):
        (folder / str(number % 7)).mkdir(exist_ok=True)
        drawn_picture(number, 320, 240).save(folder / str(number % 7) / f"{number}.png", compress_level=1)
    return folder


@pytest.fixture
def photos(many: Path, tmp_path: Path) -> Path:
    return shutil.copytree(many, tmp_path / "photos")


def exported(folder: Path) -> tuple[list[str], np.ndarray]:
    out = folder.parent / "vectors.npz"
    augnet("embed", folder, "--out", out).ok()
    with np.load(out, allow_pickle=False) as file:
        return file["paths"].tolist(), file["embeddings"]


def test_killed_at_any_moment_the_next_run_completes(photos: Path, tmp_path: Path) -> None:
    before = tree(photos)
    fresh = shutil.copytree(photos, tmp_path / "fresh" / "photos")
    wanted_paths, wanted = exported(fresh)
    moments, progress = random.Random(1), []
    for _ in range(KILLS):
        process = start("embed", photos, "--workers", "1")
        time.sleep(moments.uniform(0.1, 1.2))
        process.kill()
        process.communicate()
        progress.append(saved(photos))
        with (
            sqlite3.connect(photos / ".augnet" / "cache" / "store.sqlite")
            if progress[-1]
            else sqlite3.connect(":memory:") as connection
        ):
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert progress == sorted(progress), "a kill lost what an earlier run had saved"
    paths, rows = exported(photos)
    assert paths == wanted_paths
    np.testing.assert_allclose(rows, wanted, atol=1e-5)
    left = {path.name for path in (photos / ".augnet" / "cache").iterdir()}
    assert not {name for name in left if name.endswith((".tmp", ".new"))} and tree(photos) == before


def test_interrupt_keeps_what_was_finished_and_exits_130(photos: Path) -> None:
    process = start("embed", photos, "--workers", "1")
    store = photos / ".augnet" / "cache" / "store.sqlite"
    while not store.exists() and process.poll() is None:
        time.sleep(0.005)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    said = ended(process).refused(130)
    assert "interrupted" in said
    result = augnet("embed", photos, "--format", "json").ok().json()
    assert 0 < result["known"] < IMAGES and result["known"] + result["embedded"] == IMAGES


def has_loaded(process: subprocess.Popen[bytes], library: str) -> bool:
    return library in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.parametrize("library", ["_multiarray_umath", "_imaging", "onnxruntime_pybind11_state"])
def test_interrupt_before_anything_is_done_is_told_too(photos: Path, library: str) -> None:
    """While it loads its libraries, too, an interrupt is no traceback."""
    for delay in (0, 0.02, 0.05):
        process = start("dedupe", photos)
        while not has_loaded(process, library):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        done = ended(process)
        assert b"Traceback" not in done.err and done.code == 130, (delay, done)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose list of duplicates is larger than a pipe holds (64 KiB)."""
    folder = tmp_path_factory.mktemp("crowd")
    drawn_picture(0, 32, 24).save(folder / "0.png")
    for number in range(1, 1200):
        shutil.copy(folder / "0.png", folder / f"a rather long name, so that the list gets long {number}.png")
    with home(tmp_path_factory):
        augnet("embed", folder).ok()
    return folder


@pytest.mark.parametrize(
    ("format", "reader"),
    [("text", "head -1"), ("json", "head -1"), ("csv", "head -1"), ("paths", "head -1"), ("json", "true")],
)
def test_reader_that_goes_away_is_no_error(crowd: Path, format: str, reader: str) -> None:
    pipe = f"AUGNET dedupe '{crowd}' --threshold 0 --format {format} | {reader} >/dev/null"
    done = in_shell(f'{pipe}; echo "${{PIPESTATUS[0]}}"')
    assert (done.stdout, done.stderr) == (b"0\n", b"")


def test_files_and_the_exit_code_do_not_hang_on_the_reader(crowd: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    words = f"--threshold 0 --format json --html '{page}' --fail-on-found --quiet"
    done = in_shell(f"set -o pipefail; AUGNET dedupe '{crowd}' {words} | true")
    assert (done.returncode, done.stderr) == (11, b"")
    assert page.read_bytes().rstrip().endswith(b"</html>")


def test_output_that_can_not_be_written_is_told(crowd: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "dedupe", str(crowd), "--threshold", "0.1"],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert re.fullmatch(r"augnet: the result can't be written: .*\n  hint: .*\n", said), said


def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(3):
        drawn_picture(seed).save(photos / f"{seed}.png")
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        done = in_shell(f"AUGNET embed '{photos}' {closed}")
        assert done.returncode == 0 and b"Traceback" not in done.stderr, (closed, done)
    connection = sqlite3.connect(photos / ".augnet" / "cache" / "store.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
