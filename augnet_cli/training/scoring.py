"""What an encoder can do on the images at hand: it finds their altered copies among all the others.

Copies are made by `copy_views`, milder than for training, so nothing here needs a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from augnet_cli.duplicates.calibrate import threshold_for_precision
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.images.squares import square
from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.distinct import THUMBNAIL_SIDE, same_pictures
from augnet_cli.training.embedding import GivesUnitRows, embed_images
from augnet_cli.training.evidence import rounded_distances
from augnet_cli.training.export import recarded
from augnet_cli.training.pixels import PixelCache

SAMPLE = 2000  # images: 2 million pairs of different ones show one false pair in a thousand copies
# With fewer, the nearest of their pairs say little of how near different pictures come.
FEWEST_FOR_THRESHOLDS = 1000
COPIES = 2  # altered copies of each
SCORE_BATCH = 64  # images, with their copies, at a time
FRESH = 1 << 31  # stands where training has the epoch: no copy is one that was trained on
PRECISIONS = (0.9, 0.99, 0.999)


@dataclass(frozen=True)
class CopyScores:
    """`thresholds` and `recalls` by precision as text; `sample` images were judged."""

    thresholds: dict[str, float]
    recalls: dict[str, float]
    sample: int


def stricter(own: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """At each precision the nearer of two distances; where only the first knows one, that."""
    return {level: min(distance, before.get(level, distance)) for level, distance in own.items()}


def images_of_score(images: int) -> int:
    """How many pictures, copies included, `score_copies` embeds of a folder's `images`."""
    return min(images, SAMPLE) * (1 + COPIES)


def score_copies(encoder: GivesUnitRows, pixels: PixelCache, seed: int, device: torch.device) -> CopyScores:
    """Measure where the copies of a sample of `pixels` are told from other images, and how many are found."""
    own, others = sample_distances(encoder, pixels, seed, device)
    thresholds, recalls = {}, {}
    for precision in PRECISIONS:
        threshold, recall = threshold_for_precision(own, others, precision)
        # Rounded down, so that the card's short number never lets in more than was measured.
        thresholds[str(precision)] = float(np.floor(threshold * 1e4) / 1e4)
        recalls[str(precision)] = round(recall, 4)
    return CopyScores(thresholds, recalls, min(SAMPLE, len(pixels)))


def measured(embedder: Embedder, scores: CopyScores) -> Embedder:
    """The encoder file with `scores` on its card, opened anew.

    Raises:
        TrainingError: it can't be written.
    """
    recalls = {f"copy_recall_at_precision_{level}": recall for level, recall in scores.recalls.items()}
    return recarded(embedder, replace(embedder.card, thresholds=scores.thresholds, scores=recalls))


def sample_distances(
    encoder: GivesUnitRows, pixels: PixelCache, seed: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of a sample of `pixels` to altered copies of themselves, and of pairs of different images."""
    rows = np.random.default_rng([seed, FRESH]).permutation(len(pixels))[:SAMPLE]
    originals = embed_images(encoder, lambda i: pixels.image(int(rows[i])), len(rows), device)
    copies = _copy_embeddings(encoder, pixels, rows, seed, device)
    # A folder to be rid of its duplicates holds some; taken for false alarms, they would allow no threshold.
    same = same_pictures([square(pixels.image(int(row)), THUMBNAIL_SIDE) for row in rows])
    return copy_distances(originals, copies, same)


def copy_distances(
    originals: np.ndarray, copies: np.ndarray, same: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of each image to its own copies, and of all pairs of different images.

    Args:
        originals: (n, d) unit rows; copies: (n, c, d) unit rows.
        same: (n, n) bool, symmetric; these pairs of images are left out as neither the one nor the other.

    Returns:
        (n c,) distances of copies; distances of other pairs: originals among each other, once, and every
        original to every copy of another.
    """
    count = len(originals)
    own = 1 - np.einsum("nd,ncd->nc", originals, copies).ravel()
    among = 1 - originals @ originals.T
    across = 1 - np.einsum("nd,mcd->nmc", originals, copies, optimize=True)
    different = ~(same | np.eye(count, dtype=bool))
    others = np.concatenate([among[np.triu(different)], across[different].ravel()])
    # A collapsed encoder must not seem to tell by its last digits what it can't tell.
    return rounded_distances(own), rounded_distances(others)


def everyday_views(size: int) -> CopyViews:
    """Views as the copies that lie about in folders: mostly the whole picture, changed a little.

    Training needs stronger ones; a threshold chosen on those would be one for copies that hardly occur.
    """
    return CopyViews(
        size,
        whole=0.7,
        min_area=0.6,
        aspect_jitter=0.1,
        mirror=0.05,
        quarter_turn=0.05,
        colour=0.3,
        cast=0.02,
        negative=0,
        grey=0.05,
        posterise=0.01,
        sharpen=0.05,
        overlay=0.1,
        sticker=0.02,
        vignette=0.02,
        blur=0.1,
        motion=0.01,
        pixelate=0.01,
        frame=0.05,
        min_frame_scale=0.8,
        tilt=0.05,
        tilt_degrees=5,
        perspective=0.01,
        noise=0.1,
        max_noise=0.08,
    )


def _copy_embeddings(
    encoder: GivesUnitRows, pixels: PixelCache, rows: np.ndarray, seed: int, device: torch.device
) -> np.ndarray:
    """(n, c, d) unit rows of altered copies of the images `rows`."""
    views = everyday_views(encoder.spec.size)
    generator = torch.Generator().manual_seed(seed)
    encoder.eval()
    embedded = []
    with torch.no_grad():
        for start in range(0, len(rows), SCORE_BATCH):
            crops = []
            for row in rows[start : start + SCORE_BATCH]:
                rng = np.random.default_rng([seed, FRESH, int(row)])
                crops += [views.crop(pixels.image(int(row)), rng) for _ in range(COPIES)]
            batch = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2)
            changed = views.finish(batch.float().div_(255), generator)
            # As a file would store them: eight bits a channel.
            changed = (changed * 255).round() / 255
            embedded.append(encoder.unit_rows(changed).cpu())
    return torch.cat(embedded).view(len(rows), COPIES, -1).numpy()


def sample_squares(pixels: PixelCache, size: int, count: int) -> np.ndarray:
    """(n, S, S, 3) uint8: up to `count` images as the encoder takes them, for comparing runtimes.

    Spread over the whole: a folder a class would show one class alone.
    """
    rows = np.linspace(0, len(pixels) - 1, min(count, len(pixels))).astype(np.int64)
    return np.stack([square(pixels.image(int(row)), size) for row in rows])
