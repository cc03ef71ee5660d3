"""Which images `augnet dedupe` looks at and which may go, as a user types it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from augnet_program import PROGRAM, augnet, environment, tree
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path, sample_photos: dict[str, Image.Image]) -> Path:
    """A photograph in a library, again in an inbox, smaller there, and another one twice."""
    (tmp_path / "inbox" / "new").mkdir(parents=True)
    (tmp_path / "my library").mkdir()
    china, flower = sample_photos["china"], sample_photos["flower"]
    china.save(tmp_path / "my library" / "china.jpg", quality=90)
    shutil.copy(tmp_path / "my library" / "china.jpg", tmp_path / "inbox" / "same.jpg")
    china.resize((320, 213)).save(tmp_path / "inbox" / "new" / "half.png")
    flower.save(tmp_path / "inbox" / "flower.jpg", quality=90)
    shutil.copy(tmp_path / "inbox" / "flower.jpg", tmp_path / "inbox" / "new" / "flower.jpg")
    return tmp_path


def paths(photos: Path, *words: str | Path) -> list[str]:
    return augnet("dedupe", *words, "--format", "paths", cwd=photos).ok().lines


def test_what_a_reference_has_may_go_and_come_back(photos: Path) -> None:
    before = tree(photos)
    done = augnet("dedupe", "inbox", "--reference", "my library", cwd=photos).ok()
    assert done.lines[0] == f"keep    {photos}/my library/china.jpg  reference"
    assert any("encoder for all 2 folders: shipped" in note for note in done.notes)
    command = shlex.split(done.lines[-1].split("`")[1])
    listed = augnet(*command[1:], cwd=photos).ok().out.split(b"\0")[:-1]
    assert sorted(listed) == [b"inbox/new/flower.jpg", b"inbox/new/half.png", b"inbox/same.jpg"]

    augnet("dedupe", "inbox", "--reference", "my library", "--plan", "plan.jsonl", cwd=photos).ok()
    augnet("apply", "plan.jsonl", cwd=photos).ok()
    assert not (photos / "inbox" / "same.jpg").exists()
    assert sorted(path.name for path in (photos / "my library").iterdir()) == [".augnet", "china.jpg"]
    augnet("undo", "inbox", cwd=photos).ok()
    (photos / "plan.jsonl").unlink()
    assert tree(photos) == before


def test_the_next_command_looks_at_no_more_than_was_looked_at(photos: Path) -> None:
    (photos / "list.txt").write_text("inbox/same.jpg\ninbox/flower.jpg\ninbox/new/flower.jpg\n")
    words = ("--exclude", "*same*", "--exclude", "my library/", "--max-megapixels", "9.5")
    done = augnet("dedupe", ".", "--files-from", "list.txt", *words, cwd=photos).ok()
    command = shlex.split(done.lines[-1].split("`")[1])
    assert [command.count(word) for word in ("--exclude", "--files-from", "--max-megapixels")] == [2, 1, 1]
    listed = augnet(*command[1:], cwd=photos).ok().out.split(b"\0")[:-1]
    assert listed == [b"./inbox/new/flower.jpg"] or listed == [b"inbox/new/flower.jpg"]


def test_references_are_shown_on_the_page_and_the_sheet(photos: Path) -> None:
    words = ("--reference", "my library", "--html", "page.html", "--sheet", "sheet.png", "--quiet")
    augnet("dedupe", "inbox", *words, cwd=photos).ok()
    page = (photos / "page.html").read_text()
    assert '"href":"../my%20library/china.jpg"' in page and '"reason"' not in page
    assert Image.open(photos / "sheet.png").size[1] > 100


def test_between_two_folders_needs_no_other(photos: Path) -> None:
    done = augnet("dedupe", "--between", "inbox", "my library", "--format", "json", cwd=photos).ok().json()
    pairs = [(image["path"], image["witness"]) for group in done["groups"] for image in group["redundant"]]
    assert pairs
    for pair in pairs:
        assert {path.split("/")[0] for path in pair} == {"inbox", "my library"}
    assert done["folder"] == str(photos) and not (photos / ".augnet").exists()
    lines = augnet("dedupe", "--between", "inbox", "my library", cwd=photos).ok().lines
    assert "`augnet dedupe --between inbox 'my library' --format paths -0`" in lines[-1]
    assert all((photos / path).exists() for path in paths(photos, "--between", "inbox", "my library"))
    before = tree(photos)
    augnet("dedupe", "--between", "inbox", "my library", "--plan", "plan.jsonl", cwd=photos).ok()
    augnet("apply", "plan.jsonl", cwd=photos).ok()
    (photos / "plan.jsonl").unlink()
    assert set(before) - set(tree(photos)) == {path for path, _ in pairs}
    augnet("undo", ".", cwd=photos).ok()
    assert tree(photos) == before
    for where in ("sheet.png", "inbox/sheet.png"):
        done = augnet("dedupe", "--between", "inbox", "my library", "--sheet", where, "--quiet", cwd=photos)
        assert done.code == (1 if "/" in where else 0), done


def test_within_subfolders(photos: Path) -> None:
    assert paths(photos, "inbox", "--within-subfolders") == []
    shutil.copy(photos / "inbox" / "flower.jpg", photos / "inbox" / "flower (1).jpg")
    assert paths(photos, "inbox", "--within-subfolders") == ["inbox/flower (1).jpg"]


def listed(photos: Path, data: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [*PROGRAM, "dedupe", *words, "--files-from", "-", "--format", "paths"]
    return subprocess.run(
        command, input=data, cwd=photos, env=environment(), capture_output=True, check=False
    )


def test_only_what_a_list_names(photos: Path) -> None:
    both = b"inbox/flower.jpg\ninbox/new/flower.jpg\n"
    assert listed(photos, both, "inbox").stdout == b"inbox/new/flower.jpg\n"
    assert listed(photos, both.replace(b"\n", b"\0"), "inbox").stdout == b"inbox/new/flower.jpg\n"
    (photos / "list.txt").write_bytes(both + b"inbox/none.jpg\n")
    done = augnet("dedupe", "inbox", "--files-from", "list.txt", cwd=photos).ok()
    assert "augnet: 1 of 3 listed files is not there: inbox/none.jpg" in done.notes
    assert "2 images, 1 group" in done.lines[-2]
    done = listed(photos, b"inbox/same.jpg\n", "inbox", "--reference", "my library")
    assert done.stdout == b"inbox/same.jpg\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "augnet dedupe FOLDER"),
        (("--reference", "my library"), 2, "no folder is named"),
        (("inbox", "--reference", "none"), 1, "there is no folder none"),
        (("inbox", "--reference", "inbox"), 2, "lies in the reference"),
        (("inbox", "--between", "inbox", "inbox/new"), 2, "two folders apart"),
        (("inbox", "--reference", "my library", "--within-subfolders"), 2, "exclude each other"),
        (("inbox", "--files-from", "none.txt"), 1, "none.txt can't be read"),
        (("inbox", "--files-from", "/dev/null"), 1, "names no file"),
    ],
)
def test_what_makes_no_sense_is_said_in_two_lines(photos: Path, words: tuple, code: int, said: str) -> None:
    assert said in augnet("dedupe", *words, cwd=photos).refused(code)
    assert not list(photos.rglob(".augnet"))
