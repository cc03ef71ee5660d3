"""Whatever a folder holds: each gets a clear two-line error or a listed skip, and no photo changes."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from augnet_program import Done, augnet, ended, saved, start, tree
from conftest import drawn_picture
from photo_folders import home, large_png
from PIL import Image

FOLDER_COMMANDS = ("embed", "dedupe", "cluster")
LIMIT_S = 60


@pytest.mark.parametrize("command", FOLDER_COMMANDS)
def test_folder_that_is_none_is_an_error(tmp_path: Path, command: str) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    assert "there is no folder" in augnet(command, tmp_path / "missing").refused()
    assert "not a folder" in augnet(command, tmp_path / "a.png").refused()
    assert tree(tmp_path).keys() == {"a.png"}


@pytest.mark.parametrize("command", FOLDER_COMMANDS)
def test_folder_without_images_is_an_error_and_stays_as_it_was(tmp_path: Path, command: str) -> None:
    assert "holds no image" in augnet(command, tmp_path).refused()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.txt").write_text("no image")
    (tmp_path / "video.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    assert "holds no image" in augnet(command, tmp_path).refused()
    assert set(tree(tmp_path)) == {"deep", "deep/notes.txt", "video.mp4"}
    assert not (tmp_path / ".augnet").exists()


@pytest.mark.parametrize("command", ["info", "query"])
def test_folder_without_a_store_is_an_error_of_what_only_reads(tmp_path: Path, command: str) -> None:
    (tmp_path / "empty").mkdir()
    drawn_picture(0).save(tmp_path / "a.png")
    words = ["info", "empty"] if command == "info" else ["query", "a.png"]
    assert "augnet embed" in augnet(*words, cwd=tmp_path).refused()


def odd_images(folder: Path) -> tuple[set[str], dict[str, str]]:
    """Write odd but good images and broken ones; gives the good names, and the bad ones with a word why."""
    picture = drawn_picture(1, 64, 48)
    good = {
        "cmyk.jpg": picture.convert("CMYK"),
        "palette.png": picture.quantize(16),
        "grey-alpha.png": picture.convert("LA"),
        "one-bit.tif": picture.convert("1"),
        "sixteen.png": Image.fromarray(np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 21),
        "float.tif": Image.fromarray(np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)),
        "tiny.png": Image.new("RGB", (1, 1)),
        "wide.png": Image.new("RGB", (5000, 1)),
    }
    for name, image in good.items():
        image.save(folder / name)
    palette = picture.quantize(16)
    palette.save(folder / "palette-transparent.png", transparency=bytes(range(0, 256, 16)))
    frames = [drawn_picture(seed, 64, 48) for seed in range(4)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:], loop=0)
    frames[0].save(folder / "animated.png", save_all=True, append_images=frames[1:])
    picture.save(folder / "no-suffix", "PNG")
    (folder / "wrong-suffix.jpg").write_bytes((folder / "no-suffix").read_bytes())
    names = {
        *good,
        "palette-transparent.png",
        "animated.gif",
        "animated.png",
        "no-suffix",
        "wrong-suffix.jpg",
    }

    whole = (folder / "cmyk.jpg").read_bytes()
    png = (folder / "tiny.png").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("this is a text")
    (folder / "empty.png").write_bytes(b"")
    (folder / "bomb.png").write_bytes(large_png(30_000, 30_000))
    (folder / "no-pixels.png").write_bytes(png[:16] + struct.pack(">II", 0, 0) + png[24:])
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    os.symlink("tiny.png", folder / "link.png")
    os.symlink("nowhere.png", folder / "dangling.png")
    os.symlink("loop.png", folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    return names, {
        "cut.jpg": "cut short",
        "text.jpg": "text",
        "empty.png": "empty",
        "bomb.png": "900 megapixels",
        "no-pixels.png": "",
        "drawing.svg": "drawing",
        "link.png": "symbolic link",
        "dangling.png": "symbolic link",
        "loop.png": "symbolic link",
        "pipe.png": "named pipe",
    }


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done, set[str], dict[str, str]]:
    """A folder of odd files, embedded once by the program, unchanged by it."""
    folder = tmp_path_factory.mktemp("odd")
    good, bad = odd_images(folder)
    (folder / "ring").symlink_to(folder)  # a folder that holds itself
    os.symlink("..", folder / "up")
    (folder / "notes.txt").write_text("no image")
    before = tree(folder)
    with home(tmp_path_factory):
        done = augnet("embed", folder, "--format", "json").ok()
    assert tree(folder) == before
    return folder, done, good, bad


def test_odd_images_are_embedded_and_broken_ones_listed_with_a_reason(
    odd: tuple[Path, Done, set[str], dict[str, str]],
) -> None:
    folder, done, good, bad = odd
    result = done.json()
    skipped = {skip["path"]: skip["reason"] for skip in result["skipped"]}
    assert skipped.keys() == bad.keys()
    for path, word in bad.items():
        assert word in skipped[path] and skipped[path].strip(), (path, skipped[path])
    assert (result["images"], result["others"]) == (len(good), 1)
    assert done.err == b""
    rows = augnet("cluster", folder, "--k", "1", "--format", "json").ok().json()
    assert set(rows["clusters"][0]["members"]) == good


def test_every_finding_command_works_over_odd_images_and_lists_the_skips(
    odd: tuple[Path, Done, set[str], dict[str, str]],
) -> None:
    folder, _, good, bad = odd
    result = augnet("dedupe", folder, "--threshold", "0.2", "--format", "json").ok().json()
    assert {skip["path"] for skip in result["skipped"]} == bad.keys()
    hits = augnet("query", folder / "cmyk.jpg", "--k", "100", "--format", "json").ok().json()["hits"]
    assert {hit["path"] for hit in hits} == good - {"cmyk.jpg"}


def test_strict_turns_skips_into_exit_code_3(odd: tuple[Path, Done, set[str], dict[str, str]]) -> None:
    for command in FOLDER_COMMANDS:
        done = augnet(command, odd[0], "--strict")
        assert done.code == 3 and done.out, done


@pytest.mark.parametrize(
    "name", ["text.jpg", "bomb.png", "empty.png", "pipe.png", "dangling.png", "missing.png"]
)
def test_query_image_that_can_not_be_used_is_an_error(
    odd: tuple[Path, Done, set[str], dict[str, str]], name: str
) -> None:
    assert name in augnet("query", odd[0] / name, "--quiet").refused()


def test_blanks_of_a_name_stay_in_errors_and_hints(tmp_path: Path) -> None:
    (tmp_path / "a  b").mkdir()
    assert "a  b" in augnet("embed", "a  b", cwd=tmp_path).refused()


def test_folder_of_broken_images_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    for command in ("embed", "dedupe", "calibrate"):
        done = augnet(command, tmp_path, "--format", "json")
        assert done.code == 3, "a script must see that nothing was looked at"
        assert [skip["path"] for skip in done.json()["skipped"]] == ["broken.jpg"]
        assert "no image could be used, 1 skipped" in done.err.decode()
    assert "none of the images" in augnet("cluster", tmp_path).refused(3)
    (tmp_path / "elsewhere").mkdir()  # after the walks: the folder is not walked again for a query
    drawn_picture(0).save(tmp_path / "elsewhere" / "a.png")
    query = augnet("query", "elsewhere/a.png", "--in", ".", "--format", "json", cwd=tmp_path).ok()
    assert query.json()["hits"] == []


HOSTILE = (
    b"[red]bold[x].png", b"\x1b[31m\x1b]0;title\x07.png", b"back\x08\x08space.png", b"two\nlines.png",
    b"tab\there.png", "right\u202egnp.png".encode(), b"\xff\xfe.png", "emoji 🦊.png".encode(), b":cat:.png",
    b"quote'\"`$(touch hacked).png", b"%s{0}.png",
)  # fmt: skip
HARMLESS = {"\n", *map(chr, range(32, 127)), "🦊", "…"}


def test_hostile_names_are_shown_harmlessly_and_unlike_each_other(tmp_path: Path) -> None:
    """On stdout, in skips, in notes and in errors; names are data, never markup or control."""
    folder = tmp_path / "\x1b[32m[red]:cat:\n"
    folder.mkdir()
    for number, name in enumerate(HOSTILE):
        target = os.path.join(os.fsencode(folder), name)
        drawn_picture(number // 2).save(folder / "x.png")
        os.rename(folder / "x.png", target)
        Path(os.fsdecode(target.replace(b".png", b".jpg"))).write_bytes(b"broken")
    plain = {}
    plain["dedupe"] = augnet("dedupe", folder, "--threshold", "0").ok()
    plain["cluster"] = augnet("cluster", folder, "--k", "1").ok()
    plain["query"] = augnet("query", os.path.join(folder, os.fsdecode(HOSTILE[8])), "--k", "99").ok()
    plain["embed"] = augnet("embed", folder).ok()
    plain["info"] = augnet("info", folder).ok()
    plain["missing"] = augnet("embed", folder / os.fsdecode(HOSTILE[1]) / "missing")
    plain["missing image"] = augnet("query", folder / (os.fsdecode(HOSTILE[6]) + "x"))
    for what, done in plain.items():
        text = (done.out + done.err).decode()
        assert set(text) <= HARMLESS, (what, set(text) - HARMLESS)
        assert "Traceback" not in text and "touch hacked" not in os.listdir(tmp_path)
    assert "[red]" in plain["missing"].refused() and "[red]" in plain["missing image"].refused()
    shown = plain["query"].out.decode()
    for words in ("[red]bold[x].png", ":cat:.png", "emoji 🦊.png", "two\\nlines.png", "\\xff\\xfe.png"):
        assert shown.count(words) == (words != ":cat:.png"), (words, shown)
    assert len(shown.splitlines()) == len(HOSTILE) - 1


def test_file_that_becomes_unreadable_is_a_skip_and_comes_back(tmp_path: Path) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "closed").mkdir()
    drawn_picture(5).save(tmp_path / "closed" / "5.png")
    (tmp_path / "1.png").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        result = augnet("embed", tmp_path, "--format", "json", ordinary=True).ok().json()
        reasons = {skip["path"]: skip["reason"] for skip in result["skipped"]}
        assert reasons.keys() == {"1.png", "closed/"}
        assert all("permission denied" in reason for reason in reasons.values())
        assert result["images"] == 2
        if os.geteuid() == 0:
            # Somebody who may read it comes, and nothing about the file has changed since.
            assert augnet("embed", tmp_path, "--format", "json").ok().json()["images"] == 4
            return
    finally:
        (tmp_path / "1.png").chmod(0o644)
        (tmp_path / "closed").chmod(0o755)
    result = augnet("embed", tmp_path, "--format", "json", ordinary=True).ok().json()
    assert (result["images"], result["embedded"], result["skipped"]) == (4, 2, [])


def test_files_that_vanish_or_close_while_it_works_are_listed_skips(tmp_path: Path) -> None:
    """The program is stopped when it has saved its first images; then files go, close, change, become links.

    It saves 256 at a time, a few batches behind what it reads, so that it has not come to the last of 600.
    """
    for number in range(300):
        drawn_picture(number, 160, 120).save(tmp_path / f"{number:03}.png", compress_level=1)
        drawn_picture(number + 1000, 160, 120).save(tmp_path / f"{number:03}-first.png", compress_level=1)
    process = start("embed", tmp_path, "--format", "json", "--workers", "1", ordinary=True)
    while not saved(tmp_path) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    (tmp_path / "299.png").unlink()
    (tmp_path / "298.png").chmod(0)
    (tmp_path / "297.png").write_bytes(b"")
    (tmp_path / "296.png").unlink()
    (tmp_path / "296.png").symlink_to("000.png")
    (tmp_path / "295.png").unlink()
    os.mkfifo(tmp_path / "295.png")
    process.send_signal(signal.SIGCONT)
    result = ended(process).ok().json()
    reasons = {skip["path"]: skip["reason"] for skip in result["skipped"]}
    assert reasons.keys() == {"295.png", "296.png", "297.png", "298.png", "299.png"}
    words = ("pipe", "link", "empty", "permission", "vanished")
    for number, word in enumerate(words, start=295):
        assert word in reasons[f"{number}.png"]
    assert result["images"] == 595
    again = augnet("embed", tmp_path, "--format", "json", ordinary=True).ok().json()
    assert {skip["path"] for skip in again["skipped"]} == {"295.png", "296.png", "297.png", "298.png"}
    assert again["removed"] == 1


def test_folder_that_vanishes_while_it_works_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(300):
        drawn_picture(number, 320, 240).save(folder / f"{number:03}.png", compress_level=1)
    process = start("embed", folder, "--workers", "1")
    while not (folder / ".augnet" / "cache" / "store.sqlite").exists() and process.poll() is None:
        pass
    shutil.rmtree(folder)
    done = ended(process)
    # All of it may have been done already, or be told as skips; what may not be is a traceback.
    assert done.code in {0, 1} and b"Traceback" not in done.err, done
    if done.code == 1:
        done.refused()


def test_read_only_folder_has_its_store_with_the_user(tmp_path: Path, private_home: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        drawn_picture(seed).save(folder / f"{seed}.png")
    shutil.copy(folder / "0.png", folder / "copy.png")
    folder.chmod(0o555)
    try:
        done = augnet("embed", folder, "--format", "json", ordinary=True).ok()
        assert done.json()["images"] == 4
        assert any("could not be written" in note and str(private_home) in note for note in done.notes)
        again = augnet("embed", folder, "--format", "json", ordinary=True).ok().json()
        assert again["embedded"] == 0
        groups = augnet("dedupe", folder, "--threshold", "0", "--format", "json", ordinary=True).ok().json()
        assert [group["kept"]["path"] for group in groups["groups"]] == ["0.png"]
        hits = augnet("query", folder / "0.png", "--format", "json", ordinary=True).ok().json()["hits"]
        assert hits[0] == {"path": "copy.png", "distance": 0.0} and len(hits) == 3
        assert sum(f["size"] for f in augnet("cluster", folder, "--k", "2", "--format", "json", ordinary=True)
                   .ok().json()["clusters"]) == 4  # fmt: skip
        augnet("info", folder, ordinary=True).ok()
        assert sorted(os.listdir(folder)) == ["0.png", "1.png", "2.png", "copy.png"]
    finally:
        folder.chmod(0o755)


def test_no_place_for_a_store_at_all_is_told(tmp_path: Path) -> None:
    folder, home = tmp_path / "photos", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    drawn_picture(0).save(folder / "a.png")
    for path in (folder, home):
        path.chmod(0o555)
    assert "AUGNET_HOME" in augnet("embed", folder, ordinary=True, AUGNET_HOME=str(home)).refused()


def test_current_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    process = subprocess.Popen(["sh", "-c", "read x"], cwd=here, stdin=subprocess.PIPE)
    here.rmdir()
    try:
        gone = Path(f"/proc/{process.pid}/cwd")
        if not gone.is_symlink():
            pytest.skip("needs /proc")
        assert "current folder" in augnet("embed", ".", cwd=gone).refused()
    finally:
        process.communicate(b"\n")


def test_permissions_of_photos_stay_as_they_are(tmp_path: Path) -> None:
    drawn_picture(0).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0o440)
    augnet("dedupe", tmp_path).ok()
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o440
