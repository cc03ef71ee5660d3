"""`augnet dedupe --plan`, `apply`, `undo`, `decide`: to a folder without copies and back, as users do it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
from augnet_program import PROGRAM, augnet, ended, environment, in_shell, start, tree
from conftest import drawn_picture

COPIES = {"copies/0 again.png", "copies/0.jpg", "copies/1.jpg"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures; of the first a byte-identical and a re-encoded copy, of the second a smaller one."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "copies").mkdir()
    for seed in range(3):
        drawn_picture(seed).save(folder / f"{seed}.png")
    (folder / "copies" / "0 again.png").write_bytes((folder / "0.png").read_bytes())
    drawn_picture(0).save(folder / "copies" / "0.jpg", quality=95)
    drawn_picture(1, 120, 90).save(folder / "copies" / "1.jpg", quality=95)
    (folder / "copies" / "1.xmp").write_text("<stars>5</stars>")
    return folder


@pytest.fixture
def photos(template: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    subprocess.run(["cp", "-a", template, folder], check=True)
    return folder


@pytest.fixture
def plan(photos: Path) -> Path:
    out = photos.parent / "plan.jsonl"
    augnet("dedupe", photos, "--plan", out, "--quiet").ok()
    return out


def images(photos: Path) -> int:
    return augnet("embed", photos, "--format", "json", "--quiet").ok().json()["images"]


def test_the_whole_way_there_and_back(photos: Path, plan: Path) -> None:
    before = tree(photos)
    lines = [json.loads(line) for line in plan.read_text().splitlines()]
    assert lines[0]["augnet_plan"] == 1 and {line["path"] for line in lines[1:]} == COPIES

    shown = augnet("apply", plan).ok().lines
    assert shown[0].startswith("3 images with 1 sidecar moved to quarantine")
    assert f"augnet undo {photos} --run " in shown[-1]
    assert sorted(tree(photos)) == ["0.png", "1.png", "2.png", "copies"]
    assert images(photos) == 3
    assert augnet("dedupe", photos, "--format", "paths", "--quiet").ok().out == b""

    back = augnet("undo", photos).ok().lines
    assert back == ["4 files restored (1 run)"]
    assert tree(photos) == before
    assert images(photos) == 6


def test_unproven_lines_are_left_alone_and_the_exit_code_says_so(photos: Path) -> None:
    plan = photos.parent / "unproven.jsonl"
    augnet("dedupe", photos, "--no-verify", "--threshold", "0.15", "--plan", plan, "--quiet").ok()
    done = augnet("apply", plan, "--format", "json")

    assert done.code == 3 and b"Traceback" not in done.err
    told = done.json()
    left = {path for group in told["refused"] for path in group["paths"]}
    assert left | {file["path"] for file in told["done"]} == COPIES
    assert "copies/0 again.png" not in left  # identical bytes need no other proof
    assert told["action"] == "quarantine" and told["run"] and told["version"] == 1


def test_dry_run_lists_and_changes_nothing(photos: Path, plan: Path) -> None:
    before = tree(photos)
    done = augnet("apply", plan, "--dry-run").ok()
    assert {line.split("  ")[0] for line in done.lines} > COPIES
    assert "nothing was changed" in done.lines[-2] and "does it" in done.lines[-1]
    assert tree(photos) == before and not (photos / ".augnet" / "journal.jsonl").exists()


def test_delete_without_a_terminal_needs_yes(photos: Path, plan: Path) -> None:
    before = tree(photos)
    said = augnet("apply", plan, "--action", "delete").refused(2)
    assert "can't be undone" in said and "--yes" in said
    assert tree(photos) == before

    done = augnet("apply", plan, "--action", "delete", "--yes")
    # The sidecar keeps its image from being deleted.
    assert done.code == 3 and b"copies/1.xmp belongs to copies/1.jpg" in done.out
    assert b"can't be brought back" in done.out
    assert sorted(tree(photos)) == ["0.png", "1.png", "2.png", "copies", "copies/1.jpg", "copies/1.xmp"]
    back = augnet("undo", photos)
    assert back.code == 3 and b"it was deleted" in back.out


def test_delete_without_any_stdin_needs_yes(photos: Path, plan: Path) -> None:
    done = in_shell(f"AUGNET apply '{plan}' --action delete <&-")
    assert done.returncode == 2 and b"--yes deletes without asking" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("answer", "left", "code", "said"),
    [
        (b"n\n", 3, 1, b"augnet: nothing was deleted\r\n  hint: --action quarantine"),
        (b"\n", 3, 1, b"augnet: nothing was deleted\r\n  hint: --action quarantine"),
        (b"y\n", 1, 3, b"delete up to 3 images"),
        (b"\x03", 3, 130, b"nothing was deleted\r\n  hint: --action quarantine"),
        (b"\x04", 3, 130, b"nothing was deleted\r\n  hint: --action quarantine"),
    ],
)
def test_delete_asks_on_a_terminal(
    photos: Path, plan: Path, answer: bytes, left: int, code: int, said: bytes
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "apply", str(plan), "--action", "delete"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - it takes no lock
    )
    os.close(theirs)
    asked = b""
    while b"no undo" not in asked:  # what is typed before belongs to nobody
        asked += os.read(ours, 4096)
    os.write(ours, answer)
    process.communicate(timeout=120)
    with suppress(OSError):  # the other end is closed
        while more := os.read(ours, 4096):
            asked += more
    os.close(ours)
    assert b"delete up to 3 images" in asked and said in asked, asked
    assert process.returncode == code
    assert len([path for path in tree(photos) if path in COPIES]) == left


def test_a_dry_run_names_the_command_that_was_tried(plan: Path) -> None:
    tried = augnet("apply", plan, "--include-unverified", "--dry-run").ok().lines[-1]
    assert tried.endswith("--action quarantine --include-unverified` does it")


def test_hard_links_save_space_and_are_undone(photos: Path, plan: Path) -> None:
    before = tree(photos)
    augnet("apply", plan, "--action", "hardlink").ok()
    assert os.path.samefile(photos / "0.png", photos / "copies" / "0.jpg")
    assert augnet("undo", photos, "--last").ok().lines[-1].startswith("3 files restored")
    assert tree(photos) == before


def test_undo_says_what_it_can_not_do_and_that_there_is_nothing(photos: Path, plan: Path) -> None:
    assert augnet("undo", photos).ok().lines == [f"nothing to undo in {photos}"]
    augnet("apply", plan).ok()
    (photos / "copies" / "0.jpg").write_bytes(b"newer")
    done = augnet("undo", photos, "--all", "--format", "json")
    assert done.code == 3
    assert [file["path"] for file in done.json()["failed"]] == ["copies/0.jpg"]
    assert (photos / "copies" / "0.jpg").read_bytes() == b"newer"
    assert b"another file stands at its place" in augnet("undo", photos).out


def test_ctrl_c_stops_between_two_files_and_the_plan_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    data = drawn_picture(0, 32, 24)
    data.save(folder / "kept.png")
    for number in range(1500):
        (folder / f"{number}.png").write_bytes((folder / "kept.png").read_bytes())
    plan = tmp_path / "plan.jsonl"
    augnet("dedupe", folder, "--threshold", "0", "--plan", plan, "--quiet").ok()
    before = tree(folder)

    running = start("apply", plan)
    while len(list(folder.glob("*.png"))) > 1450:
        time.sleep(0.01)
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    done = ended(running)

    assert done.code == 130 and b"were not tried" in done.err and b"Traceback" not in done.err
    left = len(list(folder.glob("*.png")))
    assert 1 < left < 1451
    again = augnet("apply", plan, "--format", "json").ok().json()
    assert len(again["done"]) == left - 1 and len(again["already"]) == 1501 - left
    augnet("undo", folder, "--all").ok()
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("apply", "missing.jsonl"), 1, "the plan missing.jsonl can't be read"),
        (("apply", "text.jsonl"), 1, "text.jsonl, line 1: it is no JSON"),
        (("apply", "plan.jsonl", "--format", "csv"), 2, "can't be printed as csv"),
        (("undo", "missing"), 1, "there is no folder missing"),
        (("undo", "photos", "--last", "--all"), 2, "exclude each other"),
        (("undo", "photos", "--format", "paths"), 2, "can't be printed as paths"),
        (("dedupe", "photos", "--plan", "photos/0.png"), 2, "does not end in .jsonl"),
        (("decide", "photos", "0.png", "1.png"), 2, "add --different, --same or --forget"),
        (("decide", "photos"), 2, "decide what?"),
        (("decide", "photos", "0.png", "1.png", "--forget"), 2, "nothing was decided about 0.png and 1.png"),
        (("decide", "photos", "0.png", "1.png", "--same", "--different"), 2, "one thing at a time"),
        (("decide", "photos", "0.png", "--same"), 2, "about two images"),
        (("decide", "photos", "0.png", "1.png", "--export", "x.jsonl"), 2, "only a decision is"),
        (("decide", "photos", "0.png", "9.png", "--same"), 1, "there is no 9.png"),
        (("decide", "photos", "--import", "text.jsonl"), 1, "text.jsonl, line 1"),
    ],
)
def test_mistakes_are_told_in_two_lines(photos: Path, words: tuple[str, ...], code: int, said: str) -> None:
    (photos.parent / "text.jsonl").write_text("text\n")
    before = tree(photos)
    assert said in augnet(*words, cwd=photos.parent).refused(code)
    assert tree(photos) == before


def test_decisions_are_made_exported_and_imported(photos: Path) -> None:
    work = photos.parent
    done = augnet("decide", "photos", "0.png", "copies/0.jpg", "--different", cwd=work).ok()
    assert done.lines[0].endswith("are different pictures")
    told = augnet("decide", "photos", "1.png", "2.png", "--same", "--format", "json", cwd=work).ok().json()
    assert told["same"] is True and sorted(told["paths"]) == ["1.png", "2.png"]
    assert b"2 decisions written" in augnet("decide", "photos", "--export", "d.jsonl", cwd=work).ok().err
    (work / "other").mkdir()
    assert b"2 decisions taken in" in augnet("decide", "other", "--import", "d.jsonl", cwd=work).ok().err
    for way, file in (("--import", "d.jsonl"), ("--export", "again.jsonl")):
        told = augnet("decide", "other", way, file, "--format", "json", "--quiet", cwd=work).ok()
        assert told.json() == {"version": 1, "decisions": 2, "file": file} and not told.err
    assert len((work / "other" / ".augnet" / "decisions.jsonl").read_text().splitlines()) == 2


def test_decision_that_is_forgotten_leaves_the_pair_to_proof_again(photos: Path) -> None:
    def duplicates() -> list[str]:
        groups = augnet("dedupe", photos, "--format", "json").ok().json()["groups"]
        return sorted(image["path"] for group in groups for image in group["redundant"])

    proved = duplicates()
    assert proved
    pair = ("0.png", "copies/0.jpg")
    augnet("decide", photos, *pair, "--different").ok()
    assert len(duplicates()) < len(proved)
    (said,) = augnet("decide", photos, *reversed(pair), "--forget").ok().lines
    assert "no longer different pictures" in said
    assert duplicates() == proved
    assert "nothing was decided" in augnet("decide", photos, *pair, "--forget").refused(2)
    assert (photos / ".augnet" / "decisions.jsonl").read_bytes() == b""


def test_forgetting_tells_scripts_what_was_forgotten(photos: Path) -> None:
    made = augnet("decide", photos, "1.png", "2.png", "--same", "--format", "json").ok().json()
    gone = augnet("decide", photos, "1.png", "2.png", "--forget", "--format", "json").ok().json()
    assert (made.pop("forgotten"), gone.pop("forgotten")) == (False, True) and made == gone
