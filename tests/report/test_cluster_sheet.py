"""Contact sheets of clusters: names, exemplars and outliers, whatever files and clusters are called."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_examples import LOOKS
from cluster_folders import make_clusters
from conftest import drawn_picture
from PIL import Image
from report_examples import WEIRD_PATHS

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.report import cluster_sheet
from augnet_cli.report.cluster_sheet import check_cluster_sheet, write_cluster_sheets
from augnet_cli.report.sheet import COLUMNS, FEWEST_COLUMNS, GAP, TILE
from augnet_cli.results import Cluster, ClusterResult, Outlier


def has(sheet: Image.Image, file: Path) -> list[tuple[int, int]]:
    """Where a picture stands on a sheet, by its exact pixels."""
    import numpy as np

    with Image.open(file) as picture:
        small = np.asarray(picture.convert("RGB"))
    whole = np.asarray(sheet)
    first = (whole[: whole.shape[0] - small.shape[0] + 1] == small[0, 0]).all(axis=2)
    return [
        (int(left), int(top))
        for top, left in zip(*first.nonzero(), strict=True)
        if (whole[top : top + small.shape[0], left : left + small.shape[1]] == small).all()
    ]


def test_each_cluster_is_a_line_of_its_exemplars_and_outliers_follow(tmp_path: Path) -> None:
    result, file = make_clusters(tmp_path / "photos"), tmp_path / "clusters.png"

    written = write_cluster_sheets(result, str(file))

    assert (written.files, written.groups) == ((str(file),), 2)
    with Image.open(file) as sheet:
        assert sheet.width == FEWEST_COLUMNS * (TILE + GAP) + GAP
        places = [
            has(sheet, tmp_path / "photos" / path)
            for path in ("a/0.png", "b/0.png", "a/1.png", "b/1.png", "noise.png")
        ]
        assert [len(place) for place in places] == [1] * 5
        (first, second, third, fourth, odd) = (place for (place,) in places)
        assert first[1] == second[1] < third[1] == fourth[1] < odd[1]
        assert first[0] == third[0] == odd[0] == GAP and second[0] == fourth[0] == GAP + TILE + GAP
        assert has(sheet, tmp_path / "photos" / "c" / "0.png") == []


def test_the_colours_of_a_cluster_are_a_bar(tmp_path: Path) -> None:
    result, file = make_clusters(tmp_path / "photos", ("castles",)), tmp_path / "clusters.png"
    (cluster,) = result.clusters
    write_cluster_sheets(replace(result, clusters=(replace(cluster, looks=LOOKS),)), str(file))
    with Image.open(file) as sheet:
        tally = {colour: number for number, colour in sheet.convert("RGB").getcolors(1 << 20)}
    area = cluster_sheet.BAR_WIDTH * cluster_sheet.BAR_HEIGHT
    for colour, share in LOOKS.colours:
        rgb = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
        assert tally[rgb] == pytest.approx(share * area, rel=0.05)


def test_many_clusters_go_on_to_further_sheets_up_to_a_limit(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cluster_sheet, "MAX_SHEETS", 2)
    monkeypatch.setattr(cluster_sheet, "ROWS_A_SHEET", 3)
    result = make_clusters(tmp_path / "photos", tuple("abcdefghijk"))

    written = write_cluster_sheets(result, str(tmp_path / "clusters.png"))

    assert sorted(os.listdir(tmp_path)) == ["clusters-2.png", "clusters.png", "photos"]
    assert written.groups == 6
    # A second run replaces what the first wrote.
    assert write_cluster_sheets(result, str(tmp_path / "clusters.png")) == written


def test_many_exemplars_and_outliers_are_cut(tmp_path: Path) -> None:
    result, file = make_clusters(tmp_path / "photos", ("castles",)), tmp_path / "clusters.png"
    (cluster,) = result.clusters
    many = replace(cluster, exemplars=cluster.exemplars * COLUMNS)
    write_cluster_sheets(
        replace(result, clusters=(many,), outliers=(Outlier("noise.png", 0.5),) * 500), str(file)
    )
    with Image.open(file) as sheet:
        assert sheet.width == COLUMNS * (TILE + GAP) + GAP
        assert len(has(sheet, tmp_path / "photos" / "noise.png")) == cluster_sheet.OUTLIER_LINES * COLUMNS


def test_weird_names_and_missing_files_are_drawn(tmp_path: Path) -> None:
    clusters = tuple(
        Cluster(number, 1, (name,), (name,), name=name * 40, neighbour=number, neighbour_distance=0.5)
        for number, name in enumerate(WEIRD_PATHS)
    )
    outliers = tuple(Outlier(name, 0.5) for name in WEIRD_PATHS)
    result = ClusterResult(WEIRD_PATHS[1], ".", "e", clusters, (), outliers=outliers)
    assert write_cluster_sheets(result, str(tmp_path / "clusters.png")).groups == len(WEIRD_PATHS)


def test_no_clusters_make_an_empty_sheet(tmp_path: Path) -> None:
    assert write_cluster_sheets(ClusterResult("/p", "p", "e", (), ()), str(tmp_path / "c.png")).groups == 0


def test_a_sheet_never_becomes_an_image_of_the_folder_or_replaces_a_photo(tmp_path: Path) -> None:
    result = make_clusters(tmp_path / "photos")
    photo = tmp_path / "photo.png"
    drawn_picture(1).save(photo)
    before = photo.read_bytes()
    for file in (tmp_path / "photos" / "clusters.png", photo):
        with pytest.raises(FolderError):
            write_cluster_sheets(result, str(file))
    with pytest.raises(UsageError):
        check_cluster_sheet(str(tmp_path / "clusters.gif"), result.folder)
    assert photo.read_bytes() == before
