"""Undo when things are no longer as `apply` left them: nothing is overwritten, what can't be done is said."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from acting_examples import Copy, left_behind, plan_for, put, tree

from augnet_cli.acting.journal import read_journal
from augnet_cli.acting.lines import Appender
from augnet_cli.acting.outcome import Action
from augnet_cli.errors import StoreError, UsageError
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo
from augnet_cli.store.place import place_for


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    put(folder, {"kept.jpg": b"picture", "in/same.jpg": b"picture", "in/near.jpg": b"picture, smaller"})
    return folder


def act(photos: Path, action: Action = Action.quarantine) -> str:
    copies = [Copy("in/same.jpg", "kept.jpg"), Copy("in/near.jpg", "kept.jpg")]
    result = apply(str(plan_for(photos, copies, photos.parent / "plan.jsonl")), action)
    assert result.images == 2
    return result.run


def reasons(photos: Path) -> dict[str, str]:
    return {file.path: file.reason for file in undo(str(photos), "all").failed}


@pytest.mark.parametrize("action", [Action.quarantine, Action.symlink, Action.hardlink])
def test_newer_file_at_the_old_place_is_left_and_the_old_one_waits(photos: Path, action: Action) -> None:
    before = tree(photos)
    act(photos, action)
    (photos / "in/near.jpg").unlink(missing_ok=True)
    put(photos, {"in/near.jpg": b"something new"})

    failed = reasons(photos)

    assert list(failed) == ["in/near.jpg"] and "another file stands at its place" in failed["in/near.jpg"]
    assert (photos / "in/near.jpg").read_bytes() == b"something new"
    assert tree(photos)["in/same.jpg"] == before["in/same.jpg"]
    (photos / "in/near.jpg").rename(photos.parent / "new.jpg")
    assert reasons(photos) == {}
    assert tree(photos) == before and left_behind(photos) == []


def test_folders_that_are_gone_are_made_again(photos: Path) -> None:
    before = tree(photos)
    act(photos)
    (photos / "in").rmdir()

    assert reasons(photos) == {}
    assert tree(photos) == before


def test_link_where_a_folder_was_is_not_written_through(photos: Path) -> None:
    act(photos)
    (photos / "in").rmdir()
    outside = photos.parent / "outside"
    outside.mkdir()
    (photos / "in").symlink_to(outside)

    failed = reasons(photos)

    assert len(failed) == 2 and all("is a link, not a folder" in reason for reason in failed.values())
    assert not list(outside.iterdir())


def test_emptied_quarantine_is_said_and_the_rest_comes_back(photos: Path) -> None:
    run = act(photos)
    (photos / ".augnet/quarantine" / run / "in/near.jpg").unlink()

    assert reasons(photos) == {"in/near.jpg": "it is neither at its place nor in quarantine"}
    assert (photos / "in/same.jpg").read_bytes() == b"picture"


def test_quarantine_that_was_thrown_away_is_said_once_and_older_runs_come_next(photos: Path) -> None:
    older = act(photos)
    put(photos, {"in/same.jpg": b"picture", "in/near.jpg": b"picture, smaller"})
    newer = act(photos)
    shutil.rmtree(photos / ".augnet/quarantine" / newer)

    said = undo(str(photos)).failed
    assert len(said) == 2 and all(file.final and "is gone" in file.reason for file in said)
    result = undo(str(photos))
    assert result.runs == (older,) and not result.failed
    assert (photos / "in/near.jpg").read_bytes() == b"picture, smaller"


def test_what_one_file_of_a_run_lacks_is_not_said_of_the_others(photos: Path) -> None:
    """The folder of the run goes with its last file; the next look must not take that for thrown away."""
    run = act(photos)
    (photos / ".augnet/quarantine" / run / "in/same.jpg").unlink()
    failed = undo(str(photos)).failed
    assert [(file.path, file.final) for file in failed] == [("in/same.jpg", False)]


def test_a_run_whose_folder_was_moved_out_of_the_way_comes_back_by_its_name(photos: Path) -> None:
    run = act(photos)
    folder = photos / ".augnet/quarantine" / run
    folder.rename(photos.parent / "aside")
    assert all(file.final for file in undo(str(photos)).failed)
    assert undo(str(photos), "all").runs == ()
    folder.parent.mkdir(exist_ok=True)
    (photos.parent / "aside").rename(folder)
    assert len(undo(str(photos), run).restored) == 2 and (photos / "in/same.jpg").exists()


def test_a_quarantine_behind_a_link_to_nowhere_is_not_thrown_away(photos: Path) -> None:
    """A disk that is not there now."""
    run = act(photos)
    quarantine = photos / ".augnet/quarantine"
    quarantine.rename(photos.parent / "disk")
    quarantine.symlink_to(photos.parent / "no disk")
    failed = undo(str(photos), run).failed
    assert len(failed) == 2 and not any(file.final for file in failed)
    quarantine.unlink()
    (photos.parent / "disk").rename(quarantine)
    assert not undo(str(photos)).failed


def test_files_come_back_though_there_is_no_room_to_say_so(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(photos)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="can't be written"):
        patch.setattr(Appender, "append", full)
        undo(str(photos))

    assert (photos / "in/same.jpg").exists() and (photos / "in/near.jpg").exists()
    assert len(undo(str(photos)).restored) == 2  # with room again it is written down
    assert undo(str(photos)).runs == ()


def test_file_that_changed_in_quarantine_is_not_taken_for_the_original(photos: Path) -> None:
    run = act(photos)
    kept = photos / ".augnet/quarantine" / run / "in/near.jpg"
    kept.write_bytes(b"edited")

    assert "in quarantine has changed" in reasons(photos)["in/near.jpg"]
    assert kept.read_bytes() == b"edited"


def test_symbolic_link_whose_witness_changed_is_left_with_the_reason(photos: Path) -> None:
    act(photos, Action.symlink)
    (photos / "kept.jpg").write_bytes(b"edited")

    failed = reasons(photos)

    assert (
        list(failed) == ["in/same.jpg"] and "kept.jpg, which is gone or has changed" in failed["in/same.jpg"]
    )
    assert os.path.islink(photos / "in/same.jpg")
    assert (photos / "in/near.jpg").read_bytes() == b"picture, smaller"


def test_file_put_back_by_hand_is_no_problem(photos: Path) -> None:
    before = tree(photos)
    run = act(photos)
    (photos / ".augnet/quarantine" / run / "in/near.jpg").rename(photos / "in/near.jpg")

    assert reasons(photos) == {}
    assert tree(photos) == before and left_behind(photos) == []


def test_folder_without_a_journal_has_nothing_to_undo_and_gets_no_store(photos: Path) -> None:
    assert undo(str(photos)).runs == ()
    assert not (photos / ".augnet").exists()


def test_run_that_does_not_exist_is_a_mistake_of_the_user(photos: Path) -> None:
    act(photos)
    with pytest.raises(UsageError, match="no run 2020"):
        undo(str(photos), "2020")


def journal(photos: Path) -> Path:
    return photos / ".augnet" / "journal.jsonl"


def test_torn_last_line_means_that_nothing_was_done(photos: Path) -> None:
    before = tree(photos)
    act(photos)
    with open(journal(photos), "ab") as file:
        file.write(b'{"run": "20261121-000000-aaaaaa", "step": 1, "state": "inten')

    history = read_journal(place_for(str(photos), create=False))
    assert (len(history.steps), history.damaged) == (2, 0)
    assert undo(str(photos)).damaged == 0
    assert tree(photos) == before
    assert all(
        line.startswith(b"{") and line.endswith(b"}") for line in journal(photos).read_bytes().splitlines()
    )


def test_damaged_line_in_the_middle_is_counted_and_the_others_serve(photos: Path) -> None:
    act(photos)
    lines = journal(photos).read_bytes().splitlines(keepends=True)
    journal(photos).write_bytes(lines[0] + b"\x00\x00\x00\n" + b"".join(lines[1:]))

    back = undo(str(photos))

    assert back.damaged == 1 and len(back.restored) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("from", "../outside.jpg"), ("from", "/etc/passwd"), ("to", "../../photos/kept.jpg"), ("witness", "..")],
)
def test_journal_that_leads_out_of_the_folder_is_not_followed(photos: Path, field: str, value: str) -> None:
    import json

    act(photos)
    lines = [json.loads(line) for line in journal(photos).read_text().splitlines()]
    lines[1][field] = value
    journal(photos).write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = tree(photos.parent)

    back = undo(str(photos))

    assert back.damaged == 2 and len(back.restored) == 1  # the step, and the word that it was done
    after = tree(photos.parent)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert all(path.startswith(("photos/.augnet", "photos/in")) for path in changed), changed


def test_journal_of_a_newer_augnet_is_refused(photos: Path) -> None:
    act(photos)
    text = journal(photos).read_text().replace('"augnet_journal": 1', '"augnet_journal": 2')
    journal(photos).write_text(text)

    with pytest.raises(StoreError, match="newer augnet"):
        undo(str(photos))


def test_half_done_step_of_a_crash_is_taken_back_before_the_plan_goes_on(photos: Path) -> None:
    """Both names of a file that was being moved exist, and the journal ends with the intention."""
    run = act(photos)
    lines = journal(photos).read_bytes().splitlines(keepends=True)
    # begun, intended, done, intended: the second file was being moved.
    journal(photos).write_bytes(b"".join(lines[:4]))
    os.link(photos / ".augnet/quarantine" / run / "in/near.jpg", photos / "in/near.jpg")

    again = apply(str(photos.parent / "plan.jsonl"))

    assert again.already == ("in/same.jpg",)
    assert [file.path for file in again.acted] == ["in/near.jpg"]
    assert undo(str(photos), "all").failed == ()
    assert sorted(tree(photos)) == ["in", "in/near.jpg", "in/same.jpg", "kept.jpg"]
