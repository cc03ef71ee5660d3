"""The result of `cluster` for other programs: JSON and CSV; names and bytes as in `report.data`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from augnet_cli.report.streamed import (
    DECIMALS,
    VERSION,
    Format,
    Row,
    fixed,
    rounded,
    skips,
    write_csv,
    write_json,
)
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterCount, ClusterResult, Looks, Spread

if TYPE_CHECKING:
    import numpy as np

# The first three are as old as the command; later ones are added at the end.
COLUMNS = ("cluster", "path", "exemplar", "child", "name", "distance", "outlier", "flags")


def write_cluster(result: ClusterResult, format: Format, stream: BinaryIO) -> None:
    """Write the clusters, what lies outside of them, and what the choice of their number went by.

    CSV has one row an image, `cluster` empty for noise, `child` where there is no sub-cluster, `distance`
    where nobody asked for it.
    """
    if format == "csv":
        write_csv(_rows(result), stream)
        return
    head = {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "method": result.method,
        "k": result.k,
        "chosen": bool(result.chosen),
        "seed": int(result.seed),
        **({} if result.confidence is None else {"confidence": rounded(result.confidence)}),
        **({"assigned_to": result.assigned_to} if result.assigned_to else {}),
    }
    lists = {
        "clusters": ({**_cluster(each), "children": _children(each)} for each in result.clusters),
        "noise": iter(result.noise),
        "outliers": ({"path": one.path, "distance": rounded(one.distance)} for one in result.outliers),
        "curve": map(_count, result.curve),
        "flagged": ({"path": one.path, "flags": list(one.flags)} for one in result.flagged),
        "skipped": skips(result.skipped),
    }
    write_json(head, lists, stream)


def _cluster(cluster: Cluster) -> dict[str, object]:
    far = cluster.neighbour_distance
    return {
        "id": int(cluster.id),
        "name": cluster.name,
        "size": int(cluster.size),
        "medoid": cluster.medoid,
        "exemplars": list(cluster.exemplars),
        "members": list(cluster.members),
        "tightness": rounded(cluster.tightness),
        "neighbour": None if cluster.neighbour is None else int(cluster.neighbour),
        "neighbour_distance": None if far is None else rounded(far),
        "borderline": list(cluster.borderline),
        "looks": _looks(cluster.looks),
    }


def _children(cluster: Cluster) -> list[dict[str, object]]:
    """Sub-clusters in the shape of clusters, but for a neighbour that nobody looked for."""
    children = []
    for child in cluster.children:
        shape = {**_cluster(child), "children": _children(child)}
        if child.neighbour is None:
            del shape["neighbour"], shape["neighbour_distance"]
        children.append(shape)
    return children


def _looks(looks: Looks) -> dict[str, object]:
    return {
        "first_taken": looks.first_taken,
        "last_taken": looks.last_taken,
        "cameras": [{"name": name, "share": rounded(share)} for name, share in looks.cameras],
        "colours": [{"colour": colour, "share": rounded(share)} for colour, share in looks.colours],
        "landscape": rounded(looks.landscape),
        "portrait": rounded(looks.portrait),
        "square": rounded(looks.square),
        "looked_at": int(looks.looked_at),
    }


def _count(count: ClusterCount) -> dict[str, object]:
    """A measure that is not defined for this k is null: JSON has no word for it."""
    measures = {name: float(getattr(count, name)) for name in ("stability", "silhouette", "score")}
    return {
        "k": int(count.k),
        **{
            name: round(one, DECIMALS) + 0.0 if math.isfinite(one) else None for name, one in measures.items()
        },
    }


def _rows(result: ClusterResult) -> Iterator[Row]:
    """Clusters in their order, each in order of path, then noise."""
    yield COLUMNS
    outliers = {one.path for one in result.outliers}
    flags = {one.path: " ".join(one.flags) for one in result.flagged}

    def rest(path: str) -> tuple[int, str]:
        return int(path in outliers), flags.get(path, "")

    spread = result.spread
    for cluster in result.clusters:
        exemplars, name, id = set(cluster.exemplars), cluster.name, int(cluster.id)
        placed = _told(cluster) if spread is None else _lying(spread, id)
        for path, child, distance in placed:
            yield (id, path, int(path in exemplars), child, name, distance, *rest(path))
    if spread is None:
        for path in result.noise:
            yield ("", path, 0, "", "", "", *rest(path))
    else:
        for path, _, distance in _lying(spread, NO_CLUSTER):
            yield ("", path, 0, "", "", distance, *rest(path))


def _told(cluster: Cluster) -> Iterator[tuple[str, str | int, str]]:
    """Path, child and distance of each member, from what the clusters themselves say."""
    children = {path: int(child.id) for child in cluster.children for path in child.members}
    return ((path, children.get(path, ""), "") for path in cluster.members)


def _lying(spread: Spread, cluster: int) -> Iterator[tuple[str, str | int, str]]:
    """The same from where each image lies."""
    here: np.ndarray = (spread.clusters == cluster).nonzero()[0]
    children, distances = spread.children[here].tolist(), spread.distances[here].tolist()
    for place, child, distance in zip(here.tolist(), children, distances, strict=True):
        yield spread.paths[place], "" if child == NO_CLUSTER else child, fixed(distance)
