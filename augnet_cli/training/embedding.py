"""Embeddings of images while training, under an encoder that is still torch's or one that is a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.images.squares import square
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.loader import ViewLoader
from augnet_cli.training.methods.method import Method, RowsOf
from augnet_cli.training.pixels import PixelCache

EMBED_BATCH = 128


class Modes(Protocol):
    """What can train and be used, as every module of torch."""

    training: bool

    def eval(self) -> object: ...

    def train(self, mode: bool = True) -> object: ...


class GivesUnitRows(Modes, Protocol):
    """What is asked of an encoder here: `training.encoder.Encoder` has it, and `InFile`."""

    spec: EncoderSpec

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
    batches = _squares(image, count, encoder.spec.size, device)
    return _rows(encoder, encoder.unit_rows, batches)


def assign_images(
    encoder: Encoder, image: Callable[[int], np.ndarray], count: int, device: torch.device
) -> np.ndarray:
    """(n, C) scores of the encoder's own clusters for the images that `embed_images` takes."""
    head = encoder.clusters
    assert head is not None
    batches = _squares(image, count, encoder.spec.size, device)
    return _rows(encoder, lambda images: head(encoder(images)).float(), batches)


def embed_rows(method: Method, rows_of: RowsOf, pixels: PixelCache, device: torch.device) -> np.ndarray:
    """(n, ...) what a method's `rows_of` makes of every image, whole and unaltered, in eval mode."""
    batches = _squares(pixels.image, len(pixels), method.encoder.spec.size, device)
    return _rows(method, rows_of, batches)


def embed_views(method: Method, rows_of: RowsOf, loader: ViewLoader, epoch: int) -> np.ndarray:
    """(n, ...) what `rows_of` makes of one view of each image, other ones in each epoch, in eval mode."""
    return _rows(method, rows_of, loader.first_views(epoch, EMBED_BATCH))


def _squares(
    image: Callable[[int], np.ndarray], count: int, size: int, device: torch.device
) -> Iterator[Tensor]:
    """Batches (b, 3, S, S) in [0, 1] of `count` images, stretched to a square."""
    for start in range(0, count, EMBED_BATCH):
        numbers = range(start, min(start + EMBED_BATCH, count))
        squares = np.stack([square(image(number), size) for number in numbers])
        yield torch.from_numpy(squares).to(device).permute(0, 3, 1, 2).float().div_(255)


def _rows(module: Modes, rows_of: RowsOf, batches: Iterable[Tensor]) -> np.ndarray:
    was_training = module.training
    module.eval()
    with torch.no_grad():
        rows = [rows_of(batch).cpu() for batch in batches]
    module.train(was_training)
    return torch.cat(rows).numpy()
