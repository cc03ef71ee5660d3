"""What encoders know of classes that nobody told them: clusters and neighbours beside known labels.

    python benchmarks/clusters.py [--encoder FILE]... [--sample 2000] [--seeds 0 1] [--sets cifar10 birds ...]

k-means with as many clusters as there are classes, judged by accuracy under the best matching (ACC) and
normalised mutual information (NMI), and the accuracy of the votes of the 20 nearest neighbours (kNN, leave
one out), on CIFAR-10 and on every labelled collection of the training photos.  Beside the encoder: the same
network before training, its batch norms settled on the images, and colour histograms.
Each seed draws its own sample, starts k-means anew and makes its own untrained network.
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
from augnet_cli.evaluation.clustering import clustering_accuracy, mutual_information
from augnet_cli.evaluation.knn import knn_accuracy

# (n, S, S, 3) uint8 and a seed to (n, d) unit rows.
Space = Callable[[np.ndarray, int], np.ndarray]

HISTOGRAM_BINS = 8  # a channel: 512 colours
TORCH_BATCH = 64  # images the untrained network sees at once
SETTLING = 128  # images whose statistics its batch norms take
PASSES = 40  # over them: running statistics move a tenth of the way at a time


@dataclass(frozen=True)
class Scores:
    """Of one space on one set of images with one seed."""

    accuracy: float
    information: float
    neighbours: float


def encoder_spaces(file: str) -> dict[str, Space]:
    """The embeddings of an encoder file, by name; one that has several adds them here."""
    embedder = Embedder.load(file)
    return {Path(file).name: lambda pixels, seed: embedded(embedder, pixels)}


def histograms(pixels: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, 512) unit rows: square roots of shares of colours; their cosine is Bhattacharyya's coefficient."""
    binned = pixels.astype(np.int64) * HISTOGRAM_BINS // 256
    colours = (binned[..., 0] * HISTOGRAM_BINS + binned[..., 1]) * HISTOGRAM_BINS + binned[..., 2]
    counts = np.stack([np.bincount(each.ravel(), minlength=HISTOGRAM_BINS**3) for each in colours])
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)


def untrained(architecture: dict[str, Any], pixels: np.ndarray, seed: int) -> np.ndarray:
    """(n, d) unit rows of a new network of this architecture."""
    import torch

    from augnet_cli.training.encoder import Encoder, EncoderSpec
    from augnet_cli.training.export import UnitRows

    torch.manual_seed(seed)
    encoder = Encoder(EncoderSpec(**architecture))
    settle(encoder, pixels[np.random.default_rng(seed).permutation(len(pixels))[:SETTLING]])
    network = UnitRows(encoder).eval()
    starts = range(0, len(pixels), TORCH_BATCH)
    with torch.inference_mode():
        rows = [network(torch.from_numpy(pixels[start : start + TORCH_BATCH])) for start in starts]
    return torch.cat(rows).numpy()


def settle(encoder: Any, pixels: np.ndarray) -> None:
    """Give the network the images' mean and deviation, and its batch norms their statistics.

    Otherwise all its embeddings lie in one narrow cone, and it would be no opponent.
    """
    import torch

    encoder.mean.copy_(torch.from_numpy(pixels.mean(axis=(0, 1, 2)) / 255))
    encoder.std.copy_(torch.from_numpy(pixels.std(axis=(0, 1, 2)) / 255))
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    encoder.train()
    with torch.no_grad():
        for _ in range(PASSES):
            encoder(images)
    encoder.eval()


def score(rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    clusters, _ = kmeans(rows, len(np.unique(labels)), seed)
    return Scores(
        clustering_accuracy(labels, clusters),
        mutual_information(labels, clusters),
        knn_accuracy(rows, labels),
    )


def spaces_of(encoders: Sequence[str]) -> dict[str, tuple[str, Space]]:
    """By the name in the table: the encoder file whose input it takes, and the space."""
    found: dict[str, tuple[str, Space]] = {}
    for file in encoders:
        found |= {name: (file, space) for name, space in encoder_spaces(file).items()}
    first = encoders[0]
    architecture = dict(Embedder.load(first).card.architecture)
    found["untrained"] = (first, lambda pixels, seed: untrained(architecture, pixels, seed))
    found["colour histograms"] = (first, histograms)
    return found


def table_rows(
    images: Labelled, spaces: dict[str, tuple[str, Space]], sample: int, seeds: Sequence[int]
) -> list[list[str]]:
    """The rows of one set of images."""
    samples = [np.random.default_rng(seed).permutation(len(images.labels))[:sample] for seed in seeds]
    classes = len(np.unique(images.labels))
    title = f"{images.name}: {min(sample, len(images.labels)):,} images, {classes} classes"
    rows = []
    pixels: dict[str, np.ndarray] = {}
    for name, (file, space) in spaces.items():
        if file not in pixels:
            pixels = {file: images.squares(Embedder.load(file).resize)}
        scores = []
        for seed, chosen in zip(seeds, samples, strict=True):
            print(f"{images.name}, {name}, seed {seed}", file=sys.stderr)
            scores.append(score(space(pixels[file][chosen], seed), images.labels[chosen], seed))
        cells = [
            [getattr(each, field) for each in scores] for field in ("accuracy", "information", "neighbours")
        ]
        rows.append([title if not rows else "", name, *map(spread, cells)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", action="append", help="repeatable; default: the shipped one")
    parser.add_argument("--sample", type=int, default=2000, help="images of each set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--sets", nargs="+", help="names of sets; default: all")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    spaces = spaces_of(arguments.encoder or [shipped_encoder()])
    rows = []
    for images in (cifar10(), *photo_sets()):
        if not arguments.sets or images.name in arguments.sets:
            rows += table_rows(images, spaces, arguments.sample, arguments.seeds)
    table = markdown(("", "", "ACC", "NMI", "kNN"), rows)
    if arguments.print_only:
        print(table)
    else:
        put("clusters", table)


if __name__ == "__main__":
    main()
