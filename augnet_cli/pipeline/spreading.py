"""Where each image of a folder lies: a map, the distance to its centre, and its neighbours."""

from __future__ import annotations

import importlib.util

import numpy as np

from augnet_cli.clusters.exemplars import distances_to
from augnet_cli.clusters.space import look_space, main_directions
from augnet_cli.errors import MissingExtraError, UsageError
from augnet_cli.extras import how_to_install
from augnet_cli.pipeline.parting import Parted
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import NO_CLUSTER, Spread
from augnet_cli.search.running_top import nearest_nearly
from augnet_cli.store.columns import Images

PCA, UMAP = "pca", "umap"
NEIGHBOURS = 10


def check_layout(layout: str) -> None:
    """Refuse before the work a map that can't be made after it.

    Raises:
        UsageError: there is no such layout.
        MissingExtraError: UMAP is not installed.
    """
    if layout not in (PCA, UMAP):
        raise UsageError(f"there is no layout named {layout}", f"choose {PCA} or {UMAP}")
    if layout == UMAP and importlib.util.find_spec("umap") is None:
        raise MissingExtraError("--layout umap needs the package umap-learn", how_to_install("umap"))


def spread_out(
    images: Images,
    embeddings: np.ndarray,
    parted: Parted,
    centres: np.ndarray,
    layout: str,
    seed: int,
    progress: Progress = SILENT,
) -> Spread:
    """Where each file lies.

    Args:
        embeddings: (m, d), a row a content.
        parted: labels (m,).
        centres: (k, d) unit rows.
    """
    rows = images.rows
    progress.start("drawing a map", None)
    places = _places(embeddings, layout, seed)
    apart = distances_to(embeddings, centres) if len(centres) else np.zeros((len(embeddings), 1), np.float32)
    own = np.where(parted.labels >= 0, parted.labels, apart.argmin(axis=1))
    near, distances = _neighbours(images, embeddings)
    progress.finish()
    return Spread(
        paths=images.paths,
        clusters=parted.labels[rows].astype(np.int32),
        children=parted.children[rows].astype(np.int32),
        distances=apart[np.arange(len(own)), own][rows],
        places=places[rows],
        neighbours=near,
        neighbour_distances=distances,
    )


def _places(embeddings: np.ndarray, layout: str, seed: int) -> np.ndarray:
    """(m, 2) float32 in [-1, 1], both axes in one scale."""
    if layout == UMAP:
        placed = _by_umap(embeddings, seed)
    else:
        placed = main_directions(look_space(embeddings, seed), 2)
    if placed.shape[1] < 2:
        placed = np.pad(placed, ((0, 0), (0, 2 - placed.shape[1])))
    low, high = placed.min(axis=0), placed.max(axis=0)
    half = max(float((high - low).max()) / 2, np.finfo(np.float32).tiny)
    scaled: np.ndarray = np.clip((placed - (low + high) / 2) / half, -1, 1).astype(np.float32)
    return scaled


def _by_umap(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """McInnes, Healy and Melville, "UMAP", 2018, with its own defaults."""
    import umap

    placed: np.ndarray = umap.UMAP(metric="cosine", random_state=seed, n_jobs=1).fit_transform(embeddings)
    return placed


def _neighbours(images: Images, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, j) numbers of the nearest other files, and how far they are; copies of a file come first."""
    by_content = np.argsort(images.rows, kind="stable")
    counts = np.bincount(images.rows, minlength=len(embeddings))
    starts = np.cumsum(counts) - counts
    near, apart = nearest_nearly(embeddings, embeddings, min(NEIGHBOURS + 1, len(embeddings)))
    files = np.full((len(images), NEIGHBOURS), NO_CLUSTER, np.int32)
    distances = np.full((len(images), NEIGHBOURS), np.nan, np.float32)
    for number, row in enumerate(images.rows.tolist()):
        # The row itself first, whatever rounding says of equal rows.
        others = [
            (other, far)
            for other, far in zip(near[row].tolist(), apart[row].tolist(), strict=True)
            if other != row
        ]
        found = 0
        for other, far in ((row, 0.0), *others):
            held = by_content[starts[other] : starts[other] + counts[other]]
            held = held[held != number][: NEIGHBOURS - found]
            files[number, found : found + len(held)] = held
            distances[number, found : found + len(held)] = far
            found += len(held)
    return files, distances
