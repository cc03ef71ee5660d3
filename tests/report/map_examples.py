"""A folder of flat pictures, each in a colour of its own, with harmful names, and where they lie on a map."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from page_examples import BACKWARDS, BROKEN_LINE, IMAGE_TAG, NO_UTF8, SCRIPT_TAG
from PIL import Image

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

HARMFUL = (IMAGE_TAG, SCRIPT_TAG, BROKEN_LINE, NO_UTF8, BACKWARDS)
CUT_SHORT = "cut short.png"
WIDTH, HEIGHT = 64, 48
MIDDLES = ((-0.8, -0.4), (0.8, -0.4), (0.0, 0.8))
NAMES = ("<b>odd</b> names", "red, warm", "")
IDS = (7, 0, 3)  # as an earlier run had them
NEAREST = 2


def colour_of(number: int) -> tuple[int, int, int]:
    """Far apart for any two numbers under 125."""
    return 20 + 50 * (number % 5), 20 + 50 * (number // 5 % 5), 20 + 50 * (number // 25)


def spread_of(paths: Sequence[str], labels: np.ndarray, places: np.ndarray) -> Spread:
    """Two halves in each cluster; the neighbours of an image are the next ones in order of path."""
    count = len(paths)
    near = np.arange(count)[:, None] + np.arange(1, NEAREST + 1)
    return Spread(
        paths,
        labels.astype(np.int32),
        np.where(labels == NO_CLUSTER, NO_CLUSTER, np.arange(count) % 2).astype(np.int32),
        np.linspace(0.1, 0.4, count, dtype=np.float32),
        places.astype(np.float32),
        np.where(near < count, near, NO_CLUSTER).astype(np.int32),
        np.where(near < count, 0.25, np.inf).astype(np.float32),
    )


def make_map_folder(folder: Path) -> ClusterResult:
    """Write the pictures; the result has three clusters of eight, two images of noise, one that is broken."""
    names = [*HARMFUL, CUT_SHORT, "a/0.png", "a/1.png"]
    names += [f"b/{number}.png" for number in range(8)] + [f"c/{number}.png" for number in range(8)]
    names += ["noise/far.png", "noise/out.png"]
    of = {name: number // 8 if number < 24 else NO_CLUSTER for number, name in enumerate(names)}
    paths = sorted(names, key=os.fsencode)
    for number, path in enumerate(paths):
        file = os.path.join(folder, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT), colour_of(number)).save(file, "PNG")
    (folder / CUT_SHORT).write_bytes((folder / "a/0.png").read_bytes()[:60])
    labels = np.array([IDS[of[path]] if of[path] != NO_CLUSTER else NO_CLUSTER for path in paths])
    places = np.array([_place(number, of[path]) for number, path in enumerate(paths)])
    members = [tuple(path for path in paths if of[path] == place) for place in range(3)]
    spread = spread_of(paths, labels, places)
    clusters = tuple(_cluster(place, members[place], spread) for place in range(3))
    return ClusterResult(
        str(folder),
        "photos",
        "abc123",
        clusters,
        (Skip("<i>old</i>.tif", "can't decode <i>this</i>"),),
        method="hdbscan",
        chosen=True,
        noise=("noise/far.png", "noise/out.png"),
        outliers=(Outlier("noise/out.png", 0.61), Outlier("b/1.png", 0.5)),
        curve=(
            ClusterCount(2, 0.9, 0.3, 0.5),
            ClusterCount(3, 0.95, 0.4, 0.7),
            ClusterCount(5, 0.5, 0.2, 0.3),
        ),
        flagged=(Flagged("b/2.png", ("dark", "blurred")),),
        spread=spread,
    )


def _place(number: int, cluster: int) -> tuple[float, float]:
    """Eight places in two columns around a middle; noise in the corners."""
    if cluster == NO_CLUSTER:
        return (-1.0, 1.0) if number % 2 else (1.0, 1.0)
    x, y = MIDDLES[cluster]
    return x + 0.2 * (number % 2) - 0.1, y + 0.12 * (number // 2 % 4) - 0.18


def _cluster(place: int, members: tuple[str, ...], spread: Spread) -> Cluster:
    parts = tuple(
        Cluster(half, len(held), held[:2], held, f"half {half}", held[0])
        for half, held in enumerate(
            tuple(path for path in members if spread.paths.index(path) % 2 == half) for half in (0, 1)
        )
    )
    return Cluster(
        IDS[place],
        len(members),
        members[:3],
        members,
        NAMES[place],
        medoid=members[-1],
        tightness=0.123456,
        neighbour=IDS[(place + 1) % 3],
        neighbour_distance=0.3,
        borderline=members[3:5],
        looks=Looks(
            "2019-02-01T10:00:00", "2021-12-24T18:30:00", (("<i>Camera</i> & co", 0.6),),
            (("#aa3311", 0.7), ("#ffffff", 0.3)), 0.75, 0.25, 0.0, 8,
        ),
        children=parts,
    )  # fmt: skip
