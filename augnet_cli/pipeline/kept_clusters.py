"""Clusters of the last run, kept beside the index: the next one goes on from them, so that numbers stay.

Kept by content, so that renaming and moving changes nothing.  What can't be read is found anew.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import numpy as np

from augnet_cli.pipeline.parting import Parted, Wish
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterCount
from augnet_cli.store.columns import places_of
from augnet_cli.store.place import Place

FILE = "clusters.npz"
VERSION = 2  # of the file and of the way clusters are found


@dataclass(frozen=True)
class KeptClusters:
    """What the last run said.

    Attributes:
        parted: labels of the contents asked for, NO_CLUSTER for new ones.
        is_same: whether the contents are the very same ones.
        looks: cameras and colours of each cluster, as `looks_text` has them; "" where none were kept.
    """

    parted: Parted
    is_same: bool
    looks: str


def kept_clusters(place: Place, encoder: str, wish: Wish, hashes: np.ndarray) -> KeptClusters | None:
    """What the last run with the same encoder and wish said of contents (m,) bytes in order, or None."""
    try:
        with np.load(os.path.join(place.cache, FILE), allow_pickle=False) as file:
            if str(file["wish"]) != _key(encoder, wish):
                return None
            known = file["hashes"]
            labels, children = (file[name].astype(np.int64) for name in ("labels", "children"))
            k, curve, looks = int(file["k"]), file["curve"].reshape(-1, 4), str(file["looks"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = len(known) == len(labels) == len(children) and labels.max(initial=NO_CLUSTER) < k
    if not fits or (labels < NO_CLUSTER).any():
        return None
    places, met = places_of(hashes, known)
    if len(known) == 0:
        return None
    told = Parted(
        np.where(met, labels[places], NO_CLUSTER),
        np.where(met, children[places], NO_CLUSTER),
        k,
        tuple(ClusterCount(int(row[0]), *map(float, row[1:])) for row in curve),
    )
    return KeptClusters(told, bool(met.all()) and len(known) == len(hashes), looks)


def keep_clusters(
    place: Place, encoder: str, wish: Wish, hashes: np.ndarray, parted: Parted, looks: str
) -> None:
    """Keep labels (m,) of contents (m,), and looks, for the next run; a disk that is full costs that run the
    search."""
    file = os.path.join(place.cache, FILE)
    curve = np.array([(one.k, one.stability, one.silhouette, one.score) for one in parted.curve])
    with suppress(OSError):
        with open(f"{file}.tmp", "wb") as stream:
            np.savez(
                stream,
                wish=np.array(_key(encoder, wish)),
                hashes=hashes,
                labels=parted.labels.astype(np.int32),
                children=parted.children.astype(np.int32),
                k=np.array(parted.k),
                curve=curve.reshape(-1, 4),
                looks=np.array(looks),
            )
        os.replace(f"{file}.tmp", file)


def _key(encoder: str, wish: Wish) -> str:
    return json.dumps({"version": VERSION, "encoder": encoder, **asdict(wish)}, sort_keys=True)


def looks_text(clusters: Sequence[Cluster]) -> str:
    """Cameras and colours of clusters, which stand in the files themselves."""
    found = [(one.id, one.looks.cameras, one.looks.colours, one.looks.looked_at) for one in clusters]
    return json.dumps(found)


def with_kept_looks(clusters: Sequence[Cluster], looks: str) -> tuple[Cluster, ...] | None:
    """The clusters with what `looks_text` kept of the very same ones, or None where it does not fit them."""
    try:
        kept = {number: rest for number, *rest in json.loads(looks)}
        return tuple(_with(one, *kept[one.id]) for one in clusters)
    except (ValueError, TypeError, KeyError):
        return None


def _with(cluster: Cluster, cameras: list[list], colours: list[list], looked_at: int) -> Cluster:
    looks = replace(
        cluster.looks,
        cameras=tuple((str(name), float(share)) for name, share in cameras),
        colours=tuple((str(name), float(share)) for name, share in colours),
        looked_at=int(looked_at),
    )
    return replace(cluster, looks=looks)
