"""`augnet query` as a user at a shell sees it: lists from stdin, exit codes, pictures, refusals."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from augnet_program import PROGRAM, augnet, environment
from conftest import drawn_picture
from photo_folders import home
from PIL import Image

from augnet_cli import index


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` of six pictures, and `asked` with two more, one that is broken, one that is none."""
    root = tmp_path_factory.mktemp("world")
    (root / "photos").mkdir()
    (root / "asked" / "deep").mkdir(parents=True)
    for seed in range(6):
        drawn_picture(seed).save(root / "photos" / f"{seed}.png")
    drawn_picture(1, 320, 240).save(root / "asked" / "deep" / "one.jpg")
    drawn_picture(2, 80, 60).save(root / "asked" / 'two, "2".bmp')
    (root / "asked" / "notes.txt").write_text("no image")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    with home(tmp_path_factory):
        index(root / "photos")
    return root


def piped(world: Path, listed: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [*PROGRAM, "query", *words, "--in", "photos", "--k", "1"]
    return subprocess.run(
        command, input=listed, cwd=world, env=environment(), capture_output=True, timeout=120
    )


def test_a_folder_asks_by_its_images_and_a_list_by_what_it_names(world: Path) -> None:
    expected = ["asked/deep/one.jpg", "  0.0", 'asked/two, "2".bmp', "  0.0"]
    by_folder = augnet("query", "asked", "--in", "photos", "--k", "1", cwd=world).ok()
    by_lines = piped(world, b'asked/deep/one.jpg\nasked/two, "2".bmp\n', "-")
    by_zeros = piped(world, b'asked/deep/one.jpg\0asked/two, "2".bmp\0', "-", "--verify")

    for out in (by_folder.out, by_lines.stdout, by_zeros.stdout):
        lines = [line for line in out.decode().splitlines() if line]
        assert [line.startswith(begin) for line, begin in zip(lines, expected, strict=True)] == [True] * 4
        assert "1.png" in lines[1] and "2.png" in lines[3]
    assert b"same: resized" in by_zeros.stdout
    nothing = piped(world, b"", "-")
    assert (
        nothing.returncode == 1 and b"names no file" in nothing.stderr and b"augnet query -" in nothing.stderr
    )


def test_of_several_the_unusable_are_named_and_strict_exits_with_3(world: Path) -> None:
    words = ("query", "asked/deep/one.jpg", "broken.png", "gone.png", "--in", "photos", "--format", "json")
    done = augnet(*words, cwd=world).ok()
    strict = augnet(*words, "--strict", "--quiet", cwd=world)

    assert [answer["queries"] for answer in done.json()["answers"]] == [["asked/deep/one.jpg"]]
    assert [skip["path"] for skip in done.json()["skipped"]] == ["broken.png", "gone.png"]
    assert sum("left out" in note for note in done.notes) == 2
    assert (strict.code, strict.err) == (3, b"") and strict.out == done.out
    assert "broken.png" in augnet("query", "broken.png", "gone.png", "--in", "photos", cwd=world).refused()


def test_paths_of_several_answers_name_each_file_once(world: Path) -> None:
    words = ("query", "photos/0.png", "photos/1.png", "--k", "5", "--in", "photos", "--format", "paths")
    assert sorted(augnet(*words, cwd=world).ok().lines) == [f"photos/{seed}.png" for seed in range(6)]


def test_a_sheet_and_a_page_are_written_beside_the_result(world: Path, tmp_path: Path) -> None:
    sheet, page = tmp_path / "hits.png", tmp_path / "hits.html"
    words = ("query", "asked", "--in", "photos", "--average", "--not", "photos/5.png")
    done = augnet(*words, "--sheet", sheet, "--html", page, "--format", "json", cwd=world).ok()

    assert done.json()["answers"][0]["without"] == ["photos/5.png"]
    with Image.open(sheet) as picture:
        assert picture.width > 800
    assert page.stat().st_size > 5000
    assert any("hits.png: 1 answer" in note for note in done.notes)
    assert any("hits.html: 8 pictures" in note for note in done.notes)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sheet", "photos/hits.png"], "one of its images"),
        (["--html", "broken.png"], "ends in"),
        (["--crop", "1,2,0,5"], "no part of a picture"),
        (["--crop", "0,0,5000,5"], "320 x 240"),
        (["--show"], "stdout is none"),
        (["--show", "--format", "json"], "the format is json"),
        (["--not", "gone.png"], "gone.png"),
        (["asked", "--crop", "0,0,5,5"], "2 pictures"),
    ],
)
def test_what_can_not_be_done_is_two_lines_before_the_result(
    world: Path, words: list[str], said: str
) -> None:
    done = augnet("query", "asked/deep/one.jpg", *words, "--in", "photos", "--quiet", cwd=world)
    assert said in done.refused(done.code) and done.code in (1, 2)


def on_terminal(world: Path, **variables: str) -> tuple[int, bytes, bytes]:
    """Exit code, what the terminal got, stderr."""
    master, slave = pty.openpty()
    words = [*PROGRAM, "query", "asked/deep/one.jpg", "--in", "photos", "--k", "2", "--show"]
    process = subprocess.Popen(
        words,
        cwd=world,
        env=environment(TERM="xterm-256color", COLUMNS="80", PYTHONIOENCODING="utf-8") | variables,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
    )
    os.close(slave)
    out = b""
    try:
        while piece := os.read(master, 65536):
            out += piece
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.stderr is not None
    err = process.stderr.read()
    return process.wait(60), out, err


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(
    ("graphics", "sign"),
    [("blocks", "▀".encode()), ("sixel", b"\x1bP0;1;0q")],
)
def test_hits_are_drawn_in_a_terminal_by_what_it_has(world: Path, graphics: str, sign: bytes) -> None:
    code, out, _ = on_terminal(world, AUGNET_GRAPHICS=graphics)
    assert code == 0 and sign in out
    assert out.decode().splitlines()[-2].endswith("1.png")


@pytest.mark.parametrize(("variables", "said"), [({"NO_COLOR": "1"}, "colour"), ({"TERM": "dumb"}, "dumb")])
def test_pictures_are_refused_where_colour_is(world: Path, variables: dict[str, str], said: str) -> None:
    code, out, err = on_terminal(world, **variables)
    assert (code, out) == (2, b"") and said in err.decode() and "--sheet" in err.decode()
