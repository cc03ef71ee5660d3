"""What is done to an encoder once its training is over: the whitening, and the scale of its distances."""

from __future__ import annotations

import numpy as np
import torch

from augnet_cli.duplicates.calibrate import threshold_for_precision
from augnet_cli.training.embedding import embed_images
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.scoring import images_of_score, sample_distances
from augnet_cli.training.whitening import CUT_PRECISION, IMAGES_PER_AXIS, fitted_whitening, scaled_to_cut

MOST_IMAGES = 8000  # embedded for the covariance: 30 for each of 256 axes, some seconds


def images_of_finish(encoder: Encoder, images: int, whitens: bool = True) -> int:
    """How many pictures, copies included, `finish` embeds of the `images` that were trained on."""
    if not whitens or images < IMAGES_PER_AXIS * encoder.dim:
        return 0
    return min(images, _most(encoder)) + images_of_score(images)


def finish(encoder: Encoder, pixels: PixelCache, seed: int, device: torch.device) -> None:
    """Fit the whitening on the images trained on, and set the scale; with too few both stay as they were."""
    if not images_of_finish(encoder, len(pixels)):
        return
    encoder.whitening = None
    rows = np.random.default_rng([seed, len(pixels)]).permutation(len(pixels))[: _most(encoder)]
    embeddings = embed_images(encoder, lambda i: pixels.image(int(rows[i])), len(rows), device)
    whitening = fitted_whitening(embeddings).to(device)
    encoder.whiten(whitening)
    own, others = sample_distances(encoder, pixels, seed, device)
    distance, _ = threshold_for_precision(own, others, CUT_PRECISION)
    scaled_to_cut(whitening, distance)


def _most(encoder: Encoder) -> int:
    return max(MOST_IMAGES, IMAGES_PER_AXIS * encoder.dim)
