"""Clusters of the last run, kept beside the index: the next one goes on from them, so that numbers stay.

Kept by content, so that renaming and moving changes nothing.  What can't be read is found anew.
"""

from __future__ import annotations

import hashlib
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

PREFIX, SUFFIX = "clusters-", ".npz"
# Wishes whose clusters are kept, the newest ones: one may ask for 12 clusters and for as many as there are.
MOST_KEPT = 8
KEY_BYTES = 8
VERSION = 3  # of the file and of the way clusters are found


@dataclass(frozen=True)
class KeptClusters:
    """What the last run said.

    Attributes:
        parted: labels of the contents asked for, NO_CLUSTER for new ones.
        once: (m,) int64 the content that is counted for each; None where the contents are others.
        looks: cameras and colours of each cluster, as `looks_text` has them; "" where none were kept.
    """

    parted: Parted
    once: np.ndarray | None
    looks: str

    @property
    def is_same(self) -> bool:
        """Whether the contents are the very same ones."""
        return self.once is not None


def kept_clusters(place: Place, key: str, hashes: np.ndarray) -> KeptClusters | None:
    """What the last run with a key, of `key_of`, said of contents (m,) bytes in order, or None."""
    try:
        with np.load(_file(place, key), allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            known = file["hashes"]
            labels, children, once = (file[name].astype(np.int64) for name in ("labels", "children", "once"))
            k, curve, looks = int(file["k"]), file["curve"].reshape(-1, 4), str(file["looks"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = len(known) == len(labels) == len(children) == len(once) and labels.max(initial=NO_CLUSTER) < k
    if not fits or (labels < NO_CLUSTER).any() or (once < 0).any() or once.max(initial=0) >= len(once):
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
    # Contents are told in order of hash, so that the same ones have the same rows.
    is_same = len(known) == len(hashes) and bool((known == hashes).all())
    return KeptClusters(told, once if is_same else None, looks)


def keep_clusters(
    place: Place, key: str, hashes: np.ndarray, parted: Parted, once: np.ndarray, looks: str
) -> None:
    """Keep labels (m,) of contents (m,), which of them are counted, and looks, for the next run.

    A disk that is full costs that run the search.
    """
    file = _file(place, key)
    curve = np.array([(one.k, one.stability, one.silhouette, one.score) for one in parted.curve])
    with suppress(OSError):
        with open(f"{file}.tmp", "wb") as stream:
            np.savez(
                stream,
                key=np.array(key),
                hashes=hashes,
                labels=parted.labels.astype(np.int32),
                children=parted.children.astype(np.int32),
                once=once.astype(np.int32),
                k=np.array(parted.k),
                curve=curve.reshape(-1, 4),
                looks=np.array(looks),
            )
        os.replace(f"{file}.tmp", file)
        _forget_old(place)


def key_of(encoder: str, threshold: float, wish: Wish, exclude: Sequence[str]) -> str:
    """What clusters of a folder depend on beside its contents; near copies lie within the threshold."""
    facts = {"version": VERSION, "encoder": encoder, "threshold": threshold}
    facts |= {**asdict(wish), "exclude": sorted(exclude)}
    return json.dumps(facts, sort_keys=True)


def _file(place: Place, key: str) -> str:
    name = hashlib.blake2b(key.encode(), digest_size=KEY_BYTES).hexdigest()
    return os.path.join(place.cache, f"{PREFIX}{name}{SUFFIX}")


def _forget_old(place: Place) -> None:
    with os.scandir(place.cache) as entries:
        files = [one for one in entries if one.name.startswith(PREFIX) and one.name.endswith(SUFFIX)]
    for old in sorted(files, key=lambda one: one.stat().st_mtime_ns, reverse=True)[MOST_KEPT:]:
        os.unlink(old.path)


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
