"""What `cluster` found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from augnet_cli.records import Skip

if TYPE_CHECKING:
    import numpy as np  # named in annotations alone

NO_CLUSTER = -1  # the number of an image that a density view leaves out


@dataclass(frozen=True, slots=True)
class Looks:
    """What can be told of a cluster without knowing what its pictures mean.

    Attributes:
        first_taken, last_taken: by the cameras' clocks, `YYYY-MM-DDTHH:MM:SS`; None where no picture says.
        cameras: name and share of the pictures looked at, commonest first; those without a name don't count.
        colours: `#rrggbb` and share of the pixels looked at, commonest first.
        landscape, portrait, square: shares of all images by shape.
        looked_at: how many images cameras and colours are of: a sample of a large cluster.
    """

    first_taken: str | None = None
    last_taken: str | None = None
    cameras: tuple[tuple[str, float], ...] = ()
    colours: tuple[tuple[str, float], ...] = ()
    landscape: float = 0.0
    portrait: float = 0.0
    square: float = 0.0
    looked_at: int = 0


@dataclass(frozen=True)
class Cluster:
    """Images that belong together in meaning.

    Attributes:
        id: from 0, the largest first, or as an earlier run had it; of a child, within its parent.
        name: words of file and folder names that tell it from the others, else "".
        size: image files, copies included.
        medoid: the image nearest to all others.
        exemplars: the medoid, then each time the image farthest from those before: what it spans.
        members: all its images, in order of path.
        tightness: mean distance of its images to its centre, copies counted once.
        neighbour: id of the cluster whose centre is nearest, at `neighbour_distance`; None where it is alone.
        borderline: images about as near to another centre as to this one, the most doubtful first.
        looks: dates, cameras, colours, shapes.
        children: its sub-clusters, empty for a small one.
    """

    id: int
    size: int
    exemplars: tuple[str, ...]
    members: tuple[str, ...]
    name: str = ""
    medoid: str = ""
    tightness: float = 0.0
    neighbour: int | None = None
    neighbour_distance: float | None = None
    borderline: tuple[str, ...] = ()
    looks: Looks = field(default_factory=Looks)
    children: tuple[Cluster, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlier:
    """An image unlike all others: `distance` is the mean to its nearest ones."""

    path: str
    distance: float


@dataclass(frozen=True, slots=True)
class Flagged:
    """An image with the words that `inspect` has for it, such as `dark` and `blurred`."""

    path: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterCount:
    """How well the images fall into `k` clusters.

    `stability`: agreement (adjusted Rand index) of the clusters of resampled halves, mean over the draws.
    `silhouette`: mean over a sample, in [-1, 1].  `score`: what the choice of k went by.
    """

    k: int
    stability: float
    silhouette: float
    score: float


@dataclass(frozen=True, eq=False)
class Spread:
    """Every image file where it belongs, in order of path; n files.

    Attributes:
        paths: n, relative to the folder.
        clusters: (n,) int32, ids; NO_CLUSTER for noise.
        children: (n,) int32, the id of the sub-cluster; NO_CLUSTER where there is none.
        distances: (n,) float32, to the centre of the cluster; of noise to the nearest one.
        places: (n, 2) float32, x and y of the map, each within [-1, 1]; x grows to the right, y upwards.
        neighbours: (n, j) int32, the nearest other files, by number, nearest first, copies of the file itself
            among them; NO_CLUSTER where there are fewer.
        neighbour_distances: (n, j) float32.
    """

    paths: Sequence[str]
    clusters: np.ndarray
    children: np.ndarray
    distances: np.ndarray
    places: np.ndarray
    neighbours: np.ndarray
    neighbour_distances: np.ndarray


@dataclass(frozen=True)
class ClusterResult:
    """Clusters of a folder.

    Attributes:
        method: `kmeans`, `agglomerative`, `hdbscan` or `scan`.
        chosen: whether the number of clusters was found here, not given.
        noise: images that the density view leaves out, in order of path.
        outliers: the images least like anything else, the oddest first; as many as were asked for.
        curve: what the choice of k was made from; empty where it was given.
        flagged: images with flags, where those are known.
        spread: where each image lies; None where nobody asked for it.
        layout: how the map was made, `pca` or `umap`.
        assigned_to: the folder whose clusters these are, as the user typed it, where it is not `folder`; ""
            where it is.  There may then be clusters of it that no image here belongs to.
        of: how many clusters there are in all; 0 for as many as `clusters`.
        confidence: mean probability of the images' clusters, where the encoder tells them (`scan`).
        typed_encoder: the encoder that the user named, if any.
    """

    folder: str
    typed_folder: str
    encoder: str
    clusters: tuple[Cluster, ...]
    skipped: tuple[Skip, ...]
    seed: int = 0
    method: str = "kmeans"
    chosen: bool = False
    noise: tuple[str, ...] = ()
    outliers: tuple[Outlier, ...] = ()
    curve: tuple[ClusterCount, ...] = ()
    flagged: tuple[Flagged, ...] = ()
    spread: Spread | None = None
    layout: str = "pca"
    assigned_to: str = ""
    of: int = 0
    confidence: float | None = None
    typed_encoder: str | None = None

    @property
    def k(self) -> int:
        """How many clusters there are, those without an image here included."""
        return self.of or len(self.clusters)
