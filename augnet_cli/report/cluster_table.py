"""Clusters as a Parquet table, a row an image file; pyarrow, of the extra `parquet`, is imported inside.

Rows are in order of path. The columns `x`, `y` and `neighbors` are what Embedding Atlas reads:
`embedding-atlas FILE.parquet --x x --y y --neighbors neighbors`. By its documentation (apple/embedding-atlas,
packages/docs/tool.md) a row of the last is `{"ids": [...], "distances": [...]}`, the ids row numbers from 0.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from augnet_cli.errors import MissingExtraError
from augnet_cli.extras import how_to_install
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.results import NO_CLUSTER, ClusterResult, Spread

TITLE = "Clusters by augnet"  # inside the file
TARGET = Target("--out", (".parquet",), TITLE, at_end=True)
ROWS_AT_A_TIME = 50_000  # a group of rows in the file: some 10 MB in memory
KNOWN = ("width", "height", "taken_at")  # what a caller may add of each image, in order of path


def check_table(file: str) -> None:
    """Refuse before the work what can't be written after it.

    Raises:
        UsageError: another suffix than .parquet.
        FolderError: the file can't be written there, or is another one than an earlier table.
        MissingExtraError: pyarrow is not installed.
    """
    check_target(file, TARGET)
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("--out needs pyarrow, which is not installed", how_to_install("parquet"))


def write_table(result: ClusterResult, file: str, known: Mapping[str, Sequence[object]] | None = None) -> int:
    """Write the table; `cluster` and `child` are null for what is in none.

    Without a spread there are no columns `distance`, `x`, `y` and `neighbors`. A path that is no UTF-8 has
    `\\xff` in `path` for each such byte, and the file then has a column `path_bytes`, null elsewhere.
    The file is written whole or not at all.

    Args:
        known: sequences of the columns KNOWN, one item an image in order of path: sizes of the upright
            picture in pixels, times as `YYYY-MM-DDTHH:MM:SS`; None where it is not known.

    Returns:
        the number of rows.

    Raises:
        UsageError, FolderError, MissingExtraError: as `check_table`.
    """
    check_table(file)
    from pyarrow import parquet

    rows = _Rows(result, dict(known or {}))
    schema = rows.schema()
    with written_whole(file, TARGET) as stream, parquet.ParquetWriter(stream, schema) as writer:
        for start in range(0, max(len(rows.paths), 1), ROWS_AT_A_TIME):
            writer.write_batch(rows.batch(schema, start, start + ROWS_AT_A_TIME))
    return len(rows.paths)


class _Rows:
    """The columns, made a few rows at a time."""

    def __init__(self, result: ClusterResult, known: dict[str, Sequence[object]]) -> None:
        self._result, self._known = result, known
        self._spread = result.spread
        self._names = {cluster.id: cluster.name for cluster in result.clusters}
        self._outliers = {one.path for one in result.outliers}
        self._flags = {one.path: list(one.flags) for one in result.flagged}
        self._told: dict[str, tuple[int | None, int | None]] = {}
        if self._spread is None:
            self._told = dict(_told(result))
            self.paths: Sequence[str] = sorted(self._told, key=os.fsencode)
        else:
            self.paths = self._spread.paths
        self._odd = any(_odd(path) for path in self.paths)
        for name, values in known.items():
            if name not in KNOWN or len(values) != len(self.paths):
                raise ValueError(f"{name}: not a column of one value for each of {len(self.paths)} images")

    def schema(self) -> Any:
        """The columns and their kinds, and what tells the file from any other."""
        import pyarrow as pa

        neighbors = pa.struct([("ids", pa.list_(pa.int32())), ("distances", pa.list_(pa.float32()))])
        lying = [
            ("distance", pa.float32()),
            ("x", pa.float32()),
            ("y", pa.float32()),
            ("neighbors", neighbors),
        ]
        kinds = {"width": pa.int32(), "height": pa.int32(), "taken_at": pa.timestamp("ms")}
        fields = [
            ("path", pa.string()),
            *([("path_bytes", pa.binary())] if self._odd else []),
            ("cluster", pa.int32()),
            ("name", pa.string()),
            ("child", pa.int32()),
            *([] if self._spread is None else lying),
            ("outlier", pa.bool_()),
            ("flags", pa.list_(pa.string())),
            *((name, kinds[name]) for name in KNOWN if name in self._known),
        ]
        about = {"title": TITLE, "folder": _text(self._result.folder), "encoder": self._result.encoder}
        return pa.schema(fields, metadata=about)

    def batch(self, schema: Any, start: int, end: int) -> Any:
        """The rows from `start` to before `end`."""
        import pyarrow as pa

        paths = self.paths[start:end]
        clusters, children = self._places(start, end)
        columns: dict[str, Any] = {
            "path": [_text(path) for path in paths],
            "path_bytes": [os.fsencode(path) if _odd(path) else None for path in paths],
            "cluster": clusters,
            "name": [
                None if cluster is None else _text(self._names.get(cluster, "")) for cluster in clusters
            ],
            "child": children,
            "outlier": [path in self._outliers for path in paths],
            "flags": [self._flags.get(path, []) for path in paths],
        }
        for name, values in self._known.items():
            part: Sequence[Any] = values[start:end]
            columns[name] = [_time(each) for each in part] if name == "taken_at" else part
        lying = {} if self._spread is None else _lying(self._spread, start, end)
        arrays = [
            lying[field.name] if field.name in lying else pa.array(columns[field.name], field.type)
            for field in schema
        ]
        return pa.record_batch(arrays, schema=schema)

    def _places(self, start: int, end: int) -> tuple[list[int | None], list[int | None]]:
        """Cluster and sub-cluster of each row."""
        if self._spread is None:
            told = [self._told[path] for path in self.paths[start:end]]
            return [cluster for cluster, _ in told], [child for _, child in told]
        spread = self._spread
        return _or_none(spread.clusters[start:end].tolist()), _or_none(spread.children[start:end].tolist())


def _told(result: ClusterResult) -> Iterator[tuple[str, tuple[int | None, int | None]]]:
    """Where each image is, from what the clusters themselves say."""
    for cluster in result.clusters:
        children = {path: child.id for child in cluster.children for path in child.members}
        for path in cluster.members:
            yield path, (cluster.id, children.get(path))
    for path in result.noise:
        yield path, (None, None)


def _lying(spread: Spread, start: int, end: int) -> dict[str, Any]:
    """Where images lie, and what lies near them; fewer neighbours make a shorter list."""
    import numpy as np
    import pyarrow as pa

    ids, distances = spread.neighbours[start:end], spread.neighbour_distances[start:end]
    there = ids != NO_CLUSTER
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    lists = [
        pa.ListArray.from_arrays(ends, pa.array(flat, kind))
        for flat, kind in ((ids[there], pa.int32()), (distances[there], pa.float32()))
    ]
    return {
        "distance": pa.array(spread.distances[start:end], pa.float32()),
        "x": pa.array(spread.places[start:end, 0], pa.float32()),
        "y": pa.array(spread.places[start:end, 1], pa.float32()),
        "neighbors": pa.StructArray.from_arrays(lists, ["ids", "distances"]),
    }


def _or_none(numbers: list[int]) -> list[int | None]:
    return [None if number == NO_CLUSTER else number for number in numbers]


def _odd(path: str) -> bool:
    """Whether a path is no UTF-8."""
    return not path.isascii() and any("\ud800" <= letter <= "\udfff" for letter in path)


def _text(path: str) -> str:
    """A path as text: a byte that is no UTF-8 as `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace") if _odd(path) else path


def _time(text: str | None) -> datetime | None:
    """When a picture was taken; None too where the camera's clock said what no clock can."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
