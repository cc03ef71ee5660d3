"""A witness outside of the folder: read and checked like any other, and never touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from acting_examples import Copy, plan_for, put, tree

from augnet_cli.acting.outcome import Action
from augnet_cli.acting.plan import read_plan
from augnet_cli.errors import PlanError
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo

SAME, SMALLER = "in/same.jpg", "in/smaller.jpg"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    put(tmp_path / "library", {"2019/kept.jpg": b"one picture", "other.jpg": b"other"})
    put(tmp_path / "inbox", {SAME: b"one picture", SMALLER: b"one picture, smaller", "more.jpg": b"more"})
    return tmp_path / "inbox"


@pytest.fixture
def witness(inbox: Path) -> Path:
    return inbox.parent / "library" / "2019" / "kept.jpg"


@pytest.fixture
def plan(inbox: Path, witness: Path) -> str:
    return str(
        plan_for(inbox, [Copy(SAME, str(witness)), Copy(SMALLER, str(witness))], inbox.parent / "p.jsonl")
    )


@pytest.mark.parametrize("action", [Action.quarantine, Action.hardlink, Action.symlink])
def test_what_goes_for_it_comes_back_byte_for_byte(inbox: Path, plan: str, action: Action) -> None:
    before, library = tree(inbox), tree(inbox.parent / "library")
    result = apply(plan, action)
    assert [acted.path for acted in result.acted] == [SAME, SMALLER] and not result.refused
    assert tree(inbox) != before and tree(inbox.parent / "library") == library
    assert apply(plan, action).already == (SAME, SMALLER)
    assert undo(str(inbox), "all").restored
    assert tree(inbox) == before and tree(inbox.parent / "library") == library


def test_links_lead_to_it_from_any_folder(inbox: Path, plan: str, witness: Path) -> None:
    apply(plan, Action.symlink)
    assert os.readlink(inbox / SMALLER) == str(witness)
    assert (inbox / SMALLER).read_bytes() == b"one picture"
    undo(str(inbox))
    apply(plan, Action.hardlink)
    assert os.path.samefile(inbox / SAME, witness)


def test_what_is_deleted_stays_there(inbox: Path, plan: str, witness: Path) -> None:
    apply(plan, Action.delete)
    assert not (inbox / SAME).exists() and not (inbox / SMALLER).exists()
    assert witness.read_bytes() == b"one picture"


def changed(witness: Path) -> None:
    witness.write_bytes(b"one PICTURE")


def removed(witness: Path) -> None:
    witness.unlink()


def linked(witness: Path) -> None:
    witness.rename(witness.with_name("moved.jpg"))
    witness.symlink_to("moved.jpg")


def folder_linked(witness: Path) -> None:
    witness.parent.rename(witness.parent.with_name("2020"))
    witness.parent.symlink_to("2020")


def the_very_file(witness: Path) -> None:
    """The only copy under a second name: it must not go for itself."""
    inside = witness.parents[2] / "inbox" / SAME
    status = inside.stat()
    witness.unlink()
    os.link(inside, witness)
    os.utime(witness, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("spoil", [changed, removed, linked, folder_linked])
@pytest.mark.parametrize("action", [Action.quarantine, Action.symlink, Action.delete])
def test_any_doubt_about_it_leaves_all_alone(
    inbox: Path, witness: Path, plan: str, spoil: Callable[[Path], None], action: Action
) -> None:
    spoil(witness)
    before = tree(inbox)
    result = apply(plan, action)
    assert result.acted == () and [refused.paths for refused in result.refused] == [(SAME, SMALLER)]
    assert tree(inbox) == before


@pytest.mark.parametrize("action", [Action.quarantine, Action.symlink, Action.delete])
def test_a_file_never_goes_for_itself_and_others_may_go_for_it(
    inbox: Path, witness: Path, action: Action
) -> None:
    the_very_file(witness)
    copies = [Copy(SAME, str(witness)), Copy(SMALLER, str(witness))]
    before = tree(inbox)
    result = apply(str(plan_for(inbox, copies, inbox.parent / "p.jsonl")), action)
    assert [acted.path for acted in result.acted] == [SMALLER]
    assert [refused.paths for refused in result.refused] == [(SAME,)]
    assert tree(inbox)[SAME] == before[SAME]


def test_a_witness_that_is_a_file_of_the_folder_by_a_link_can_not_go_later(inbox: Path) -> None:
    """`more.jpg` justifies one line under its other name; a second line would take it."""
    outside = inbox.parent / "library" / "more.jpg"
    os.link(inbox / "more.jpg", outside)
    kept = inbox.parent / "library" / "other.jpg"
    plan = plan_for(
        inbox, [Copy(SMALLER, str(outside)), Copy("more.jpg", str(kept))], inbox.parent / "p.jsonl"
    )
    result = apply(str(plan))
    assert [acted.path for acted in result.acted] == [SMALLER]
    assert (inbox / "more.jpg").exists() and "a witness" in result.refused[0].reason


@pytest.mark.parametrize(
    "wrong",
    [
        "{inbox}/more.jpg",
        "{root}/library/../library/other.jpg",
        "{root}//library/other.jpg",
        "/{root}/library/other.jpg",
        "{root}/library/.augnet/quarantine/x.jpg",
        "/kept.jpg",
        "../library/other.jpg",
    ],
)
def test_an_odd_path_to_it_is_refused(inbox: Path, plan: str, wrong: str) -> None:
    lines = [json.loads(line) for line in Path(plan).read_text().splitlines()]
    lines[1]["witness"] = wrong.format(inbox=inbox, root=inbox.parent)
    Path(plan).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(PlanError, match="line 2"):
        read_plan(plan)


def test_an_image_that_may_go_is_never_outside(inbox: Path, plan: str) -> None:
    text = Path(plan).read_text()
    Path(plan).write_text(text.replace(f'"path": "{SAME}"', f'"path": "{inbox.parent}/library/other.jpg"'))
    with pytest.raises(PlanError, match="absolute"):
        read_plan(plan)


def test_undo_works_when_it_is_gone(inbox: Path, plan: str) -> None:
    before = tree(inbox)
    apply(plan)
    shutil.rmtree(inbox.parent / "library")
    assert set(undo(str(inbox)).restored) == {SAME, SMALLER}
    assert tree(inbox) == before
