"""The opponent of every table: the same network before it has learnt anything.

Random features tell more than one would think, so a figure means little without this one beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from augnet_cli.errors import EncoderError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.in_torch import InTorch

SETTLING = 128  # images whose statistics its batch norms take
PASSES = 40  # over them: running statistics move a tenth of the way at a time


def untrained_encoder(architecture: Mapping[str, object], pixels: np.ndarray, seed: int) -> InTorch:
    """A new network of an architecture, with the weights that training would begin with.

    Args:
        architecture: of an encoder's card.
        pixels: (n, S, S, 3) uint8, images for `settle`.

    Raises:
        EncoderError: this version can't build it.
    """
    # Nobody else's random numbers are to change.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            encoder = Encoder(EncoderSpec(**architecture))  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise EncoderError(
                "this version can't build a network of its architecture", "--no-untrained leaves it out"
            ) from error
        settle(encoder, pixels)
    return InTorch(encoder, id="untrained", method="untrained")


def settle(encoder: Encoder, pixels: np.ndarray) -> None:
    """Give the network the mean and deviation of (n, S, S, 3) uint8 images, and its batch norms their own.

    Otherwise all its embeddings lie in one narrow cone, and it would be no opponent.
    """
    encoder.mean.copy_(torch.from_numpy(pixels.mean(axis=(0, 1, 2)) / 255))
    encoder.std.copy_(torch.from_numpy(np.maximum(pixels.std(axis=(0, 1, 2)), 1) / 255))
    # A batch norm learns nothing from a single image; from the same one twice as much as there is.
    some = np.repeat(pixels, 2, axis=0) if len(pixels) == 1 else pixels
    images = torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255
    encoder.train()
    with torch.no_grad():
        for _ in range(PASSES):
            encoder(images)
    encoder.eval()
