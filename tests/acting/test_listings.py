"""Names beside a file, asked of the disk now and then."""

from __future__ import annotations

from pathlib import Path

import pytest
from acting_examples import put

from augnet_cli.acting import listings as module
from augnet_cli.acting.checks import Doubt
from augnet_cli.acting.listings import FOLDERS, Listings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths for which a folder was really listed."""
    seen: list[str] = []
    real = module.names_beside

    def counted(folder: str, path: str) -> list[str]:
        seen.append(path)
        return real(folder, path)

    monkeypatch.setattr(module, "names_beside", counted)
    return seen


def test_names_that_begin_alike_are_those_of_a_slow_loop(tmp_path: Path) -> None:
    names = [
        "a.jpg",
        "a.jpg.xmp",
        "a.xmp",
        "a",
        "A.xmp",
        "ab.xmp",
        "b.jpg",
        "\u00e4.jpg",
        "a\U0010fffe.x",
        "_",
    ]
    put(tmp_path, {f"in/{name}": b"" for name in names})
    for start in ("a", "a.", "A", "\u00e4", "", "zz"):
        found = Listings().beside(str(tmp_path), "in/a.jpg", start)
        assert found == sorted(name for name in names if name.startswith(start))


def test_a_folder_is_listed_once_and_what_has_gone_is_left_out(tmp_path: Path, asked: list[str]) -> None:
    put(tmp_path, {"in/a.jpg": b"", "in/a.xmp": b"", "b.jpg": b""})
    listings = Listings()
    assert listings.beside(str(tmp_path), "in/a.jpg", "a") == ["a.jpg", "a.xmp"]
    (tmp_path / "in/a.jpg").unlink()
    assert listings.beside(str(tmp_path), "in/a.jpg", "a") == ["a.xmp"]
    assert listings.beside(str(tmp_path), "b.jpg", "b") == ["b.jpg"]
    assert listings.beside(str(tmp_path), "in/x.jpg", "x") == []
    assert asked == ["in/a.jpg", "b.jpg"]


def test_an_old_listing_is_made_anew(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a.jpg": b""})
    listings = Listings()
    listings.beside(str(tmp_path), "a.jpg", "a")
    put(tmp_path, {"a.xmp": b""})
    monkeypatch.setattr(module, "LISTED_FOR_SECONDS", -1.0)
    assert listings.beside(str(tmp_path), "a.jpg", "a") == ["a.jpg", "a.xmp"] and len(asked) == 2


def test_only_so_many_folders_are_remembered(tmp_path: Path, asked: list[str]) -> None:
    listings = Listings()
    for number in range(FOLDERS + 1):
        put(tmp_path, {f"{number}/a.jpg": b""})
        listings.beside(str(tmp_path), f"{number}/a.jpg", "a")
    listings.beside(str(tmp_path), f"{FOLDERS}/a.jpg", "a")
    assert len(asked) == FOLDERS + 1
    listings.beside(str(tmp_path), "0/a.jpg", "a")
    assert len(asked) == FOLDERS + 2


def test_a_folder_that_can_not_be_listed_is_a_doubt(tmp_path: Path) -> None:
    with pytest.raises(Doubt, match="can't be listed"):
        Listings().beside(str(tmp_path), "gone/a.jpg", "a")
