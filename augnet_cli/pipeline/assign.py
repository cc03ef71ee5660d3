"""`cluster --assign`: where images of another folder belong among the clusters of this one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from augnet_cli.clusters.exemplars import distances_to
from augnet_cli.pipeline.assignments import assignments
from augnet_cli.pipeline.cluster import (
    ClusterRequest,
    Found,
    check_request,
    found_clusters,
    own_clusters,
    require_images,
)
from augnet_cli.pipeline.parting import HDBSCAN, SCAN, Parted
from augnet_cli.pipeline.portraying import portrayed
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.pipeline.sampled_looks import with_looks
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterResult, Spread
from augnet_cli.store.columns import Collection


def assign(
    request: FolderRequest, new: str, asked: ClusterRequest | None = None, progress: Progress = SILENT
) -> ClusterResult:
    """Put each image of the folder `new` into the cluster of `request`'s folder whose centre is nearest.

    The clusters are those that the last run found, where it was asked for the same; their numbers and names
    stay, and those that get no image are left out.  Under SCAN the encoder says which cluster, of those
    that have an image here.  Under HDBSCAN an image that is farther from the centre
    than all members of the cluster belongs to none.

    Returns:
        clusters of the images of `new`; paths are relative to it.

    Raises:
        UsageError, FolderError, StoreError, EncoderError: as `cluster`, for either folder.
    """
    asked = asked or ClusterRequest()
    check_request(asked)
    with refreshed(request, progress) as fresh:
        found = found_clusters(fresh, asked, progress)
        encoder = fresh.embedder.file
    with refreshed(replace(request, folder=new, encoder=encoder), progress) as other:
        collection = other.collection()
        require_images(other, collection)
        if asked.wish.method == SCAN:
            labels = _as_the_encoder_says(assignments(other, collection.images, progress), found)
        else:
            labels = _nearest(collection, found, asked.wish.method == HDBSCAN)
        noise = np.flatnonzero(labels[collection.images.rows] < 0)
        return ClusterResult(
            folder=other.result.folder,
            typed_folder=other.result.typed_folder,
            encoder=other.result.encoder,
            clusters=with_looks(_told(collection, labels, found), other.request, progress),
            skipped=other.result.skipped,
            seed=asked.wish.seed,
            method=asked.wish.method,
            chosen=asked.wish.k is None and asked.wish.method != SCAN,
            noise=tuple(collection.images.paths[number] for number in noise.tolist()),
            spread=_distances_alone(collection, labels, found.centres),
            assigned_to=request.folder,
            of=len(found.centres),
            typed_encoder=other.request.encoder,
        )


def _distances_alone(collection: Collection, labels: np.ndarray, centres: np.ndarray) -> Spread:
    """How far each image is from the centre of its cluster; no map of them is made."""
    images, rows = collection.images, collection.images.rows
    apart = distances_to(collection.embeddings, centres) if len(centres) else np.zeros((len(labels), 1))
    own = np.where(labels >= 0, labels, apart.argmin(axis=1))
    count = len(images)
    return Spread(
        paths=images.paths,
        clusters=labels[rows].astype(np.int32),
        children=np.full(count, NO_CLUSTER, np.int32),
        distances=apart[np.arange(len(own)), own][rows].astype(np.float32),
        places=np.zeros((count, 2), np.float32),
        neighbours=np.empty((count, 0), np.int32),
        neighbour_distances=np.empty((count, 0), np.float32),
    )


def _as_the_encoder_says(shares: np.ndarray, found: Found) -> np.ndarray:
    """(m,) int64: the cluster of each row of (m, C) probabilities, by the number that it has in the folder.

    NO_CLUSTER for what the encoder puts where none of the folder's images are.
    """
    assert found.assigned is not None
    own, _ = own_clusters(shares)
    numbers = np.full(shares.shape[1] + 1, NO_CLUSTER, np.int64)  # the last is that of NO_CLUSTER itself
    # Of near copies the one that counts says for all: it has its own cluster.
    numbers[found.assigned[found.counted]] = found.parted.labels[found.counted]
    numbers[-1] = NO_CLUSTER
    labels: np.ndarray = numbers[own]
    return labels


def _nearest(collection: Collection, found: Found, may_be_none: bool) -> np.ndarray:
    """(m,) int64: the cluster of each content, NO_CLUSTER for what is too far from all."""
    if not len(found.centres):
        return np.full(len(collection.embeddings), NO_CLUSTER, np.int64)
    apart = distances_to(collection.embeddings, found.centres)
    labels: np.ndarray = apart.argmin(axis=1)
    if may_be_none:
        own = distances_to(found.collection.embeddings, found.centres)
        farthest = np.zeros(len(found.centres), np.float32)
        held = np.flatnonzero(found.parted.labels >= 0)
        np.maximum.at(farthest, found.parted.labels[held], own[held, found.parted.labels[held]])
        labels[apart.min(axis=1) > farthest[labels]] = NO_CLUSTER
    return labels


def _told(collection: Collection, labels: np.ndarray, found: Found) -> tuple[Cluster, ...]:
    """The clusters that got an image, with the numbers and names that they have."""
    used = np.unique(labels[labels >= 0])
    compact = np.where(labels >= 0, np.searchsorted(used, labels), NO_CLUSTER)
    parted = Parted(compact, np.full(len(labels), NO_CLUSTER, np.int64), len(used))
    rows = np.arange(len(labels))
    drawn, _ = portrayed(collection.images, collection.embeddings, rows, parted)
    return tuple(
        replace(
            one,
            id=int(used[one.id]),
            name=found.clusters[used[one.id]].name,
            neighbour=found.clusters[used[one.id]].neighbour,
            neighbour_distance=found.clusters[used[one.id]].neighbour_distance,
        )
        for one in drawn
    )
