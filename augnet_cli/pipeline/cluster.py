"""`cluster`: images of a folder that belong together in meaning, and what can be told of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from augnet_cli.clusters.once import standing_for
from augnet_cli.clusters.outliers import oddest, oddness
from augnet_cli.clusters.partition import MAX_SEED, check_different
from augnet_cli.errors import UnusableFolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.assignments import assignments
from augnet_cli.pipeline.kept_clusters import (
    KeptClusters,
    keep_clusters,
    kept_clusters,
    key_of,
    looks_text,
    with_kept_looks,
)
from augnet_cli.pipeline.looking import looked_at
from augnet_cli.pipeline.parting import SCAN, Parted, Wish, check_wish, part
from augnet_cli.pipeline.portraying import portrayed
from augnet_cli.pipeline.refresh import FolderRequest, Fresh, refreshed
from augnet_cli.pipeline.sampled_looks import with_looks
from augnet_cli.pipeline.spreading import PCA, check_layout, spread_out
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterResult, Flagged, Outlier
from augnet_cli.results.inspect import HARMLESS
from augnet_cli.search.exact import pairs_within
from augnet_cli.store.columns import Collection, Images, rows_at


@dataclass(frozen=True)
class ClusterRequest:
    """What `cluster` may be told beside the folder.

    Attributes:
        wish: method, number, seed, whether near copies are counted once.
        outliers: how many of the oddest images to tell.
        spread: whether to tell where each image lies, for a map or a table.
        layout: how the map is made, `pca` or `umap`.
        anew: whether to forget what the last run found, and with it the numbers of the clusters.
        flags: whether to look at each picture for what `inspect` flags; else flags that are known are told.
    """

    wish: Wish = field(default_factory=Wish)
    outliers: int = 0
    spread: bool = False
    layout: str = PCA
    anew: bool = False
    flags: bool = False


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
    check_request(asked)
    with refreshed(request, progress) as fresh:
        found = found_clusters(fresh, asked, progress)
        return _told(fresh, found, asked, progress)


@dataclass(frozen=True)
class Found:
    """Clusters of an open store.

    Attributes:
        counted: rows (contents) that count, one of each set of near copies.
        parted: labels of all contents.
        clusters: as they are told.
        centres: (k, d) float32 unit rows.
        assigned: (m,) int64, under SCAN the encoder's own cluster of each content; else None.
        confidence: mean probability of those; NaN without them.
        of: how many clusters the encoder tells apart; 0 without them.
    """

    collection: Collection
    counted: np.ndarray
    parted: Parted
    clusters: tuple[Cluster, ...]
    centres: np.ndarray
    assigned: np.ndarray | None = None
    confidence: float = math.nan
    of: int = 0


def found_clusters(fresh: Fresh, asked: ClusterRequest, progress: Progress) -> Found:
    """Find the clusters of a store, or take those that it keeps, and keep them.

    Raises:
        UsageError, FolderError: as `cluster`.
    """
    collection = fresh.collection()
    require_images(fresh, collection)
    hashes = collection.images.contents.hashes
    assigned, confidence, of = None, math.nan, 0
    if asked.wish.method == SCAN:
        shares = assignments(fresh, collection.images, progress)
        assigned, confidence = own_clusters(shares)
        of = shares.shape[1]
    place, threshold = fresh.store.place, fresh.embedder.card.threshold
    key = key_of(fresh.embedder.id, threshold, asked.wish, fresh.request.exclude)
    kept = None if asked.anew else kept_clusters(place, key, hashes)
    # Of an unchanged folder the search is most of the work.
    once = kept.once if kept is not None else None
    if once is None:
        once = _standing_for(collection, threshold, asked.wish, progress)
    parted = _parted(collection, once, asked.wish, kept, assigned, progress)
    counted = np.flatnonzero(once == np.arange(len(once)))
    drawn, centres = portrayed(collection.images, collection.embeddings, counted, parted)
    # Of an unchanged folder no file is opened.
    clusters = with_kept_looks(drawn, kept.looks) if kept is not None and kept.is_same else None
    if clusters is None:
        clusters = with_looks(drawn, fresh.request, progress)
        keep_clusters(place, key, hashes, parted, once, looks_text(clusters))
    return Found(collection, counted, parted, clusters, centres, assigned, confidence, of)


def own_clusters(shares: np.ndarray) -> tuple[np.ndarray, float]:
    """The likeliest cluster of each row of (m, C) probabilities, NO_CLUSTER of NaN; the mean of its own."""
    known = ~np.isnan(shares[:, 0])
    labels = np.full(len(shares), NO_CLUSTER, np.int64)
    labels[known] = shares[known].argmax(axis=1)
    return labels, float(shares[known].max(axis=1).mean()) if known.any() else math.nan


def check_request(asked: ClusterRequest) -> None:
    """Refuse what can't be asked for.

    Raises:
        UsageError: a number out of its range, or options that exclude each other.
    """
    check_wish(asked.wish)
    check_layout(asked.layout)
    if not 0 <= asked.wish.seed <= MAX_SEED:
        raise UsageError(f"the seed {asked.wish.seed} is out of range", f"use a seed from 0 to {MAX_SEED}")
    if asked.outliers < 0:
        raise UsageError(f"{asked.outliers} outliers can't be told", "use --outliers 0 or more")


def require_images(fresh: Fresh, collection: Collection) -> None:
    """Refuse a folder of which no image can be used.

    Raises:
        UnusableFolderError: that is so.
    """
    if not collection.images:
        folder = shown(fresh.request.folder)
        raise UnusableFolderError(
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
    collection: Collection,
    once: np.ndarray,
    wish: Wish,
    kept: KeptClusters | None,
    assigned: np.ndarray | None,
    progress: Progress,
) -> Parted:
    """Labels of all contents (m,)."""
    if kept is not None and kept.is_same:
        return kept.parted
    counted = np.flatnonzero(once == np.arange(len(once)))
    before = None
    if kept is not None:
        told = kept.parted
        before = replace(told, labels=told.labels[counted], children=told.children[counted])
    place = np.searchsorted(counted, once)
    weights = np.bincount(place[collection.images.rows], minlength=len(counted))
    own = None if assigned is None else assigned[counted]
    parted = part(rows_at(collection.embeddings, counted), weights, wish, before, progress, own)
    return replace(parted, labels=parted.labels[place], children=parted.children[place])


def _told(fresh: Fresh, found: Found, asked: ClusterRequest, progress: Progress) -> ClusterResult:
    images, parted = found.collection.images, found.parted
    spread = None
    if asked.spread:
        embeddings, seed = found.collection.embeddings, asked.wish.seed
        spread = spread_out(images, embeddings, parted, found.centres, asked.layout, seed, progress)
    noise = np.flatnonzero(parted.labels[images.rows] < 0)
    return ClusterResult(
        folder=fresh.result.folder,
        typed_folder=fresh.result.typed_folder,
        encoder=fresh.result.encoder,
        clusters=found.clusters,
        skipped=fresh.result.skipped,
        seed=asked.wish.seed,
        method=asked.wish.method,
        chosen=asked.wish.k is None and asked.wish.method != SCAN,
        of=found.of,
        confidence=None if math.isnan(found.confidence) else found.confidence,
        noise=tuple(images.paths[number] for number in noise.tolist()),
        outliers=_outliers(found, asked.outliers, progress),
        curve=parted.curve,
        flagged=_flagged(fresh, images, asked, progress),
        spread=spread,
        layout=asked.layout,
        typed_encoder=fresh.request.encoder,
    )


def _outliers(found: Found, wanted: int, progress: Progress) -> tuple[Outlier, ...]:
    if not wanted:
        return ()
    images = found.collection.images
    progress.start("comparing neighbours", None)
    odd = oddness(rows_at(found.collection.embeddings, found.counted))
    progress.finish()
    first = np.unique(images.rows, return_index=True)[1]  # each row has a file
    return tuple(
        Outlier(images.paths[int(first[found.counted[place]])], float(odd[place]))
        for place in oddest(odd, wanted).tolist()
    )


def _flagged(fresh: Fresh, images: Images, asked: ClusterRequest, progress: Progress) -> tuple[Flagged, ...]:
    """Images with flags, without those that are grey and nothing else: no fault, and whole folders are."""
    found = looked_at(fresh, images, progress, only_known=not asked.flags)
    return tuple(one for one in found if set(one.flags) - HARMLESS)
