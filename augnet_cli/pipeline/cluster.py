"""`cluster`: images of a folder that belong together in meaning."""

from __future__ import annotations

import numpy as np

from augnet_cli.clusters.exemplars import exemplars
from augnet_cli.clusters.partition import count_different, kmeans
from augnet_cli.errors import FolderError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import Cluster, ClusterResult
from augnet_cli.store.columns import Images

DEFAULT_K = 10
EXEMPLARS = 5  # enough to see what a cluster is about, few enough for one line each


def cluster(
    request: FolderRequest, k: int | None = None, seed: int = 0, progress: Progress = SILENT
) -> ClusterResult:
    """Split the images of a folder into `k` clusters by k-means over their embeddings.

    Byte-identical files count once, so that copies don't pull a centre; all of them are members.

    Args:
        k: number of clusters, at least 1; None takes 10, or as many as there are different images.

    Raises:
        UsageError: fewer different images than `k`.
        FolderError: as `refreshed`; also where no image can be used.
        StoreError, EncoderError: as `refreshed`.
    """
    with refreshed(request, progress) as fresh:
        collection, result = fresh.collection(), fresh.result
    if not collection.images:
        folder = shown(request.folder)
        raise FolderError(
            f"none of the images of {folder} can be used, {len(result.skipped):,} were skipped",
            f"`augnet embed {folder}` says why",
        )
    wanted = k if k is not None else min(DEFAULT_K, count_different(collection.embeddings, DEFAULT_K))
    progress.start("clustering", None)
    labels, centres = kmeans(collection.embeddings, wanted, seed)
    nearest = exemplars(collection.embeddings, labels, centres, EXEMPLARS)
    progress.finish()
    images = collection.images
    del collection  # of a million images the embeddings take more room than all that is still to be made
    return ClusterResult(
        folder=result.folder,
        typed_folder=result.typed_folder,
        encoder=result.encoder,
        clusters=_clusters(images, labels, nearest),
        skipped=result.skipped,
        seed=seed,
    )


def _clusters(images: Images, labels: np.ndarray, nearest: tuple[np.ndarray, ...]) -> tuple[Cluster, ...]:
    """Clusters with the paths of their files, the one with most files first."""
    members: list[list[str]] = [[] for _ in nearest]
    for path, label in zip(images.paths, labels[images.rows].tolist(), strict=True):
        members[label].append(path)
    shown = np.concatenate(nearest)
    first = np.unique(images.rows, return_index=True)[1]  # each row has a file
    first_path = {int(row): images.paths[first[row]] for row in shown}
    order = sorted(range(len(nearest)), key=lambda number: (-len(members[number]), number))
    return tuple(
        Cluster(
            id=position,
            size=len(members[number]),
            exemplars=tuple(first_path[int(row)] for row in nearest[number]),
            members=tuple(members[number]),
        )
        for position, number in enumerate(order)
    )
