"""Embeddings of images while training, under an encoder that is still torch's or one that is a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.images.squares import square
from augnet_cli.training.encoder import EncoderSpec
from augnet_cli.training.pixels import PixelCache

EMBED_BATCH = 128


class GivesUnitRows(Protocol):
    """What is asked of an encoder here: `training.encoder.Encoder` has it, and `InFile`."""

    spec: EncoderSpec
    training: bool

    def eval(self) -> object: ...

    def train(self, mode: bool = True) -> object: ...

    def unit_rows(self, images: Tensor) -> Tensor: ...


class InFile(nn.Module):
    """An encoder file in the form of `GivesUnitRows`."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        self.embedder = embedder
        self.spec = EncoderSpec(size=embedder.resize.size, dim=embedder.dim)

    def unit_rows(self, images: Tensor) -> Tensor:
        """Unit rows (B, d) of float images (B, 3, S, S) in [0, 1], which go through eight bits a channel."""
        pixels = (images * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return torch.from_numpy(self.embedder.embed(pixels))


def embed_all(encoder: GivesUnitRows, pixels: PixelCache, device: torch.device) -> np.ndarray:
    """(n, d) unit rows of every image, whole and unaltered, under the present encoder in eval mode."""
    return embed_images(encoder, pixels.image, len(pixels), device)


def embed_images(
    encoder: GivesUnitRows, image: Callable[[int], np.ndarray], count: int, device: torch.device
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
