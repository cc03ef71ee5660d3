"""JSON and CSV of clusters: the exact shapes, with all that is known and with nothing but members."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace

import pytest
from cluster_examples import CASTLES, FULL, SPREAD, TOWERS
from report_examples import CLUSTER, WEIRD_NAMES, weird_cluster

from augnet_cli.report.cluster_data import write_cluster
from augnet_cli.report.streamed import Format
from augnet_cli.results import Flagged


def written(result, format: Format) -> bytes:
    stream = io.BytesIO()
    write_cluster(result, format, stream)
    return stream.getvalue()


def csv_rows(data: bytes) -> list[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline="")
    return list(csv.reader(text))


def test_json_says_all_that_is_known() -> None:
    shape = json.loads(written(FULL, "json"))

    assert list(shape) == [
        *("version", "folder", "encoder", "method", "k", "chosen", "seed", "clusters", "noise"),
        *("outliers", "curve", "flagged", "skipped"),
    ]
    assert (shape["method"], shape["k"], shape["chosen"], shape["seed"]) == ("kmeans", 2, True, 3)
    castles, dogs = shape["clusters"]
    children = castles.pop("children")
    assert castles == {
        "id": 0,
        "name": "castles",
        "size": 4,
        "medoid": "c/1.jpg",
        "exemplars": ["c/1.jpg", "c/4.jpg"],
        "members": list(CASTLES.members),
        "tightness": 0.31,
        "neighbour": 1,
        "neighbour_distance": 0.123457,
        "borderline": ["c/3.jpg"],
        "looks": {
            "first_taken": "2019-05-01T10:00:00",
            "last_taken": "2019-06-12T18:30:00",
            "cameras": [{"name": "Canon EOS 80D", "share": 0.75}, {"name": "Pixel 4", "share": 0.25}],
            "colours": [
                {"colour": "#3f6b2d", "share": 0.5},
                {"colour": "#48702f", "share": 0.2},
                {"colour": "#808080", "share": 0.3},
            ],
            "landscape": 0.75,
            "portrait": 0.25,
            "square": 0.0,
            "looked_at": 4,
        },
    }
    assert [child["name"] for child in children] == ["towers", ""] and dogs["children"] == []
    assert "neighbour" not in children[0] and children[0]["members"] == list(TOWERS.members)
    assert shape["noise"] == ["a, noise.jpg"]
    assert shape["outliers"] == [
        {"path": "a, noise.jpg", "distance": 0.812346},
        {"path": "dog.jpg", "distance": 0.5},
    ]
    assert shape["curve"][0] == {"k": 2, "stability": 0.91, "silhouette": 0.22, "score": 0.91}
    assert shape["curve"][1]["silhouette"] is None
    assert shape["flagged"][0] == {"path": "c/2.jpg", "flags": ["dark", "blurred"]}
    assert shape["skipped"] == [{"path": "c.heic", "reason": "no HEIF"}]


def test_a_single_cluster_has_a_neighbour_of_null() -> None:
    (only,) = json.loads(written(weird_cluster(), "json"))["clusters"]
    assert only["neighbour"] is None and only["neighbour_distance"] is None


def test_csv_word_for_word() -> None:
    assert written(FULL, "csv").decode() == (
        "cluster,path,exemplar,child,name,distance,outlier,flags\n"
        "0,c/1.jpg,1,0,castles,0.1,0,\n"
        "0,c/2.jpg,0,0,castles,0.2,0,dark blurred\n"
        "0,c/3.jpg,0,1,castles,0.3,0,\n"
        "0,c/4.jpg,1,1,castles,0.4,0,\n"
        "1,dog.jpg,1,,,0.0,1,dark\n"
        ',"a, noise.jpg",0,,,0.9,1,\n'
    )


def test_csv_without_a_spread_is_the_same_but_for_distances() -> None:
    full, bare = (csv_rows(written(one, "csv")) for one in (FULL, replace(FULL, spread=None)))
    place = full[0].index("distance")
    assert bare[0] == full[0]
    assert bare[1:] == [[*row[:place], "", *row[place + 1 :]] for row in full[1:]]


def test_csv_of_members_alone_begins_as_it_always_did() -> None:
    rows = csv_rows(written(CLUSTER, "csv"))
    assert [row[:3] for row in rows] == [
        ["cluster", "path", "exemplar"],
        ["0", "a.jpg", "1"],
        ["0", "b.jpg", "1"],
        ["0", "c, d.jpg", "0"],
        ["1", "z.jpg", "1"],
    ]


@pytest.mark.parametrize("format", ["json", "csv"])
def test_every_name_comes_back_as_its_bytes(format: Format) -> None:
    result = weird_cluster()
    (cluster,) = result.clusters
    flagged = tuple(Flagged(path, ("dark",)) for path in cluster.members)
    data = written(replace(result, flagged=flagged), format)
    if format == "csv":
        rows = csv_rows(data)[1:]
        assert [os.fsencode(row[1]) for row in rows] == list(WEIRD_NAMES)
        assert {row[-1] for row in rows} == {"dark"}
    else:
        assert data.isascii()
        shape = json.loads(data)
        assert [os.fsencode(path) for path in shape["clusters"][0]["members"]] == list(WEIRD_NAMES)
        assert [os.fsencode(one["path"]) for one in shape["flagged"]] == list(WEIRD_NAMES)


def test_the_spread_is_where_an_image_lies_whatever_order_the_clusters_have() -> None:
    """The oracle is a look-up by path."""
    turned = replace(FULL, clusters=FULL.clusters[::-1])
    where = {path: place for place, path in enumerate(SPREAD.paths)}
    for row in csv_rows(written(turned, "csv"))[1:]:
        place = where[row[1]]
        assert row[0] == ("" if SPREAD.clusters[place] < 0 else str(SPREAD.clusters[place]))
        assert float(row[5]) == pytest.approx(float(SPREAD.distances[place]), abs=1e-6)


def test_results_are_written_in_pieces() -> None:
    """No piece is longer than one cluster is."""
    pieces: list[int] = []

    class Pieces(io.RawIOBase):
        def write(self, data) -> int:
            pieces.append(len(data))
            return len(data)

    many = replace(FULL, noise=tuple(f"{number}.jpg" for number in range(5000)), spread=None)
    for format in ("json", "csv"):
        write_cluster(many, format, Pieces())
    assert len(pieces) > 10000 and max(pieces) < 2000
