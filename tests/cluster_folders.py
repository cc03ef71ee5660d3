"""A folder of drawn pictures, and the clusters they are in."""

from __future__ import annotations

from pathlib import Path

from conftest import drawn_picture

from augnet_cli.results import Cluster, ClusterResult, Outlier


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
    drawn_picture(5, 48, 36).save(folder / "noise.png")
    noise = ("noise.png",)
    outliers = (Outlier("noise.png", 0.8),)
    return ClusterResult(str(folder), "photos", "abc123", tuple(clusters), (), noise=noise, outliers=outliers)
