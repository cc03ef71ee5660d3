"""Clusters of the last run, kept beside the index: the next one goes on from them, so that numbers stay.

Kept by content, so that renaming and moving changes nothing.  What can't be read is found anew.
"""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from dataclasses import asdict

import numpy as np

from augnet_cli.pipeline.parting import Parted, Wish
from augnet_cli.results import NO_CLUSTER, ClusterCount
from augnet_cli.store.columns import places_of
from augnet_cli.store.place import Place

FILE = "clusters.npz"
VERSION = 1  # of the file and of the way clusters are found


def kept_clusters(place: Place, encoder: str, wish: Wish, hashes: np.ndarray) -> tuple[Parted, bool] | None:
    """What the last run with the same encoder and wish said of contents.

    Args:
        hashes: (m,) bytes in order.

    Returns:
        Labels of those contents, NO_CLUSTER for new ones, and whether they are the very same ones; or None.
    """
    try:
        with np.load(os.path.join(place.cache, FILE), allow_pickle=False) as file:
            if str(file["wish"]) != _key(encoder, wish):
                return None
            known = file["hashes"]
            labels, children = (file[name].astype(np.int64) for name in ("labels", "children"))
            k, curve = int(file["k"]), file["curve"].reshape(-1, 4)
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
    return told, bool(met.all()) and len(known) == len(hashes)


def keep_clusters(place: Place, encoder: str, wish: Wish, hashes: np.ndarray, parted: Parted) -> None:
    """Keep labels (m,) of contents (m,) for the next run; a disk that is full costs that run the search."""
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
            )
        os.replace(f"{file}.tmp", file)


def _key(encoder: str, wish: Wish) -> str:
    return json.dumps({"version": VERSION, "encoder": encoder, **asdict(wish)}, sort_keys=True)
