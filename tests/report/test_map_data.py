"""The block of JSON inside the map: every image at its place, and no name that does more than name."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_examples import IDS, make_map_folder, spread_of
from report_examples import WEIRD_PATHS

from augnet_cli.images.names import shown
from augnet_cli.records import Skip
from augnet_cli.report import map_data
from augnet_cli.report.map_data import DISTANCE_STEPS, PLACE_STEPS, map_pieces, pictured
from augnet_cli.report.sprites import Cell, Sheet
from augnet_cli.results import Cluster, ClusterResult, Flagged, Outlier, Spread

parts = st.binary(min_size=1, max_size=30).map(lambda part: part.replace(b"\0", b"0").replace(b"/", b"_"))
names = parts.filter(lambda part: part not in (b".", b"..")).map(os.fsdecode)


def block(result: ClusterResult) -> str:
    numbers = list(range(len(result.spread.paths)))
    sheet = Sheet(b"123", tuple(Cell(4, 3, 40, 30, 99, "") for _ in numbers))
    return "".join(map_pieces(result, numbers, 64, [sheet], "/pages"))


def one_cluster(paths: list[str], name: str = "", reason: str = "") -> ClusterResult:
    spread = spread_of(paths, np.zeros(len(paths), int), np.zeros((len(paths), 2)))
    members = tuple(paths)
    cluster = Cluster(0, len(paths), members, members, name, members[0])
    flagged, skipped = (Flagged(paths[0], (reason,)),), (Skip(paths[0], reason),)
    return ClusterResult("/photos", "photos", "e", (cluster,), skipped, flagged=flagged, spread=spread)


@given(st.lists(names, min_size=1, max_size=3, unique=True), st.text())
def test_any_name_comes_back_from_the_block_and_none_can_end_it(paths, text):
    written = block(one_cluster(paths, text, text))

    assert written.isascii() and not set("<>&") & set(written)
    data = json.loads(written)
    assert data["paths"] == paths
    assert data["clusters"][0]["name"] == data["flagged"][0][1] == data["skipped"][0]["reason"] == shown(text)
    for number, path in enumerate(paths):
        assert data["shown"].get(str(number), path) == shown(path)
        assert unquote_to_bytes(data["href"].get(str(number), path)) == os.fsencode(path)


def test_the_shared_weird_names_are_all_there():
    assert json.loads(block(one_cluster(list(WEIRD_PATHS))))["paths"] == list(WEIRD_PATHS)


def test_columns_hold_what_the_spread_holds(tmp_path):
    result = make_map_folder(tmp_path)
    spread = result.spread

    data = json.loads(block(result))

    count = len(spread.paths)
    places = np.stack([data["x"], data["y"]], axis=1) / PLACE_STEPS
    assert np.abs(places - spread.places).max() <= 1 / PLACE_STEPS
    assert np.allclose(np.array(data["distance"]) / DISTANCE_STEPS, spread.distances, atol=1 / DISTANCE_STEPS)
    ids = [IDS[place] if place >= 0 else -1 for place in data["cluster"]]
    assert ids == spread.clusters.tolist()
    assert data["child"] == spread.children.tolist()
    assert np.array_equal(np.reshape(data["near"], (count, data["nearest"])), spread.neighbours)
    for place, cluster in enumerate(result.clusters):
        told = data["clusters"][place]
        assert [data["paths"][number] for number in told["exemplars"]] == list(cluster.exemplars)
        assert [data["paths"][number] for number in told["borderline"]] == list(cluster.borderline)
        assert data["paths"][told["medoid"]] == cluster.medoid
        assert data["clusters"][told["neighbour"]]["id"] == cluster.neighbour
        assert [child["size"] for child in told["children"]] == [child.size for child in cluster.children]
    assert [data["paths"][number] for number, _ in data["outliers"]] == [o.path for o in result.outliers]


def test_an_image_that_is_not_on_the_map_is_left_out_of_all_lists(tmp_path):
    result = make_map_folder(tmp_path)
    gone = replace(result.clusters[0], exemplars=("gone.png",), borderline=("gone.png",), medoid="gone.png")
    result = replace(
        result,
        clusters=(gone, *result.clusters[1:]),
        outliers=(Outlier("gone.png", 0.1),),
        flagged=(Flagged("gone.png", ("dark",)),),
    )

    data = json.loads(block(result))

    assert (data["outliers"], data["flagged"]) == ([], [])
    first = data["clusters"][0]
    assert (first["exemplars"], first["borderline"], first["medoid"]) == ([], [], -1)


def test_no_images_and_no_clusters_make_a_block_too():
    empty = spread_of([], np.zeros(0, int), np.zeros((0, 2)))

    data = json.loads(block(ClusterResult("/photos", "p", "e", (), (), spread=empty)))

    assert (data["paths"], data["clusters"], data["x"], data["near"]) == ([], [], [], [])


def test_the_panels_images_get_pictures_first_then_a_sample_as_dense_as_the_images():
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.uniform(-1, 0, (900, 2)), rng.uniform(0, 1, (100, 2))])
    paths = [f"{number:04}.jpg" for number in range(1000)]
    spread = spread_of(paths, np.zeros(1000, int), places)
    cluster = Cluster(
        0, 1000, ("0500.jpg", "0003.jpg"), tuple(paths), "", "0999.jpg", borderline=("0007.jpg",)
    )
    result = ClusterResult(
        "/photos", "p", "e", (cluster,), (), outliers=(Outlier("0950.jpg", 0.5),), spread=spread
    )

    numbers = pictured(result, 200)

    assert numbers[:5] == [999, 500, 3, 950, 7]
    assert len(set(numbers)) == len(numbers) == 200
    assert 10 <= sum(number >= 900 for number in numbers) <= 30
    assert sorted(pictured(result, 5000)) == list(range(1000))
    assert pictured(result, 2) == [999, 500]


def test_images_that_lie_together_on_the_map_stand_together_on_the_sheets():
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, (4096, 2))
    spread = spread_of([str(number) for number in range(4096)], np.zeros(4096, int), places)
    order = pictured(ClusterResult("/", "p", "e", (), (), spread=spread), 4096)

    steps = np.linalg.norm(np.diff(places[order], axis=0), axis=1)

    assert np.median(steps) < 0.1  # of any two it is about 1


def test_neighbours_are_left_out_where_they_would_outweigh_the_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(map_data, "NEIGHBOURS_WITHIN", 3)

    data = json.loads(block(make_map_folder(tmp_path)))

    assert (data["nearest"], data["near"]) == (0, [])


def test_a_result_without_its_spread_is_refused():
    with pytest.raises(ValueError, match="spread"):
        pictured(ClusterResult("/photos", "p", "e", (), ()), 10)


def test_the_example_is_a_spread(tmp_path):
    assert isinstance(make_map_folder(tmp_path).spread, Spread)
