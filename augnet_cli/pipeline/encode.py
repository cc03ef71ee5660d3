"""`encode`: embeddings of a few files, without a store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import ImageError
from augnet_cli.images.decode import decode
from augnet_cli.images.files import read_bytes
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable


def encode(images: Sequence[str], encoder: str | None = None) -> np.ndarray:
    """Embed image files: (n, d) float32 unit rows in the order given; distance is 1 - dot product.

    Args:
        encoder: an encoder file; None takes the shipped one.

    Raises:
        ImageError: one of them can't be used.
        EncoderError: the encoder can't be used.
    """
    embedder = Embedder.load(encoder or shipped_encoder())
    size = embedder.resize.size
    pixels = np.empty((len(images), size, size, 3), np.uint8)
    for row, image in enumerate(images):
        try:
            pixels[row] = decode(read_bytes(image), embedder.resize, name=image).pixels
        except Unusable as error:
            raise ImageError(f"{shown(image)}: {error.reason}", "leave it out, or repair it") from error
    return embedder.embed(pixels)
