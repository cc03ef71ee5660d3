"""Embeddings of whole, unaltered images under an encoder that is still torch's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from augnet_cli.images.squares import square
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.pixels import PixelCache

EMBED_BATCH = 128


def embed_all(encoder: Encoder, pixels: PixelCache, device: torch.device) -> np.ndarray:
    """(n, d) unit rows of every image, whole and unaltered, under the present encoder in eval mode."""
    return embed_images(encoder, pixels.image, len(pixels), device)


def embed_images(
    encoder: Encoder, image: Callable[[int], np.ndarray], count: int, device: torch.device
) -> np.ndarray:
    """(n, d) unit rows of `count` images, each (h, w, 3) uint8, stretched to the encoder's size."""
    was_training = encoder.training
    encoder.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, count, EMBED_BATCH):
            numbers = range(start, min(start + EMBED_BATCH, count))
            squares = np.stack([square(image(number), encoder.spec.size) for number in numbers])
            batch = torch.from_numpy(squares).to(device).permute(0, 3, 1, 2).float().div_(255)
            rows.append(encoder.unit_rows(batch).cpu())
    encoder.train(was_training)
    return torch.cat(rows).numpy()
