"""Folders of clusters: links that lead to the images, an earlier folder that is ours alone, or a refusal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from acting_examples import put, tree
from augnet_program import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.acting import disk
from augnet_cli.acting.into import LINKS, MadeFolder, check_into, write_into
from augnet_cli.acting.into_names import MAX_NAME_BYTES, file_names, folder_name
from augnet_cli.acting.own_tree import MARKER
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.results import Cluster, ClusterResult

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD = os.fsdecode(b"not \xff utf-8\n\"quoted\" 'twice'.jpg")
IMAGES = {
    "a/1.jpg": b"first",
    "b/1.jpg": b"second",
    "b/2.jpg": b"third",
    f"odd \xe9/{ODD}": b"fourth",
    "noise.jpg": b"fifth",
}
CASTLES = Cluster(0, 3, (), ("a/1.jpg", "b/1.jpg", "b/2.jpg"), name="castles")
DOGS = Cluster(1, 1, (), (f"odd \xe9/{ODD}",), name="dogs")
TOWERS = Cluster(0, 2, (), ("a/1.jpg", "b/1.jpg"), name="towers")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    put(tmp_path / "photos", IMAGES)
    return tmp_path / "photos"


def result_of(photos: Path, *clusters: Cluster) -> ClusterResult:
    return ClusterResult(str(photos), "photos", "e", clusters or (CASTLES, DOGS), (), noise=("noise.jpg",))


def files_in(folder: Path) -> dict[str, bytes]:
    """All files, through links."""
    return {
        os.path.relpath(os.path.join(where, name), folder): Path(where, name).read_bytes()
        for where, _, names in os.walk(folder)
        for name in names
        if name != MARKER
    }


WANTED = {
    "00 castles/1.jpg": b"first",
    "00 castles/1 (2).jpg": b"second",
    "00 castles/2.jpg": b"third",
    f"01 dogs/{ODD}": b"fourth",
    "noise/noise.jpg": b"fifth",
}


@pytest.mark.parametrize("link", LINKS)
def test_each_cluster_is_a_folder_of_its_images_and_these_stay_as_they_are(photos: Path, link: str) -> None:
    before, into = tree(photos), photos.parent / "clusters"

    made = write_into(result_of(photos), str(into), link)

    assert made == MadeFolder(str(into), 3, 5)
    assert files_in(into) == WANTED and tree(photos) == before
    one = into / "00 castles" / "1.jpg"
    assert one.is_symlink() is (link == "symlink")
    assert os.path.samefile(one, photos / "a" / "1.jpg") is (link != "copy")
    if link == "symlink":
        assert os.readlink(one) == "../../photos/a/1.jpg"
    assert sorted(os.listdir(photos.parent)) == ["clusters", "photos"]


def test_symbolic_links_move_with_the_folder_they_share(photos: Path, tmp_path: Path) -> None:
    write_into(result_of(photos), str(tmp_path / "clusters"))
    (tmp_path / "moved").mkdir()
    for name in ("clusters", "photos"):
        os.rename(tmp_path / name, tmp_path / "moved" / name)
    assert files_in(tmp_path / "moved" / "clusters") == WANTED


def test_through_a_link_to_a_folder_elsewhere_the_links_lead_to_the_images(photos: Path) -> None:
    (photos.parent / "deep" / "er").mkdir(parents=True)
    (photos.parent / "short").symlink_to("deep/er")
    (photos.parent / "same").symlink_to("photos")
    write_into(result_of(photos.parent / "same"), str(photos.parent / "short" / "clusters"))
    assert files_in(photos.parent / "deep" / "er" / "clusters") == WANTED


def test_sub_clusters_have_folders_on_request(photos: Path) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos, replace(CASTLES, children=(TOWERS,))), str(into), children=True)
    assert files_in(into) == {
        "00 castles/00 towers/1.jpg": b"first",
        "00 castles/00 towers/1 (2).jpg": b"second",
        "00 castles/2.jpg": b"third",
        "noise/noise.jpg": b"fifth",
    }


@pytest.mark.parametrize("link", LINKS)
def test_an_earlier_folder_is_replaced(photos: Path, link: str) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into), link)
    (into / "00 castles" / ".DS_Store").write_bytes(b"left by a file manager")
    (into / "01 dogs" / ODD).unlink()
    write_into(result_of(photos, replace(CASTLES, name="forts")), str(into), "symlink")
    assert set(os.listdir(into)) == {"00 forts", "noise", MARKER}
    assert sorted(os.listdir(photos.parent)) == ["clusters", "photos"]


def foreign_file(into: Path, photos: Path) -> None:
    (into / "00 castles" / "mine.txt").write_text("mine")


def foreign_folder(into: Path, photos: Path) -> None:
    (into / "mine").mkdir()


def foreign_link(into: Path, photos: Path) -> None:
    (into / "00 castles" / "2.jpg").unlink()
    (into / "00 castles" / "2.jpg").symlink_to("/mine")


def edited(into: Path, photos: Path) -> None:
    one = into / "00 castles" / "2.jpg"
    one.unlink()
    one.write_bytes(b"edited")


def store_in_it(into: Path, photos: Path) -> None:
    (into / "00 castles" / ".augnet").mkdir()


def marker_gone(into: Path, photos: Path) -> None:
    (into / MARKER).unlink()


def marker_broken(into: Path, photos: Path) -> None:
    with open(into / MARKER, "ab") as marker:
        marker.write(b"{}\n")


def marker_odd(into: Path, photos: Path) -> None:
    with open(into / MARKER, "ab") as marker:
        marker.write(b'[1, "copy", null, 0, 0]\n')


def marker_is_a_link(into: Path, photos: Path) -> None:
    os.rename(into / MARKER, photos.parent / "marker")
    (into / MARKER).symlink_to(photos.parent / "marker")


def original_gone(into: Path, photos: Path) -> None:
    (photos / "a" / "1.jpg").unlink()


def original_edited(into: Path, photos: Path) -> None:
    """The copy alone has the old bytes."""
    (photos / "a" / "1.jpg").write_bytes(b"cropped")


CHANGES = (
    *(foreign_file, foreign_folder, foreign_link, edited, store_in_it),
    *(marker_gone, marker_broken, marker_odd, marker_is_a_link),
)


@pytest.mark.parametrize(
    ("change", "link"),
    [
        *((change, LINKS[number % len(LINKS)]) for number, change in enumerate(CHANGES)),
        *((edited, link) for link in LINKS),
        *((original_gone, link) for link in LINKS if link != "symlink"),
        (original_edited, "copy"),
    ],
)
def test_an_earlier_folder_that_is_no_longer_ours_alone_stays(photos: Path, change, link: str) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into), link)
    change(into, photos)
    before = tree(photos.parent)

    for attempt in (
        lambda: check_into(str(into), str(photos), link),
        lambda: write_into(result_of(photos), str(into), link),
    ):
        with pytest.raises(FolderError) as refused:
            attempt()
        assert refused.value.what.startswith(f"{into} can't be made: ") and "--into" in refused.value.hint

    assert tree(photos.parent) == before


def test_a_copy_whose_original_was_only_touched_is_no_last_one(photos: Path) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into), "copy")
    os.utime(photos / "a" / "1.jpg")
    write_into(result_of(photos, DOGS), str(into), "copy")
    assert b"first" not in files_in(into).values()


def test_links_whose_images_are_gone_may_go(photos: Path) -> None:
    """A symbolic link holds nothing that could be lost."""
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into))
    (photos / "a" / "1.jpg").unlink()
    made = write_into(result_of(photos), str(into))
    assert [(skip.path, skip.reason) for skip in made.left_out] == [("a/1.jpg", "a/1.jpg is gone")]


@pytest.mark.parametrize(
    "where", ["photos", "photos/inside", ".", "file", "empty", "link", "nowhere/deep", "photos/.augnet/c"]
)
def test_what_is_not_ours_to_make_is_refused(photos: Path, where: str) -> None:
    root = photos.parent
    (root / "file").write_bytes(b"a file")
    (root / "empty").mkdir()
    (root / "link").symlink_to("empty")
    before = tree(root)
    with pytest.raises(FolderError):
        check_into(str(root / where), str(photos))
    with pytest.raises(FolderError):
        write_into(result_of(photos), str(root / where))
    assert tree(root) == before


def test_inside_the_images_only_where_the_walk_does_not_go(photos: Path) -> None:
    inside = str(photos / "b" / "clusters")
    with pytest.raises(FolderError) as refused:
        check_into(inside, str(photos), exclude=["other"])
    assert refused.value.hint.endswith("--exclude b/clusters")
    for exclude in ("b/clusters", "clusters", "b/*"):
        check_into(inside, str(photos), exclude=[exclude])
    assert write_into(result_of(photos), inside, exclude=["b/clusters"]).files == 5
    assert os.readlink(os.path.join(inside, "00 castles", "1.jpg")) == "../../../a/1.jpg"


def test_a_link_that_does_not_exist_is_refused(photos: Path) -> None:
    with pytest.raises(UsageError):
        check_into(str(photos.parent / "c"), str(photos), "move")


@pytest.mark.parametrize("link", LINKS)
def test_what_is_no_regular_file_now_is_left_out(photos: Path, link: str) -> None:
    (photos / "a" / "1.jpg").unlink()
    (photos / "a" / "1.jpg").symlink_to("../b/1.jpg")
    (photos / "b" / "2.jpg").unlink()
    os.mkfifo(photos / "b" / "2.jpg")
    (photos / "noise.jpg").unlink()
    into = photos.parent / "clusters"

    made = write_into(result_of(photos), str(into), link)

    assert [skip.path for skip in made.left_out] == ["a/1.jpg", "b/2.jpg", "noise.jpg"]
    assert files_in(into) == {"00 castles/1 (2).jpg": b"second", f"01 dogs/{ODD}": b"fourth"}
    write_into(result_of(photos), str(into), link)


def test_hard_links_to_another_disk_are_refused_and_copies_made(photos: Path) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == photos.stat().st_dev:
        pytest.skip("there is no other disk")
    with tempfile.TemporaryDirectory(dir=shared) as there:
        into = Path(there) / "clusters"
        with pytest.raises(FolderError) as refused:
            check_into(str(into), str(photos), "hardlink")
        assert refused.value.hint == "--link copy" and os.listdir(there) == []
        for link in ("copy", "symlink"):
            write_into(result_of(photos), str(into), link)
            assert files_in(into) == WANTED


def test_what_the_disk_says_of_hard_links_becomes_the_way_out(photos: Path, monkeypatch) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into))
    before = tree(photos.parent)
    for number, hint in ((18, "--link copy"), (1, "--link copy, or symlink")):  # EXDEV, EPERM
        monkeypatch.setattr(disk, "second_name", _failing(number))
        with pytest.raises(FolderError) as refused:
            write_into(result_of(photos), str(into), "hardlink")
        assert refused.value.hint == hint
        assert tree(photos.parent) == before


def _failing(number: int):
    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fails


def test_a_folder_with_an_image_that_vanishes_is_made_without_it(photos: Path, monkeypatch) -> None:
    """Between the look and the link."""
    real = disk.second_name

    def vanishing(source: str, target: str, flush: bool) -> None:
        if source.endswith("2.jpg"):
            os.unlink(source)
        real(source, target, flush)

    monkeypatch.setattr(disk, "second_name", vanishing)
    made = write_into(result_of(photos), str(photos.parent / "clusters"), "hardlink")
    assert [skip.path for skip in made.left_out] == ["b/2.jpg"] and made.files == 4


def test_two_at_once_do_not_disturb_each_other(photos: Path) -> None:
    """The second is refused while the first builds."""
    into = photos.parent / "clusters"
    refused: list[str] = []

    class Meanwhile:
        def start(self, *_: object) -> None: ...

        def finish(self) -> None: ...

        def advance(self, *_: object, **__: object) -> None:
            with pytest.raises(FolderError) as error:
                write_into(result_of(photos), str(into))
            refused.append(error.value.what)

    write_into(result_of(photos), str(into), progress=Meanwhile())  # type: ignore[arg-type]
    assert len(refused) == 5 and all("another augnet is making it" in what for what in refused)
    assert files_in(into) == WANTED


def test_what_is_put_in_while_it_is_made_anew_stays(photos: Path) -> None:
    into = photos.parent / "clusters"
    write_into(result_of(photos), str(into))

    class Meanwhile:
        def start(self, *_: object) -> None: ...

        def finish(self) -> None: ...

        def advance(self, *_: object, **__: object) -> None:
            (into / "mine.txt").write_text("mine")

    with pytest.raises(FolderError):
        write_into(result_of(photos, CASTLES), str(into), progress=Meanwhile())  # type: ignore[arg-type]
    assert files_in(into) == {**WANTED, "mine.txt": b"mine"}
    assert sorted(os.listdir(photos.parent)) == ["clusters", "photos"]


@pytest.mark.skipif(os.name != "posix", reason="it forks")
def test_no_failure_of_any_call_costs_an_image_or_the_earlier_folder(tmp_path: Path) -> None:
    """Killed processes, errors of the disk and Ctrl-C, at each call that changes a file."""
    program = Path(__file__).with_name("into_failures.py")
    paths = os.pathsep.join((str(ROOT), str(program.parent)))
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tallies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [tally["link"] for tally in tallies] == list(LINKS)
    assert all(tally["failures"] > 40 for tally in tallies)


@pytest.mark.parametrize(
    ("number", "clusters", "name", "folder"),
    [
        (0, 3, "castles", "00 castles"),
        (7, 1000, "old towers", "007 old towers"),
        (3, 3, "", "03"),
        (3, 3, "a/b\\c:d\n<e>", "03 a_b_c_d _e_"),
        (3, 3, "dots...", "03 dots"),
        (3, 3, "\u202eback", "03 _back"),
        (3, 3, os.fsdecode(b"caf\xe9"), os.fsdecode(b"03 caf\xe9")),
    ],
)
def test_a_folder_has_a_name_that_every_disk_takes(
    number: int, clusters: int, name: str, folder: str
) -> None:
    assert folder_name(number, clusters, name) == folder


def test_a_long_name_of_a_cluster_is_cut_between_letters() -> None:
    name = folder_name(0, 2, "ü" * 500)
    assert name == "00 " + "ü" * 50


def test_names_that_a_disk_may_take_for_one_are_told_apart() -> None:
    accents = ("é.jpg", unicodedata.normalize("NFD", "é.jpg"))
    assert file_names(["x/A.jpg", "y/a.JPG", "z/a (2).jpg"]) == ["A.jpg", "a (3).JPG", "a (2).jpg"]
    assert file_names(accents) == [accents[0], accents[1].replace(".jpg", " (2).jpg")]
    assert file_names(["towers"], taken=["Towers"]) == ["towers (2)"]


@calm
@given(
    st.lists(
        st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name and b"/" not in name),
        max_size=8,
    ),
    st.integers(1, 3),
)
def test_any_names_become_different_names_of_bearable_length(names: list[bytes], times: int) -> None:
    paths = [f"{number}/{os.fsdecode(name)}" for number in range(times) for name in names]
    made = file_names(paths)
    assert len(made) == len(paths) == len({name.casefold() for name in made})
    for path, name in zip(paths, made, strict=True):
        assert "/" not in name and len(os.fsencode(name)) <= MAX_NAME_BYTES
        if len(set(map(str.casefold, made))) == len(paths) == 1:
            assert name == path.partition("/")[2]
