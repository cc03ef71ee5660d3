"""Files that belong to an image go with it, or keep it."""

from __future__ import annotations

from pathlib import Path

import pytest
from acting_examples import Copy, plan_for, put, tree

from augnet_cli.acting.outcome import Action, ApplyResult
from augnet_cli.acting.sidecars import sidecars
from augnet_cli.pipeline.apply import apply
from augnet_cli.pipeline.undo import undo


@pytest.mark.parametrize(
    ("image", "beside", "belong"),
    [
        ("a.jpg", "a.jpg.xmp a.xmp A.xmp ab.xmp a.b.xmp b.jpg.xmp", "a.jpg.xmp a.xmp"),
        ("a.jpg", "a.JPG.XMP a.AAE a.Thm a.jpg.json a.json", "a.AAE a.JPG.XMP a.Thm a.jpg.json"),
        ("a.jpg", "a.JPG a.JPG.xmp", ""),
        ("a.jpg", "a.jpg.supplemental-metadata.json", "a.jpg.supplemental-metadata.json"),
        ("IMG_1.HEIC", "IMG_1.MOV IMG_1.AAE IMG_1.mp4", "IMG_1.AAE IMG_1.MOV"),
        ("a.jpg", "a.CR2 a.cr3 a.nef a.arw a.dng a.raf a.rw2 a.orf a.pef a.srw", "*"),
        ("a.jpg", "a.cr2 a.cr2.xmp", "a.cr2 a.cr2.xmp"),
        ("a.dng", "a.jpg a.cr2 a.mov a.dng.xmp", "a.dng.xmp"),
        ("a.b.jpg", "a.b.xmp a.xmp", "a.b.xmp"),
        ("größe.jpg", "größe.jpg.xmp", "größe.jpg.xmp"),
    ],
)
def test_names_tell_what_belongs_to_an_image(image: str, beside: str, belong: str) -> None:
    names = [image, *beside.split()]
    found = {sidecar.name for sidecar in sidecars(image, names)}
    assert found == set((beside if belong == "*" else belong).split())


def folder_of(tmp_path: Path, **more: bytes) -> Path:
    folder = tmp_path / "photos"
    put(folder, {"kept/w.jpg": b"picture", "in/a.jpg": b"picture, smaller"})
    put(folder, more)
    return folder


def act(folder: Path, action: Action, *copies: Copy) -> ApplyResult:
    plan = plan_for(folder, copies or [Copy("in/a.jpg", "kept/w.jpg")], folder.parent / "plan.jsonl")
    return apply(str(plan), action)


METADATA = {"in/a.jpg.xmp": b"<x/>", "in/a.XMP": b"", "in/a.aae": b"edits", "in/a.jpg.json": b"{}"}
RAW = {"in/a.CR2": b"raw"}


def test_all_that_belongs_to_an_image_goes_to_quarantine_with_it_and_comes_back(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **METADATA, **RAW, **{"in/a.mov": b"film", "in/b.xmp": b"not its own"})
    before = tree(folder)

    result = act(folder, Action.quarantine)

    assert result.images == 1 and {file.path for file in result.acted} == {
        "in/a.jpg",
        *METADATA,
        *RAW,
        "in/a.mov",
    }
    assert all(file.sidecar_of == "in/a.jpg" for file in result.acted[1:])
    assert sorted(tree(folder)) == ["in", "in/b.xmp", "kept", "kept/w.jpg"]
    undo(str(folder))
    assert tree(folder) == before


@pytest.mark.parametrize("planned", [True, False])
def test_what_a_crash_left_of_an_image_s_company_follows_when_the_plan_is_applied_again(
    tmp_path: Path, planned: bool
) -> None:
    folder = folder_of(tmp_path, **{"in/a.xmp": b"<x/>", "in/b.jpg": b"picture, still smaller"})
    act(folder, Action.quarantine)
    journal = folder / ".augnet/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    # begun, intended, done: then the power failed, and the sidecar was not touched yet.
    journal.write_bytes(b"".join(lines[:3]))
    (quarantined,) = folder.glob(".augnet/quarantine/*/in/a.xmp")
    quarantined.rename(folder / "in/a.xmp")

    if planned:
        again = apply(str(tmp_path / "plan.jsonl"))
        assert [file.path for file in again.acted] == ["in/a.jpg", "in/a.xmp"] and not again.already
    else:  # another plan does not bring back what it says nothing of
        assert act(folder, Action.quarantine, Copy("in/b.jpg", "kept/w.jpg")).images == 1
        assert (folder / "in/a.xmp").exists() and not (folder / "in/a.jpg").exists()

    assert undo(str(folder), "all").failed == ()
    assert {"in/a.jpg", "in/a.xmp", "in/b.jpg"} <= tree(folder).keys()


def test_a_run_that_was_cut_off_loses_no_more_than_its_last_image_to_later_ones(tmp_path: Path) -> None:
    names = ["in/a.jpg", "in/b.jpg", "in/c.jpg"]
    folder = folder_of(tmp_path, **{name: name.encode() for name in names[1:]})
    copies = [Copy(name, "kept/w.jpg", verified=False) for name in names]
    plan = str(plan_for(folder, copies, tmp_path / "plan.jsonl"))

    def forget_ends() -> None:
        journal = folder / ".augnet/journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(line for line in lines if b'"state": "ended"' not in line))

    apply(plan, include_unverified=True)
    forget_ends()
    for _ in range(3):  # nothing will be done to unverified lines, so nothing is taken back for it
        assert len(apply(plan).already) == 3
    forget_ends()
    for already in (2, 3):  # the last one anew, and then none
        assert len(apply(plan, include_unverified=True).already) == already
    forget_ends()
    for _ in range(2):  # deleting is another matter than quarantine
        assert len(apply(plan, Action.delete, include_unverified=True).already) == 3
    assert not any((folder / name).exists() for name in names)
    assert undo(str(folder), "all").failed == () and all((folder / name).exists() for name in names)


@pytest.mark.parametrize("action", [Action.hardlink, Action.symlink])
def test_sidecars_stay_where_the_name_of_the_image_stays(tmp_path: Path, action: Action) -> None:
    folder = folder_of(tmp_path, **METADATA, **RAW)

    assert [file.path for file in act(folder, action).acted] == ["in/a.jpg"]
    assert (folder / "in/a.CR2").exists()


@pytest.mark.parametrize("name", METADATA)
def test_metadata_keep_an_image_from_being_deleted(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path, **{name: METADATA[name]})
    before = tree(folder)

    result = act(folder, Action.delete)

    assert name in result.refused[0].reason and "--action quarantine" in result.refused[0].reason
    assert tree(folder) == before


@pytest.mark.parametrize("partner", ["in/a.CR2", "in/a.mov"])
def test_partner_goes_for_good_only_if_the_witness_has_the_same(tmp_path: Path, partner: str) -> None:
    suffix = partner.rpartition(".")[2]
    folder = folder_of(tmp_path, **{partner: b"unique"})
    assert "is not beside kept/w.jpg too" in act(folder, Action.delete).refused[0].reason

    put(folder, {f"kept/w.{suffix}": b"anothe"})  # of the same size, but not the same
    assert "is not beside kept/w.jpg too" in act(folder, Action.delete).refused[0].reason

    put(folder, {f"kept/w.{suffix.lower()}": b"unique"})
    result = act(folder, Action.delete)
    assert [(file.path, file.witness) for file in result.acted] == [
        ("in/a.jpg", "kept/w.jpg"),
        (partner, f"kept/w.{suffix.lower()}"),
    ]
    assert (folder / f"kept/w.{suffix.lower()}").read_bytes() == b"unique"


def test_sidecar_shared_with_an_image_that_stays_keeps_both(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **{"in/a.png": b"another picture", "in/a.xmp": b"whose?"})
    before = tree(folder)

    result = act(folder, Action.quarantine)

    assert "in/a.xmp belongs to a.png too, which stays" in result.refused[0].reason
    assert tree(folder) == before


def test_sidecar_shared_by_images_that_go_together_goes_once(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **{"in/a.png": b"picture, other format", "in/a.xmp": b"of both"})
    before = tree(folder)

    result = act(folder, Action.quarantine, Copy("in/a.jpg", "kept/w.jpg"), Copy("in/a.png", "kept/w.jpg"))

    assert [file.path for file in result.acted] == ["in/a.jpg", "in/a.xmp", "in/a.png"]
    undo(str(folder))
    assert tree(folder) == before


def test_partner_that_is_a_witness_itself_stays_and_keeps_its_image(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **{"in/a.dng": b"raw picture", "in/z.jpg": b"raw picture, smaller"})

    result = act(folder, Action.quarantine, Copy("in/a.jpg", "kept/w.jpg"), Copy("in/z.jpg", "in/a.dng"))

    assert "in/a.dng belongs to in/a.jpg and is kept as a witness" in result.refused[0].reason
    assert [file.path for file in result.acted] == ["in/z.jpg"]


def test_sidecar_that_is_a_link_or_a_folder_is_a_doubt(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "in/a.xmp").symlink_to("elsewhere")
    assert "in/a.xmp is a link now" in act(folder, Action.quarantine).refused[0].reason
    (folder / "in/a.xmp").unlink()
    (folder / "in/a.xmp").mkdir()
    assert "in/a.xmp is no regular file now" in act(folder, Action.quarantine).refused[0].reason
