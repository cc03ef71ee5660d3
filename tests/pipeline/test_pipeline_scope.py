"""`dedupe` over several folders and parts of one, on real photographs and altered copies of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from PIL import Image

import augnet_cli
from augnet_cli import DedupeResult, Progress, dedupe
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.changes import altered

RNG = np.random.default_rng(0)


class Heard(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs in an inbox, one of them in a library too: as it is, re-encoded, and cut."""
    from sklearn.datasets import load_sample_images

    root = tmp_path_factory.mktemp("scope")
    for part in ("inbox/new", "library/2019", "other"):
        (root / part).mkdir(parents=True)
    china, flower = load_sample_images().images
    Image.fromarray(china).save(root / "library" / "2019" / "china.jpg", quality=90)
    shutil.copy(root / "library" / "2019" / "china.jpg", root / "library" / "again.jpg")
    shutil.copy(root / "library" / "again.jpg", root / "inbox" / "same.jpg")
    Image.fromarray(china).save(root / "inbox" / "china.png")
    Image.fromarray(china[60:400, 80:560]).save(root / "inbox" / "new" / "cut.png")
    Image.fromarray(altered(china, "grey", RNG)).save(root / "inbox" / "new" / "grey.png")
    Image.fromarray(flower).save(root / "inbox" / "flower.jpg", quality=92)
    shutil.copy(root / "inbox" / "flower.jpg", root / "inbox" / "new" / "flower (1).jpg")
    Image.fromarray(flower).resize((320, 213)).save(root / "inbox" / "new" / "flower-half.png")
    drawn_picture(1).save(root / "library" / "drawn.png")
    drawn_picture(2).save(root / "other" / "drawn.png")
    return root


@pytest.fixture
def photos(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that, where one stands."""
    shutil.copytree(made, tmp_path / "photos")
    monkeypatch.chdir(tmp_path / "photos")
    return tmp_path / "photos"


def gone(result: DedupeResult) -> dict[str, tuple[str, ...]]:
    """What may go: by path the witness and the words."""
    return {
        image.path: (image.witness, *image.verdict) for group in result.groups for image in group.redundant
    }


def test_what_the_reference_has_may_go_and_the_reference_stays(photos: Path) -> None:
    before, heard = tree(photos), Heard()
    result = dedupe("inbox", reference=["library"], progress=heard)
    library = str(photos / "library")
    found = gone(result)
    assert found["same.jpg"] == (f"{library}/again.jpg", "identical-bytes")
    assert found["china.png"] == (f"{library}/again.jpg", "re-encoded")
    assert found["new/cut.png"] == (f"{library}/again.jpg", "cropped")
    assert found["new/grey.png"][0] == f"{library}/again.jpg"
    # Within the inbox pairs count as ever.
    assert found["new/flower (1).jpg"] == ("flower.jpg", "identical-bytes")
    assert not [path for path in found if path.startswith(library)]
    assert [group.kept.reason for group in result.groups if group.kept.path.startswith(library)] == [
        "reference"
    ]
    assert (result.folder, result.typed_folder, result.images) == (str(photos / "inbox"), "inbox", 10)
    assert [note for note in heard.notes if "encoder for all 2 folders: shipped" in note]
    assert tree(photos) == before


def test_a_second_search_proves_nothing_anew(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found across folders is remembered in the first folder's store."""
    first = dedupe("inbox", reference=["library"])

    def none(*_: object) -> None:
        raise AssertionError("proved again")

    monkeypatch.setattr("augnet_cli.duplicates.prover.prove", none)
    monkeypatch.setattr("augnet_cli.duplicates.prover.relate", none)
    assert dedupe("inbox", reference=["library"]).groups == first.groups


def test_a_reference_may_lie_within_the_folder(photos: Path) -> None:
    found = gone(dedupe(".", reference=["library", "inbox/new"]))
    assert set(found) == {"inbox/same.jpg", "inbox/china.png", "inbox/flower.jpg"}
    assert found["inbox/flower.jpg"] == ("inbox/new/flower (1).jpg", "identical-bytes")
    assert not (photos / "library" / ".augnet").exists()


def test_between_two_folders_pairs_within_one_do_not_count(photos: Path) -> None:
    result = dedupe(None, between=("inbox", "library"))
    found = gone(result)
    assert {path.split("/")[0] for path in found} <= {"inbox", "library"}
    for path, (witness, *_) in found.items():
        assert path.split("/")[0] != witness.split("/")[0]
    assert not any("flower" in path for path in found)
    assert result.folder == str(photos) and result.images == 10
    assert not (photos / ".augnet").exists()
    again = gone(dedupe(None, between=("library", "inbox")))
    assert again == found


def test_of_two_folders_only_images_of_the_folder_itself_may_go(photos: Path) -> None:
    found = gone(dedupe("inbox", between=("inbox", "library")))
    assert set(found) == {"same.jpg", "china.png", "new/cut.png", "new/grey.png"}
    assert {witness for witness, *_ in found.values()} == {str(photos / "library" / "again.jpg")}
    both = gone(dedupe(".", between=("inbox/new", "library")))
    assert set(both) == {"inbox/new/cut.png", "inbox/new/grey.png"}
    assert augnet_cli.index(".").embedded == 2  # the rest of the folder was not read for that


def test_within_subfolders_only_neighbours_are_pairs(photos: Path) -> None:
    found = gone(dedupe(".", within_subfolders=True))
    assert set(found) >= {"inbox/same.jpg", "inbox/new/flower-half.png"}
    assert not {"inbox/flower.jpg", "library/again.jpg", "inbox/new/flower (1).jpg"} & set(found)
    for path, (witness, *_) in found.items():
        assert os.path.dirname(path) == os.path.dirname(witness)


def test_only_listed_files_take_part(photos: Path) -> None:
    heard = Heard()
    listed = ["inbox/flower.jpg", photos / "inbox/new/flower (1).jpg", "inbox/none.jpg", "library/again.jpg"]
    result = dedupe("inbox", files=listed, progress=heard)
    assert gone(result) == {"new/flower (1).jpg": ("flower.jpg", "identical-bytes")}
    assert result.images == 2
    assert "1 of 4 listed files is not there: inbox/none.jpg" in heard.notes
    assert "1 of 4 listed files is outside of the folder: library/again.jpg" in heard.notes
    # What was not listed is neither embedded nor forgotten.
    assert augnet_cli.index("inbox").embedded == 5
    assert dedupe("inbox", files=["inbox/same.jpg"]).images == 1
    assert augnet_cli.index("inbox").embedded == 0
    with_reference = gone(dedupe("inbox", files=["inbox/same.jpg"], reference=["library", "inbox/new"]))
    assert set(with_reference) == {"same.jpg"}
    with pytest.raises(FolderError, match="no image that is listed"):
        dedupe("inbox", files=["inbox/none.jpg"])


def test_a_listed_file_may_be_reached_by_a_link_to_the_folder(photos: Path) -> None:
    (photos / "link").symlink_to("inbox")
    assert dedupe("inbox", files=["link/same.jpg", "link/china.png"]).images == 2
    assert dedupe("link", files=["inbox/same.jpg"]).images == 1


@pytest.mark.parametrize("scope", [{"reference": ["library"]}, {"within_subfolders": True}])
def test_the_distance_alone_keeps_to_the_scope_too(photos: Path, scope: dict) -> None:
    result = dedupe("inbox", 0.1, verify=False, **scope)
    for path, (witness, *words) in gone(result).items():
        assert not os.path.isabs(path)
        same = (photos / "inbox" / path).read_bytes() == (photos / "inbox" / witness).read_bytes()
        assert words == ["identical-bytes" if same else "near"]
        if "within_subfolders" in scope:
            assert os.path.dirname(path) == os.path.dirname(witness)
    assert gone(result)


def test_names_and_order_of_files_decide_nothing(photos: Path) -> None:
    """The same pictures under other names give the same pairs."""
    shutil.copytree(photos / "inbox", photos / "renamed", ignore=shutil.ignore_patterns(".augnet"))
    names = {}
    for number, path in enumerate(sorted((photos / "renamed").rglob("*.*"), reverse=True)):
        new = path.with_name(f"{number}{path.suffix}")
        path.rename(new)
        names[new.relative_to(photos / "renamed").as_posix()] = path.relative_to(
            photos / "renamed"
        ).as_posix()
    keep = "unedited,resolution,bytes"
    first = gone(dedupe("inbox", reference=["library"], keep=keep))
    second = gone(dedupe("renamed", reference=["library"], keep=keep))
    flowers = {"flower.jpg", "new/flower (1).jpg"}  # of equal bytes the name decides
    assert {names[path] for path in second} - flowers == set(first) - flowers
    assert len(second) == len(first)


@pytest.mark.parametrize(
    ("folder", "scope", "what"),
    [
        (None, {}, "no folder is named"),
        (None, {"reference": ["library"]}, "no folder is named"),
        ("inbox", {"reference": ["library"], "within_subfolders": True}, "exclude each other"),
        ("inbox", {"reference": ["library"], "between": ("inbox", "library")}, "exclude each other"),
        ("inbox/new", {"reference": ["inbox"]}, "lies in the reference"),
        ("inbox", {"reference": ["inbox"]}, "lies in the reference"),
        (None, {"between": ("inbox", "inbox/new")}, "two folders apart"),
        (None, {"between": ("inbox", "inbox")}, "two folders apart"),
        ("other", {"between": ("inbox", "library")}, "holds neither"),
    ],
)
def test_what_contradicts_itself_is_refused(photos: Path, folder: str | None, scope: dict, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        dedupe(folder, **scope)
    assert not list(photos.rglob(".augnet"))


@pytest.mark.parametrize("scope", [{"reference": ["none"]}, {"between": ("inbox", "none")}])
def test_a_folder_that_is_missing_or_empty_is_said(photos: Path, scope: dict) -> None:
    with pytest.raises(FolderError, match="there is no folder none"):
        dedupe("inbox", **scope)
    (photos / "none").mkdir()
    with pytest.raises(FolderError, match="holds no image"):
        dedupe("inbox", **scope)
    with pytest.raises(FolderError, match="holds no image"):
        dedupe(".", **scope)


def test_what_was_decided_in_either_folder_counts(photos: Path) -> None:
    found = gone(dedupe("inbox", reference=["library"]))
    assert "china.png" in found
    shutil.copy("inbox/china.png", "library/decoy.png")
    augnet_cli.decide("library", "library/decoy.png", "library/again.jpg", same=False)
    (photos / "library" / "decoy.png").unlink()
    found = gone(dedupe("inbox", reference=["library"]))
    assert "china.png" not in found


def test_what_was_decided_for_the_folder_that_holds_both_counts(photos: Path) -> None:
    assert gone(dedupe(None, between=("inbox/new", "library")))
    for name in ("cut.png", "grey.png"):
        augnet_cli.decide(".", f"inbox/new/{name}", "library/again.jpg", same=False)
    assert not gone(dedupe(None, between=("inbox/new", "library")))


def test_a_folders_own_encoder_does_not_serve_several(photos: Path) -> None:
    augnet_cli.index("inbox")
    (photos / "inbox" / ".augnet" / "encoder.onnx").write_bytes(b"no encoder")
    assert dedupe("inbox", reference=["library"]).groups
