"""`cluster`: images of a folder that belong together in meaning, and what can be told of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from augnet_cli.clusters.once import standing_for
from augnet_cli.clusters.outliers import oddest, oddness
from augnet_cli.clusters.partition import MAX_SEED, check_different
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.kept_clusters import keep_clusters, kept_clusters
from augnet_cli.pipeline.parting import Parted, Wish, check_wish, part
from augnet_cli.pipeline.portraying import portrayed
from augnet_cli.pipeline.refresh import FolderRequest, Fresh, refreshed
from augnet_cli.pipeline.spreading import PCA, spread_out
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import ClusterResult, Outlier
from augnet_cli.search.exact import pairs_within
from augnet_cli.store.columns import Collection


@dataclass(frozen=True)
class ClusterRequest:
    """What `cluster` may be told beside the folder.

    Attributes:
        wish: method, number, seed, whether near copies are counted once.
        outliers: how many of the oddest images to tell.
        spread: whether to tell where each image lies, for a map or a table.
        layout: how the map is made, `pca` or `umap`.
        anew: whether to forget what the last run found, and with it the numbers of the clusters.
    """

    wish: Wish = field(default_factory=Wish)
    outliers: int = 0
    spread: bool = False
    layout: str = PCA
    anew: bool = False


def cluster(
    request: FolderRequest, asked: ClusterRequest | None = None, progress: Progress = SILENT
) -> ClusterResult:
    """Split the images of a folder into clusters, and large ones into sub-clusters.

    Near copies count once, so that they don't pull a centre; all of them are members.  The same folder and
    seed give the same clusters; after images came or went, clusters keep their numbers.

    Raises:
        UsageError: fewer different images than clusters are wanted, or options that exclude each other.
        FolderError: as `refreshed`; also where no image can be used.
        StoreError, EncoderError: as `refreshed`.
        MissingExtraError: `layout` needs a library that is not installed.
    """
    asked = asked or ClusterRequest()
    _check(asked)
    with refreshed(request, progress) as fresh:
        collection = fresh.collection()
        _require_images(request, fresh, collection)
        hashes = collection.images.contents.hashes
        once = _standing_for(collection, fresh.embedder.card.threshold, asked.wish, progress)
        parted = _parted(fresh, collection, once, asked, progress)
        keep_clusters(fresh.store.place, fresh.embedder.id, asked.wish, hashes, parted)
        return _told(fresh, collection, once, parted, asked, progress)


def _check(asked: ClusterRequest) -> None:
    check_wish(asked.wish)
    if not 0 <= asked.wish.seed <= MAX_SEED:
        raise UsageError(f"the seed {asked.wish.seed} is out of range", f"use a seed from 0 to {MAX_SEED}")
    if asked.outliers < 0:
        raise UsageError(f"{asked.outliers} outliers can't be told", "use --outliers 0 or more")


def _require_images(request: FolderRequest, fresh: Fresh, collection: Collection) -> None:
    if not collection.images:
        folder = shown(request.folder)
        raise FolderError(
            f"none of the images of {folder} can be used, {len(fresh.result.skipped):,} were skipped",
            f"`augnet embed {folder}` says why",
        )


def _standing_for(collection: Collection, threshold: float, wish: Wish, progress: Progress) -> np.ndarray:
    """(m,) int64: the row that is counted for each; rows are contents."""
    rows = len(collection.embeddings)
    if wish.k is not None:
        check_different(collection.embeddings, wish.k)
    if not wish.dedupe_first:
        return np.arange(rows)
    once = standing_for(pairs_within(collection.embeddings, threshold, progress), rows)
    # Where near copies are nearly all there is, they are what is asked for.
    enough = wish.k is None or len(np.unique(once)) >= wish.k
    return once if enough else np.arange(rows)


def _parted(
    fresh: Fresh, collection: Collection, once: np.ndarray, asked: ClusterRequest, progress: Progress
) -> Parted:
    """Labels of all contents (m,)."""
    known = None
    hashes = collection.images.contents.hashes
    if not asked.anew:
        known = kept_clusters(fresh.store.place, fresh.embedder.id, asked.wish, hashes)
    if known is not None and known[1]:
        return known[0]
    counted = np.flatnonzero(once == np.arange(len(once)))
    before = None
    if known is not None:
        told = known[0]
        before = replace(told, labels=told.labels[counted], children=told.children[counted])
    place = np.searchsorted(counted, once)
    weights = np.bincount(place[collection.images.rows], minlength=len(counted))
    parted = part(collection.embeddings[counted], weights, asked.wish, before, progress)
    return replace(parted, labels=parted.labels[place], children=parted.children[place])


def _told(
    fresh: Fresh,
    collection: Collection,
    once: np.ndarray,
    parted: Parted,
    asked: ClusterRequest,
    progress: Progress,
) -> ClusterResult:
    images, embeddings = collection.images, collection.embeddings
    counted = np.flatnonzero(once == np.arange(len(once)))
    clusters, centres = portrayed(images, embeddings, counted, parted)
    outliers: tuple[Outlier, ...] = ()
    first = np.unique(images.rows, return_index=True)[1]  # each row has a file
    if asked.outliers:
        progress.start("comparing neighbours", None)
        odd = oddness(embeddings[counted])
        progress.finish()
        outliers = tuple(
            Outlier(images.paths[int(first[counted[place]])], float(odd[place]))
            for place in oddest(odd, asked.outliers).tolist()
        )
    noise = parted.labels[images.rows] < 0
    return ClusterResult(
        folder=fresh.result.folder,
        typed_folder=fresh.result.typed_folder,
        encoder=fresh.result.encoder,
        clusters=clusters,
        skipped=fresh.result.skipped,
        seed=asked.wish.seed,
        method=asked.wish.method,
        chosen=asked.wish.k is None,
        noise=tuple(images.paths[int(number)] for number in np.flatnonzero(noise)),
        outliers=outliers,
        curve=parted.curve,
        spread=spread_out(images, embeddings, parted, centres, asked.layout, asked.wish.seed, progress)
        if asked.spread
        else None,
        layout=asked.layout,
    )
