"""`--no-verify` by a partitioned search, from folder to result."""

from __future__ import annotations

from pathlib import Path

import pytest
from photo_folders import between, make_album

from augnet_cli import dedupe, leaks
from augnet_cli.errors import UsageError
from augnet_cli.progress import Progress
from augnet_cli.results import DedupeResult
from augnet_cli.search import partitioned, recall, tiles


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_album(tmp_path_factory.mktemp("by-distance") / "album")


@pytest.fixture(scope="module")
def threshold(album: Path) -> float:
    return between(album)


@pytest.fixture
def a_few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a dozen images searched by lists, as wide as the pairs of all of them need."""
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 2)
    monkeypatch.setattr(partitioned, "LEAST_BLOCKS", 2)
    monkeypatch.setattr(partitioned, "MOST_DRAWN", 1.0)
    monkeypatch.setattr(partitioned, "FETCHING", 0.0)
    monkeypatch.setattr(recall, "RECALL", 0.4)


class Notes(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def without_search(result: DedupeResult) -> tuple[object, ...]:
    return result.groups, result.threshold, result.redundant_bytes, result.skipped


@pytest.mark.usefixtures("a_few_are_many")
def test_dedupe_finds_the_same_and_tells_the_recall(
    album: Path, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitioned, "FIRST_BLOCKS", 5)
    exact = dedupe(album, threshold, verify=False)
    result = dedupe(album, threshold, verify=False, search="partitioned")
    assert without_search(result) == without_search(exact) and result.groups
    assert exact.recall is None and exact.search == "exact"
    assert result.recall is not None and result.search == "partitioned"
    assert result.recall.at_least == 0.4 and result.recall.found >= 0.4 * result.recall.pairs > 0


@pytest.mark.usefixtures("a_few_are_many")
def test_leaks_judges_by_pairs_of_two_splits(
    album: Path, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one pair lies within a split, so there is none to judge by, and exact search serves."""
    monkeypatch.setattr(partitioned, "FIRST_BLOCKS", 4)
    splits = album / "small", album / "drawn"
    exact = leaks(*splits, threshold=threshold, verify=False)
    result = leaks(*splits, threshold=threshold, verify=False, search="partitioned")
    assert exact.leaks == result.leaks == () and result.recall is None


def test_exact_search_serves_few_images_and_says_so(album: Path, threshold: float) -> None:
    progress = Notes()
    result = dedupe(album, threshold, progress=progress, verify=False, search="partitioned")
    assert without_search(result) == without_search(dedupe(album, threshold, verify=False))
    assert result.recall is None
    assert [note for note in progress.notes if "exact search serves" in note]


def test_searches_that_there_are_not_are_refused(album: Path) -> None:
    with pytest.raises(UsageError, match="no search named quick"):
        dedupe(album, verify=False, search="quick")
    for verb in (dedupe, lambda folder, search: leaks(folder, folder, search=search)):
        with pytest.raises(UsageError, match="every pair is proved"):
            verb(album, search="partitioned")
