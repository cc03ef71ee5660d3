"""What an encoder can do on the images at hand: it finds their altered copies among all the others.

Copies are made by `copy_views`, so nothing here needs a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from augnet_cli.duplicates.calibrate import threshold_for_precision
from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.trainer import embed_images

SAMPLE = 2000  # images: 2 million pairs of different ones show one false pair in a thousand copies
COPIES = 2  # altered copies of each
SCORE_BATCH = 64  # images, with their copies, at a time
PRECISIONS = (0.9, 0.99, 0.999)


@dataclass(frozen=True)
class CopyScores:
    """`thresholds` and `recalls` by precision as text; `sample` images were judged."""

    thresholds: dict[str, float]
    recalls: dict[str, float]
    sample: int


def score_copies(encoder: Encoder, pixels: PixelCache, seed: int, device: torch.device) -> CopyScores:
    """Measure at which distance copies of a sample of `pixels` are told from other images, and how many are found."""
    rows = np.random.default_rng([seed, 1]).permutation(len(pixels))[:SAMPLE]
    originals = embed_images(encoder, lambda i: pixels.image(int(rows[i])), len(rows), device)
    copies = _copy_embeddings(encoder, pixels, rows, seed, device)
    own, others = copy_distances(originals, copies)
    thresholds, recalls = {}, {}
    for precision in PRECISIONS:
        threshold, recall = threshold_for_precision(own, others, precision)
        # Rounded down, so that the card's short number never lets in more than was measured.
        thresholds[str(precision)] = float(np.floor(threshold * 1e4) / 1e4)
        recalls[str(precision)] = round(recall, 4)
    return CopyScores(thresholds, recalls, len(rows))


def copy_distances(originals: np.ndarray, copies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of each image to its own copies, and of all pairs of different images.

    Args:
        originals: (n, d) unit rows; copies: (n, c, d) unit rows.

    Returns:
        (n c,) distances of copies; distances of other pairs: originals among each other, once, and every
        original to every copy of another.
    """
    count = len(originals)
    own = 1 - np.einsum("nd,ncd->nc", originals, copies).ravel()
    among = 1 - originals @ originals.T
    across = 1 - np.einsum("nd,mcd->nmc", originals, copies, optimize=True)
    different = ~np.eye(count, dtype=bool)
    return own, np.concatenate([among[np.triu_indices(count, 1)], across[different].ravel()])


def _copy_embeddings(
    encoder: Encoder, pixels: PixelCache, rows: np.ndarray, seed: int, device: torch.device
) -> np.ndarray:
    size = encoder.spec.size
    views = CopyViews(size)
    generator = torch.Generator().manual_seed(seed)
    encoder.eval()
    made = []
    for row in rows:
        rng = np.random.default_rng([seed, 2, int(row)])
        crops = np.stack([views.crop(pixels.image(int(row)), rng) for _ in range(COPIES)])
        made.append(crops)
    embedded = []
    with torch.no_grad():
        for start in range(0, len(made), SCORE_BATCH):
            batch = (
                torch.from_numpy(np.concatenate(made[start : start + SCORE_BATCH]))
                .to(device)
                .permute(0, 3, 1, 2)
            )
            changed = views.finish(batch.float().div_(255), generator)
            # As a file would store them: eight bits a channel.
            changed = (changed * 255).round() / 255
            embedded.append(functional.normalize(encoder(changed).float(), dim=1).cpu())
    return torch.cat(embedded).view(len(rows), COPIES, -1).numpy()


def sample_squares(pixels: PixelCache, size: int, count: int) -> np.ndarray:
    """(n, S, S, 3) uint8: the first `count` images as the encoder takes them, for comparing runtimes."""
    squares = [
        np.asarray(Image.fromarray(pixels.image(row)).resize((size, size), Image.Resampling.BILINEAR))
        for row in range(min(count, len(pixels)))
    ]
    return np.stack(squares)
