"""What encoders know of classes that nobody told them: clusters and neighbours beside known labels.

    python benchmarks/clusters.py [--encoder FILE]... [--sample 2000] [--seeds 0 1 2 3 4] [--sets cifar10 ...]

As many clusters as there are classes, judged by accuracy under the best matching (ACC), normalised mutual
information (NMI) and the adjusted Rand index (ARI), and the accuracy of the votes of the 20 nearest
neighbours (kNN, leave one out), on CIFAR-10 and on every labelled collection of the training photos:
clusters as `augnet cluster --k` finds them, and k-means on its embeddings, on those of the same network
before training, its batch norms settled on the images, and on colour histograms.  A second table has what
`--k auto` finds.
Each seed draws its own sample, starts anew and makes its own untrained network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from altered import embedded
from labelled import Labelled, cifar10, photo_sets
from tables import markdown, put, spread

from augnet_cli.clusters.partition import kmeans
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.clustering import (
    adjusted_rand_index,
    clustering_accuracy,
    mutual_information,
)
from augnet_cli.evaluation.knn import knn_accuracy
from augnet_cli.pipeline.parting import Parted, Wish, part

# (n, S, S, 3) uint8 and a seed to (n, d) unit rows.
Space = Callable[[np.ndarray, int], np.ndarray]

UNSEEN = "cifar10"  # the only set whose images no training saw
HISTOGRAM_BINS = 8  # a channel: 512 colours


@dataclass(frozen=True)
class Scores:
    """Of one space on one set of images with one seed."""

    accuracy: float
    information: float
    rand: float
    neighbours: float


# Rows, the number of classes and a seed to clusters.
Clusterer = Callable[[np.ndarray, int, int], np.ndarray]


def as_augnet_does(rows: np.ndarray, k: int | None, seed: int) -> Parted:
    """Clusters of rows that all count."""
    return part(rows, np.ones(len(rows)), Wish(k=k, seed=seed), None)


def by_kmeans(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    return kmeans(rows, k, seed)[0]


def histograms(pixels: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, 512) unit rows: square roots of shares of colours; their cosine is Bhattacharyya's coefficient."""
    binned = pixels.astype(np.int64) * HISTOGRAM_BINS // 256
    colours = (binned[..., 0] * HISTOGRAM_BINS + binned[..., 1]) * HISTOGRAM_BINS + binned[..., 2]
    counts = np.stack([np.bincount(each.ravel(), minlength=HISTOGRAM_BINS**3) for each in colours])
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)


def untrained(architecture: dict[str, Any], pixels: np.ndarray, seed: int) -> np.ndarray:
    """(n, d) unit rows of a new network of this architecture."""
    from augnet_cli.training.untrained import SETTLING, untrained_encoder

    settling = pixels[np.random.default_rng(seed).permutation(len(pixels))[:SETTLING]]
    return untrained_encoder(architecture, settling, seed).embed(pixels)


def score(rows: np.ndarray, labels: np.ndarray, clusters: np.ndarray) -> Scores:
    return Scores(
        clustering_accuracy(labels, clusters),
        mutual_information(labels, clusters),
        adjusted_rand_index(labels, clusters),
        knn_accuracy(rows, labels),
    )


def spaces_of(encoders: Sequence[str]) -> dict[str, tuple[str, Space, Clusterer]]:
    """By the name in the table: the encoder file whose input it takes, the space, and what clusters there."""
    found: dict[str, tuple[str, Space, Clusterer]] = {}
    for file in encoders:
        embedder = Embedder.load(file)

        def space(pixels: np.ndarray, seed: int, embedder: Embedder = embedder) -> np.ndarray:
            return embedded(embedder, pixels)

        ours: Clusterer = lambda rows, k, seed: as_augnet_does(rows, k, seed).labels  # noqa: E731
        found[f"augnet cluster, {Path(file).name}"] = (file, space, ours)
        found[f"k-means, {Path(file).name}"] = (file, space, by_kmeans)
    first = encoders[0]
    architecture = dict(Embedder.load(first).card.architecture)
    found["k-means, untrained"] = (
        first,
        lambda pixels, seed: untrained(architecture, pixels, seed),
        by_kmeans,
    )
    found["k-means, colour histograms"] = (first, histograms, by_kmeans)
    return found


def title_of(images: Labelled, sample: int) -> str:
    seen = "" if images.name == UNSEEN else ", seen without labels"
    classes = len(np.unique(images.labels))
    return f"{images.name}{seen}: {min(sample, len(images.labels)):,} images, {classes} classes"


def drawn(images: Labelled, sample: int, seed: int) -> np.ndarray:
    """Which images serve for a seed."""
    return np.random.default_rng(seed).permutation(len(images.labels))[:sample]


def given_rows(
    images: Labelled, spaces: dict[str, tuple[str, Space, Clusterer]], sample: int, seeds: Sequence[int]
) -> list[list[str]]:
    """The rows of one set of images, with the number of classes given."""
    classes = len(np.unique(images.labels))
    rows = []
    pixels: dict[str, np.ndarray] = {}
    for name, (file, space, clusterer) in spaces.items():
        if file not in pixels:
            pixels = {file: images.squares(Embedder.load(file).resize)}
        scores = []
        for seed in seeds:
            print(f"{images.name}, {name}, seed {seed}", file=sys.stderr)
            chosen = drawn(images, sample, seed)
            placed = space(pixels[file][chosen], seed)
            scores.append(score(placed, images.labels[chosen], clusterer(placed, classes, seed)))
        fields = ("accuracy", "information", "rand", "neighbours")
        cells = [[getattr(each, field) for each in scores] for field in fields]
        rows.append([title_of(images, sample) if not rows else "", name, *map(spread, cells)])
    return rows


def found_row(images: Labelled, file: str, sample: int, seeds: Sequence[int]) -> list[str]:
    """What `--k auto` finds in one set of images."""
    embedder = Embedder.load(file)
    pixels = images.squares(embedder.resize)
    numbers, scores = [], []
    for seed in seeds:
        print(f"{images.name}, --k auto, seed {seed}", file=sys.stderr)
        chosen = drawn(images, sample, seed)
        placed = embedded(embedder, pixels[chosen])
        parted = as_augnet_does(placed, None, seed)
        numbers.append(parted.k)
        scores.append(score(placed, images.labels[chosen], parted.labels))
    classes = len(np.unique(images.labels))
    near = sum(classes / 2 <= number <= classes * 2 for number in numbers)
    cells = [[getattr(each, field) for each in scores] for field in ("accuracy", "information", "rand")]
    return [
        title_of(images, sample),
        ", ".join(map(str, numbers)),
        f"{near} of {len(numbers)}",
        *map(spread, cells),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", action="append", help="repeatable; default: the shipped one")
    parser.add_argument("--sample", type=int, default=2000, help="images of each set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--sets", nargs="+", help="names of sets; default: all")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    encoders = arguments.encoder or [shipped_encoder()]
    spaces = spaces_of(encoders)
    given, found = [], []
    for images in (cifar10(), *photo_sets()):
        if not arguments.sets or images.name in arguments.sets:
            given += given_rows(images, spaces, arguments.sample, arguments.seeds)
            found.append(found_row(images, encoders[0], arguments.sample, arguments.seeds))
    tables = {
        "clusters": markdown(("", "", "ACC", "NMI", "ARI", "kNN"), given),
        "clusters-found": markdown(
            ("", "k found, by seed", "within a factor of two", "ACC", "NMI", "ARI"), found
        ),
    }
    for name, table in tables.items():
        if arguments.print_only:
            print(table, flush=True)
        else:
            put(name, table)


if __name__ == "__main__":
    main()
