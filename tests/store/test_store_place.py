from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from store_examples import image, make_store
from unprivileged import open_folder, unprivileged

from augnet_cli.errors import FolderError, StoreError
from augnet_cli.store.home import user_home
from augnet_cli.store.place import existing_store, place_for
from augnet_cli.store.store import Store

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


def test_store_lies_beside_the_photos(tmp_path: Path) -> None:
    place = place_for(str(tmp_path), create=True)
    assert place.cache == str(tmp_path / ".augnet" / "cache")
    assert place.data == str(tmp_path / ".augnet")
    assert place.note is None
    assert (tmp_path / ".augnet" / ".gitignore").read_text() == "*\n"
    tag = (tmp_path / ".augnet" / "cache" / "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_git_ignores_the_store(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    place_for(str(tmp_path), create=True)
    status = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain"], capture_output=True, check=True
    )
    assert status.stdout == b""


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert existing_store(str(tmp_path)) is None
    place_for(str(tmp_path), create=False)
    assert list(tmp_path.iterdir()) == []


def test_users_changes_to_gitignore_stay(tmp_path: Path) -> None:
    place_for(str(tmp_path), create=True)
    (tmp_path / ".augnet" / ".gitignore").write_text("cache\n")
    place_for(str(tmp_path), create=True)
    assert (tmp_path / ".augnet" / ".gitignore").read_text() == "cache\n"


@posix_only
def test_read_only_folder_falls_back_to_the_users_folders_and_says_so() -> None:
    with open_folder() as base:
        photos = base / "my photos"
        photos.mkdir()
        photos.chmod(0o555)
        environ = {"AUGNET_HOME": str(base / "home")}
        with unprivileged():
            place = place_for(str(photos), create=True, environ=environ)
            with Store.open(place, write=True) as store:
                store.save([image("a.jpg", "c1", 1)])
        assert list(photos.iterdir()) == []
        assert place.cache.startswith(str(base / "home" / "cache" / "my_photos-"))
        assert place.data.startswith(str(base / "home" / "data" / "my_photos-"))
        assert place.note is not None and str(photos) in place.note and "\n" not in place.note
        assert existing_store(str(photos), environ) == place
        # The same folder by another way is the same store.
        (base / "link").symlink_to(photos)
        found = existing_store(str(base / "link"), environ)
        assert found is not None and found.cache == place.cache
        # It stays in use when the folder can be written again: two stores would drift apart.
        photos.chmod(0o777)
        assert place_for(str(photos), create=True, environ=environ).cache == place.cache


@posix_only
def test_another_users_store_is_read_where_it_lies_and_not_written() -> None:
    with open_folder() as base:
        environ = {"AUGNET_HOME": str(base / "home")}
        photos = base / "photos"
        beside = make_store(photos, image("a.jpg", "c1", 1))
        for path in (photos, photos / ".augnet", photos / ".augnet" / "cache"):
            path.chmod(0o555)
        before = sorted(os.listdir(beside.cache))
        with unprivileged():
            place = place_for(str(photos), create=False, environ=environ)
            assert place.cache == beside.cache
            with Store.open(place, write=False) as store:
                assert [record.path for record in store.collection("enc").images] == ["a.jpg"]
            assert sorted(os.listdir(beside.cache)) == before
            assert place_for(str(photos), create=True, environ=environ).cache != beside.cache


@posix_only
def test_store_file_of_another_user_in_a_folder_of_ones_own_is_not_written() -> None:
    """What `sudo augnet` once made: the folders may be written, the store may not."""
    with open_folder() as base:
        beside = make_store(base / "photos", image("a.jpg", "c1", 1))
        for path in (base / "photos", Path(beside.data), Path(beside.cache)):
            path.chmod(0o777)
        (Path(beside.cache) / "lock").chmod(0o666)
        Path(beside.store_file).chmod(0o444)
        with unprivileged():
            place = place_for(str(base / "photos"), create=True, environ={"AUGNET_HOME": str(base / "home")})
        assert place.note is not None and place.cache != beside.cache


@posix_only
def test_no_place_at_all_is_told_with_the_variable_that_helps() -> None:
    with open_folder() as base:
        photos = base / "photos"
        photos.mkdir()
        photos.chmod(0o555)
        with unprivileged(), pytest.raises(StoreError) as told:
            place_for(str(photos), create=True, environ={"AUGNET_HOME": str(photos / "home")})
        assert "AUGNET_HOME" in told.value.hint


def test_missing_folder_and_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="there is no folder"):
        place_for(str(tmp_path / "gone"), create=True)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(FolderError, match="is not a folder"):
        place_for(str(tmp_path / "a.jpg"), create=True)
    with pytest.raises(FolderError):
        place_for("", create=False)


def test_file_named_like_the_store_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / ".augnet").write_text("mine")
    with pytest.raises(StoreError, match="is a file"):
        place_for(str(tmp_path), create=True)
    assert (tmp_path / ".augnet").read_text() == "mine"


def test_augnet_home_overrides_all_user_folders() -> None:
    home = user_home({"AUGNET_HOME": "/h", "XDG_CACHE_HOME": "/x"})
    assert (home.cache, home.data, home.state) == ("/h/cache", "/h/data", "/h/state")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG")
def test_xdg_variables_count_where_they_are_absolute() -> None:
    environ = {"XDG_CACHE_HOME": "/c", "XDG_DATA_HOME": "relative"}
    home = user_home(environ)
    assert home.cache == "/c/augnet"
    assert home.data == os.path.expanduser("~/.local/share/augnet")
    assert home.state == os.path.expanduser("~/.local/state/augnet")
