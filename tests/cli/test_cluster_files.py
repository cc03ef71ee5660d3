"""What `cluster` makes beside its result: refused before the work or made after it, and told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_folders import make_clusters

from augnet_cli.cli.cluster_files import Files, check_files, write_files
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.progress import Progress
from augnet_cli.results import ClusterCount


class Listening(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_all_that_was_asked_for_is_made_and_told(tmp_path: Path) -> None:
    curve = tuple(ClusterCount(k, 0.5, 0.1, 0.2) for k in (2, 3))
    result = replace(make_clusters(tmp_path / "photos"), chosen=True, curve=curve)
    (tmp_path / "photos" / "a" / "0.png").unlink()
    request, heard = FolderRequest(str(tmp_path / "photos")), Listening()
    names = [str(tmp_path / name) for name in ("c", "c.parquet", "c.png", "k.svg")]
    into, out, sheet, plot = names

    files = Files(into, out=out, sheet=sheet, plot=plot)
    check_files(files, request, searched=True)
    write_files(files, result, request, heard)

    assert heard.notes == [
        f"{out}: 7 rows",
        f"{sheet}: 2 clusters",
        f"{plot}: how the number of clusters was chosen",
        f"{into}: 3 folders with links of 6 images; none was moved",
        "left out: a/0.png is gone",
    ]
    assert sorted(os.listdir(into)) == [".augnet-clusters.jsonl", "00 castles", "01 dogs", "noise"]
    # Each may be made again, in place of what the first run made.
    again = replace(files, link="copy", children=True)
    check_files(again, request, searched=True)
    write_files(again, result, request, heard)
    # The name of the one that is gone is not given to another.
    assert os.listdir(os.path.join(into, "00 castles", "00 left")) == ["0 (2).png"]


def test_nothing_asked_for_makes_nothing(tmp_path: Path) -> None:
    result, heard = make_clusters(tmp_path / "photos"), Listening()
    request = FolderRequest(str(tmp_path / "photos"))
    check_files(Files(), request, searched=False)
    write_files(Files(), result, request, heard)
    assert heard.notes == [] and os.listdir(tmp_path) == ["photos"]


def test_what_can_not_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    make_clusters(tmp_path / "photos")
    request = FolderRequest(str(tmp_path / "photos"))
    (tmp_path / "mine").mkdir()
    inside = tmp_path / "photos" / "made"
    for words, kind in (
        ({"link": "copy"}, UsageError),
        ({"children": True}, UsageError),
        ({"html": str(tmp_path / "map.txt")}, UsageError),
        ({"html": str(tmp_path / "none" / "map.html")}, FolderError),
        ({"into": str(tmp_path / "c"), "link": "move"}, UsageError),
        ({"plot": str(tmp_path / "k.gif")}, UsageError),
        ({"out": str(tmp_path / "c.csv")}, UsageError),
        ({"into": str(tmp_path / "mine")}, FolderError),
        ({"into": str(inside)}, FolderError),
        ({"sheet": f"{inside}.png"}, FolderError),
        ({"plot": f"{inside}.png"}, FolderError),
    ):
        with pytest.raises(kind):
            check_files(Files(**words), request, searched=True)
    with pytest.raises(UsageError):
        check_files(Files(plot=str(tmp_path / "k.png")), request, searched=False)
    check_files(Files(into=str(inside)), replace(request, exclude=["made"]), searched=True)
