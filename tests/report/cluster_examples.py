"""Small results of `cluster`: one that says all there is to say, and folders of drawn pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import drawn_picture

from augnet_cli.records import Skip
from augnet_cli.results import (
    NO_CLUSTER,
    Cluster,
    ClusterCount,
    ClusterResult,
    Flagged,
    Looks,
    Outlier,
    Spread,
)

LOOKS = Looks(
    first_taken="2019-05-01T10:00:00",
    last_taken="2019-06-12T18:30:00",
    cameras=(("Canon EOS 80D", 0.75), ("Pixel 4", 0.25)),
    colours=(("#3f6b2d", 0.5), ("#48702f", 0.2), ("#808080", 0.3)),
    landscape=0.75,
    portrait=0.25,
    looked_at=4,
)
TOWERS = Cluster(0, 2, ("c/1.jpg",), ("c/1.jpg", "c/2.jpg"), name="towers", medoid="c/1.jpg", tightness=0.11)
WALLS = Cluster(1, 2, ("c/4.jpg",), ("c/3.jpg", "c/4.jpg"), medoid="c/4.jpg", tightness=0.05)
CASTLES = Cluster(
    id=0,
    size=4,
    exemplars=("c/1.jpg", "c/4.jpg"),
    members=("c/1.jpg", "c/2.jpg", "c/3.jpg", "c/4.jpg"),
    name="castles",
    medoid="c/1.jpg",
    tightness=0.31,
    neighbour=1,
    neighbour_distance=0.123456789,
    borderline=("c/3.jpg",),
    looks=LOOKS,
    children=(TOWERS, WALLS),
)
DOGS = Cluster(
    1, 1, ("dog.jpg",), ("dog.jpg",), medoid="dog.jpg", neighbour=0, neighbour_distance=0.123456789
)
PATHS = ("a, noise.jpg", "c/1.jpg", "c/2.jpg", "c/3.jpg", "c/4.jpg", "dog.jpg")
SPREAD = Spread(
    paths=PATHS,
    clusters=np.array([NO_CLUSTER, 0, 0, 0, 0, 1], np.int32),
    children=np.array([NO_CLUSTER, 0, 0, 1, 1, NO_CLUSTER], np.int32),
    distances=np.array([0.9, 0.1, 0.2, 0.3, 0.4, 0.0], np.float32),
    places=np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2),
    neighbours=np.array([[1, 2], [2, 3], [1, 3], [4, 1], [3, 2], [0, NO_CLUSTER]], np.int32),
    neighbour_distances=np.full((6, 2), 0.25, np.float32),
)
FULL = ClusterResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    clusters=(CASTLES, DOGS),
    skipped=(Skip("c.heic", "no HEIF"),),
    seed=3,
    chosen=True,
    noise=("a, noise.jpg",),
    outliers=(Outlier("a, noise.jpg", 0.81234567), Outlier("dog.jpg", 0.5)),
    curve=(ClusterCount(2, 0.91, 0.22, 0.91), ClusterCount(3, 0.5, float("nan"), 0.5)),
    flagged=(Flagged("c/2.jpg", ("dark", "blurred")), Flagged("dog.jpg", ("dark",))),
    spread=SPREAD,
)


def make_clusters(folder: Path, names: tuple[str, ...] = ("castles", "dogs")) -> ClusterResult:
    """Three drawn pictures a cluster, in folders a, b and c with the same names, and one that is noise."""
    clusters = []
    for number, name in enumerate(names):
        members = []
        for part in "abc":
            (folder / part).mkdir(parents=True, exist_ok=True)
            path = f"{part}/{number}.png"
            drawn_picture(10 * number + ord(part), 48, 36).save(folder / path)
            members.append(path)
        children = (Cluster(0, 2, tuple(members[:1]), tuple(members[:2]), name="left"),)
        clusters.append(Cluster(number, 3, tuple(members[:2]), tuple(members), name=name, children=children))
    drawn_picture(99, 48, 36).save(folder / "noise.png")
    noise = ("noise.png",)
    outliers = (Outlier("noise.png", 0.8),)
    return ClusterResult(str(folder), "photos", "abc123", tuple(clusters), (), noise=noise, outliers=outliers)
