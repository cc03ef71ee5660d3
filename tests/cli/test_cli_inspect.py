"""`augnet inspect` as a user at a shell meets it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from augnet_program import augnet, tree
from conftest import drawn_picture
from photo_folders import home
from PIL import Image, ImageFilter


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn pictures are too smooth to be sharp; a photograph, a blurred one and a black one."""
    from sklearn.datasets import load_sample_images

    folder = tmp_path_factory.mktemp("inspect") / "photos"
    folder.mkdir()
    china = Image.fromarray(load_sample_images().images[0])
    china.save(folder / "china.jpg", quality=92)
    china.filter(ImageFilter.GaussianBlur(4)).save(folder / "soft\nbreak.jpg", quality=92)
    Image.new("RGB", (300, 200)).save(folder / "-black.png")
    with home(tmp_path_factory):
        augnet("embed", folder).ok()
    return folder


def test_the_report_lists_what_looks_wrong_and_changes_nothing(photos: Path) -> None:
    before = tree(photos)
    lines = augnet("inspect", photos).ok().lines
    assert lines[0].startswith("images     3, ") and "formats    JPEG 2, PNG 1" in lines
    assert "  soft\\nbreak.jpg" in " ".join(lines) and "  -black.png" in lines
    assert lines[-2] == "3 images, 2 look wrong; nothing was changed"
    assert tree(photos) == before


def test_every_format(photos: Path) -> None:
    found = augnet("inspect", photos, "--format", "json", "--quiet").ok().json()
    flags = {image["path"]: image["flags"] for image in found["images"]}
    assert flags == {
        "-black.png": ["dark", "low-information", "grey"], "china.jpg": [], "soft\nbreak.jpg": ["blurred"]
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(augnet("inspect", photos, "--format", "csv").ok().out.decode())))
    assert {row["path"]: row["flags"].split() for row in rows} == flags
    paths = augnet("inspect", ".", "--format", "paths", cwd=photos).ok()
    assert paths.lines == ["./-black.png"] and "line break" in paths.err.decode()
    null = augnet("inspect", photos, "--format", "paths", "-0", "--only", "blurred").ok()
    assert null.out == bytes(photos) + b"/soft\nbreak.jpg\0"


def test_exit_codes(photos: Path, tmp_path: Path) -> None:
    assert augnet("inspect", photos, "--fail-on-found").code == 11
    assert augnet("inspect", photos, "--fail-on-found", "--only", "grey").code == 11
    grey = tmp_path / "grey"
    grey.mkdir()
    Image.effect_noise((200, 200), 60).save(grey / "noise.png")
    (grey / "cut.png").write_bytes((grey / "noise.png").read_bytes()[:5000])
    assert augnet("inspect", grey, "--fail-on-found").code == 0
    assert augnet("inspect", grey, "--strict").code == 3
    said = augnet("inspect", photos, "--only", "blurred,fuzzy").refused(2)
    assert "fuzzy" in said and "low-information" in said
    assert "-0" in augnet("inspect", photos, "-0").refused(2)


def test_a_camera_that_is_a_lie_is_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Evil\x1b[2J", "\n=cmd()\r"
    drawn_picture(1).save(folder / "a.jpg", exif=exif.tobytes())
    text = augnet("inspect", folder).ok().out
    assert b"\x1b" not in text and b"Evil [2J =cmd()" in text
