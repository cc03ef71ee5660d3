"""Each action on real files, and the way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from acting_examples import Copy, contents, left_behind, plan_for, put, tree

from augnet_cli.acting.journal import read_journal
from augnet_cli.acting.outcome import Action
from augnet_cli.errors import StoreError
from augnet_cli.images.files import walk
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo
from augnet_cli.store.place import place_for

REVERSIBLE = (Action.quarantine, Action.hardlink, Action.symlink)
NOT_UTF8 = os.fsdecode(b"in/\xff.jpg")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`same.jpg` has the bytes of its witness, `near.jpg` and the odd name do not."""
    folder = tmp_path / "photos"
    put(
        folder,
        {
            "kept.jpg": b"one picture",
            "in/same.jpg": b"one picture",
            "in/near.jpg": b"one picture, smaller",
            NOT_UTF8: b"one picture, greyer",
            "other.jpg": b"another picture",
        },
        {"in/same.jpg": 0o600, "in/near.jpg": 0o444},
    )
    return folder


COPIES = [Copy(name, "kept.jpg") for name in ("in/same.jpg", "in/near.jpg", NOT_UTF8)]


@pytest.fixture
def plan(photos: Path) -> str:
    return str(plan_for(photos, COPIES, photos.parent / "plan.jsonl"))


def store(photos: Path) -> Path:
    return photos / ".augnet"


def test_quarantine_keeps_every_byte_and_path(photos: Path, plan: str) -> None:
    before = tree(photos)

    result = apply(plan)

    assert [file.path for file in result.acted] == [copy.path for copy in COPIES]
    assert (result.images, result.refused, result.freed) == (3, (), 0)
    assert sorted(tree(photos)) == ["in", "kept.jpg", "other.jpg"]
    quarantine = store(photos) / "quarantine" / result.run
    moved = tree(quarantine)
    assert all(moved[copy.path] == before[copy.path] for copy in COPIES)


@pytest.mark.parametrize("action", REVERSIBLE)
def test_undo_brings_back_names_bytes_times_and_permissions(photos: Path, plan: str, action: Action) -> None:
    before = tree(photos)
    result = apply(plan, action)
    assert result.images == 3 and tree(photos) != before

    back = undo(str(photos))

    assert back.runs == (result.run,) and back.failed == ()
    assert sorted(back.restored) == sorted(copy.path for copy in COPIES)
    assert tree(photos) == before
    assert left_behind(photos) == []
    assert undo(str(photos), "all").runs == ()


def test_hard_link_frees_what_is_there_twice_and_keeps_what_is_not(photos: Path, plan: str) -> None:
    result = apply(plan, Action.hardlink)

    for copy in COPIES:
        assert os.path.samefile(photos / copy.path, photos / "kept.jpg")
    assert result.freed == len(b"one picture")
    kept = tree(store(photos) / "quarantine" / result.run)
    assert sorted(name for name, fact in kept.items() if fact[0] == "file") == sorted(
        ["in/near.jpg", NOT_UTF8]
    )


def test_symbolic_links_lead_to_the_witness_even_when_the_folder_moves(photos: Path, plan: str) -> None:
    apply(plan, Action.symlink)
    moved = photos.rename(photos.parent / "elsewhere")

    assert os.readlink(moved / "in" / "same.jpg") == "../kept.jpg"
    assert (moved / "in" / "near.jpg").read_bytes() == b"one picture"
    back = undo(str(moved))
    assert back.failed == () and (moved / "in" / "near.jpg").read_bytes() == b"one picture, smaller"


def test_hard_link_is_undone_even_without_the_witness(photos: Path, plan: str) -> None:
    before = tree(photos)
    apply(plan, Action.hardlink)
    (photos / "kept.jpg").rename(photos / "renamed.jpg")

    assert undo(str(photos)).failed == ()
    after = tree(photos)
    assert all(after[copy.path] == before[copy.path] for copy in COPIES)


def test_undo_of_a_hard_link_does_not_end_the_last_name_of_the_witness(photos: Path, plan: str) -> None:
    """What was re-encoded is a link to the witness now, and all other names of those bytes go."""
    apply(plan, Action.hardlink)
    kept = (photos / "kept.jpg").read_bytes()
    for name in ("kept.jpg", *(copy.path for copy in COPIES)):
        if name != "in/near.jpg":
            (photos / name).unlink()
    assert (photos / "in/near.jpg").stat().st_nlink == 1 and (photos / "in/near.jpg").read_bytes() == kept

    failed = undo(str(photos), "all").failed

    assert (photos / "in/near.jpg").read_bytes() == kept
    assert "in/near.jpg" in [file.path for file in failed]


def test_file_with_attributes_of_its_own_keeps_them(photos: Path, plan: str) -> None:
    """A copy made from the witness would have lost them: the original itself is kept."""
    os.setxattr(photos / "in" / "same.jpg", "user.rating", b"5")

    apply(plan, Action.hardlink)
    undo(str(photos))

    assert os.getxattr(photos / "in" / "same.jpg", "user.rating") == b"5"


def test_file_with_a_name_outside_the_plan_keeps_it(photos: Path, plan: str) -> None:
    os.link(photos / "in" / "same.jpg", photos / "third name.jpg")
    result = apply(plan, Action.symlink)
    assert result.freed == 0

    undo(str(photos))

    assert os.path.samefile(photos / "in" / "same.jpg", photos / "third name.jpg")


def test_delete_is_for_good_and_said_once(photos: Path, plan: str) -> None:
    result = apply(plan, Action.delete)
    assert result.images == 3 and result.freed == sum(file.size for file in result.acted)
    assert sorted(tree(photos)) == ["in", "kept.jpg", "other.jpg"]

    back = undo(str(photos))

    assert back.restored == () and {file.final for file in back.failed} == {True}
    assert undo(str(photos)).runs == ()


def test_dry_run_changes_nothing_at_all(photos: Path, plan: str) -> None:
    for action in Action:
        result = apply(plan, action, dry_run=True)
        assert (result.images, result.run, result.dry_run) == (3, "", True)
    assert not store(photos).exists()


def test_plan_applied_twice_does_nothing_more(photos: Path, plan: str) -> None:
    for action in REVERSIBLE:
        apply(plan, action)
        after = tree(photos)

        again = apply(plan, action)

        assert (again.images, again.refused, again.run) == (0, (), "")
        assert sorted(again.already) == sorted(copy.path for copy in COPIES)
        assert tree(photos) == after
        undo(str(photos))


def test_runs_are_undone_newest_first_or_all_or_by_name(photos: Path, tmp_path: Path) -> None:
    before = tree(photos)
    runs = [apply(str(plan_for(photos, [copy], tmp_path / "plan.jsonl"))).run for copy in COPIES]

    assert undo(str(photos), runs[0]).restored == ("in/same.jpg",)
    assert undo(str(photos)).runs == (runs[2],)
    assert undo(str(photos), "all").runs == (runs[1],)
    assert tree(photos) == before


def test_journal_is_readable_and_tells_the_whole_story(photos: Path, plan: str) -> None:
    result = apply(plan)

    lines = [json.loads(line) for line in (store(photos) / "journal.jsonl").read_text().splitlines()]

    states = [line["state"] for line in lines]
    assert states == ["begun", *["intended", "done"] * 3, "ended"]
    first = lines[1]
    assert (first["run"], first["from"], first["witness"]) == (result.run, "in/same.jpg", "kept.jpg")
    assert first["to"] == f"quarantine/{result.run}/in/same.jpg" and first["mode"] == "0600"


def test_next_walk_sees_the_photos_and_never_the_quarantine(photos: Path, plan: str) -> None:
    apply(plan)
    assert [file.path for file in walk(str(photos)).files] == ["kept.jpg", "other.jpg"]

    undo(str(photos))
    assert len(walk(str(photos)).files) == 5


def test_folders_of_the_store_may_be_on_another_disk(photos: Path, plan: str) -> None:
    """A store with the user, as for a folder that once could not be written; here on a disk in memory."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == photos.stat().st_dev:
        return  # one disk is all there is; `injected_failures` has the same with injected answers
    import tempfile

    before = tree(photos)
    with tempfile.TemporaryDirectory(dir=memory) as home:
        os.environ["AUGNET_HOME"] = home  # `private_home` puts it back
        away = Path(home) / "data"
        make_store_away(photos)
        for action in (Action.quarantine, Action.symlink, Action.hardlink):
            result = apply(plan, action)
            assert result.images == 3 and result.store.startswith(str(away)), result
            assert undo(str(photos)).failed == ()
            assert tree(photos) == before
        assert not store(photos).exists()


def test_a_folder_that_moved_away_from_its_journal_is_told_where_that_is(
    photos: Path, plan: str, private_home: Path
) -> None:
    """A store with the user is found by the folder's path."""
    make_store_away(photos)
    before = tree(photos)
    apply(plan)
    moved = photos.parent / "elsewhere" / photos.name
    moved.parent.mkdir()
    photos.rename(moved)
    with pytest.raises(StoreError, match="has no journal") as told:
        undo(str(moved))
    assert str(photos) in told.value.what and f"augnet undo {photos}" in told.value.hint

    other = photos.parent / "another"
    other.mkdir()
    assert undo(str(other)).runs == ()  # of another name
    moved.rename(photos)
    assert undo(str(photos)).failed == () and tree(photos) == before
    photos.rename(moved)
    assert undo(str(moved)).runs == ()  # nothing is left there to undo
    assert not any(private_home.rglob("quarantine"))


def make_store_away(photos: Path) -> None:
    from augnet_cli.store.place import _away

    place = _away(str(photos), os.environ)
    os.makedirs(place.cache)
    Path(place.store_file).touch()


TRASH = """
import json, sys
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo
from augnet_cli.acting.outcome import Action
if sys.argv[1] == "apply":
    result = apply(sys.argv[2], Action.trash)
    print(json.dumps([[file.path, file.to] for file in result.acted]))
else:
    result = undo(sys.argv[2])
    print(json.dumps([list(result.restored), [file.reason for file in result.failed]]))
"""


def in_a_home(home: Path, *words: str) -> list[list[str]]:
    """The library finds the trash when it is imported, so it runs in a process with a home of its own."""
    home.mkdir(exist_ok=True)
    environment = os.environ | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    done = subprocess.run(
        [sys.executable, "-c", TRASH, *words], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_trash_can_be_undone_while_it_holds_the_file(photos: Path, plan: str, tmp_path: Path) -> None:
    (photos / "in" / "near.jpg").chmod(0o640)  # the library refuses what its owner may not write
    before = tree(photos)
    acted = in_a_home(tmp_path / "home", "apply", plan)
    assert [path for path, _ in acted] == [copy.path for copy in COPIES]
    trash = tmp_path / "home" / "data" / "Trash"
    assert all(to.startswith(str(trash / "files")) for _, to in acted)
    assert sorted(tree(photos)) == ["in", "kept.jpg", "other.jpg"]

    restored, failed = in_a_home(tmp_path / "home", "undo", str(photos))

    assert len(restored) == 3 and failed == []
    assert tree(photos) == before
    assert not list((trash / "files").iterdir()) and not list((trash / "info").iterdir())


def test_emptied_trash_is_said(photos: Path, plan: str, tmp_path: Path) -> None:
    (photos / "in" / "near.jpg").chmod(0o640)
    in_a_home(tmp_path / "home", "apply", plan)
    for file in (tmp_path / "home" / "data" / "Trash" / "files").iterdir():
        file.unlink()

    restored, failed = in_a_home(tmp_path / "home", "undo", str(photos))

    assert restored == [] and len(failed) == 3 and "not in the trash" in failed[0]


def test_every_byte_is_somewhere_after_each_reversible_action(photos: Path, plan: str) -> None:
    before = contents([photos])
    for action in REVERSIBLE:
        apply(plan, action)
        assert before <= contents([photos])
        undo(str(photos))
    assert read_journal(place_for(str(photos), create=False)).damaged == 0
