from __future__ import annotations

import os
from pathlib import Path

import pytest
from store_examples import make_store
from unprivileged import open_folder, unprivileged

from augnet_cli.errors import FolderError
from augnet_cli.store.finding import find_folder, remember_folder
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Stores: photos, photos/trip (not a store: photos/trip/day), other; `empty` has none."""
    for name in ("photos", "other", "empty", "photos/trip", "photos/trip/day"):
        (tmp_path / name).mkdir()
    make_store(tmp_path / "photos")
    make_store(tmp_path / "other")
    return tmp_path


def test_named_folder_comes_first_and_stays_as_typed(world: Path) -> None:
    environ = {**os.environ, "AUGNET_FOLDER": str(world / "other")}
    found = find_folder("photos/a.jpg", "empty", str(world), environ)
    assert found == ("empty", "named with --in")


def test_variable_comes_before_the_image(world: Path) -> None:
    environ = {**os.environ, "AUGNET_FOLDER": "other"}
    assert find_folder("photos/a.jpg", None, str(world), environ) == ("other", "from AUGNET_FOLDER")


@pytest.mark.parametrize("named, variable", [("gone", None), (None, "gone")])
def test_named_folder_that_is_missing_is_an_error(
    world: Path, named: str | None, variable: str | None
) -> None:
    environ = {**os.environ, **({"AUGNET_FOLDER": variable} if variable else {})}
    with pytest.raises(FolderError, match="gone"):
        find_folder("photos/a.jpg", named, str(world), environ)


def test_store_at_or_above_the_image(world: Path) -> None:
    image = str(world / "photos" / "trip" / "day" / "a.jpg")
    folder, how = find_folder(image, None, str(world / "other"))
    assert folder == str(world / "photos")
    assert "image" in how
    assert find_folder("trip/day/a.jpg", None, str(world / "photos"))[0] == str(world / "photos")


def test_image_behind_a_link_is_looked_for_where_it_really_is(world: Path) -> None:
    (world / "photos" / "a.jpg").touch()
    (world / "empty" / "a.jpg").symlink_to(world / "photos" / "a.jpg")
    assert find_folder("a.jpg", None, str(world / "empty"))[0] == str(world / "photos")


def test_store_at_or_above_the_current_folder(world: Path) -> None:
    outside = "/nowhere/a.jpg"
    assert find_folder(outside, None, str(world / "other")) == (str(world / "other"), "the current folder")
    assert find_folder(outside, None, str(world / "photos" / "trip"))[0] == str(world / "photos")


def test_only_child_with_a_store(tmp_path: Path) -> None:
    make_store(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    assert find_folder(None, None, str(tmp_path))[0] == str(tmp_path / "photos")


def test_of_several_children_with_a_store_the_one_used_last_serves(world: Path) -> None:
    remember_folder(str(world / "photos"))
    assert find_folder("/nowhere/a.jpg", None, str(world)) == (str(world / "photos"), "used last")


def test_several_children_with_a_store_are_listed_where_none_was_used_last(
    world: Path, tmp_path: Path
) -> None:
    remember_folder(str(tmp_path / "elsewhere"))
    with pytest.raises(FolderError) as told:
        find_folder("/nowhere/a.jpg", None, str(world))
    assert "other" in told.value.what and "photos" in told.value.what
    assert "--in" in told.value.hint


def test_store_used_last_serves_until_it_vanishes(world: Path) -> None:
    remember_folder(str(world / "other"))
    assert find_folder(None, None, str(world / "empty")) == (str(world / "other"), "used last")
    (world / "other").rename(world / "moved")
    with pytest.raises(FolderError) as told:
        find_folder(None, None, str(world / "empty"))
    assert told.value.hint == "augnet embed FOLDER"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")
def test_remembered_name_need_not_be_text(tmp_path: Path) -> None:
    name = os.path.join(str(tmp_path), "f\udcff\nx")
    os.mkdir(name)
    make_store(Path(name))
    (tmp_path / "empty").mkdir()
    remember_folder(name)
    assert find_folder(None, None, str(tmp_path / "empty"))[0] == name


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_store_of_a_read_only_folder_counts_as_at_or_above() -> None:
    with open_folder() as base:
        environ = {"AUGNET_HOME": str(base / "home")}
        (base / "photos" / "deep").mkdir(parents=True)
        (base / "photos").chmod(0o555)
        with unprivileged():
            place = place_for(str(base / "photos"), create=True, environ=environ)
            Store.open(place, write=True).close()
            assert place.note is not None
            folder, _ = find_folder("deep/a.jpg", None, str(base / "photos"), environ)
        assert folder == str(base / "photos")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_remembering_where_home_is_read_only_is_no_error() -> None:
    with open_folder() as base:
        base.chmod(0o555)
        with unprivileged():
            remember_folder("/x", {"AUGNET_HOME": str(base / "home")})
