"""The Parquet table of clusters, read back with pyarrow: columns, kinds, names, neighbours as rows."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from cluster_examples import FULL, PATHS, SPREAD
from report_examples import WEIRD_NAMES, weird_cluster

from augnet_cli.errors import FolderError, MissingExtraError, UsageError
from augnet_cli.report import cluster_table
from augnet_cli.report.cluster_table import check_table, write_table
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterResult, Spread

pytest.importorskip("pyarrow")

from pyarrow import parquet


def rows_of(file: Path) -> list[dict]:
    return parquet.read_table(file).to_pylist()


def test_every_image_is_a_row_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    file = tmp_path / "clusters.parquet"
    taken = ["2020-02-03T04:05:06", None, "0000-00-00T00:00:00", None, None, None]
    known = {"width": [640, None, 3, 4, 5, 6], "height": [480, None, 3, 4, 5, 6], "taken_at": taken}

    assert write_table(FULL, str(file), known) == 6

    rows = rows_of(file)
    assert [row["path"] for row in rows] == list(PATHS)
    assert [row["cluster"] for row in rows] == [None, 0, 0, 0, 0, 1]
    assert [row["child"] for row in rows] == [None, 0, 0, 1, 1, None]
    assert [row["name"] for row in rows] == [None, *["castles"] * 4, ""]
    assert [row["outlier"] for row in rows] == [True, False, False, False, False, True]
    assert [row["flags"] for row in rows] == [[], [], ["dark", "blurred"], [], [], ["dark"]]
    assert [row["width"] for row in rows] == known["width"]
    assert [row["taken_at"] for row in rows] == [datetime(2020, 2, 3, 4, 5, 6), *[None] * 5]
    np.testing.assert_array_equal([row["distance"] for row in rows], SPREAD.distances)
    np.testing.assert_array_equal([[row["x"], row["y"]] for row in rows], SPREAD.places)


def test_the_kinds_of_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "clusters.parquet"
    write_table(FULL, str(file), {"width": [1] * 6, "height": [1] * 6, "taken_at": [None] * 6})
    schema = parquet.read_schema(file)
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "path": "string",
        "cluster": "int32",
        "name": "string",
        "child": "int32",
        "distance": "float",
        "x": "float",
        "y": "float",
        "neighbors": "struct<ids: list<element: int32>, distances: list<element: float>>",
        "outlier": "bool",
        "flags": "list<element: string>",
        "width": "int32",
        "height": "int32",
        "taken_at": "timestamp[ms]",
    }
    assert schema.metadata[b"title"] == b"Clusters by augnet"


def test_neighbours_are_row_numbers_of_the_table_whatever_the_groups_of_rows(
    tmp_path: Path, monkeypatch
) -> None:
    """The oracle: the neighbour of each row by brute force over its place."""
    monkeypatch.setattr(cluster_table, "ROWS_AT_A_TIME", 7)
    rng, n = np.random.default_rng(1), 40
    places = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    near = np.argsort(gaps, axis=1)[:, :3].astype(np.int32)
    near[5, 1:] = NO_CLUSTER
    paths = [f"{number:02d}.jpg" for number in range(n)]
    far = np.take_along_axis(gaps, near % n, axis=1).astype(np.float32)
    zeros = np.zeros(n, np.int32)
    spread = Spread(paths, zeros, zeros, zeros.astype(np.float32), places, near, far)
    result = ClusterResult("/p", "p", "e", (Cluster(0, n, (), tuple(paths)),), (), spread=spread)

    write_table(result, str(tmp_path / "clusters.parquet"))

    rows = rows_of(tmp_path / "clusters.parquet")
    assert parquet.ParquetFile(tmp_path / "clusters.parquet").num_row_groups == 6
    assert len(rows) == n and len(rows[5]["neighbors"]["ids"]) == 1
    for row in rows:
        here = np.array([row["x"], row["y"]])
        for other, distance in zip(row["neighbors"]["ids"], row["neighbors"]["distances"], strict=True):
            there = np.array([rows[other]["x"], rows[other]["y"]])
            assert distance == pytest.approx(np.linalg.norm(here - there), abs=1e-6)


def test_without_a_spread_the_table_has_what_the_clusters_say(tmp_path: Path) -> None:
    with_it, without = tmp_path / "with.parquet", tmp_path / "without.parquet"
    write_table(FULL, str(with_it))
    write_table(replace(FULL, spread=None), str(without))
    rows = rows_of(with_it)
    for row in rows:
        for name in ("distance", "x", "y", "neighbors"):
            del row[name]
    assert rows_of(without) == rows


def test_every_name_comes_back_as_its_bytes(tmp_path: Path) -> None:
    write_table(weird_cluster(), str(tmp_path / "clusters.parquet"))
    rows = rows_of(tmp_path / "clusters.parquet")
    names = [row["path"].encode() if row["path_bytes"] is None else row["path_bytes"] for row in rows]
    assert names == sorted(WEIRD_NAMES)
    odd = [row["path"] for row in rows if row["path_bytes"] is not None]
    assert r"invalid \xff\xfe utf-8.jpg" in odd and len(odd) == 4


def test_an_empty_result_is_an_empty_table(tmp_path: Path) -> None:
    assert write_table(ClusterResult("/p", "p", "e", (), ()), str(tmp_path / "none.parquet")) == 0
    assert rows_of(tmp_path / "none.parquet") == []


def test_only_an_earlier_table_is_replaced(tmp_path: Path) -> None:
    file, other = tmp_path / "clusters.parquet", tmp_path / "mine.parquet"
    write_table(FULL, str(file))
    write_table(replace(FULL, noise=(), spread=None), str(file))
    assert len(rows_of(file)) == 5
    parquet.write_table(parquet.read_table(file).replace_schema_metadata(None), other)
    before = other.read_bytes()
    with pytest.raises(FolderError):
        write_table(FULL, str(other))
    assert other.read_bytes() == before and sorted(os.listdir(tmp_path)) == [file.name, other.name]
    with pytest.raises(UsageError):
        check_table(str(tmp_path / "clusters.csv"))


def test_what_the_caller_knows_has_a_value_for_each_image(tmp_path: Path) -> None:
    for known in ({"width": [1]}, {"colour": [1] * 6}):
        with pytest.raises(ValueError):
            write_table(FULL, str(tmp_path / "clusters.parquet"), known)
    assert os.listdir(tmp_path) == []


def test_without_pyarrow_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as refused:
        check_table(str(tmp_path / "clusters.parquet"))
    assert "[parquet]" in refused.value.hint
