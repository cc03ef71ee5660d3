"""What is not exactly as the plan says is left alone, with its whole group; other groups go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from acting_examples import FIRST_MTIME_NS, Copy, plan_for, put, tree

from augnet_cli.acting import disk
from augnet_cli.acting.outcome import Action, ApplyResult
from augnet_cli.errors import PlanError, StoreError
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for

GROUP = ("in/a.jpg", "in/b.jpg")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    put(
        folder,
        {
            "kept.jpg": b"one picture",
            "in/a.jpg": b"one picture",
            "in/b.jpg": b"one picture, smaller",
            "second.jpg": b"second picture",
            "in/c.jpg": b"second picture, smaller",
        },
    )
    return folder


@pytest.fixture
def plan(photos: Path) -> str:
    copies = [*(Copy(path, "kept.jpg") for path in GROUP), Copy("in/c.jpg", "second.jpg")]
    return str(plan_for(photos, copies, photos.parent / "plan.jsonl"))


def other_content(photos: Path) -> None:
    put(photos, {"in/b.jpg": b"one picture, smalle!"})
    os.utime(photos / "in" / "b.jpg", ns=(FIRST_MTIME_NS, FIRST_MTIME_NS + 2 * 1_000_000_007))


def other_time(photos: Path) -> None:
    os.utime(photos / "in" / "b.jpg", ns=(1, 1))


def replaced_by(make: Callable[[Path], None], name: str = "in/b.jpg") -> Callable[[Path], None]:
    def replace(photos: Path) -> None:
        (photos / name).unlink()
        make(photos)

    return replace


def linked_folder(photos: Path) -> None:
    (photos / "in").rename(photos.parent / "outside")
    (photos / "in").symlink_to(photos.parent / "outside")


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "another content of the same size and time": (other_content, "in/b.jpg has another content"),
    "another size": (lambda photos: put(photos, {"in/b.jpg": b"edited"}), "in/b.jpg has another size"),
    "another time": (other_time, "in/b.jpg was changed since the plan"),
    "gone": (replaced_by(lambda photos: None), "in/b.jpg is gone"),
    "a folder now": (replaced_by(lambda photos: (photos / "in/b.jpg").mkdir()), "no regular file now"),
    "a link now": (replaced_by(lambda photos: (photos / "in/b.jpg").symlink_to("a.jpg")), "is a link now"),
    "a pipe now": (replaced_by(lambda photos: os.mkfifo(photos / "in/b.jpg")), "no regular file now"),
    "the witness is gone": (replaced_by(lambda photos: None, "kept.jpg"), "kept.jpg is gone"),
    "the witness changed": (lambda photos: put(photos, {"kept.jpg": b"edited"}), "kept.jpg has another size"),
    "a link to the witness": (
        replaced_by(lambda photos: (photos / "kept.jpg").symlink_to("in/a.jpg"), "kept.jpg"),
        "kept.jpg is a link now",
    ),
}


def refused(result: ApplyResult) -> str:
    (group,) = result.refused
    assert group.paths == GROUP and group.witness == "kept.jpg"
    return group.reason


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("action", [Action.quarantine, Action.hardlink, Action.delete])
def test_doubt_about_one_file_leaves_its_group_alone_and_others_go_on(
    photos: Path, plan: str, name: str, action: Action
) -> None:
    change, reason = CHANGES[name]
    change(photos)
    before = tree(photos)

    result = apply(plan, action)

    assert reason in refused(result)
    assert [file.path for file in result.acted] == ["in/c.jpg"]
    after = tree(photos)
    assert {path: fact for path, fact in after.items() if path != "in/c.jpg"} == {
        path: fact for path, fact in before.items() if path != "in/c.jpg"
    }


def test_folder_on_the_way_that_became_a_link_is_not_followed(photos: Path, plan: str) -> None:
    linked_folder(photos)
    before = tree(photos.parent / "outside")

    result = apply(plan)

    assert result.images == 0 and all("is a link, not a folder" in group.reason for group in result.refused)
    assert tree(photos.parent / "outside") == before


@pytest.mark.parametrize(("name", "said"), [("in/b.jpg", "a hard link"), ("KEPT.jpg", "in another case")])
def test_two_names_of_one_file_are_not_two_copies(photos: Path, tmp_path: Path, name: str, said: str) -> None:
    """A hard link, or on a disk that does not tell case apart the very same name: the last copy would go."""
    (photos / name).unlink(missing_ok=True)
    os.link(photos / "kept.jpg", photos / name)
    plan = plan_for(photos, [Copy(name, "kept.jpg")], tmp_path / "linked.jsonl")

    result = apply(str(plan))

    assert result.images == 0 and said in result.refused[0].reason
    assert (photos / name).exists()


def test_a_name_of_the_witness_holds_back_no_other_line(photos: Path, tmp_path: Path) -> None:
    os.link(photos / "kept.jpg", photos / "in/link.jpg")
    copies = [Copy("in/link.jpg", "kept.jpg"), Copy("in/a.jpg", "kept.jpg")]
    plan = plan_for(photos, copies, tmp_path / "p.jsonl")

    result = apply(str(plan))

    assert [file.path for file in result.acted] == ["in/a.jpg"]
    assert [group.paths for group in result.refused] == [("in/link.jpg",)]
    assert (photos / "in/link.jpg").exists() and not (photos / "in/a.jpg").exists()


@pytest.mark.parametrize("action", [Action.quarantine, Action.delete, Action.symlink])
def test_an_image_whose_witness_goes_with_it_is_put_back(
    photos: Path, plan: str, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mounts of one disk show one file under two numbers: both vanish at once."""
    before, remove = tree(photos), os.unlink
    names = [str(photos / "kept.jpg"), str(photos / "in/a.jpg")]

    def gone_together(path: str | bytes, **how: object) -> None:
        remove(path, **how)  # type: ignore[arg-type]
        if path == names[1]:
            remove(names[0])

    replace = os.replace

    def replaced_together(source: str, target: str) -> None:
        replace(source, target)
        if target == names[1]:
            remove(names[0])

    monkeypatch.setattr(os, "unlink", gone_together)
    monkeypatch.setattr(os, "replace", replaced_together)

    result = apply(plan, action)

    assert "is it the same file?" in result.refused[0].reason
    assert tree(photos)["in/a.jpg"] == before["in/a.jpg"]
    assert not [name for name in os.listdir(photos / "in") if name.endswith(".tmp")]


def test_what_took_its_place_a_moment_ago_is_not_deleted(
    photos: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saves over the name between the last reading and the deletion."""
    move, name = disk.move, str(photos / "in/a.jpg")

    def saved_first(source: str, target: str, *more: str) -> bool:
        if source == name:
            Path(name).write_bytes(b"an edit of it")
            monkeypatch.setattr(disk, "move", move)
        return move(source, target, *more)

    monkeypatch.setattr(disk, "move", saved_first)

    result = apply(plan, Action.delete)

    assert "changed a moment ago" in result.refused[0].reason
    assert (photos / "in/a.jpg").read_bytes() == b"an edit of it"
    assert not [name for name in os.listdir(photos / "in") if name.endswith(".tmp")]


def test_two_redundant_names_of_one_file_are_left_alone(photos: Path, tmp_path: Path) -> None:
    os.link(photos / "in/a.jpg", photos / "in/d.jpg")
    plan = plan_for(
        photos, [Copy("in/a.jpg", "kept.jpg"), Copy("in/d.jpg", "kept.jpg")], tmp_path / "p.jsonl"
    )

    assert "are one file (a hard link)" in apply(str(plan)).refused[0].reason


def test_witness_that_became_redundant_by_editing_is_refused_before_anything_is_touched(
    photos: Path, tmp_path: Path
) -> None:
    plan = plan_for(
        photos, [Copy("in/a.jpg", "kept.jpg"), Copy("kept.jpg", "second.jpg")], tmp_path / "plan.jsonl"
    )

    with pytest.raises(PlanError, match="may go itself"):
        apply(str(plan))
    assert not (photos / ".augnet").exists()


def test_unverified_lines_are_left_alone_unless_asked_for(photos: Path, tmp_path: Path) -> None:
    copies = [Copy("in/a.jpg", "kept.jpg"), Copy("in/b.jpg", "kept.jpg", verified=False)]
    plan = str(plan_for(photos, copies, tmp_path / "plan.jsonl"))

    result = apply(plan)
    assert [file.path for file in result.acted] == ["in/a.jpg"]
    assert result.refused[0].paths == ("in/b.jpg",) and "--include-unverified" in result.refused[0].reason

    assert [file.path for file in apply(plan, include_unverified=True).acted] == ["in/b.jpg"]


def test_target_of_a_link_that_was_made_stays(photos: Path, plan: str, tmp_path: Path) -> None:
    apply(plan, Action.symlink)
    second = plan_for(photos, [Copy("kept.jpg", "second.jpg")], tmp_path / "second.jsonl")

    assert "is a link to kept.jpg, made by run" in apply(str(second)).refused[0].reason

    undo(str(photos))
    assert apply(str(second)).images == 1


# Longest path that Linux takes, and how much shorter one must be to fit into quarantine too.
PATH_MAX, ROOM = 4095, 20


def test_group_of_which_one_file_can_not_be_moved_is_put_back_whole(photos: Path, tmp_path: Path) -> None:
    """The second file's path is too long for quarantine: what was done to the first is taken back."""
    room = PATH_MAX - ROOM - len(os.fsencode(photos)) - len("/b.jpg")
    whole, rest = divmod(room, 201)
    deep = "/".join(["d" * 200] * whole + (["r" * (rest - 1)] if rest > 1 else []))
    (photos / deep).mkdir(parents=True)
    (photos / "in/b.jpg").rename(photos / deep / "b.jpg")
    too_long = f"{deep}/b.jpg"
    copies = [Copy("in/a.jpg", "kept.jpg"), Copy(too_long, "kept.jpg"), Copy("in/c.jpg", "second.jpg")]
    plan = plan_for(photos, copies, tmp_path / "plan.jsonl")
    before = tree(photos)

    result = apply(str(plan))

    assert result.refused[0].paths == ("in/a.jpg", too_long)
    assert "too long" in result.refused[0].reason and "not put back" not in result.refused[0].reason
    assert [file.path for file in result.acted] == ["in/c.jpg"]
    undo(str(photos))
    assert tree(photos) == before


def test_target_that_exists_in_quarantine_is_never_overwritten(
    photos: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run names are random; should two ever agree, the later run touches nothing."""
    monkeypatch.setattr("augnet_cli.acting.apply.new_run", lambda: "twice")
    assert apply(plan).images == 3
    undone = undo(str(photos))
    assert len(undone.restored) == 3
    put(photos, {".augnet/quarantine/twice/in/a.jpg": b"somebody else's"})

    result = apply(plan)

    assert "file exists" in refused(result)
    assert (photos / ".augnet/quarantine/twice/in/a.jpg").read_bytes() == b"somebody else's"
    assert (photos / "in/a.jpg").exists() and (photos / "in/b.jpg").exists()


def test_store_that_is_written_by_another_is_waited_for_by_the_user(photos: Path, plan: str) -> None:
    before = tree(photos)
    with writing(place_for(str(photos), create=True)), pytest.raises(StoreError, match="is writing"):
        apply(plan)
    assert tree(photos) == before


def test_folder_that_moved_is_said(photos: Path, plan: str) -> None:
    photos.rename(photos.parent / "elsewhere")

    with pytest.raises(PlanError, match="no folder here"):
        apply(plan)


def test_journal_that_cannot_be_written_stops_everything(photos: Path, plan: str) -> None:
    (photos / ".augnet" / "journal.jsonl").mkdir(parents=True)
    before = tree(photos)

    with pytest.raises(StoreError, match="journal"):
        apply(plan)
    assert tree(photos) == before


def test_witness_of_one_group_does_not_go_under_another_name_in_the_next(
    photos: Path, tmp_path: Path
) -> None:
    os.link(photos / "kept.jpg", photos / "alias.jpg")
    plan = plan_for(
        photos, [Copy("in/b.jpg", "kept.jpg"), Copy("alias.jpg", "second.jpg")], tmp_path / "plan.jsonl"
    )

    result = apply(str(plan), Action.delete)

    assert [file.path for file in result.acted] == ["in/b.jpg"]
    assert "alias.jpg is kept.jpg, a witness" in result.refused[0].reason


FULL = """
import resource, sys
from augnet_cli.pipeline.apply import apply
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
result = apply(sys.argv[1])
print(len(result.acted), result.pending, result.stopped)
"""


@pytest.mark.parametrize("room", [0, 100, 250, 700, 1000, 1500])
def test_journal_without_room_stops_before_the_next_file(photos: Path, plan: str, room: int) -> None:
    """A limit on the size of files makes the system refuse in the middle of a line, as a full disk does."""
    place_for(str(photos), create=True)
    before = tree(photos)
    done = subprocess.run(
        [sys.executable, "-c", FULL, plan, str(room)], capture_output=True, text=True, check=True
    )
    acted, pending, stopped = done.stdout.strip().split(" ", 2)
    assert "the journal" in stopped and "can't be written" in stopped
    assert len(before) - len(tree(photos)) == int(acted) and int(pending) + int(acted) < 3

    assert undo(str(photos), "all").failed == ()
    assert tree(photos) == before
