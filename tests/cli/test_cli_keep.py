"""`augnet dedupe --keep` as a user types it: what stays, why, what is refused and when."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from augnet_program import augnet, tree
from conftest import drawn_picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One picture as a PNG, as a smaller JPEG in `originals`, and a copy of that; and another picture."""
    folder = tmp_path / "photos"
    (folder / "originals").mkdir(parents=True)
    picture = drawn_picture(1, 320, 240)
    picture.save(folder / "large.png")
    picture.resize((160, 120)).save(folder / "originals" / "small.jpg", quality=95)
    shutil.copy(folder / "originals" / "small.jpg", folder / "small (1).jpg")
    drawn_picture(2).save(folder / "other.png")
    return folder


def kept_of(folder: Path, *words: str) -> tuple[str, str]:
    (group,) = (
        augnet("dedupe", folder, "--threshold", "0.2", "--format", "json", *words).ok().json()["groups"]
    )
    assert len(group["redundant"]) == 2
    return group["kept"]["path"], group["kept"]["reason"]


def test_the_rules_decide_and_the_reason_names_the_one_that_did(photos: Path) -> None:
    before = tree(photos)
    assert kept_of(photos) == ("large.png", "most pixels (320 x 240)")
    assert kept_of(photos, "--keep", "folder:originals") == ("originals/small.jpg", "folder originals")
    assert kept_of(photos, "--keep", "format:jpg > png, shortest-path") == ("small (1).jpg", "shortest path")
    assert kept_of(photos, "--keep=format:webp>png,bytes") == ("large.png", "format png")
    assert tree(photos) == before


def test_the_next_command_that_is_shown_keeps_the_same(photos: Path) -> None:
    lines = (
        augnet("dedupe", "photos", "--keep", "format:jpg>png, shortest-path", cwd=photos.parent).ok().lines
    )
    command = shlex.split(lines[-1].split("`")[1])
    redundant = augnet(*command[1:], cwd=photos.parent).ok().out.split(b"\0")
    assert b"photos/large.png" in redundant and b"photos/small (1).jpg" not in redundant


def test_the_plan_follows_the_rules(photos: Path) -> None:
    plan = photos.parent / "plan.jsonl"
    words = ("--keep", "folder:originals", "--plan", plan, "--quiet")
    augnet("dedupe", photos, "--threshold", "0.2", *words).ok()
    text = plan.read_text()
    assert text.count('"witness": "originals/small.jpg"') == 2
    assert '"path": "originals/small.jpg"' not in text


def test_a_folder_without_images_is_said_but_no_error(photos: Path) -> None:
    done = augnet("dedupe", photos, "--threshold", "0.2", "--keep", "folder:orignals,resolution").ok()
    assert "keep    large.png  most pixels" in done.out.decode()
    assert [note for note in done.notes if "folder:orignals" in note and "no image" in note]
    quiet = augnet("dedupe", photos, "--threshold", "0.2", "--keep", "folder:orignals", "--quiet").ok()
    assert quiet.err == b""


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("largest", "no rule largest"),
        ("", "empty rule"),
        ("bytes,,oldest", "empty rule"),
        ("bytes,bytes", "bytes twice"),
        ("format:", "needs suffixes"),
        ("format:pgn>jpg", "suffix pgn"),
        ("folder:", "needs the name of a folder"),
        ("folder:/", "needs the name of a folder"),
        ("resolution:high", "takes no value"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_any_work(photos: Path, rules: str, said: str) -> None:
    assert said in augnet("dedupe", photos, "--keep", rules).refused(2)
    assert not (photos / ".augnet").exists()


def test_an_option_without_rules_is_refused() -> None:
    assert augnet("dedupe", ".", "--keep").code == 2


def test_the_help_names_every_rule_and_the_default() -> None:
    from augnet_cli.duplicates.keep import DEFAULT_TEXT, NAMES

    text = " ".join(augnet("dedupe", "--help", COLUMNS="200").ok().out.decode().split())
    assert f"[default: {DEFAULT_TEXT}]" in text
    assert len(NAMES) == 8 and all(name in text for name in NAMES)
